"""Records and a recipe from a folder of images and masks: a user's own data."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from .commands import Commands
from .files import write_whole
from .masks import How, Values, as_phrase
from .own import Drawn, Own, OwnFolder
from .records import ABSENT, MODALITY, PRESENCE, REGION, SEGMENT, SEGMENTED, Record, number


class Grouped(Protocol):
    """What is learnt from or held out together with all of its group."""

    @property
    def group(self) -> str: ...


Member = TypeVar("Member", bound=Grouped)


def split(found: Sequence[Member], fraction: float) -> tuple[list[Member], list[Member]]:
    """Those to learn from and those held out: the same ones for the same names, those of a group on one side."""
    if not 0 < fraction < 1:
        raise ValueError(f"--held-out is {fraction}: give a fraction above 0 and below 1, such as 0.2")
    groups = sorted({own.group for own in found}, key=lambda name: number("held out", name))
    if len(groups) < 2:
        raise ValueError("all images are of one group: nothing would be left to learn from or to judge by")
    held_out = set(groups[: min(max(1, round(fraction * len(groups))), len(groups) - 1)])
    return [own for own in found if own.group not in held_out], [own for own in found if own.group in held_out]


def _shown(found: Sequence[Own], anything: bool) -> set[str]:
    """The structures that some image shows, or that an empty mask says some image does not."""
    return {phrase for own in found for phrase, mask in own.masks.items() if mask.anything == anything}


Plan = dict[tuple[str, str], int]  # by image and structure


def plan_presence(found: Sequence[Own], open_structures: Iterable[str], vary: bool) -> Plan:
    """In how many wordings an image is asked whether it shows a structure.

    To learn from, the rare "No" is said in more wordings, and "Yes" about as often as "No".
    """
    plan: Plan = {}
    for phrase in open_structures:
        shown = {own.name: own.masks[phrase].anything for own in found if phrase in own.masks}
        there = sorted((name for name in shown if shown[name]), key=lambda name: number("presence", name, phrase))
        absent = [name for name in shown if not shown[name]]
        times = 1
        if vary:
            times = max(1, min(len(PRESENCE), len(there) // len(absent)))
            there = there[: times * len(absent)]
        plan |= {(name, phrase): times for name in absent} | {(name, phrase): 1 for name in there}
    return plan


@dataclass(frozen=True)
class Asking:
    """What the records about a folder's images have in common."""

    root: Path  # their paths start from it
    set_name: str
    modality: str  # empty where it is not known, and not asked for

    def common(self, own: Own) -> Record:
        """What each record about the image begins with, behind its id."""
        image = own.image.relative_to(self.root).as_posix()
        return {"image": image, "set": self.set_name, "group": own.group, "modality": self.modality or "unknown"}


def records_of(parts: Mapping[str, Sequence[Own]], asking: Asking) -> dict[str, list[Record]]:
    """The records of each part; what can be learnt is what "train" shows.

    Whether a structure is there is asked of those alone of which both answers can be learnt.
    """
    learnt = parts.get("train", ())
    both = _shown(learnt, True) & _shown(learnt, False)
    return {part: make_own_records(found, asking, both, part == "train") for part, found in parts.items()}


def make_own_records(found: Sequence[Own], asking: Asking, open_structures: Iterable[str], vary: bool) -> list[Record]:
    """What is asked about each image; of an empty mask, that nothing is there."""
    presence = plan_presence(found, open_structures, vary)
    records = []
    for own in found:
        common = asking.common(own)
        for index, record in enumerate(_about(own, asking, presence, vary)):
            records.append({"id": f"{own.name}__{index:03d}", **common, **record})
    return records


def _about(own: Own, asking: Asking, presence: Mapping[tuple[str, str], int], vary: bool) -> list[Record]:
    def words(wordings: Sequence[str], phrase: str, times: int = 1) -> list[str]:
        pick = number("wording", own.name, wordings[0], phrase) % (len(wordings) + 1) if vary else 0
        first = pick % len(wordings)  # the first wording twice as often as the others
        return [wordings[(first + more) % len(wordings)].format(phrase) for more in range(times)]

    records = []
    for phrase, mask in own.masks.items():
        times = presence.get((own.name, phrase), 0)
        if mask.anything:
            path = mask.file.relative_to(asking.root).as_posix()
            records += [make_record("segment", q, SEGMENTED.format(path), phrase) for q in words(SEGMENT, phrase)]
            records.append(_place_record(mask, asking, phrase))
        else:
            asked = words(SEGMENT, phrase, max(1, times))
            records += [make_record("absent", q, ABSENT.format(phrase), phrase) for q in asked]
        answer = "Yes" if mask.anything else "No"
        records += [make_record("presence", q, answer, phrase, closed=True) for q in words(PRESENCE, phrase, times)]
    records += [_place_record(place, asking, phrase) for phrase, place in own.places]
    if asking.modality:
        records += [make_record("modality", q, asking.modality) for q in words(MODALITY, "")]
    return records


def _place_record(place: Drawn, asking: Asking, phrase: str) -> Record:
    path = place.file.relative_to(asking.root).as_posix()
    return make_record("region", REGION.format(path), f"{phrase.capitalize()}.", phrase)


def make_record(task: str, question: str, answer: str, structure: str = "", closed: bool = False) -> Record:
    turns = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    record: Record = {"task": task, "answer_type": "closed" if closed else "open", "conversations": turns}
    if structure:
        record["structure"] = structure
    return record


def recipe(root: Path, model: Path) -> dict[str, Any]:
    """Everything of `model` goes on learning, at a rate that does not wipe out what it knows."""
    start = os.path.relpath(model.resolve(), root.resolve())
    return {
        "model": start,
        "start": [start],
        "train": "train.json",
        "validate": "validate.json",
        "objective": "joint",
        "steps": 400,
        "images_per_step": 8,
        "learning_rate": 3e-4,
        "warmup": 20,
        "average": 0.98,
        "checkpoint_every": 50,
        "validate_every": 50,
    }


def check_model(model: Path) -> None:
    """Errors: ValueError, where it is no model folder."""
    if not (model / "config.json").exists():
        raise ValueError(f"{model}: this is no model folder; give one with --model, such as models/tiny")


def build_folder(folder: OwnFolder, modality: str, model: Path, fraction: float) -> None:
    """Write train.json, validate.json and recipe.json into the folder."""
    check_model(model)
    root, found = folder.root, folder.read()
    learnt, held_out = split(found, fraction)
    parts = {"train": learnt, "validate": held_out}
    for name, records in records_of(parts, Asking(root, root.resolve().name, modality)).items():
        write_whole(root / f"{name}.json", as_json(records))
        groups = f" of {len({own.group for own in parts[name]})} groups" if folder.group else ""
        print(f"{name}.json: {len(parts[name])} images{groups}, {len(records)} questions")
    print(f"recipe.json: {write_recipe(root / 'recipe.json', recipe(root, model), model)}")
    for line in structure_lines(found, learnt) + folder.told.lines():
        print(line)
    if folder.phrase and not any(folder.phrase in own.masks for own in found):
        print(f'--phrase "{folder.phrase}": no mask shows it, since all say otherwise by their names or --values')


def structure_lines(found: Sequence[Own], learnt: Sequence[Own]) -> list[str]:
    """What is told of each structure, and which of them nothing to learn from lacks."""
    lines, always = [], _shown(learnt, True) - _shown(learnt, False)
    for structure in sorted(_shown(found, True) | _shown(found, False)):
        masks = [own.masks[structure] for own in found if structure in own.masks]
        empty = sum(not mask.anything for mask in masks)
        lines.append(f"  {structure}: {len(masks)} masks" + (f", {empty} of them empty" if empty else ""))
    return lines + [
        f"{structure}: nothing to learn from says that it isn't there, so the model will draw it in every picture; "
        "add pictures without it, each with an empty mask"
        for structure in sorted(always)
    ]


def write_recipe(file: Path, content: Mapping[str, Any], model: Path) -> str:
    """What became of it: one that the user has edited stays."""
    text = as_json(content)
    if file.exists() and file.read_bytes() != text.encode():
        return "kept as it is, though other than would be written now; delete it to get a new one"
    write_whole(file, text)
    return f"starts from {model}"


def as_json(content: object) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def add_to(commands: Commands) -> None:
    folder = commands.add_parser(
        "folder",
        help="records and a recipe from your own images and masks",
        description="Writes train.json, validate.json and recipe.json into FOLDER; an edited recipe.json is kept. "
        "Images are FOLDER/images/NAME.png, masks FOLDER/masks/NAME.png or FOLDER/masks/NAME__structure.png (JPEG, "
        "TIFF, BMP, GIF, WebP and some more, too); an empty mask says that nothing is there. Files are taken as a "
        "viewer shows them: what a training would read otherwise is copied to FOLDER/prepared. A file that is not "
        "used is told.",
        epilog='example: python -m medplib.data folder mydata --phrase "ring marker" --model models/tiny',
    )
    folder.add_argument("folder", type=Path)
    folder.add_argument("--phrase", default="", help="what the masks show that don't say it in their names")
    folder.add_argument(
        "--values",
        metavar="VALUE=NAME,...",
        help="split the masks that don't say in their names what they show: the structure of each value or, as "
        "'#ff0000=liver', of each colour, such as 1=liver,2=spleen; one that a mask does not have isn't there. Of a "
        "palette that has colours, the values are its indices",
    )
    folder.add_argument(
        "--threshold",
        type=float,
        metavar="T",
        help="the value, as the file has it, at which the inside of a mask begins: for heat maps, soft edges and what "
        "JPEG makes of masks (default: anything above 0)",
    )
    folder.add_argument("--modality", default="", help='how the images were taken, such as "CT"')
    folder.add_argument("--model", type=Path, required=True, help="the model folder to start from")
    folder.add_argument(
        "--held-out", type=float, default=0.2, help="fraction to judge by, above 0 and below 1 (default: 0.2)"
    )
    folder.add_argument(
        "--group",
        default="",
        metavar="REGEX",
        help="images whose names share what this finds, such as a patient, are learnt from or held out together",
    )
    folder.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    values = None if options.values is None else Values.parse(options.values)
    phrase, modality = as_phrase(options.phrase, "--phrase"), as_phrase(options.modality, "--modality")
    own = OwnFolder(options.folder, phrase, options.group, How(options.threshold, values))
    build_folder(own, modality, options.model, options.held_out)
