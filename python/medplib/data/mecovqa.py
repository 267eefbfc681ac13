"""The subsets of MeCoVQA: records of complex, region and grounding pairs, each to learn from and held out.

Zero-shot modalities. The paper ("Towards a Multimodal Large Language Model with Pixel-Level Insight for Biomedicine",
AAAI 2025, arXiv 2412.09278) tests grounding on five modalities that its grounding data does not have; its abstract
doesn't name them. A reproduction's notes on GitHub, which quote the paper's figures beside their own, head the columns
X-Ray, End, MR, US and FP, and find CT, PET and dermoscopy alone in MeCoVQA_Grounding_test.json. Its scripts read
zeroshot4grounding/ with a file for each of the five, and one of PET. So the five are those of ZERO_SHOT.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from . import anatomy
from .claims import contradiction
from .files import written_whole
from .metadata import MODALITIES, MetaData, Picture, read_metadata
from .notes import Notes
from .progress import told_of
from .records import Record
from .templates import GROUNDING, SUBSETS, Pair

ZERO_SHOT = ("X-Ray", "Endoscopy", "MRI", "Ultrasound", "Fundus photograph")
TRAIN, VALIDATE, APART = "train", "validate", "zero_shot"
KEPT_OUT = "kept_out"  # what would be learnt from but for the zero-shot modalities: counted, and in no file
TABLE = "mecovqa.md"

Counts = Counter[tuple[str, str, str]]  # by modality, subset and part
PairsOf = Callable[[Picture, MetaData], list[Pair]]


def part_of(subset: str, picture: Picture, zero_shot: bool) -> str:
    """Where a pair goes."""
    if zero_shot and subset == GROUNDING and picture.modality in ZERO_SHOT:
        return APART if picture.held_out else KEPT_OUT
    return VALIDATE if picture.held_out else TRAIN


def make_record(picture: Picture, ident: str, pair: Pair, meta: MetaData) -> Record:
    """`source` says what the pair was made from."""
    seen = [each for each in meta.seen if each.name in pair.names]
    question, answer = (text.replace("{}", seen[0].whole if seen else "") for text in (pair.question, pair.answer))
    turns = [{"from": "human", "value": f"<image>\n{question}"}, {"from": "gpt", "value": answer}]
    record: Record = {
        "id": ident,
        "image": picture.image,
        "answer_type": "closed" if pair.task == "presence" else "open",
        "conversations": turns,
        "set": picture.set,
        "group": picture.group,
        "modality": picture.modality,
        "task": pair.task,
        "subset": pair.subset,
    }
    if len(pair.names) == 1:
        record["structure"] = pair.names[0]
    masks = [mask for each in seen for mask in each.masks]
    source = {"image": picture.image, "masks": masks, "metadata": meta.about(pair.names), **pair.origin}
    return {**record, **picture.marks, "source": source}


class Subsets:
    """Writes the subsets' files record by record; they are there when all is written, and not before."""

    def __init__(self, out: Path, zero_shot: bool) -> None:
        self._zero_shot = zero_shot
        parts = [(subset, part) for subset in SUBSETS for part in (TRAIN, VALIDATE)]
        parts += [(GROUNDING, APART)] if zero_shot else []
        self._files = {key: out / f"{'_'.join(key)}.json" for key in parts}
        self._open: dict[tuple[str, str], BinaryIO] = {}
        self.counts: Counts = Counter()

    def write(self, root: Path, pictures: Iterable[Picture], pairs_of: PairsOf, told: Notes) -> None:
        """Errors: OSError, ValueError."""
        pictures = list(pictures)
        known = frozenset(anatomy.STRUCTURES.union(each.name for picture in pictures for each in picture.masked))
        with ExitStack() as stack:
            for key, file in self._files.items():
                file.parent.mkdir(parents=True, exist_ok=True)
                self._open[key] = stack.enter_context(written_whole(file))
            for picture in told_of(pictures, "images asked about"):
                self._write_picture(root, picture, pairs_of, known, told)
            for key, out in self._open.items():
                out.write(b"\n]\n" if self._total(key) else b"[]\n")
            for out in self._open.values():
                out.flush()  # what the disk has no room for is known before one of them gets its name

    def _write_picture(
        self, root: Path, picture: Picture, pairs_of: PairsOf, known: frozenset[str], told: Notes
    ) -> None:
        meta = read_metadata(root, picture, told)
        for index, pair in enumerate(pairs_of(picture, meta)):
            ident = f"{picture.set}__{picture.id}__{pair.subset[-1]}{index:02d}"
            if wrong := contradiction(pair.question, pair.answer, meta, pair.names, known):
                told.add(wrong[0], Path(ident), wrong[1])
                continue
            key = (pair.subset, part_of(pair.subset, picture, self._zero_shot))
            if key in self._open:
                record = json.dumps(make_record(picture, ident, pair, meta), ensure_ascii=False)
                self._open[key].write(f"{',' if self._total(key) else '['}\n{record}".encode())
            self.counts[picture.modality, *key] += 1

    def _total(self, key: tuple[str, str]) -> int:
        return sum(count for (_, *of), count in self.counts.items() if tuple(of) == key)

    def table(self) -> str:
        """Pairs by modality, subset and part, in Markdown."""
        keys = [*self._files, *([(GROUNDING, KEPT_OUT)] if self._zero_shot else [])]
        heads = [f"{subset[-1].upper()} {part.replace('_', '-')}" for subset, part in keys]
        rows = [["modality", *heads]]
        for modality in MODALITIES:
            rows.append([modality, *(str(self.counts[modality, subset, part]) for subset, part in keys)])
        rows.append(["all", *(str(self._total(key)) for key in keys)])
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        rows.insert(1, ["-" * width for width in widths])
        return "\n".join(f"| {' | '.join(map(str.ljust, row, widths))} |" for row in rows)
