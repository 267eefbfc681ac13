"""MeCoVQA's three subsets, made from the masks of made-up sets."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_sets import CASES, make_sa_med2d, make_sets, read, read_all
from medplib.data.__main__ import main
from medplib.data.mecovqa import ZERO_SHOT
from medplib.data.metadata import MODALITIES, Masked, Picture, read_metadata
from medplib.data.notes import Notes
from medplib.data.tiny import COUNTS
from medplib.report.records import read_records
from PIL import Image


def generate(source: Path, *more: str) -> int:
    return main(["generate", str(source), *more])


def files(out: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(out.glob("mecovqa*"))}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sets of all modalities, and the subsets made of them; tests only read it."""
    source = make_sets(tmp_path_factory.mktemp("made") / "sets")
    assert generate(source) == 0
    return source


def table_of(out: Path) -> str:
    return (out / "mecovqa.md").read_text()


def asked(record: dict[str, Any]) -> str:
    return str(record["conversations"][0]["value"])


def said(record: dict[str, Any]) -> str:
    return str(record["conversations"][1]["value"])


def test_the_same_seed_makes_the_same_bytes_and_another_one_others(made: Path, tmp_path: Path) -> None:
    for name, seed in (("again", "1"), ("other", "2")):
        assert generate(made, "--out", str(tmp_path / name), "--seed", seed) == 0
    assert files(made) == files(tmp_path / "again") != files(tmp_path / "other")
    assert len(files(made)) == 7  # three subsets to learn from and held out, and the table


def test_all_eight_modalities_have_pairs_of_each_subset(made: Path) -> None:
    for subset in "crg":
        for part in ("train", "validate"):
            assert {r["modality"] for r in read(made, subset, part)} == set(MODALITIES), (subset, part)


def test_held_out_images_are_never_learnt_from(made: Path) -> None:
    learnt, held_out = ({r["image"] for r in read_all(made, part)} for part in ("train", "validate"))
    assert learnt and held_out and not learnt & held_out
    assert {Path(image).stem for image in held_out} == {f"case{CASES - 1}"}


def test_without_a_split_groups_are_held_out_as_a_whole(tmp_path: Path) -> None:
    source = make_sets(tmp_path / "sets", splits=False)
    assert generate(source, "--held-out", "0.4") == 0
    learnt, held_out = ({r["group"] for r in read_all(source, part)} for part in ("train", "validate"))
    assert (len(learnt), len(held_out)) == (3, 2) and not learnt & held_out


def test_every_pair_can_be_traced_to_masks_that_say_the_same_again(made: Path) -> None:
    for record in read_all(made, "train") + read_all(made, "validate"):
        origin = record["source"]
        assert origin["image"] == record["image"] and (made / origin["image"]).exists()
        assert re.fullmatch(r"[a-z ]+ \d+", origin["template"])
        for told in origin["metadata"]["structures"]:
            masked = Masked(told["name"], tuple(told["masks"]), told["whole"])
            picture = Picture("s", "i", "g", record["image"], record["modality"], "", (masked,), ())
            again = read_metadata(made, picture, Notes(made)).about((told["name"],))
            assert json.loads(json.dumps(again["structures"])) == [told]
        used = [mask for told in origin["metadata"]["structures"] for mask in told["masks"]]
        assert origin["masks"] == used
        assert set(re.findall(r"<(?:mask|region)>(.*?)</", asked(record) + said(record))) <= set(used)


def test_records_are_of_the_form_that_the_report_and_a_training_read(made: Path) -> None:
    for subset in "crg":
        for record in read_records(made / f"mecovqa_{subset}_train.json"):
            assert asked(record).startswith("<image>\n")
            assert ("<SEG>" in said(record)) == ("<mask>" in said(record)) == (record["task"] == "segment")
            assert ("<region>" in asked(record)) == (subset == "r")
            assert not re.search(r"[{}]", asked(record) + said(record))
            assert record["subset"] == f"mecovqa_{subset}"
    everything = read_all(made, "train") + read_all(made, "validate")
    assert len({r["id"] for r in everything}) == len(everything)


def test_descriptions_say_where_structures_are_and_how_large(made: Path) -> None:
    told = [said(r) for r in read(made, "c", "train") if r["source"]["template"].startswith("describe")]
    expected = (
        "This is a CT image. The liver is medium-sized, covering about 6% of the image, in the upper left part of the "
        "image. The left kidney is medium-sized, covering about 5% of the image, in the lower right part of the image."
    )
    assert told.count(expected) == CASES - 1


def test_an_empty_mask_says_that_the_structure_is_not_there(tmp_path: Path) -> None:
    source = make_sets(tmp_path / "sets", heart=("aorta", "spleen"))
    for file in (source / "set_heart/masks").glob("*spleen.png"):
        Image.new("L", (60, 40)).save(file)
    generate(source)
    about = [r for r in read_all(source, "train") if r["set"] == "set_heart" and "spleen" in asked(r)]
    assert about and {said(r) for r in about} <= {"No", "The spleen is not visible in this image."}


def test_zero_shot_keeps_five_modalities_out_of_grounding_alone(tmp_path: Path) -> None:
    source = make_sets(tmp_path / "sets")
    assert generate(source, "--zero-shot") == 0
    others = set(MODALITIES) - set(ZERO_SHOT)
    assert others == {"CT", "PET", "Dermoscopy"}
    for part in ("train", "validate"):
        assert {r["modality"] for r in read(source, "g", part)} == others
        assert {r["modality"] for r in read(source, "r", part)} == set(MODALITIES)
    apart = read(source, "g", "zero_shot")
    assert {r["modality"] for r in apart} == set(ZERO_SHOT)
    assert {Path(r["image"]).stem for r in apart} == {f"case{CASES - 1}"}


def test_the_table_counts_what_the_option_keeps_out_of_grounding(tmp_path: Path) -> None:
    counted = []
    for name, options in (("with", ["--zero-shot"]), ("without", [])):
        source = make_sets(tmp_path / name)
        assert generate(source, *options) == 0
        heads, _, *rows = [[c.strip() for c in row.strip("|").split("|")] for row in table_of(source).splitlines()]
        counted.append([dict(zip(heads, row, strict=True)) for row in rows])
    for kept, all_of in zip(*counted, strict=True):
        assert int(kept["G train"]) + int(kept["G kept-out"]) == int(all_of["G train"])
        assert int(kept["G validate"]) + int(kept["G zero-shot"]) == int(all_of["G validate"])
    assert int(counted[0][-1]["G kept-out"]) > 0


def test_the_table_counts_what_is_in_the_files(made: Path) -> None:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table_of(made).splitlines()]
    assert rows[0] == ["modality", *(f"{s} {p}" for s in "CRG" for p in ("train", "validate"))]
    assert [row[0] for row in rows[2:]] == [*MODALITIES, "all"]
    keys = [(subset, part) for subset in "crg" for part in ("train", "validate")]
    for column, key in enumerate(keys, start=1):
        records = read(made, *key)
        for row in rows[2:-1]:
            assert int(row[column]) == sum(r["modality"] == row[0] for r in records)
        assert int(rows[-1][column]) == len(records)


def test_sa_med2ds_names_say_modality_case_and_class(tmp_path: Path, capsys: Any) -> None:
    source = make_sa_med2d(tmp_path / "SAMed2Dv1")
    assert generate(source, "--held-out", "0.3") == 0
    everything = read_all(source, "train") + read_all(source, "validate")
    assert {r["modality"] for r in everything} == {"CT", "X-Ray"}
    assert {r["group"] for r in everything} == {f"Made--case_{case}" for case in range(3)}
    assert not {r["group"] for r in read_all(source, "train")} & {r["group"] for r in read_all(source, "validate")}
    drawn = [r for r in everything if r["task"] == "segment"]
    assert {(r["structure"], "masks_merged" in said(r)) for r in drawn} == {("liver", False), ("kidney", True)}
    assert {r["group"] for r in drawn if r["structure"] == "kidney"} == {"Made--case_0"}
    out = capsys.readouterr().out
    assert "8 structures with several masks and none of all in masks_merged/" in out and "merge-masks" in out
    assert any("two separate areas" in said(r) for r in everything)


def test_what_is_not_sa_med2ds_is_counted_and_named(tmp_path: Path, capsys: Any) -> None:
    source = make_sa_med2d(tmp_path / "SAMed2Dv1")
    for name in ("odd.png", "microscopy_00--Made--case_9--2d_none.png"):
        Image.new("L", (60, 40)).save(source / "images" / name)
    Image.new("L", (60, 40)).save(source / "masks/ct_00--Made--case_7--z_0000--0001_000.png")
    Image.new("L", (60, 40)).save(source / "masks/ct_00--Made--case_0--z_0000--0099_000.png")
    assert generate(source) == 0
    out = capsys.readouterr().out
    for line in (
        "1 files whose names are not SA-Med2D's, such as images/odd.png",
        "1 images of other modalities than MeCoVQA's eight, such as images/microscopy_00",
        "1 masks without an image, such as masks/ct_00--Made--case_7",
        "1 masks of a class without a name in SAMed2D_v1_class_mapping_id.json, such as masks/ct_00--Made--case_0",
    ):
        assert line in out


@pytest.mark.parametrize("classes", ["[]", '{"Made": {"liver": "one"}}', "{"])
def test_damaged_class_names_are_refused_with_a_sentence(tmp_path: Path, capsys: Any, classes: str) -> None:
    source = make_sa_med2d(tmp_path / "SAMed2Dv1")
    (source / "SAMed2D_v1_class_mapping_id.json").write_text(classes)
    assert generate(source) == 1
    assert "must hold a number for each class" in capsys.readouterr().err


def test_a_mask_of_another_size_is_named_and_nothing_is_written(tmp_path: Path, capsys: Any) -> None:
    source = make_sets(tmp_path / "sets")
    Image.new("L", (10, 10)).save(source / "set_CT/masks/case2__liver.png")
    assert generate(source) == 1
    told = capsys.readouterr().err
    assert "case2__liver.png: the mask has 10 x 10 pixels, but its image 60 x 40" in told
    assert not list(source.glob("mecovqa*"))


def test_a_folder_without_data_is_refused_with_a_sentence(tmp_path: Path, capsys: Any) -> None:
    assert generate(tmp_path / "nowhere") == 1
    assert "neither images/ and masks/ of SA-Med2D's layout nor folders with labels.json" in capsys.readouterr().err


def test_tiny_writes_the_subsets_from_its_small_pictures(tmp_path: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("medplib.data.tiny.write_vocabulary", lambda lines, out: None)
    source, out, card = make_sets(tmp_path / "sets"), tmp_path / "out", tmp_path / "README.md"
    given = ["tiny", "--source", str(source), "--out", str(out), "--zero-shot", "--card", str(card)]
    card.write_text("# Card\n")
    assert main(given) == 1
    assert "has no place for counts" in capsys.readouterr().err and not out.exists()
    card.write_text(f"# Card\n{COUNTS.begin}\nold\n{COUNTS.end}\nLimits.\n")
    assert main(given) == 0
    table = table_of(out)
    assert table in capsys.readouterr().out
    assert card.read_text() == f"# Card\n{COUNTS.begin}\n\n{table}\n{COUNTS.end}\nLimits.\n"
    assert {r["modality"] for r in read(out, "c", "train")} == set(MODALITIES)
    assert not {r["modality"] for r in read(out, "g", "train")} & set(ZERO_SHOT)
    for record in read_all(out, "train") + read_all(out, "validate"):
        assert all((out / file).exists() for file in (record["image"], *record["source"]["masks"]))
        assert ("strict" in record) == (Path(record["image"]).stem == f"case{CASES - 1}")
