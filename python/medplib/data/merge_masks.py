"""python -m medplib.data merge-masks: of each image and class of SA-Med2D-20M the union of the instance masks."""

from __future__ import annotations

import argparse
import json
import os
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import Enum
from pathlib import Path

import numpy as np
from PIL import Image, PngImagePlugin

from . import notes
from .commands import Commands
from .files import written_whole
from .instance_list import InstanceList
from .masks import read_stored, whole
from .named import files_named
from .notes import Notes
from .progress import Progress
from .sa_med2d import MASKS, MERGED, ClassOfImage, parse_merged

UNREADABLE = "damaged: {} masks, such as {}; no merged mask was made of their classes"
DIFFERENT = "of different sizes: the instance masks of {} merged masks, which were not made, such as {}"
NOT_OURS = "kept: {} merged masks that something else has made, such as {}; delete them to have them made anew"
EMPTY = "empty: {} instance masks, such as {}"
NAMED_ONLY = "without instance masks: {} merged masks that records name, such as {}"
OTHER_FILES = "passed over: {} files in masks/ that aren't called IMAGE--CLASS_INSTANCE.png, such as {}"
WITHOUT_MASKS = "without masks: {} images, such as {}"
WITHOUT_IMAGE = "without an image: the masks of {} images, such as {}"
FAULTS = (NAMED_ONLY, UNREADABLE, DIFFERENT)  # for which the exit code is 1

# What a merged mask remembers of its instances, so that it is told again when a later run finds it finished.
KEPT = {
    "empty": EMPTY,
    "several values": notes.SEVERAL_VALUES,
    "alpha": notes.ALPHA,
    "turned": notes.TURNED_MASKS,
    "pages": notes.PAGES,
    "format": notes.CONVERTED,
    "jpeg": notes.JPEG,
}
INSTANCES, TOLD = "Instances", "Told"  # the texts in the PNG: the size of each instance's file; what was told of them

Group = tuple[ClassOfImage, Sequence[str]]  # the instances


class Outcome(Enum):
    MADE = "merged"
    FINISHED = "were finished already"
    NOT_MADE = "not merged"


def merge(root: Path, group: Group) -> tuple[Outcome, Notes]:
    """Write a merged mask, 0 and 255, where it isn't finished yet, and say what is to be told. Errors: OSError."""
    shown, instances = group
    told, target = Notes(root), root / shown.merged
    files = [root / shown.instance(instance) for instance in instances]
    stats = [file.stat() for file in files]
    sizes = " ".join(f"{instance}:{stat.st_size}" for instance, stat in zip(instances, stats, strict=True))
    texts = _texts_of(target)
    if texts is not None and INSTANCES not in texts:
        told.add(NOT_OURS, target)
        return Outcome.FINISHED, told
    if texts and texts[INSTANCES] == sizes and max(stat.st_mtime_ns for stat in stats) <= target.stat().st_mtime_ns:
        for key, (count, first) in json.loads(texts[TOLD]).items():
            told.take(KEPT[key], count, first)
        return Outcome.FINISHED, told
    union = _union(files, target, told)
    if union is None:
        return Outcome.NOT_MADE, told
    _write(union, target, sizes, told)
    return Outcome.MADE, told


def _texts_of(target: Path) -> dict[str, str] | None:
    """Those in the PNG; None where there is no such picture, or a damaged one."""
    try:
        with Image.open(target) as picture:
            return {key: text for key, text in picture.info.items() if isinstance(key, str) and isinstance(text, str)}
    except (OSError, SyntaxError, ValueError):
        return None


def _union(files: Sequence[Path], target: Path, told: Notes) -> Image.Image | None:
    union = None
    for file in files:
        try:
            inside, _ = whole(read_stored(file, told), None, told)
        except ValueError as error:
            told.take(UNREADABLE, 1, [str(error)[:200]])
            return None
        if not inside.any():
            told.add(EMPTY, file)
        if union is not None and union.shape != inside.shape:
            told.add(DIFFERENT, target, f"{file.name} and {files[0].name}")
            return None
        union = inside if union is None else union | inside
    return Image.fromarray(np.asarray(union, np.uint8) * np.uint8(255))


def _write(union: Image.Image, target: Path, sizes: str, told: Notes) -> None:
    met = told.met()
    texts = PngImagePlugin.PngInfo()
    texts.add_text(INSTANCES, sizes)
    texts.add_itxt(TOLD, json.dumps({key: met[kind] for key, kind in KEPT.items() if kind in met}))
    with written_whole(target) as out:
        union.save(out, format="PNG", compress_level=1, pnginfo=texts)  # higher levels need longer and save no block


def merge_all(root: Path, groups: Iterable[Group], total: int, jobs: int, told: Notes) -> dict[Outcome, int]:
    """How many came out how. The order in which they are told is that of the groups, whatever is done first."""
    counts = dict.fromkeys(Outcome, 0)
    waiting: deque[Future[tuple[Outcome, Notes]]] = deque()
    with ThreadPoolExecutor(jobs) as pool, Progress("merged masks", total) as shown:

        def finish() -> None:
            outcome, met = waiting.popleft().result()
            counts[outcome] += 1
            for kind, (count, first) in met.met().items():
                told.take(kind, count, first)
            shown.step()

        for group in groups:
            waiting.append(pool.submit(merge, root, group))
            if len(waiting) > 16 * jobs:
                finish()
        while waiting:
            finish()
    return counts


def named_in(records: Path) -> dict[ClassOfImage, int]:
    """The merged masks that records name, each with the first record. Errors: OSError, ValueError."""
    named = {shown: place for name, place in files_named(records).items() if (shown := parse_merged(name))}
    if not named:
        raise ValueError(f"{records} names no {MERGED}/IMAGE--CLASS_merged.png, so there is nothing to merge for it")
    return named


def _tell_list(found: InstanceList, named: dict[ClassOfImage, int], told: Notes) -> None:
    listed = (OTHER_FILES, found.others), (WITHOUT_MASKS, found.without_masks()), (WITHOUT_IMAGE, found.without_image())
    for kind, (count, first) in listed:
        if count:
            told.take(kind, count, first)
    for shown in found.without_instances():
        told.take(NAMED_ONLY, 1, [f"{shown.merged} (record {named[shown]})"])


def add_to(commands: Commands) -> None:
    merge_masks = commands.add_parser(
        "merge-masks",
        help="of each image and class of SA-Med2D-20M the union of the instance masks",
        description="Writes ROOT/masks_merged/IMAGE--CLASS_merged.png, 0 and 255, out of ROOT/masks/"
        "IMAGE--CLASS_INSTANCE.png, where any value above 0 is inside. Run again, it goes on where it was interrupted: "
        "what is finished and whose instance masks are the same isn't made again.",
        epilog="example: python -m medplib.data merge-masks sa-med2d --only MeCoVQA-Grounding.json",
    )
    merge_masks.add_argument("root", metavar="ROOT", type=Path, help="folder with images/ and masks/")
    merge_masks.add_argument(
        "--only", metavar="DATA.json", type=Path, help="merge only what these records name (default: everything)"
    )
    merge_masks.add_argument(
        "--jobs",
        type=int,
        choices=range(1, 65),
        metavar="N",
        default=min(8, os.cpu_count() or 1),
        help="merge so many masks at once, 1 to 64 (default: the number of cores, at most 8)",
    )
    merge_masks.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    root, told = options.root, Notes(options.root)
    named = named_in(options.only) if options.only else {}
    with InstanceList(root, named) as found:
        total = found.count()
        if not (total or named):
            raise ValueError(f"{root / MASKS}: no mask is called IMAGE--CLASS_INSTANCE.png")
        _tell_list(found, named, told)
        (root / MERGED).mkdir(exist_ok=True)
        counts = merge_all(root, found.groups(), total, options.jobs, told)
    print(f"{root / MERGED}: " + ", ".join(f"{count:,} {outcome.value}" for outcome, count in counts.items()))
    for line in told.lines((*FAULTS, NOT_OURS, *KEPT.values(), WITHOUT_MASKS, WITHOUT_IMAGE, OTHER_FILES)):
        print(line)
    return 1 if any(kind in told.met() for kind in FAULTS) else 0
