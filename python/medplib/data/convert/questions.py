"""Sets of questions and answers about whole pictures."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..commands import Commands
from ..folder import make_record
from ..masks import KEPT_WORDS
from ..progress import told_of
from ..records import Record
from ..words import without_tags
from .output import Output, Source, add_output

EMPTY = "skipped: {} records with an empty question or answer, such as {}"
RESERVED = "skipped: {} records with USER: or ASSISTANT:, which mean something else to a training, such as {}"
TWICE = "skipped: {} records that repeat an earlier one about the same picture, such as {}"
DAMAGED = "skipped: {} records that lack what the format promises, such as {}"


@dataclass(frozen=True)
class Asked:
    """A question as the set has it."""

    record: str  # how it is named when something is wrong: file and number
    id: str  # unique in the set
    part: str
    folder: Path  # where the set's pictures are
    image: str  # the picture's name in there
    group: str  # what is learnt from or held out together; empty: the picture by itself
    question: str
    answer: str
    closed: bool
    task: str = "vqa"
    modality: str = ""


def write_questions(asked: Iterable[Asked], out: Output) -> None:
    """Errors: OSError, ValueError."""
    parts: dict[str, list[Record]] = {}
    seen: set[tuple[str, ...]] = set()
    for each in told_of(list(asked), "questions read"):
        if record := _record(each, out, seen):
            parts.setdefault(each.part, []).append(record)
    out.write(parts)


def _record(asked: Asked, out: Output, seen: set[tuple[str, ...]]) -> Record | None:
    question, answer = without_tags(asked.question), without_tags(asked.answer)
    said = (asked.part, asked.image, question, answer)
    wrong = _fault_of(question, answer, said in seen)
    if wrong:
        out.told.add_name(wrong, asked.record)
        return None
    file = out.find(asked.folder, asked.image, asked.record)
    placed = out.place(file, str(Path(asked.image).with_suffix("")), asked.record) if file else None
    if placed is None:
        return None
    seen.add(said)
    return {
        "id": f"{out.source.set_name}__{asked.id}",
        "image": placed.file.relative_to(out.root).as_posix(),
        "set": out.source.set_name,
        "group": asked.group or placed.file.stem,
        "modality": asked.modality or "unknown",
        **make_record(asked.task, question, answer, closed=asked.closed),
    }


def _fault_of(question: str, answer: str, is_said: bool) -> str:
    if not question or not answer:
        return EMPTY
    if any(word in text for word in KEPT_WORDS for text in (question, answer)):
        return RESERVED
    return TWICE if is_said else ""


def entries(records: Iterable[Any], name: str, needed: Iterable[str], out: Output) -> Iterator[tuple[int, str, Any]]:
    """The number of each record, how it is named, and the record, but for those that lack a value, which are told."""
    for number, record in enumerate(records):
        where = f"{name} record {number}"
        lacks = [key for key in needed if not isinstance(record, dict) or not _is_word(record.get(key))]
        if lacks:
            out.told.add_name(DAMAGED, f'{where} (no "{lacks[0]}")')
        else:
            yield number, where, record


def _is_word(value: Any) -> bool:
    return isinstance(value, (str, int, float)) and not isinstance(value, bool)


def add_set(kinds: Commands, name: str, layout: str, example: str) -> argparse.ArgumentParser:
    """The options of every set: where it is, and where to write."""
    kind = kinds.add_parser(
        name,
        help=f"the question set {name}",
        description=f"Reads {layout}.",
        epilog=f"example: python -m medplib.data convert {name} {example}",
    )
    kind.add_argument("source", type=Path, help="the set's folder, as its publisher ships it, unpacked")
    add_output(kind)
    return kind


def make_output(options: argparse.Namespace, source: Source) -> Output:
    """Errors: ValueError, where there is no source."""
    if not options.source.is_dir():
        raise ValueError(f"{options.source}: there is no such folder; unpack the set and give the folder that it makes")
    return Output(options, source)
