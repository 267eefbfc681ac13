"""What conversions of images and masks have in common."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from ..commands import Commands
from ..masks import as_phrase
from ..own import Drawn
from ..records import ABSENT_PER_IMAGE, number
from .output import NOT_STATED, Source, add_output


def add_images(kinds: Commands, name: str, text: str, description: str, example: str) -> argparse.ArgumentParser:
    """The options of a source that states nothing of itself."""
    kind = kinds.add_parser(
        name,
        help=text,
        description=description,
        epilog=f"example: python -m medplib.data convert {name} {example}",
    )
    add_output(kind)
    kind.add_argument("--set", default="", help="what the set is called (default: the new folder's name)")
    kind.add_argument("--modality", default="", help='how the images were taken, such as "CT"')
    kind.add_argument("--licence", default="", help="what the source may be used for, as its publisher says it")
    kind.add_argument("--citation", default="", help="what whoever uses it has to cite")
    kind.add_argument(
        "--held-out",
        type=float,
        default=0.2,
        help="of a source without parts, the fraction to judge by, above 0 and below 1 (default: 0.2)",
    )
    return kind


def source_of(options: argparse.Namespace, licence: str = "", note: str = "") -> Source:
    """`licence`: what the source says itself. Errors: ValueError."""
    name = as_phrase(options.set, "--set") or options.out.resolve().name
    return Source(name, options.licence or licence or NOT_STATED, options.citation or NOT_STATED, note)


def absent(image: str, phrases: Iterable[str]) -> dict[str, Drawn]:
    """Of the structures that are surely not in the image, those that are asked for."""
    chosen = sorted(phrases, key=lambda phrase: number("absent", image, phrase))[:ABSENT_PER_IMAGE]
    return dict.fromkeys(chosen, Drawn(Path(), anything=False))
