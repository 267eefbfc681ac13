"""medplib data check: everything that is wrong is named with list and record, and nothing else."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mecovqa import (
    FAULTS,
    MODALITIES,
    OF_EACH_SUBSET,
    PICTURE_FAULTS,
    Corpus,
    conversation,
    make_corpus,
    picture,
    write_list,
)
from PIL import Image
from program import BINARY, Program, environment, peak_memory
from training import make_training

FOUND, INPUT = 1, 4


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return make_corpus(tmp_path / "SAMed2D_v1")


def checked(medplib: Program, *lists: Path, code: int = 0, pictures: bool = False) -> Any:
    words = ["--images", "SAMed2D_v1", "--json", *(["--pictures"] if pictures else [])]
    return medplib("data", "check", *lists, *words, code=code).json


def test_nothing_is_found_where_nothing_is_wrong(medplib: Program, corpus: Corpus, tmp_path: Path) -> None:
    file = write_list(tmp_path / "json/train.json", corpus.records)
    found = checked(medplib, file, pictures=True)
    assert found["findings"] == [] and found["faults"] == {} and found["at_fault"] == 0
    assert found["records"] == 3 * OF_EACH_SUBSET and found["images"] == OF_EACH_SUBSET
    assert found["regions"] == found["masks"] == OF_EACH_SUBSET
    assert found["subset"] == dict.fromkeys(("complex", "grounding", "region"), OF_EACH_SUBSET)
    assert found["answer_type"] == {"": OF_EACH_SUBSET, "closed": OF_EACH_SUBSET, "open": OF_EACH_SUBSET}
    assert sum(found["modality"].values()) == found["records"] and found["modality"].keys() == set(MODALITIES.values())
    subsets = ["complex", "grounding", "region"]
    assert found["published"] == {"records": 310000, "modalities": sorted(MODALITIES.values()), "subsets": subsets}


def test_each_fault_is_named_with_list_and_record_and_nothing_else_is(
    medplib: Program, corpus: Corpus, tmp_path: Path
) -> None:
    made = {**FAULTS, **PICTURE_FAULTS}
    records = corpus.records + [make(corpus) for _, make in made.values()]
    file = write_list(tmp_path / "json/train.json", records)
    first = len(corpus.records)
    for pictures, named in ((False, FAULTS), (True, made)):
        found = checked(medplib, file, code=FOUND, pictures=pictures)
        told = [(finding["record"], finding["fault"]) for finding in found["findings"]]
        assert told == [(first + i, fault) for i, (fault, _) in enumerate(made.values()) if i < len(named)]
        assert found["at_fault"] == len(named)
        for finding in found["findings"]:
            assert finding["list"] == str(file) and finding["line"] == finding["record"] + 2
            assert f"{file}, record {finding['record']} ({finding['id']}), line" in finding["message"]
            assert "\n" not in finding["message"] and len(finding["message"]) <= 1000


def test_people_are_told_the_same_a_line_a_fault(medplib: Program, corpus: Corpus, tmp_path: Path) -> None:
    records = corpus.records + [make(corpus) for _, make in FAULTS.values()]
    file = write_list(tmp_path / "train.json", records)
    told = medplib("data", "check", file, "--images", "SAMed2D_v1", code=FOUND)
    findings = checked(medplib, file, code=FOUND)["findings"]
    lines = told.out.splitlines()[: len(findings)]
    assert lines == [f"{finding['fault']}: {finding['message']}" for finding in findings]
    assert f"{len(FAULTS)} of {len(records)} records are at fault: " in told.out and "missing_file 4" in told.out
    assert told.err == ""


def test_the_table_has_counts_beside_what_is_known_of_the_whole(
    medplib: Program, corpus: Corpus, tmp_path: Path
) -> None:
    told = medplib("data", "check", write_list(corpus.root / "train.json", corpus.records)).out
    rows = [line.split() for line in told.splitlines()]
    assert ["records", "36", "310000"] in rows
    assert ["X-ray", "6", "has", "it"] in rows
    assert ["(not", "said)", "12"] in rows
    assert "Nothing is wrong with the records." in told
    assert "pictures were not opened: --pictures also looks for" in told


def test_modalities_are_counted_by_one_name_whatever_records_call_them(
    medplib: Program, corpus: Corpus, tmp_path: Path
) -> None:
    called = ["MR", "MRI", "X-Ray", "Fundus photograph", "fundus", "Dermoscopy", "OCT"]
    records = [corpus.complex(number, modality=modality) for number, modality in enumerate(called)]
    file = write_list(tmp_path / "train.json", records)
    counts = checked(medplib, file)["modality"]
    assert counts == {"MR": 2, "X-ray": 1, "fundus": 2, "dermoscopy": 1, "OCT": 1}
    rows = [line.split() for line in medplib("data", "check", file, "--images", "SAMed2D_v1").out.splitlines()]
    for modality in MODALITIES.values():
        assert [modality, str(counts.get(modality, 0)), "has", "it"] in rows
    assert ["OCT", "1", "lacks", "it"] in rows


def test_an_image_in_two_lists_and_one_that_looks_like_it_are_leaks(
    medplib: Program, corpus: Corpus, tmp_path: Path
) -> None:
    train = write_list(tmp_path / "train.json", [corpus.complex(0), corpus.complex(1), corpus.complex(2)])
    bright = Image.fromarray((picture(2) * 0.9 + 20).astype(np.uint8)).resize((80, 64), Image.Resampling.BICUBIC)
    turns = conversation("<image>\nq", "a")
    alike = {"image": corpus.save("images/copy.png", np.asarray(bright)), "conversations": turns}
    test = write_list(tmp_path / "test.json", [corpus.complex(3), corpus.region(1), corpus.grounding(1), alike])
    found = checked(medplib, train, test, code=FOUND, pictures=True)
    told = [(Path(finding["list"]).name, finding["record"], finding["fault"]) for finding in found["findings"]]
    assert told == [("test.json", 1, "leak"), ("test.json", 3, "near_duplicate")]
    leak, near = (finding["message"] for finding in found["findings"])
    assert f'record 1 in "{train}"' in leak and f'record 2 in "{train}"' in near
    assert [finding["fault"] for finding in checked(medplib, train, test, code=FOUND)["findings"]] == ["leak"]
    assert checked(medplib, train)["findings"] == checked(medplib, test)["findings"] == []


def test_records_as_they_were_published_can_be_learnt_from(medplib: Program, corpus: Corpus, tmp_path: Path) -> None:
    make_training(tmp_path)
    write_list(tmp_path / "json/train.json", corpus.records)
    there = ("train=json/train.json", "images=SAMed2D_v1")
    plan = medplib("train", "recipe.json", *there, "--dry-run").out
    rows = [line.split() for line in plan.splitlines()]
    assert ["all", str(OF_EACH_SUBSET), str(3 * OF_EACH_SUBSET), str(OF_EACH_SUBSET)] in rows
    assert {"Set0", "Set1", "Set2"} <= {row[0] for row in rows if row}
    medplib("train", "recipe.json", *there, "steps=1", "--out", "out")
    elsewhere = medplib("train", "recipe.json", there[0], "--dry-run", code=INPUT).err
    assert "images/ct_00--Set0--case.0.5--x_0000" in elsewhere and '"images"' in elsewhere


def test_lists_that_cannot_be_read_are_code_4_and_wrong_use_is_code_2(medplib: Program, tmp_path: Path) -> None:
    (tmp_path / "object.json").write_text('{"records": []}')
    (tmp_path / "cut.json").write_text('[{"image": "a.png"')
    (tmp_path / "late.json").write_text("[{},\n{} {}]")
    medplib.refuses(INPUT, "data", "check", "none.json", saying="none.json")
    medplib.refuses(INPUT, "data", "check", "object.json", saying="must hold a list of records")
    medplib.refuses(INPUT, "data", "check", "cut.json", "--json", saying="not valid JSON")
    ended = medplib("data", "check", "late.json", code=INPUT)  # the record before was told
    assert "late.json" in ended.err and "line 2, behind 2 records" in ended.err and "record 0" in ended.out
    medplib.refuses(INPUT, "data", "check", "late.json", "--json", saying="line 2, behind 2 records")
    medplib.refuses(2, "data", saying="check")
    medplib.refuses(2, "data", "mend", "train.json", saying="check")
    medplib.refuses(2, "data", "check", saying="list of records")


def test_json_lines_are_refused_with_what_makes_a_list_of_them(
    medplib: Program, corpus: Corpus, tmp_path: Path
) -> None:
    lines = tmp_path / "train.jsonl"
    lines.write_text("\n".join(json.dumps(record) for record in corpus.records) + "\n\n")
    told = medplib.refuses(INPUT, "data", "check", lines, saying="JSON Lines").err
    advice = told.split(": ")[-1].replace("FILE", str(lines)).replace("LIST", str(tmp_path / "list"))
    subprocess.run(["sh", "-c", advice], check=True)
    assert checked(medplib, tmp_path / "list.json")["records"] == len(corpus.records)


def test_ids_are_shown_and_compared_as_they_are_written(medplib: Program, corpus: Corpus, tmp_path: Path) -> None:
    long = "123456789012345678901234567890"
    ids = [long + "1", long + "2", "0.10", "0.1", long + "1"]
    records = [corpus.complex(number, id=f"number {written}") for number, written in enumerate(ids)]
    file = write_list(tmp_path / "train.json", records)
    file.write_text(re.sub(r'"number ([^"]+)"', r"\1", file.read_text()))
    (finding,) = checked(medplib, file, code=FOUND)["findings"]
    assert (finding["fault"], finding["record"], finding["id"]) == ("duplicate_id", 4, long + "1")
    assert f"({long}1)" in finding["message"] and "record 0" in finding["message"]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_full_disk_is_a_failure(medplib: Program, tmp_path: Path, options: list[str]) -> None:
    write_list(tmp_path / "train.json", [{}] * 1000)
    with open("/dev/full", "wb") as full:
        ended = medplib("data", "check", "train.json", *options, code=1, stdout=full.fileno())
    assert "disk full" in ended.err


def synthetic(count: int) -> Iterator[str]:
    """Records of four about an image, whose files aren't looked for twice."""
    for number in range(count):
        image = f"images/ct_00--Set--case.{number // 4}--x_0001.png"
        turns = conversation(f"<image>\nWhat does number {number} show?" + " Say more." * 20, f"Answer {number}.")
        yield json.dumps({"id": str(number), "image": image, "conversations": turns})


def write_synthetic(file: Path, count: int) -> Path:
    """As write_list, of records that are never all there; their images are one picture."""
    with file.open("w") as opened:
        opened.write("[" + next(synthetic(1)))
        opened.writelines(",\n" + record for number, record in enumerate(synthetic(count)) if number)
        opened.write("]")
    (file.parent / "images").mkdir(exist_ok=True)
    Image.fromarray(picture(0)).save(file.parent / "images/one.png")
    for number in range((count + 3) // 4):
        link = file.parent / f"images/ct_00--Set--case.{number}--x_0001.png"
        if not link.exists():
            link.hardlink_to(file.parent / "images/one.png")
    return file


SLOW = pytest.mark.skipif("MEDPLIB_SLOW_TESTS" not in os.environ, reason="100,000 records: scripts/test --full runs it")
SIZES = [(2_000, 10_000), pytest.param(20_000, 100_000, marks=SLOW)]
BYTES_A_RECORD = 200


@pytest.mark.parametrize(("few", "many"), SIZES)
def test_memory_hardly_grows_with_the_list(tmp_path: Path, few: int, many: int) -> None:
    less = peak_memory("data", "check", write_synthetic(tmp_path / "few.json", few))
    more = peak_memory("data", "check", write_synthetic(tmp_path / "many.json", many))
    assert more - less < BYTES_A_RECORD * (many - few) + 2_000_000


@pytest.mark.parametrize(("few", "many"), SIZES)
def test_memory_does_not_grow_with_what_is_found(tmp_path: Path, few: int, many: int) -> None:
    lists = [write_list(tmp_path / f"{count}.json", [{"image": "none.png"}] * count) for count in (few, many)]
    less, more = (peak_memory("data", "check", file, "--json", code=FOUND) for file in lists)
    assert more < 1.02 * less


def test_ctrl_c_ends_a_check_with_code_130(medplib: Program, tmp_path: Path) -> None:
    pipe = tmp_path / "endless.json"
    os.mkfifo(pipe)
    call: list[str | os.PathLike[str]] = [BINARY, "data", "check", pipe]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        with suppress(BrokenPipeError), pipe.open("w") as writer:
            writer.write("[{},\n")
            writer.flush()
            process.send_signal(signal.SIGINT)
            while process.poll() is None:
                writer.write("{},\n" * 1000)
                writer.flush()
        assert process.wait(60) == 130
