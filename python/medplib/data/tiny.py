"""python -m medplib.data tiny: small images, masks, questions and a vocabulary for the embedded model."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from PIL import Image

from . import claims, notes
from .cards import Place
from .commands import Commands
from .files import write_whole
from .folder import as_json
from .generate import add_zero_shot, by_templates, pictures_of, write_subsets
from .masks import read_stored, whole
from .notes import Notes
from .pictures import opened, save_png, shown_size, tell, upright, varying_alpha
from .records import TASKS, ItemKey, Record, drawable, make_records
from .sources import ImageSet, Item, leave_out, read_sets
from .vocabulary import spoken, write_vocabulary

SEED = 1  # of MeCoVQA in the small
COUNTS = Place(
    begin="<!-- counts: written by python -m medplib.data tiny; what stands up to the next mark is written over -->",
    end="<!-- end of counts -->",
    holds="counts",
)
SIDE = 256  # of the longest side of what is written


def _fit(picture: Image.Image) -> Image.Image:
    scale = SIDE / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.BILINEAR)


def write_image(item: Item, out: Path, told: Notes) -> None:
    file = out / _image_of(item)
    if not file.exists():
        with opened(item.image) as picture:
            tell(picture, item.image, notes.TURNED_IMAGES, told)
            if varying_alpha(picture) is not None:
                told.add(notes.ALPHA_OF_IMAGES, item.image)
            save_png(_fit(upright(picture).convert("RGB")), file)


def write_masks(item: Item, out: Path, told: Notes) -> list[str]:
    """The relative path of each structure's mask; empty where nothing of it was left at this size."""
    paths = []
    for index, structure in enumerate(item.structures):
        relative = f"masks/{item.set_name}/{item.id}__{index}.png"
        file = out / relative
        if not file.exists():
            stored = read_stored(structure.mask, told)
            with opened(item.image) as picture:
                if stored.picture.size != shown_size(picture):
                    raise ValueError(f"{structure.mask}: the mask and its image differ in size; label the image again")
            inside, _ = whole(stored, None, told)
            save_png(_fit(Image.fromarray(inside).convert("L")).point([0] * 128 + [255] * 128), file)
        with Image.open(file) as written:
            paths.append(relative if written.getbbox() else "")
    return paths


def build(source: Path, out: Path, left_out: Sequence[str] = (), zero_shot: bool = False) -> str:
    """Writes everything, and returns the counts of MeCoVQA in the small. Errors: OSError, ValueError."""
    sets, skipped = read_sets(source)
    sets = leave_out(sets, left_out)
    items = [item for image_set in sets for item in image_set.items]
    masks, told = {}, Notes(source)
    for item in items:
        write_image(item, out, told)
        masks[item.set_name, item.id] = write_masks(item, out, told)
    names = drawable(item for item in items if not item.held_out)

    def part(chosen: Iterable[Item], vary: bool = False) -> list[Record]:
        return make_records(list(chosen), masks, vary, names)

    held_out = [item for item in items if item.held_out and not item.left_out]
    parts = {
        "train": part((item for item in items if not item.held_out), vary=True),
        # Apart, so that nobody is asked for the names of a left-out set in images of the others.
        "validate": part(item for item in held_out if not item.in_words)
        + part(item for item in items if item.left_out),
        "validate_words": part(item for item in held_out if item.in_words),
    }
    for name, records in parts.items():
        write_whole(out / f"{name}.json", as_json(records))
    write_vocabulary(spoken(parts["train"]), out / "tokenizer")
    print(table(sets, parts))
    for line in [f"skipped {line}" for line in skipped] + told.lines(notes.OF_SETS):
        print(line)
    lost = sum(path == "" for paths in masks.values() for path in paths)
    print(f"{lost} masks had nothing left at {SIDE} pixels and are not asked for")
    return _in_the_small(out, items, masks, zero_shot)


def _in_the_small(out: Path, items: Sequence[Item], masks: Mapping[ItemKey, list[str]], zero_shot: bool) -> str:
    """MeCoVQA in the small, from the images and masks written; returns its counts."""
    pictures = pictures_of(items, _image_of, lambda item: masks[item.set_name, item.id], SEED)
    told = Notes(out)
    table = write_subsets(out, out, pictures, by_templates(SEED), told, zero_shot)
    print("\n".join(["", "MeCoVQA in the small", table, *told.lines(claims.CONTRADICTED)]))
    return table


def _image_of(item: Item) -> str:
    return f"images/{item.set_name}/{item.id}.png"


def table(sets: Sequence[ImageSet], parts: dict[str, list[Record]]) -> str:
    """Images and questions by task of each set, train / held out."""
    held_out_records = [*parts["validate"], *parts["validate_words"]]
    counts = [Counter((r["set"], r["task"]) for r in records) for records in (parts["train"], held_out_records)]
    rows = [["set", "modality", "licence class", "images", *TASKS]]
    for image_set in sets:
        held_out = sum(item.held_out for item in image_set.items)
        images = f"{len(image_set.items) - held_out}/{held_out}"
        tasks = ["/".join(str(count[image_set.name, task]) for count in counts) for task in TASKS]
        rows.append([image_set.name, image_set.modality, image_set.licence_class, images, *tasks])
    totals = [[sum(n for (_, name), n in count.items() if name == task) for count in counts] for task in TASKS]
    held_out = sum(item.held_out for image_set in sets for item in image_set.items)
    images = f"{sum(len(image_set.items) for image_set in sets) - held_out}/{held_out}"
    rows.append(["all", "", "", images, *(f"{train}/{validate}" for train, validate in totals)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


def add_to(commands: Commands) -> None:
    tiny = commands.add_parser(
        "tiny",
        help="small images, masks, questions and a vocabulary for the embedded model",
        epilog="example: python -m medplib.data tiny --source sets --out tiny-data",
    )
    tiny.add_argument("--source", type=Path, required=True, help="folder with splits.json and one folder a set")
    tiny.add_argument("--out", type=Path, required=True, help="folder to write; images already there are kept")
    tiny.add_argument(
        "--leave-out",
        metavar="SET",
        action="append",
        default=[],
        help="keep a whole set from the training, to see how a model does on a set it never saw; repeatable",
    )
    add_zero_shot(tiny)
    tiny.add_argument(
        "--card", type=Path, metavar="FILE", help="write the counts of MeCoVQA in the small into this card, too"
    )
    tiny.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    if options.card:
        COUNTS.around(options.card)  # what may be wrong is looked at before the work
    options.out.mkdir(parents=True, exist_ok=True)
    counts = build(options.source, options.out, options.leave_out, options.zero_shot)
    if options.card:
        COUNTS.rewrite(options.card, counts)
