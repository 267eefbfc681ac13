"""Records put to the engine as a user would: one result a record, and what the baselines make of it.

Nothing is teacher-forced, and an answer without a mask counts as an empty one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from .. import _native as _native  # before _core
from .._core import AskOptions, Overlap
from ..data.named import file_below
from ..data.progress import Progress
from .baselines import FrequentAnswers, MeanShapes
from .clicks import CLICKS, box_of, filled, next_click
from .measures import Pixels, dice, mean_value, normalised
from .records import Record, Result, answer_of, masks_of, read_mask

KEPT = ("id", "image", "set", "group", "modality", "subset", "task", "structure", "answer_type", "strict", "own")
MARKS = ("in_sample", "left_out")
MAX_NEW_TOKENS = 64


def load_to_judge(folder: Path | None) -> tuple[Any, dict[str, str]]:
    """The model and the SHA-256 of its weights.

    It is allowed to refine: whether its manifest should allow it is for the figures to say.
    """
    import medplib

    model = medplib.load(folder)
    weights = {file.name: _sha256(file) for file in sorted(Path(model.folder).glob("*.safetensors"))}
    return (model if model.info["refines"] else _refining(model)), weights


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _refining(model: Any) -> Any:
    import medplib

    with TemporaryDirectory() as name:
        twin = Path(name)
        for file in Path(model.folder).resolve().iterdir():
            (twin / file.name).symlink_to(file)
        manifest = json.loads((twin / "medplib.json").read_text(encoding="utf-8")) | {"refine": True}
        (twin / "medplib.json").unlink()
        (twin / "medplib.json").write_text(json.dumps(manifest), encoding="utf-8")
        return medplib.load(twin)


@dataclass(frozen=True)
class Asker:
    """Asks a model about records whose files lie in `folder`."""

    model: Any
    folder: Path
    shapes: MeanShapes
    answers: FrequentAnswers

    def about_image(self, records: Sequence[Record]) -> list[Result]:
        """Results of the records of one image, which is encoded once."""
        session = self.model.session(file_below(self.folder, records[0]["image"]))
        return [self._about(session, record) for record in records]

    def _about(self, session: Any, record: Record) -> Result:
        kept = {name: record[name] for name in (*KEPT, *MARKS) if name in record}
        if record["task"] == "segment":
            return kept | self._segment(session, record)
        if record["task"] == "absent":
            return kept | {"drawn": bool(len(self._evaluated(session, record)[0]))}
        return kept | self._ask(session, record)

    def _segment(self, session: Any, record: Record) -> Result:
        files = masks_of(record, self.folder)
        trues = [read_mask(file) for file in files]
        for file, true in zip(files, trues, strict=True):
            if not true.any():
                raise ValueError(f"{file} is empty, but a record asks for what it shows: leave the record out")
        answer, overlaps = self._evaluated(session, record)
        drawn = [answer[at] if at < len(answer) else None for at in range(len(trues))]
        each = [self._compare(session, record, *of) for of in zip(drawn, overlaps, trues, strict=True)]
        return each[0] if len(each) == 1 else {key: mean_value([of[key] for of in each]) for key in each[0]}

    def _compare(self, session: Any, record: Record, mask: Any, overlap: Overlap, true: Pixels) -> Result:
        """One mask of the answer, and what it should be."""
        shape = self.shapes.like(record, true)
        return {
            "drawn": mask is not None,
            "dice": overlap.dice,
            "iou": overlap.iou,
            "mean_shape": None if shape is None else dice(shape, true),
            "box_filled": dice(filled(box_of(true), true), true),
            **_refined(session, mask, true),
        }

    def _ask(self, session: Any, record: Record) -> Result:
        said = self._evaluated(session, record)[0].text
        right = normalised(answer_of(record))
        return {
            "said": said,
            "answer": answer_of(record),
            "right": normalised(said) == right,
            "question_only": _same(self.answers.question_only(record), right),
            "majority": _same(self.answers.majority(record), right),
        }

    def _evaluated(self, session: Any, record: Record) -> tuple[Any, list[Overlap]]:
        """The answer, and how its masks overlap the true ones. Errors: MedplibError."""
        options = AskOptions()
        options.max_new_tokens = MAX_NEW_TOKENS
        answer, overlaps = session._evaluate(json.dumps(record), self.folder, options)
        if isinstance(answer, Exception):
            raise answer
        return answer, overlaps


def _same(guess: str | None, right: str) -> bool | None:
    return None if guess is None else guess == right


def _refined(session: Any, mask: Any, true: Pixels) -> Result:
    """Dice of what the true box gives, and of the mask after each simulated click."""
    boxed = dice(session.refine(box=box_of(true)).array, true)
    places, labels, scores = [], [], []
    drawn = mask.array if mask else np.zeros_like(true)
    for _ in range(CLICKS):
        if click := next_click(drawn, true):
            places.append(click[0])
            labels.append(click[1])
            mask = session.refine(mask, point_coords=places, point_labels=labels)
            drawn = mask.array
        scores.append(dice(drawn, true))
    return {"box": boxed, "clicks": scores}


def ask_all(asker: Asker, records: Sequence[Record], jobs: int = 1) -> list[Result]:
    """One result a record, in their order; those of an image are asked together.

    Each of the `jobs` threads computes on one core, so that results don't depend on their number.
    """
    import torch

    places: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        places.setdefault(record["image"], []).append(place)
    found: dict[int, Result] = {}
    with ThreadPoolExecutor(jobs, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        done = pool.map(asker.about_image, [[records[place] for place in of] for of in places.values()])
        with Progress("images asked about", len(places)) as told:
            for of_image, results in zip(places.values(), done, strict=True):
                found |= zip(of_image, results, strict=True)
                told.step()
    return [found[place] for place in range(len(records))]
