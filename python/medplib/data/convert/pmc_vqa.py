"""PMC-VQA as its publisher ships it: CSV files, of version 1 or 2, and a folder of figures."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from ..commands import Commands
from .output import Output, Source, add_output
from .parts import by_part
from .questions import Asked, entries, write_questions

SOURCE = Source(
    "pmc_vqa",
    "CC BY-SA (the publisher states no version)",
    "Zhang X., Wu C., Zhao Z., Lin W., Zhang Y., Wang Y., Xie W.: PMC-VQA: Visual Instruction Tuning for Medical "
    "Visual Question Answering. arXiv:2305.10415 (2023)",
    "The publisher says that the papers are under CC0 or CC BY, each as its list of PubMed Central IDs says.",
)
LETTERS = "ABCD"
CHOICES = tuple(f"Choice {letter}" for letter in LETTERS)
NEEDED = ("Figure_path", "Question", *CHOICES)
Row = dict[str, str]
UNANSWERED = "skipped: {} records whose answer is none of the choices, such as {}"


def add_to(kinds: Commands) -> None:
    kind = kinds.add_parser(
        "pmc-vqa",
        help="the question set pmc-vqa",
        description="Reads the CSV files of version 1 (train.csv, and test.csv or test_clean.csv) or 2 (train_2.csv, "
        "test_2.csv). A question is asked with its choices, and answered with the right one.",
        epilog="example: python -m medplib.data convert pmc-vqa train_2.csv test_2.csv --images figures --out pmc_vqa",
    )
    kind.add_argument("source", type=Path, nargs="+", help="CSV files of one version; their names say the part")
    kind.add_argument("--images", type=Path, required=True, help="the folder that images.zip or images_2.zip holds")
    add_output(kind)
    kind.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    files = by_part(options.source)
    if not options.images.is_dir():
        raise ValueError(f"{options.images}: there is no such folder; unpack the set's pictures and give their folder")
    contents = {part: (file.name, _rows(file)) for part, file in files.items()}
    out = Output(options, SOURCE)
    write_questions(_asked(contents, options.images, out), out)


def _rows(file: Path) -> list[Row]:
    """Errors: OSError; ValueError, for a file of other columns."""
    csv.field_size_limit(1 << 20)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream, restkey="more", restval="")
            lacks = [name for name in NEEDED if name not in (rows.fieldnames or ())]
            if lacks:
                raise ValueError(f'{file} has no column "{lacks[0]}": this is no CSV file of PMC-VQA')
            return list(rows)
    except (csv.Error, UnicodeDecodeError) as error:
        raise ValueError(f"{file} is not CSV in UTF-8: {error}") from error


def _asked(contents: Mapping[str, tuple[str, list[Row]]], pictures: Path, out: Output) -> Iterator[Asked]:
    for part, (name, rows) in contents.items():
        for number, record, row in entries(rows, name, NEEDED, out):
            choices = [_choice(row[name], letter) for name, letter in zip(CHOICES, LETTERS, strict=True)]
            right = _right(row, choices)
            if not right:
                out.told.add_name(UNANSWERED, record)
                continue
            yield Asked(
                record=record,
                id=f"{part}_{number}",
                part=part,
                folder=pictures,
                image=row["Figure_path"].strip(),
                group=row["Figure_path"].strip().partition("_")[0],  # the paper
                question=" ".join([row["Question"], *choices]),
                answer=right,
                closed=True,
            )


def _choice(text: str, letter: str) -> str:
    """With its letter, which version 1 has already and version 2 has at times."""
    plain = text.strip()
    return f"{letter}: {plain.removeprefix(f'{letter}:').strip()}"


def _right(row: Mapping[str, str], choices: list[str]) -> str:
    """Version 1 has the letter in Answer_label, version 2 in Answer, and some files the words in Answer."""
    said = (row.get("Answer_label") or row.get("Answer") or row.get("Anwser") or "").strip()
    if said in tuple(LETTERS):
        return choices[LETTERS.index(said)]
    words = said.partition(":")[2].strip() if said[:1] in LETTERS and said[1:2] == ":" else said
    right = [choice for choice in choices if choice.partition(": ")[2] == words]
    return right[0] if len(right) == 1 else ""
