"""VQA-RAD, SLAKE, PathVQA and PMC-VQA, as their publishers ship them, as records."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest
from medplib.data.convert.output import link_or_copy
from medplib.report.records import read_records
from PIL import Image
from published_sets import as_json, as_pickle, convert, path_vqa, picture, pmc_vqa, records, said, slake, vqa_rad

VERSION_1 = {
    "Figure_path": "PMC1_F1.jpg",
    "Question": "What is seen?",
    "Answer": "Focal uptake",
    **{f"Choice {words[0]}": f" {words} " for words in ("A:One", "B:Focal uptake", "C:No", "D:-")},
    "Answer_label": "B",
}
VERSION_2 = {
    "index": "5",
    "Figure_path": "PMC2_Fig1_2.jpg",
    "Caption": "A scan",
    "Question": "Which, one?",
    **{f"Choice {letter}": f"{letter}: {letter.lower()}" for letter in "ABCD"},
    "Answer": "D",
    "split": "test",
}


def test_vqa_rad_keeps_the_words_and_its_test_questions_apart(tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "out"
    assert convert("vqa-rad", vqa_rad(tmp_path / "source"), "--out", out) == 0
    assert said(out) == [("Is there a mass?", "No"), ("Which plane?", "axial")]
    assert said(out, "test") == [("How many lungs?", "2")]
    assert [(r["task"], r["answer_type"]) for r in records(out)] == [("vqa", "closed"), ("plane", "closed")]
    assert not (out / "validate.json").exists()
    assert "in several parts: 1 images or patients, such as a" in capsys.readouterr().out


@pytest.mark.parametrize("validation", ["validate.json", "validation.json"])
def test_slake_has_three_parts_and_english_questions(tmp_path: Path, capsys: Any, validation: str) -> None:
    out = tmp_path / "out"
    assert convert("slake", slake(tmp_path / "source", validation), "--out", out) == 0
    for part in ("train", "validate", "test"):
        assert said(out, part) == [("Which is it?", "MRI")]
        assert [(r["modality"], r["task"], r["set"]) for r in records(out, part)] == [("MRI", "modality", "slake")]
    assert "skipped: 3 records in another language than English" in capsys.readouterr().out


def test_path_vqa_is_read_from_its_pickles(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert convert("path-vqa", path_vqa(tmp_path / "source"), "--out", out) == 0
    for part in ("train", "validate", "test"):
        assert said(out, part) == [("Is it benign?", "yes"), ("What is shown?", "a cell")]
        assert [record["answer_type"] for record in records(out, part)] == ["closed", "open"]


class Runs:
    """What a pickle of it runs when it is read as usual."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.file),)


def test_a_pickle_that_runs_something_is_refused_and_nothing_is_run_or_written(tmp_path: Path, capsys: Any) -> None:
    source, made = path_vqa(tmp_path / "source"), tmp_path / "made"
    as_pickle(source / "qas/val/val_qa.pkl", [Runs(made)])
    assert convert("path-vqa", source, "--out", tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert "val_qa.pkl is no pickle of plain lists and texts" in told and "posix.mkdir" in told
    assert not made.exists() and not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x04", pickle.dumps({"image": 1}), b"not a pickle", b"\x80\x04]\x94R."])
def test_a_damaged_pickle_is_a_sentence(tmp_path: Path, capsys: Any, content: bytes) -> None:
    source = path_vqa(tmp_path / "source")
    (source / "qas/train/train_qa.pkl").write_bytes(content)
    assert convert("path-vqa", source, "--out", tmp_path / "out") == 1
    assert "train_qa.pkl" in capsys.readouterr().err


def test_pmc_vqa_asks_with_the_choices_in_both_versions(tmp_path: Path) -> None:
    out = tmp_path / "out"
    files = pmc_vqa(tmp_path / "train.csv", [VERSION_1]), pmc_vqa(tmp_path / "test_2.csv", [VERSION_2])
    assert convert("pmc-vqa", *files, "--images", tmp_path / "figures", "--out", out) == 0
    assert said(out) == [("What is seen? A: One B: Focal uptake C: No D: -", "B: Focal uptake")]
    assert said(out, "test") == [("Which, one? A: a B: b C: c D: d", "D: d")]
    assert [record["group"] for record in records(out) + records(out, "test")] == ["PMC1", "PMC2"]


def test_an_answer_that_is_no_choice_and_another_csv_are_told(tmp_path: Path, capsys: Any) -> None:
    wrong = {**VERSION_1, "Answer_label": "E"}
    file = pmc_vqa(tmp_path / "train.csv", [wrong, {**VERSION_1, "Answer_label": "", "Answer": "A: One"}])
    assert convert("pmc-vqa", file, "--images", tmp_path / "figures", "--out", tmp_path / "out") == 0
    assert "1 records whose answer is none of the choices, such as train.csv record 0" in capsys.readouterr().out
    assert said(tmp_path / "out")[0][1] == "A: One"
    (tmp_path / "test.csv").write_text("a,b\n1,2\n")
    given = (tmp_path / "test.csv", "--images", tmp_path / "figures", "--out", tmp_path / "other")
    assert convert("pmc-vqa", *given) == 1
    assert 'test.csv has no column "Figure_path"' in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_everything_skipped_is_counted_by_reason_and_named(tmp_path: Path, capsys: Any) -> None:
    source = slake(tmp_path / "source")
    good = {"img_name": "xmlab0/source.jpg", "question": "Why?", "answer": "So", "answer_type": "OPEN"}
    (source / "imgs/text.jpg").write_text("no picture")
    faults: list[Any] = [{**good, "answer": ""}, good, {**good, "img_name": "xmlab9/source.jpg"}, "text"]
    faults += [{**good, "img_name": name} for name in ("../secret.jpg", "/etc/passwd", "text.jpg")]
    faults += [{**good, "question": "USER: why?"}, {"img_name": "xmlab0/source.jpg"}, {**good, "answer": None}]
    as_json(source / "train.json", [good, *faults])
    assert convert("slake", source, "--out", tmp_path / "out") == 0
    told = capsys.readouterr().out
    for line in (
        "skipped: 1 records with an empty question or answer, such as train.json record 1\n",
        "skipped: 1 records that repeat an earlier one about the same picture, such as train.json record 2\n",
        "skipped: 1 records whose picture is not there, such as train.json record 3 (xmlab9/source.jpg)\n",
        "skipped: 2 records whose picture leads out of the folder of pictures, such as train.json record 5 (../secret",
        "skipped: 1 records whose picture cannot be read, such as train.json record 7 (text.jpg)\n",
        "skipped: 1 records with USER: or ASSISTANT:, which mean something else to a training, such as train.json rec",
        'skipped: 3 records that lack what the format promises, such as train.json record 4 (no "img_name"), train.js',
    ):
        assert line in told
    assert said(tmp_path / "out") == [("Why?", "So")]


def test_tags_in_the_words_are_words(tmp_path: Path) -> None:
    source = slake(tmp_path / "source")
    entry = {"img_name": "xmlab0/source.jpg", "question": "Is it <SEG> or\n< 2 cm?", "answer": "> 2", "answer_type": ""}
    as_json(source / "train.json", [entry])
    convert("slake", source, "--out", tmp_path / "out")
    assert said(tmp_path / "out") == [("Is it less than SEG more than or less than 2 cm?", "more than 2")]


def test_pictures_are_linked_once_and_the_source_stays_as_it_is(tmp_path: Path) -> None:
    source, out = path_vqa(tmp_path / "source"), tmp_path / "out"
    before = {file: file.read_bytes() for file in source.rglob("*") if file.is_file()}
    convert("path-vqa", source, "--out", out)
    assert {file: file.read_bytes() for file in source.rglob("*") if file.is_file()} == before
    assert {file.name for file in (out / "images").iterdir()} == {f"{p}_0001.jpg" for p in ("train", "val", "test")}
    for record in read_records(out / "train.json"):
        file = out / record["image"]
        assert file.samefile(source / "images/train/train_0001.jpg") and not file.is_symlink()


def test_a_picture_that_is_no_png_or_jpeg_becomes_png(tmp_path: Path) -> None:
    source, out = vqa_rad(tmp_path / "source"), tmp_path / "out"
    with Image.open(source / "VQA_RAD Image Folder/a.jpg") as shown:
        shown.save(source / "VQA_RAD Image Folder/a.jpg", format="BMP")
    convert("vqa-rad", source, "--out", out)
    assert (out / records(out)[0]["image"]).read_bytes().startswith(b"\x89PNG")


def test_where_no_link_can_be_made_the_picture_is_copied(tmp_path: Path, monkeypatch: Any) -> None:
    def refused(*_: Any) -> None:
        raise OSError("another disk")

    monkeypatch.setattr(os, "link", refused)
    picture(tmp_path / "a.png")
    link_or_copy(tmp_path / "a.png", tmp_path / "below/b.png")
    assert (tmp_path / "below/b.png").read_bytes() == (tmp_path / "a.png").read_bytes()
    assert [file.name for file in (tmp_path / "below").iterdir()] == ["b.png"]


@pytest.mark.parametrize(
    ("kind", "make", "licence"),
    [("vqa-rad", vqa_rad, "CC0 1.0"), ("slake", slake, "CC BY 4.0"), ("path-vqa", path_vqa, "MIT")],
)
def test_licence_and_citation_go_along(tmp_path: Path, kind: str, make: Any, licence: str) -> None:
    out = tmp_path / "out"
    convert(kind, make(tmp_path / "source"), "--out", out)
    about = json.loads((out / "source.json").read_text())
    assert about["licence"] == licence and len(about["citation"]) > 40
    assert licence in (out / "LICENCE.md").read_text() and about["citation"] in (out / "LICENCE.md").read_text()


def test_a_second_run_writes_the_same_and_a_folder_of_something_else_is_refused(tmp_path: Path, capsys: Any) -> None:
    source, out = slake(tmp_path / "source"), tmp_path / "out"
    convert("slake", source, "--out", out)
    before = {file: file.read_bytes() for file in out.rglob("*") if file.is_file()}
    assert convert("slake", source, "--out", out) == 0
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before
    assert convert("vqa-rad", vqa_rad(tmp_path / "rad"), "--out", out) == 1
    assert "holds files that no conversion of vqa-rad has written" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in out.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("kind", ["vqa-rad", "slake", "path-vqa"])
def test_a_folder_of_something_else_says_what_is_missing(tmp_path: Path, capsys: Any, kind: str) -> None:
    (tmp_path / "empty").mkdir()
    assert convert(kind, tmp_path / "empty", "--out", tmp_path / "out") == 1
    assert "give the folder that holds" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_nothing_left_is_an_error_with_the_reasons(tmp_path: Path, capsys: Any) -> None:
    source = path_vqa(tmp_path / "source")
    for file in source.rglob("*.jpg"):
        file.unlink()
    assert convert("path-vqa", source, "--out", tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert "nothing is left to ask about; skipped: 6 records whose picture is not there" in told
