"""Folders of images and masks, with the parts that they have."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..commands import Commands
from ..masks import How, Values, as_phrase
from ..notes import Notes
from ..own import OwnFolder
from ..pictures import pictures_in
from .images import add_images, source_of
from .output import Output, link_or_copy
from .parts import as_parts, by_part

SIDES = ("images", "masks")


def add_to(kinds: Commands) -> None:
    kind = add_images(
        kinds,
        "folder",
        "a folder of images and masks",
        "Reads SOURCE/images and SOURCE/masks as the command folder does, or the same two in SOURCE/train, SOURCE/val "
        "and SOURCE/test, and leaves the source as it is.",
        'polyps --phrase polyp --modality Endoscopy --licence "CC BY 4.0" --out records',
    )
    kind.add_argument("source", type=Path)
    kind.add_argument("--phrase", default="", help="what the masks show that don't say it in their names")
    kind.add_argument("--values", metavar="VALUE=NAME,...", help="split label maps, such as 1=liver,2=spleen")
    kind.add_argument("--threshold", type=float, metavar="T", help="the value at which the inside of a mask begins")
    kind.add_argument("--group", default="", metavar="REGEX", help="what of a name tells the patient")
    kind.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    values = None if options.values is None else Values.parse(options.values)
    phrase, modality = as_phrase(options.phrase, "--phrase"), as_phrase(options.modality, "--modality")
    sources = _sources(options.source)
    out = Output(options, source_of(options))
    how, parts = How(options.threshold, values), {}
    for part, source in sources.items():
        root = out.root / part
        _link(source, root, out.told)
        own = OwnFolder(root, phrase, options.group, how)
        parts[part] = own.read()
        for line in own.told.lines():
            print(f"{part}: {line}" if part else line)
    out.write_images(as_parts(parts[""], options.held_out) if "" in parts else parts, modality)


def _sources(source: Path) -> dict[str, Path]:
    """The folder of each part; of "" where it has no parts. Errors: ValueError."""
    if all((source / side).is_dir() for side in SIDES):
        return {"": source}
    folders = sorted(source.iterdir()) if source.is_dir() else []
    found = [folder for folder in folders if all((folder / side).is_dir() for side in SIDES)]
    if not found:
        raise ValueError(
            f"{source} has no images and masks, neither itself nor in train, val and test: call its folders so"
        )
    return by_part(found)


def _link(source: Path, root: Path, told: Notes) -> None:
    """The pictures of the source, and none of an earlier conversion that it no longer has."""
    for side in SIDES:
        files = {file.name: file for file in pictures_in(source, side, told)}
        for name, file in files.items():
            link_or_copy(file, root / side / name)
        for old in (root / side).glob("*"):
            if old.name not in files:
                old.unlink()
