"""Read a folder of image sets: labels.json, splits.json and the question files."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import anatomy
from .words import plain_words, without_tags

SPLITS = "splits.json"
OPEN_LICENCES = frozenset({"open", "open-sharealike", "open-unverified"})
WEIGHTINGS = ("T1", "T2")
WEIGHTED = "Is this an MRI image with {} weighted?"
_MODALITIES = {
    "CT": "CT",
    "MR": "MRI",
    "X-ray": "X-Ray",
    "PET": "PET",
    "ultrasound": "Ultrasound",
    "fundus": "Fundus photograph",
    "dermoscopy": "Dermoscopy",
    "endoscopy": "Endoscopy",
    "microscopy": "Microscopy",
    "OCT": "OCT",
}
_WEIGHTINGS = {
    "brain_mets": "T2",
    "mni152_brain": "T1",
    "npc_mr": "T2",
    "spider_spine": "T2",
}  # as their makers name the sets
# In SLAKE's words, of sets that show one part of the body.
_BODY_PARTS = {
    "brain_mets": "Brain",
    "brisc_brain": "Brain",
    "chase_db1": "Eye",
    "chd_ct": "Chest",
    "cpaisd_stroke": "Brain",
    "cxr_shenzhen": "Chest",
    "drishti": "Eye",
    "faz_octa": "Eye",
    "hrf_vessel": "Eye",
    "hvsmr_heart": "Chest",
    "idrid_ex": "Eye",
    "idrid_od": "Eye",
    "liver_ct": "Abdomen",
    "mni152_brain": "Brain",
    "msd_hepatic": "Abdomen",
    "msd_lung": "Chest",
    "msd_spleen": "Abdomen",
    "npc_mr": "Head",
    "pancreas_ct": "Abdomen",
    "rop_ridge": "Eye",
    "vocalfolds": "Neck",
}
# What draws has not been taught from these sets: their own structures are asked about in words alone, and figures of
# their held-out images stand apart.
_IN_WORDS = frozenset(
    {
        "brain_mets",
        "breast_usg",
        "chd_ct",
        "cpaisd_stroke",
        "faz_octa",
        "glomeruli",
        "hrf_vessel",
        "idrid_ex",
        "liver_ct",
        "msd_hepatic",
        "msd_lung",
        "neuroblastoma_nuclei",
        "npc_mr",
        "pancreas_ct",
        "rop_ridge",
        "usgra_nerve",
        "vocalfolds",
        "wbc_krd",
    }
)
TASK_OF = {"modality": "modality", "plane": "plane", "organ": "organ"}


@dataclass(frozen=True)
class Question:
    """A question that the set itself brings."""

    text: str
    answer: str
    task: str
    closed: bool


@dataclass(frozen=True)
class Structure:
    phrase: str
    mask: Path


@dataclass(frozen=True)
class Item:
    """One image with all that its set says about it."""

    set_name: str
    id: str
    group: str
    modality: str  # the word that answers "which modality?", empty when the set does not say
    weighting: str  # of an MRI image, T1 or T2; empty when the set does not say
    location: str  # where the image was taken, in the set's words; empty when it does not say
    body_part: str  # the word that answers "which part of the body?"; empty where the set asks itself or shows several
    image: Path
    structures: tuple[Structure, ...]
    questions: tuple[Question, ...]
    present: frozenset[str]  # every phrase labelled in the image, by mask or by box
    excluded: frozenset[str]  # phrases that the set itself declares absent
    zones: anatomy.Zones
    held_out: bool
    strict: bool  # held out, and without a close neighbour in the training part
    in_sample: bool  # held-out images of the set show the same subject as its training images
    in_words: bool = False  # of a set that only what answers is taught from
    left_out: bool = False  # of a set that is kept from the training as a whole; held out then


@dataclass(frozen=True)
class ImageSet:
    name: str
    modality: str
    licence_class: str
    items: tuple[Item, ...] = field(repr=False)


def phrase(name: str) -> str:
    return plain_words(name.replace("_", " ").lower())


def read_splits(source: Path) -> dict[str, Any]:
    """Of each set the ids to learn from and those held out."""
    splits: dict[str, Any] = json.loads((source / SPLITS).read_text(encoding="utf-8"))["sets"]
    return splits


def read_sets(source: Path, splits: Mapping[str, Any] | None = None) -> tuple[list[ImageSet], list[str]]:
    """The sets that may be used, and a line about each that may not. `splits`: those of the source, if not given."""
    splits = read_splits(source) if splits is None else splits
    sets, skipped = [], []
    for labels_file in sorted(source.glob("*/labels.json")):
        labels = json.loads(labels_file.read_text(encoding="utf-8"))
        if labels["licence_class"] in OPEN_LICENCES:
            sets.append(_read_set(labels_file.parent, labels, splits.get(labels_file.parent.name)))
        else:
            skipped.append(f"{labels_file.parent.name}: licence class {labels['licence_class']}")
    return sets, skipped


def leave_out(sets: Sequence[ImageSet], names: Sequence[str]) -> list[ImageSet]:
    """The sets, all images of those named held out: for a model that is to be asked about sets it never saw."""
    known = [image_set.name for image_set in sets]
    for name in names:
        if name not in known:
            more = f" and {len(known) - 5} more" if len(known) > 5 else ""
            raise ValueError(f"there is no set {name} to leave out; there are {', '.join(known[:5])}{more}")
    return [_kept_from_training(each) if each.name in names else each for each in sets]


def _kept_from_training(image_set: ImageSet) -> ImageSet:
    items = (replace(each, held_out=True, strict=True, in_sample=False, left_out=True) for each in image_set.items)
    return replace(image_set, items=tuple(items))


def _read_set(folder: Path, labels: dict[str, Any], split: dict[str, Any] | None) -> ImageSet:
    """A set without a split is all training material."""
    split = split or {"train": [entry["id"] for entry in labels["items"]], "held_out": []}
    known = {*split["train"], *split["held_out"]}
    questions = _read_questions(folder)
    items = []
    for entry in labels["items"]:
        if entry["id"] not in known:
            raise ValueError(f"{folder.name}: image {entry['id']} is in neither part of splits.json; add it to one")
        items.append(_read_item(folder, entry, tuple(questions[entry["id"]]), split))
    _check_groups(folder.name, items)
    return ImageSet(folder.name, labels["modality"], labels["licence_class"], tuple(items))


def _read_item(folder: Path, entry: dict[str, Any], questions: tuple[Question, ...], split: dict[str, Any]) -> Item:
    meta = entry.get("meta", {})
    structures = tuple(Structure(phrase(s["name"]), folder / s["mask"]) for s in entry["structures"])
    present = frozenset({s.phrase for s in structures} | {phrase(box["name"]) for box in meta.get("boxes", [])})
    zones = anatomy.view(folder.name, meta.get("location", entry["modality"]))
    if meta.get("kind") == "fluorescence":
        zones = frozenset({anatomy.CELLS})
    return Item(
        set_name=folder.name,
        id=entry["id"],
        group=entry["group"],
        modality=_MODALITIES.get(entry["modality"], ""),
        weighting=_WEIGHTINGS.get(folder.name) or _weighting(questions),
        location=meta.get("location", ""),
        body_part=_BODY_PARTS.get(folder.name, ""),
        image=folder / entry["image"],
        structures=structures,
        questions=questions,
        present=present,
        excluded=_excluded(folder.name, present, questions),
        zones=zones,
        held_out=entry["id"] in split["held_out"],
        strict=entry["id"] in split.get("held_out_strict", split["held_out"]),
        in_sample="note" in split,  # only a set whose split says nothing about new subjects carries a note
        in_words=folder.name in _IN_WORDS,
    )


def _weighting(questions: tuple[Question, ...]) -> str:
    """As the set's own questions tell it."""
    for question in questions:
        for name, other in (WEIGHTINGS, WEIGHTINGS[::-1]):
            if question.answer == name:
                return name
            if question.text == WEIGHTED.format(name):
                return name if question.answer == "Yes" else other
    return ""


def _excluded(set_name: str, present: frozenset[str], questions: tuple[Question, ...]) -> frozenset[str]:
    named = " ".join(q.answer.lower() for q in questions)  # a set may contradict itself: what an answer names is there
    said = {name for q in questions for name in anatomy.excluded_by_answer(q.text, q.answer) if name not in named}
    return (anatomy.excluded_by_class(set_name, present) | said) - present


def _check_groups(set_name: str, items: list[Item]) -> None:
    held_out = {item.group for item in items if item.held_out and not item.in_sample}
    shared = sorted(held_out & {item.group for item in items if not item.held_out})
    if shared:
        raise ValueError(f"{set_name}: group {shared[0]} is in both parts of splits.json; split by group")


def _read_questions(folder: Path) -> dict[str, list[Question]]:
    """English questions by image id, in the file's order."""
    found: dict[str, list[Question]] = defaultdict(list)
    file = folder / "qa.json"
    for entry in json.loads(file.read_text(encoding="utf-8")) if file.exists() else []:
        text, answer = without_tags(entry["question"]), without_tags(str(entry["answer"]))
        if entry.get("q_lang", "en") != "en" or not text or not answer:
            continue
        kind = entry.get("content_type") or entry.get("question_type") or ""
        image = entry.get("id") or Path(entry["image_name"]).stem
        closed = entry["answer_type"].strip().lower() == "closed"
        question = Question(text, answer[0].upper() + answer[1:], TASK_OF.get(kind.lower(), "vqa"), closed)
        if question not in found[image]:
            found[image].append(question)
    return found
