"""Training material from made-up sets of images."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from medplib.data import anatomy
from medplib.data.__main__ import main
from medplib.data.records import WEIGHTING, plan_absent, surely_absent
from medplib.data.sources import WEIGHTED, WEIGHTINGS, read_sets
from medplib.data.vocabulary import ADDED, spoken, write_vocabulary
from medplib.report.records import read_records
from PIL import Image


def add_set(root: Path, name: str, modality: str, names: list[str], **more: Any) -> None:
    """A set of five images, 400 by 200, with one structure each by turns of `names`; the last is held out."""
    folder = root / name
    (folder / "images").mkdir(parents=True)
    (folder / "masks").mkdir()
    items = []
    for index in range(5):
        ident = f"case{index}"
        Image.new("RGB", (400, 200), (index * 40, 90, 10)).save(folder / "images" / f"{ident}.png")
        structures = []
        if names:
            mask = Image.new("L", (400, 200))
            mask.paste(255, (100, 50, 300, 150))
            mask.save(folder / "masks" / f"{ident}.png")
            structures = [{"name": names[index % len(names)], "mask": f"masks/{ident}.png"}]
        entry = {"id": ident, "image": f"images/{ident}.png", "modality": modality, "structures": structures}
        items.append({**entry, "group": ident, "meta": {"location": more.get("location", "")}})
    labels = {"modality": modality, "licence_class": more.get("licence", "open"), "items": items}
    (folder / "labels.json").write_text(json.dumps(labels))
    splits_file = root / "splits.json"
    splits = json.loads(splits_file.read_text()) if splits_file.exists() else {"sets": {}}
    splits["sets"][name] = {"train": [f"case{i}" for i in range(4)], "held_out": ["case4"]}
    splits_file.write_text(json.dumps(splits))


def add_questions(root: Path, set_name: str, questions: list[tuple[str, str, str]]) -> None:
    common = {"answer_type": "CLOSED", "id": "case0"}
    entries = [{**common, "question": q, "answer": a, "q_lang": language} for q, a, language in questions]
    (root / set_name / "qa.json").write_text(json.dumps(entries))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    root = tmp_path / "sets"
    add_set(root, "kvasir_polyp", "endoscopy", ["polyp"])
    add_set(root, "brisc_brain", "MR", ["glioma", "meningioma"])
    add_set(root, "slake", "CT", ["Left_Kidney"], location="Abdomen")
    return root


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command with a vocabulary that is small enough for a few made-up sentences."""

    def small(lines: list[str], out: Path) -> None:
        write_vocabulary(lines, out, pieces=400)

    monkeypatch.setattr("medplib.data.tiny.write_vocabulary", small)
    return lambda source, out, *more: main(["tiny", "--source", str(source), "--out", str(out), *more])


def records(out: Path, part: str = "train") -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((out / f"{part}.json").read_text())
    return loaded


def answer(record: dict[str, Any]) -> str:
    return str(record["conversations"][1]["value"])


def test_an_image_is_in_one_part_only(source: Path, tmp_path: Path, build: Any) -> None:
    assert build(source, tmp_path / "out") == 0
    train, validate = (records(tmp_path / "out", part) for part in ("train", "validate"))
    assert {r["group"] for r in validate} == {"case4"}
    assert "case4" not in {r["group"] for r in train}


def test_a_group_in_both_parts_is_refused(source: Path, tmp_path: Path, build: Any, capsys: Any) -> None:
    file = source / "slake" / "labels.json"
    file.write_text(file.read_text().replace('"group": "case4"', '"group": "case0"'))
    assert build(source, tmp_path / "out") == 1
    assert "slake: group case0 is in both parts" in capsys.readouterr().err


def split_again(source: Path, name: str, **split: Any) -> None:
    splits = json.loads((source / "splits.json").read_text())
    splits["sets"][name] |= split
    (source / "splits.json").write_text(json.dumps(splits))


def test_a_set_whose_split_carries_a_note_is_marked_in_sample(source: Path, tmp_path: Path, build: Any) -> None:
    split_again(source, "slake", note="one brain: in-sample whatever the split")
    file = source / "slake" / "labels.json"
    file.write_text(file.read_text().replace('"group": "case4"', '"group": "case0"'))
    assert build(source, tmp_path / "out") == 0
    for part in ("train", "validate"):
        marked = {(r["set"], r.get("in_sample", False)) for r in records(tmp_path / "out", part)}
        assert marked == {("kvasir_polyp", False), ("brisc_brain", False), ("slake", True)}


def test_held_out_images_are_strict_where_the_split_says_so(source: Path, tmp_path: Path, build: Any) -> None:
    parts = {"train": ["case0", "case1", "case2"], "held_out": ["case3", "case4"], "held_out_strict": ["case4"]}
    split_again(source, "slake", **parts)
    build(source, tmp_path / "out")
    marked = {(r["set"], r["group"], r["strict"]) for r in records(tmp_path / "out", "validate")}
    assert {each for each in marked if each[0] == "slake"} == {("slake", "case3", False), ("slake", "case4", True)}
    assert {each[2] for each in marked if each[0] != "slake"} == {True}  # all of it where the split says nothing
    assert not [r for r in records(tmp_path / "out") if "strict" in r]


def test_records_have_mecovqas_form(source: Path, tmp_path: Path, build: Any) -> None:
    out = tmp_path / "out"
    build(source, out)
    everything = records(out) + records(out, "validate")
    assert len({r["id"] for r in everything}) == len(everything)
    for record in everything:
        question, reply = record["conversations"]
        assert (question["from"], reply["from"]) == ("human", "gpt")
        assert question["value"].startswith("<image>\n")
        assert ("<mask>" in reply["value"]) == ("<SEG>" in reply["value"]) == (record["task"] == "segment")
        assert record["answer_type"] in {"open", "closed"}
        assert (out / record["image"]).exists()
    tasks = {r["task"] for r in everything}
    assert tasks == {"segment", "absent", "presence", "region", "modality", "organ"}


def test_records_of_an_image_are_adjacent(source: Path, tmp_path: Path, build: Any) -> None:
    build(source, tmp_path / "out")
    images = [r["image"] for r in records(tmp_path / "out")]
    assert len(set(images)) == 1 + sum(a != b for a, b in pairwise(images))


def test_images_and_masks_are_small_and_fit_each_other(source: Path, tmp_path: Path, build: Any) -> None:
    out = tmp_path / "out"
    build(source, out)
    record = next(r for r in records(out) if r["task"] == "segment")
    mask = Image.open(out / answer(record).split("<mask>")[1].removesuffix("</mask>"))
    assert Image.open(out / record["image"]).size == mask.size == (256, 128)
    assert mask.getbbox() == (64, 32, 192, 96)
    assert {value for _, value in mask.getcolors() or []} == {0, 255}


def test_names_become_phrases(source: Path, tmp_path: Path, build: Any) -> None:
    build(source, tmp_path / "out")
    asked = [r for r in records(tmp_path / "out", "validate") if r["set"] == "slake"]
    assert asked[0]["conversations"][0]["value"] == "<image>\nPlease segment the left kidney in this image."
    assert "Left kidney." in [answer(r) for r in asked if r["task"] == "region"]


def test_names_and_questions_are_as_they_are_seen(source: Path, tmp_path: Path, build: Any) -> None:
    add_set(source, "other", "CT", ["\ufeffLeft_Kid\u00adney\u200b"], location="Abdomen")
    add_questions(source, "other", [("What\u200b is\u00a0it?", "a\u00adn organ\u2060", "en")])
    build(source, tmp_path / "out")
    own = [r for r in records(tmp_path / "out") if r["set"] == "other"]
    assert {r["structure"] for r in own if r["task"] == "segment"} == {"left kidney"}
    assert {"Left kidney.", "An organ"} <= {answer(r) for r in own}
    assert "<image>\nWhat is it?" in {r["conversations"][0]["value"] for r in own}


def test_nothing_that_may_be_in_the_image_is_called_absent(source: Path, tmp_path: Path, build: Any) -> None:
    build(source, tmp_path / "out")
    for record in records(tmp_path / "out") + records(tmp_path / "out", "validate"):
        if record["task"] == "absent" or answer(record) == "No":
            assert (
                record["structure"]
                in {
                    "kvasir_polyp": {"glioma", "meningioma", "left kidney"},
                    "brisc_brain": {"glioma", "meningioma", "left kidney"},
                    "slake": {"glioma", "meningioma"},
                }[record["set"]]
            )


def test_yes_and_no_are_balanced_by_name(source: Path, tmp_path: Path, build: Any) -> None:
    build(source, tmp_path / "out")
    asked = [(r["structure"], answer(r)) for r in records(tmp_path / "out") if r["task"] == "presence"]
    for name in ("glioma", "meningioma", "left kidney"):
        assert asked.count((name, "Yes")) == asked.count((name, "No")) > 0


def test_an_unlabelled_structure_of_the_same_region_is_not_absent(source: Path) -> None:
    slake = next(s for s in read_sets(source)[0] if s.name == "slake").items[0]
    assert not surely_absent("spleen", slake)
    assert surely_absent("optic disc", slake)
    assert not surely_absent("a name that nobody has placed", slake)


def test_the_sets_own_word_makes_a_structure_absent(source: Path) -> None:
    add_questions(source, "slake", [("Does the picture contain spleen?", "No", "en")])
    slake = next(s for s in read_sets(source)[0] if s.name == "slake").items
    assert surely_absent("spleen", slake[0])
    assert not surely_absent("spleen", slake[1])
    assert plan_absent(slake, {"spleen": 5}, "test", 2) == {("slake", "case0"): ["spleen"]}


def test_a_set_that_contradicts_itself_makes_nothing_absent(source: Path) -> None:
    questions = [("Does the picture contain spleen?", "No", "en"), ("Which organ is on the right?", "Spleen", "en")]
    add_questions(source, "slake", questions)
    slake = next(s for s in read_sets(source)[0] if s.name == "slake").items
    assert not surely_absent("spleen", slake[0])


@pytest.mark.parametrize(
    ("question", "reply", "absent"),
    [
        ("Does the picture contain kidney?", "No", {"left kidney", "right kidney"}),
        ("Does the eyes appear in the image?", "No", {"left eye", "right eye"}),
        ("Does the picture contain liver?", "Yes", set()),
        ("Is the liver healthy?", "Yes", {"liver cancer"}),
        ("Is the lung healthy?", "No", set()),
    ],
)
def test_answers_that_exclude(question: str, reply: str, absent: set[str]) -> None:
    assert anatomy.excluded_by_answer(question, reply) == absent


def test_own_questions_are_kept_in_english_with_a_capital_answer(source: Path, tmp_path: Path, build: Any) -> None:
    asked = [("Is x < y?", "no", "en"), ("图像是否正常?", "是", "zh"), ("Empty?", "", "en"), ("Is x < y?", "no", "en")]
    add_questions(source, "slake", asked)
    build(source, tmp_path / "out")
    own = [r["conversations"] for r in records(tmp_path / "out") if r["task"] == "vqa"]
    asked_for = [[turn["value"] for turn in turns] for turns in own]
    assert asked_for == [["<image>\nIs x less than y?", "No"], ["<image>\nis x less than y?", "No"]]


def test_pictures_are_told_apart_by_part_of_the_body_and_weighting(source: Path, tmp_path: Path, build: Any) -> None:
    add_set(source, "mni152_brain", "MR", ["white matter"])  # a T1 template, as its makers name it
    add_questions(source, "slake", [("What type of MRI is shown in this image?", "T2", "en")])
    build(source, tmp_path / "out")
    kinds = {(r["set"], r["image"][-9:-4]): r.get("kind") for r in records(tmp_path / "out")}
    assert kinds["slake", "case0"] == "Abdomen T2"
    assert kinds["slake", "case1"] == "Abdomen"
    assert kinds["mni152_brain", "case1"] == "T1"
    assert kinds["kvasir_polyp", "case1"] is None


@pytest.mark.parametrize(
    ("question", "said", "weighting"),
    [
        ("What is the mr weighting in this image?", "T1", "T1"),
        ("Is this an MRI image with T1 weighted?", "No", "T2"),
        ("Is this an MRI?", "Yes", ""),
    ],
)
def test_a_weighting_that_the_set_tells_is_asked_for_in_all_its_wordings(
    source: Path, tmp_path: Path, build: Any, question: str, said: str, weighting: str
) -> None:
    add_questions(source, "slake", [(question, said, "en")])
    build(source, tmp_path / "out")
    asked = {r["conversations"][0]["value"]: answer(r) for r in records(tmp_path / "out") if r["task"] == "weighting"}
    told = dict.fromkeys(WEIGHTING, weighting)
    told |= {WEIGHTED.format(name): "Yes" if name == weighting else "No" for name in WEIGHTINGS}
    told |= {wording.lower(): reply for wording, reply in told.items()}
    assert asked == {f"<image>\n{wording}": reply for wording, reply in told.items() if weighting}
    assert read_records(tmp_path / "out/train.json") == records(tmp_path / "out")  # as the report does


def question(record: dict[str, Any]) -> str:
    return str(record["conversations"][0]["value"]).removeprefix("<image>\n")


def test_structures_are_named_in_all_cases_and_answered_in_one(source: Path, tmp_path: Path, build: Any) -> None:
    build(source, tmp_path / "out")
    kidneys = [r for r in records(tmp_path / "out") if r.get("structure") == "left kidney"]
    for task in ("segment", "absent"):
        asked = " ".join(question(r) for r in kidneys if r["task"] == task)
        for spelled in ("left kidney", "Left kidney", "Left Kidney", "LEFT KIDNEY"):
            assert spelled in asked, task
    assert {answer(r) for r in kidneys if r["task"] == "absent"} == {"The left kidney is not visible in this image."}
    asked = " ".join(question(r) for r in kidneys if r["task"] == "presence")
    assert "left kidney" in asked and re.search("Left kidney|Left Kidney|LEFT KIDNEY", asked)
    assert {answer(r) for r in kidneys if r["task"] == "region"} == {"Left kidney."}


def test_everything_is_asked_in_lower_case_too_but_for_paths(source: Path, tmp_path: Path, build: Any) -> None:
    add_set(source, "IDRiD", "fundus", ["optic disc"])
    build(source, tmp_path / "out")
    asked = {(r["image"], question(r)) for r in records(tmp_path / "out")}
    for image, text in asked:
        parts = re.split("(<region>.*?</region>)", text)
        assert (image, "".join(p if p.startswith("<region>") else p.lower() for p in parts)) in asked
    assert any("<region>masks/IDRiD/" in text and text.startswith("what is") for _, text in asked)
    held_out = [question(r) for r in records(tmp_path / "out", "validate")]
    assert held_out and not [text for text in held_out if text[0].islower()]


def test_what_draws_is_not_asked_for_what_it_was_not_taught(source: Path, tmp_path: Path, build: Any) -> None:
    add_set(source, "chd_ct", "CT", ["myocardium", "left kidney"])  # a set in words alone
    build(source, tmp_path / "out")
    made = [r for r in records(tmp_path / "out") if r["set"] == "chd_ct"]
    assert {r["structure"] for r in made if r["task"] == "segment"} == {"left kidney"}  # which slake teaches
    for task in ("presence", "region"):
        assert {r["structure"] for r in made if r["task"] == task} >= {"myocardium", "left kidney"}, task
    everything = records(tmp_path / "out") + records(tmp_path / "out", "validate")
    assert not [r for r in everything if r["task"] == "absent" and r["structure"] == "myocardium"]


def test_held_out_images_of_sets_in_words_stand_apart(source: Path, tmp_path: Path, build: Any) -> None:
    build(source, tmp_path / "out")
    before = records(tmp_path / "out", "validate")
    add_set(source, "pancreas_ct", "CT", ["pancreas"])
    build(source, tmp_path / "more")
    assert records(tmp_path / "more", "validate") == before
    assert {(r["set"], r["group"]) for r in records(tmp_path / "more", "validate_words")} == {("pancreas_ct", "case4")}


def test_oct_is_a_modality(source: Path, tmp_path: Path, build: Any) -> None:
    add_set(source, "faz_octa", "OCT", ["foveal avascular zone"])
    build(source, tmp_path / "out")
    told = {answer(r) for r in records(tmp_path / "out") if (r["set"], r["task"]) == ("faz_octa", "modality")}
    assert told == {"OCT"}


def test_what_a_set_always_labels_is_absent_where_it_has_no_label(source: Path) -> None:
    add_set(source, "vocalfolds", "endoscopy", ["glottis", "endotracheal tube"])
    first, second, *_ = next(s for s in read_sets(source)[0] if s.name == "vocalfolds").items
    assert surely_absent("endotracheal tube", first) and not surely_absent("endotracheal tube", second)
    assert not surely_absent("vocal fold", first)


def test_a_set_without_an_open_licence_is_left_out(source: Path, tmp_path: Path, build: Any, capsys: Any) -> None:
    add_set(source, "closed_set", "CT", ["liver"], licence="non-commercial")
    build(source, tmp_path / "out")
    assert "skipped closed_set: licence class non-commercial" in capsys.readouterr().out
    assert "closed_set" not in {r["set"] for r in records(tmp_path / "out")}


def test_a_left_out_set_is_unknown_to_the_training_part(source: Path, tmp_path: Path, build: Any) -> None:
    assert build(source, tmp_path / "out", "--leave-out", "kvasir_polyp") == 0
    train, validate = (records(tmp_path / "out", part) for part in ("train", "validate"))
    assert {r["set"] for r in train} == {"brisc_brain", "slake"}
    assert "polyp" not in json.dumps(train)
    left_out = [r for r in validate if r["set"] == "kvasir_polyp"]
    assert {r["group"] for r in left_out if r["task"] == "segment"} == {f"case{i}" for i in range(5)}
    assert all(r["left_out"] and r["strict"] for r in left_out)


def test_a_name_that_other_sets_share_stays_when_a_set_is_left_out(source: Path, tmp_path: Path, build: Any) -> None:
    add_set(source, "more_polyps", "endoscopy", ["polyp"])
    build(source, tmp_path / "out", "--leave-out", "kvasir_polyp")
    polyps = [r for r in records(tmp_path / "out") if r["task"] == "segment" and r["structure"] == "polyp"]
    assert {(r["set"], r["group"]) for r in polyps} == {("more_polyps", f"case{i}") for i in range(4)}


def test_the_names_of_a_left_out_set_are_asked_for_in_its_own_images(source: Path, tmp_path: Path, build: Any) -> None:
    build(source, tmp_path / "out", "--leave-out", "kvasir_polyp")
    asked = {r["set"] for r in records(tmp_path / "out", "validate") if r.get("structure") == "polyp"}
    assert asked == {"kvasir_polyp"}


def test_an_unknown_set_to_leave_out_is_refused(source: Path, tmp_path: Path, build: Any, capsys: Any) -> None:
    assert build(source, tmp_path / "out", "--leave-out", "kvasir") == 1
    expected = "there is no set kvasir to leave out; there are brisc_brain, kvasir_polyp, slake"
    assert expected in capsys.readouterr().err


def test_held_out_questions_of_the_sets_own_are_marked(source: Path, tmp_path: Path, build: Any) -> None:
    own = {"What modality is used to take this image?": "modality", "Is it big?": "vqa"}
    common = {"answer_type": "OPEN", "q_lang": "en", "id": "case4"}
    entries = [{**common, "question": text, "answer": "CT", "content_type": task} for text, task in own.items()]
    (source / "slake" / "qa.json").write_text(json.dumps(entries))
    build(source, tmp_path / "out")
    marked = [r for r in records(tmp_path / "out", "validate") if r.get("own")]
    assert [(r["set"], r["task"]) for r in marked] == [("slake", "modality"), ("slake", "vqa")]
    assert not [r for r in records(tmp_path / "out") if "own" in r]


def test_the_same_sets_give_the_same_files(source: Path, tmp_path: Path, build: Any) -> None:
    for name in ("one", "two"):
        build(source, tmp_path / name)
    first, second = (
        {f.relative_to(d): f.read_bytes() for f in d.rglob("*.*")} for d in (tmp_path / "one", tmp_path / "two")
    )
    assert first == second


def test_the_added_tokens_follow_the_pieces(source: Path, tmp_path: Path, build: Any) -> None:
    build(source, tmp_path / "out")
    added = json.loads((tmp_path / "out" / "tokenizer" / "added_tokens.json").read_text())
    assert added == {token: 400 + index for index, token in enumerate(ADDED)}


def test_the_vocabulary_is_made_of_words_alone(source: Path, tmp_path: Path, build: Any) -> None:
    build(source, tmp_path / "out")
    assert not [line for line in spoken(records(tmp_path / "out")) if "masks/" in line or "<" in line]


def test_a_missing_folder_is_refused_with_a_sentence(tmp_path: Path, capsys: Any) -> None:
    assert main(["tiny", "--source", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == 1
    assert "nowhere" in capsys.readouterr().err
