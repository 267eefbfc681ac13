"""What the figures of a report should reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from medplib.report.__main__ import main
from medplib.report.card import markdown
from medplib.report.figures import Figure, Table
from medplib.report.measures import Estimate
from medplib.report.targets import Target, read_targets


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """Results of all records: one pair."""
    about = {"task": "segment", "set": "made", "group": "1", "structure": "half", "strict": True}
    file = tmp_path / "kept.json"
    file.write_text(json.dumps({"complete": True, "results": [{**about, "dice": 0.5, "iou": 0.25, "mean_shape": 0.4}]}))
    return file


def run(kept: Path, targets: Any) -> int:
    file = kept.with_name("targets.json")
    file.write_text(json.dumps(targets))
    return main(["--results", str(kept), "--targets", str(file)])


def test_what_was_asked_is_printed_met_or_missed() -> None:
    figures = [
        Figure("good", 3, Estimate(0.7, 0.05), {"gIoU": 0.5}),
        Figure("bad", 4, Estimate(0.2, None), {"gIoU": None}),
        Figure("free", 5, Estimate(1, None)),
        Figure("beside", 6, Estimate(0.51, None), {"gIoU": 0.5}),
    ]
    targets = {
        "good": Target(at_least=0.6, aim=0.7),
        "bad": Target(at_most=0.1),
        "beside": Target(more_than="gIoU", by=0.02),
    }
    lines = markdown([Table("Title", "pairs", "Dice", figures)], {"Title": targets}).splitlines()[-6:]
    assert lines == [
        "|  | pairs | Dice, 95 % interval | gIoU | asked |  |",
        "|---|---:|---:|---:|---|---|",
        "| good | 3 | 0.700 ± 0.050 | 0.500 | ≥ 0.60 (aim 0.70) | met |",
        "| bad | 4 | 0.200 | – | ≤ 0.10 | **missed** |",
        "| free | 5 | 1.000 | – |  |  |",
        "| beside | 6 | 0.510 | 0.500 | ≥ 0.52 | **missed** |",
    ]


def test_targets_are_read_from_a_file(kept: Path, capsys: Any) -> None:
    named = {"all pairs": {"at_least": 0.3}, "mean of sets": {"more_than": "mean shape", "by": 0.2}}
    assert run(kept, {"Text → mask": named}) == 0
    printed = capsys.readouterr().out
    assert "| ≥ 0.30 | met |" in printed and "| ≥ 0.60 | **missed** |" in printed


@pytest.mark.parametrize(
    ("said", "saying"),
    [
        ({}, "all pairs: this asks for nothing; give one of at_least, at_most, more_than"),
        ({"aim": 0.7}, "this asks for nothing"),
        ({"atleast": 0.3}, "there is no atleast; there are at_least"),
        ({"at_least": "0.3"}, "at_least must be a number, not '0.3'"),
        ({"at_most": True}, "at_most must be a number, not True"),
        ({"at_least": float("nan")}, "at_least must be a number, not nan"),
        ({"more_than": 3}, "more_than must be the name of a column, not 3"),
        ({"more_than": "gIoU", "at_least": 0.3}, "give at_least or more_than, not both"),
        ({"at_least": 0.3, "by": 0.1}, "give more_than too"),
        (0.3, "this must be an object"),
    ],
)
def test_a_target_that_asks_for_nothing_or_in_other_words_is_refused(
    kept: Path, capsys: Any, said: Any, saying: str
) -> None:
    assert run(kept, {"Text → mask": {"all pairs": said}}) == 1
    told = capsys.readouterr().err
    assert "targets.json, Text → mask, all pairs: " in told and saying in told


@pytest.mark.parametrize("targets", [{}, [], {"Text → mask": {}}, {"Text → mask": 0.3}])
def test_targets_without_figures_are_refused(kept: Path, capsys: Any, targets: Any) -> None:
    assert run(kept, targets) == 1
    assert "targets.json must be an object of tables" in capsys.readouterr().err


@pytest.mark.parametrize("column", ["box filled", "no such column"])
def test_more_than_a_column_without_a_value_is_refused_and_the_figures_are_printed(
    kept: Path, capsys: Any, column: str
) -> None:
    assert run(kept, {"By set": {"made": {"more_than": column}}}) == 1
    printed = capsys.readouterr()
    assert f"for made to be more than {column}, but no such column has a value; beside it there are" in printed.err
    assert "gIoU, mean shape" in printed.err
    assert "| made | 1 | 0.500 |" in printed.out and "| met |" not in printed.out


@pytest.mark.parametrize(("table", "name"), [("Text → mask", "lung"), ("Text to mask", "all pairs")])
def test_figures_of_all_records_must_hold_what_the_targets_name(kept: Path, capsys: Any, table: str, name: str) -> None:
    targets = {table: {name: {"at_least": 0.3}}}
    assert run(kept, targets) == 1
    assert f"ask for {name} in the table {table}, but there is no such figure" in capsys.readouterr().err
    kept.write_text(kept.read_text().replace('"complete": true', '"complete": false'))
    assert run(kept, targets) == 0


def test_the_embedded_models_card_answers_each_of_its_targets() -> None:
    folder = Path(__file__).resolve().parents[2] / "models" / "tiny"
    card = (folder / "README.md").read_text()
    for title, named in read_targets(folder / "targets.json").items():
        lines = card.partition(f"**{title}**")[2].partition("\n**")[0].splitlines()
        answered = {line.split(" | ")[0].strip("| ") for line in lines if line.endswith(("| met |", "| **missed** |"))}
        assert answered == set(named)
