"""python -m medplib.data generate: pairs of question and answer out of images and masks, as MeCoVQA was made."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from . import anatomy, claims, notes, prompts
from . import sa_med2d_pictures as layout
from .commands import Commands
from .files import write_whole
from .folder import split
from .language_model import KEY, Kept, LanguageModel
from .mecovqa import TABLE, PairsOf, Subsets
from .metadata import MODALITIES, Masked, MetaData, Picture
from .notes import Notes
from .records import number, surely_absent
from .sources import SPLITS, Item, read_sets
from .templates import Pair, describe, template_pairs

ABSENT = 2  # structures of which an image is said not to show them, at most
HOPELESS = 10  # images in a row about which a language model says nothing that can be used
KINDS = (*layout.KINDS, *notes.OF_SETS, *prompts.KINDS, *claims.CONTRADICTED)

MasksOf = Callable[[Item], list[str]]


def pictures_of(items: Iterable[Item], image_of: Callable[[Item], str], masks_of: MasksOf, seed: int) -> list[Picture]:
    """Images of sets that are of MeCoVQA's modalities; `masks_of` tells a path for each structure, empty without."""
    items = [item for item in items if item.modality in MODALITIES]
    names = sorted({s.phrase for item in items if not item.held_out for s in item.structures})
    pictures = []
    for item in items:
        masks: dict[str, list[str]] = defaultdict(list)
        for structure, mask in zip(item.structures, masks_of(item), strict=True):
            masks[structure.phrase] += [mask] if mask else []
        masked = [Masked(n, tuple(of), of[0] if len(of) == 1 else "") for n, of in masks.items() if of]
        view = item.body_part or item.location.split("_")[0]
        marks = {"strict": item.strict} if item.held_out else {}
        marks |= {"in_sample": True} if item.in_sample else {}
        marks |= {"left_out": True} if item.left_out else {}
        absent = _absent(item, names, seed)
        pictures.append(
            Picture(
                *(item.set_name, item.id, item.group, image_of(item), item.modality, view),
                *(tuple(masked), absent, item.held_out, marks),
            )
        )
    return pictures


def _absent(item: Item, names: Sequence[str], seed: int) -> tuple[str, ...]:
    """What the set itself says isn't there comes first."""
    sure = [name for name in names if surely_absent(name, item)]
    sure.sort(key=lambda name: (name not in item.excluded, number("absent", seed, item.set_name, item.id, name)))
    return tuple(sure[:ABSENT])


def read_pictures(source: Path, seed: int, fraction: float, told: Notes) -> tuple[list[Picture], list[str]]:
    """The images of sets with labels.json or of SA-Med2D's layout, and a line about each set that isn't used."""
    if layout.is_sa_med2d(source):
        return _held_out(layout.read_sa_med2d(source, told), fraction), []
    has_splits = (source / SPLITS).exists()
    sets, skipped = read_sets(source, None if has_splits else {})
    items = [item for image_set in sets for item in image_set.items]
    if not items:
        raise ValueError(
            f"{source}: there are neither images/ and masks/ of SA-Med2D's layout nor folders with labels.json; "
            "docs/data.md shows both"
        )

    def masks_of(item: Item) -> list[str]:
        return [structure.mask.relative_to(source).as_posix() for structure in item.structures]

    pictures = pictures_of(items, lambda item: item.image.relative_to(source).as_posix(), masks_of, seed)
    lines = [f"skipped {line}" for line in skipped]
    if others := len(items) - len(pictures):
        lines.append(f"passed over: {others} images of other modalities than MeCoVQA's eight")
    return (pictures if has_splits else _held_out(pictures, fraction)), lines


def _held_out(pictures: Sequence[Picture], fraction: float) -> list[Picture]:
    held_out = {(picture.set, picture.id) for picture in split(pictures, fraction)[1]}
    return [replace(picture, held_out=(picture.set, picture.id) in held_out) for picture in pictures]


def by_templates(seed: int) -> PairsOf:
    return lambda picture, meta: template_pairs(picture, meta, seed)


def by_model(model: LanguageModel, told: Notes) -> PairsOf:
    """Pairs by a language model. Errors: ValueError, also where it says nothing that can be used."""
    hopeless = 0

    def pairs_of(picture: Picture, meta: MetaData) -> list[Pair]:
        nonlocal hopeless
        if not meta.seen:
            return []

        def refuse(kind: str, more: str) -> None:
            told.add(kind, Path(f"{picture.set}/{picture.id}"), more)

        made = prompts.model_description(model, meta, refuse)
        usable = made and not claims.contradiction(made.question, made.answer, meta, made.names, anatomy.STRUCTURES)
        pairs = prompts.model_pairs(model, meta, made.answer if made and usable else describe(meta), refuse)
        hopeless = 0 if pairs else hopeless + 1
        if hopeless == HOPELESS:
            raise ValueError(
                f"the language model {model.name} said nothing that can be used about {HOPELESS} images in a row, the "
                f"last of them {picture.set}/{picture.id}: take one that follows instructions"
            )
        return [*([made] if made else []), *(pairs or [])]

    return pairs_of


def add_to(commands: Commands) -> None:
    generate = commands.add_parser(
        "generate",
        help="questions and answers out of images and masks, as MeCoVQA was made",
        description="Writes mecovqa_c, mecovqa_r and mecovqa_g, each as _train.json and _validate.json, and their "
        f"counts as {TABLE}. SOURCE has a folder with labels.json for each set and perhaps {SPLITS}, or images/, "
        f"masks/ and {layout.CLASSES} as SA-Med2D-20M has them. Answers that the masks contradict are refused and "
        "counted.",
        epilog="example: python -m medplib.data generate sets --seed 1",
    )
    generate.add_argument("source", type=Path, metavar="SOURCE")
    generate.add_argument(
        "--out", type=Path, help="folder to write (default: SOURCE; a training finds the images from there alone)"
    )
    generate.add_argument("--seed", type=int, default=1, help="the same seed makes the same files (default: 1)")
    generate.add_argument(
        "--held-out",
        type=float,
        default=0.1,
        help=f"fraction of the groups to judge by, where there is no {SPLITS} (default: 0.1)",
    )
    add_zero_shot(generate)
    generate.add_argument(
        "--language-model",
        metavar="URL",
        help="an OpenAI-compatible server's base, such as http://localhost:8000/v1, which writes the pairs instead of "
        f"templates; it is told the meta data, no pixels and no names of files. A key is taken from {KEY}",
    )
    generate.add_argument("--model", metavar="NAME", help="what the server calls the language model")
    generate.set_defaults(run=run, wrong_use=generate.error)


def add_zero_shot(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--zero-shot",
        action="store_true",
        help="keep X-ray, endoscopy, MR, ultrasound and fundus out of what grounding learns from; their held-out pairs "
        "go to mecovqa_g_zero_shot.json",
    )


def run(options: argparse.Namespace) -> None:
    if (options.language_model is None) != (options.model is None):
        options.wrong_use("--language-model and --model go together: give the address and the model's name there")
    out = options.out or options.source
    told = Notes(options.source)
    pictures, lines = read_pictures(options.source, options.seed, options.held_out, told)
    pairs_of = by_templates(options.seed)
    if options.language_model:
        kept = Kept(out / "mecovqa_answers.jsonl")
        pairs_of = by_model(LanguageModel(options.language_model, options.model, options.seed, kept), told)
    print(write_subsets(options.source, out, pictures, pairs_of, told, options.zero_shot))
    for line in [*lines, *told.lines(KINDS)]:
        print(line)


def write_subsets(
    root: Path, out: Path, pictures: Sequence[Picture], pairs_of: PairsOf, told: Notes, zero_shot: bool
) -> str:
    """Writes the subsets and their table, and returns that. Errors: OSError, ValueError."""
    subsets = Subsets(out, zero_shot)
    subsets.write(root, pictures, pairs_of, told)
    if not subsets.counts:
        raise ValueError("; ".join([f"{root}: not a single pair could be made", *told.lines(KINDS, named=1)])[:1000])
    table = subsets.table()
    write_whole(out / TABLE, f"{table}\n")
    return table
