"""Remake the figures of a model card: `python -m medplib.report validate.json`.

Runs held-out records (MeCoVQA's format, as `python -m medplib.data` writes them) through the engine as a user would:
nothing is teacher-forced, an answer without a mask counts as an empty mask.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Record = dict[str, Any]
Pixels = npt.NDArray[np.bool_]

TASKS = ("segment", "absent", "modality", "plane", "organ", "presence", "region", "vqa")

IN_SAMPLE = " (in-sample)"


@dataclass
class Scores:
    """Values by set. Sets whose held-out part isn't really unseen stay out of all means."""

    by_set: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, of_set: str, value: float) -> None:
        self.by_set[of_set].append(value)

    def unseen(self) -> list[list[float]]:
        return [values for name, values in self.by_set.items() if not name.endswith(IN_SAMPLE)]

    def all(self) -> list[float]:
        return [value for values in self.unseen() for value in values]

    def mean_of_sets(self) -> float:
        return float(np.mean([np.mean(values) for values in self.unseen()]))


def dice(drawn: Pixels, true: Pixels) -> float:
    """2 |A ∩ B| / (|A| + |B|); 1 when both are empty."""
    total = int(drawn.sum()) + int(true.sum())
    return 2 * int((drawn & true).sum()) / total if total else 1.0


def normalised(text: str) -> str:
    """Lower case, without punctuation and articles, so that "The liver." equals "liver"."""
    words = re.sub(r"[^\w\s-]", " ", text.lower()).split()
    return " ".join(word for word in words if word not in {"a", "an", "the"})


def question_of(record: Record) -> str:
    text = str(record["conversations"][0]["value"])
    return re.sub(r"<region>.*?</region>", "<region></region>", text.replace("<image>", "")).strip()


def path_in(record: Record, turn: int, tag: str) -> str | None:
    found = re.search(rf"<{tag}>(.*?)</{tag}>", record["conversations"][turn]["value"])
    return found.group(1) if found else None


def read_mask(path: Path) -> Pixels:
    from PIL import Image

    return np.asarray(Image.open(path).convert("L")) >= 1


def score(session: Any, record: Record, folder: Path) -> float:
    """What the engine's answer to the record is worth, 0 … 1: Dice for a mask, else right or wrong."""
    if record["task"] == "segment":
        mask_path = path_in(record, 1, "mask")
        assert mask_path is not None
        true = read_mask(folder / mask_path)
        answer = session.segment(record["structure"], max_new_tokens=64)
        return dice(answer[0].array if len(answer) else np.zeros_like(true), true)
    if record["task"] == "absent":
        return float(len(session.segment(record["structure"], max_new_tokens=64)) == 0)
    region = path_in(record, 0, "region")
    options: dict[str, Any] = {"mask": folder / region} if region else {}
    answer = session.ask(question_of(record), max_new_tokens=64, **options)
    return float(normalised(answer.text) == normalised(record["conversations"][1]["value"]))


def progress(records: list[Record]) -> Iterator[Record]:
    for i, record in enumerate(records, 1):
        yield record
        if sys.stderr.isatty():
            print(f"\r{i}/{len(records)}", end="" if i < len(records) else "\n", file=sys.stderr, flush=True)


def evaluate(model: Any, records: Iterable[Record], folder: Path) -> dict[str, Scores]:
    """Scores by task. Records of one image must be adjacent: it is encoded once."""
    results: dict[str, Scores] = {}
    for image, group in groupby(progress(list(records)), key=lambda record: str(record["image"])):
        session = model.session(folder / image)
        for record in group:
            scores = results.setdefault(record["task"], Scores())
            name = record["set"] + (IN_SAMPLE if record.get("in_sample") else "")
            scores.add(name, score(session, record, folder))
    return results


def interval(values: list[float]) -> str:
    """Mean ± 1.96 standard errors."""
    spread = 1.96 * float(np.std(values, ddof=1)) / len(values) ** 0.5 if len(values) > 1 else float("nan")
    return f"{np.mean(values):.3f} ± {spread:.3f}"


def tables(results: dict[str, Scores]) -> str:
    lines = ["| task | records | score, 95 % interval | mean of sets |", "|---|---:|---:|---:|"]
    for task in sorted(results, key=TASKS.index):
        scores = results[task]
        if not scores.unseen():
            continue
        lines.append(f"| {task} | {len(scores.all())} | {interval(scores.all())} | {scores.mean_of_sets():.3f} |")
    for task in ("segment", "modality"):
        if task not in results:
            continue
        lines += ["", f"{task} by set:", "", "| set | records | score, 95 % interval |", "|---|---:|---:|"]
        for name, values in sorted(results[task].by_set.items()):
            lines.append(f"| {name} | {len(values)} | {interval(values)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m medplib.report",
        description="Scores a model on held-out records: Dice of text-prompted masks, share of right answers.",
        epilog="example: python -m medplib.report tiny/validate.json --task segment --task modality",
    )
    parser.add_argument("records", type=Path, help="validate.json; its images and masks lie beside it")
    parser.add_argument("--model", type=Path, help="a model folder (default: the embedded model)")
    parser.add_argument("--task", action="append", choices=TASKS, help="only these tasks; repeatable")
    parser.add_argument("--set", action="append", help="only these sets; repeatable")
    parser.add_argument("--json", action="store_true", help="print means by task and set as JSON")
    options = parser.parse_args(arguments)

    import medplib

    wanted = [
        record
        for record in json.loads(options.records.read_text(encoding="utf-8"))
        if (not options.task or record["task"] in options.task) and (not options.set or record["set"] in options.set)
    ]
    if not wanted:
        parser.error(f"{options.records} holds no such record")
    results = evaluate(medplib.load(options.model), wanted, options.records.parent)
    if options.json:
        print(
            json.dumps(
                {
                    task: {name: {"records": len(v), "score": float(np.mean(v))} for name, v in scores.by_set.items()}
                    for task, scores in results.items()
                }
            )
        )
    else:
        print(tables(results))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
