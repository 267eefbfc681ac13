"""The folder that a conversion makes."""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from PIL import Image

from ..files import made_whole, write_whole
from ..folder import (
    Asking,
    as_json,
    check_model,
    recipe,
    records_of,
    structure_lines,
    write_recipe,
)
from ..masks import Inside
from ..notes import Notes
from ..own import Drawn, Own, draw
from ..pictures import Shown, as_read, save_png
from ..records import Record
from .parts import PARTS, shared_by_parts

NOT_STATED = "not stated"

# Reasons for which something is skipped, with the number and the first five.
NO_IMAGE = "skipped: {} records whose picture is not there, such as {}"
OUTSIDE = "skipped: {} records whose picture leads out of the folder of pictures, such as {}"
UNREADABLE = "skipped: {} records whose picture cannot be read, such as {}"


@dataclass(frozen=True)
class Source:
    """What is told of a set beside its records."""

    set_name: str
    licence: str = NOT_STATED
    citation: str = NOT_STATED
    note: str = ""  # what else whoever uses it must know


def add_output(kind: argparse.ArgumentParser) -> None:
    """The options of every kind."""
    kind.add_argument("--out", type=Path, required=True, help="the new folder")
    kind.add_argument("--model", type=Path, help="write recipe.json, too, for a training that starts from this model")


class Output:
    """Records and pictures below `root`. Errors of all that writes: OSError."""

    def __init__(self, options: argparse.Namespace, source: Source) -> None:
        """Errors: ValueError, for a folder that holds something else, and for a model that is none."""
        self.root: Path = options.out
        self.kind: str = options.kind
        self.model: Path | None = options.model
        self.source = source
        if self.model:
            check_model(self.model)
        self.told = Notes(self.root)
        self._placed: dict[Path, Shown | None] = {}
        self._names: set[str] = set()
        self._take()

    def _take(self) -> None:
        """Only an empty folder, or one of an earlier conversion of this kind, is written into."""
        described = self.root / "source.json"
        if self.root.exists() and any(self.root.iterdir()) and _kind_of(described) != self.kind:
            raise ValueError(
                f"{self.root} holds files that no conversion of {self.kind} has written: give --out a new folder"
            )
        self.root.mkdir(parents=True, exist_ok=True)
        about = {"set": self.source.set_name, "licence": self.source.licence, "citation": self.source.citation}
        note = {"note": self.source.note} if self.source.note else {}
        write_whole(described, as_json({"kind": self.kind, **about, **note}))
        lines = [f"# {self.source.set_name}", f"Licence: {self.source.licence}", f"Citation: {self.source.citation}"]
        write_whole(self.root / "LICENCE.md", "\n\n".join([*lines, *note.values()]) + "\n")

    def asking(self, modality: str) -> Asking:
        return Asking(self.root, self.source.set_name, modality)

    def find(self, folder: Path, name: str, record: str) -> Path | None:
        """The file of that name in a folder of the source; None, and told with the record, where it can't be taken."""
        inside = PurePosixPath(name.replace("\\", "/"))
        if inside.is_absolute() or ".." in inside.parts or "\0" in name:
            self.told.add_name(OUTSIDE, f"{record} ({name[:80]})")
            return None
        if not (folder / inside).is_file():
            self.told.add_name(NO_IMAGE, f"{record} ({name[:80]})")
            return None
        return folder / inside

    def place(self, file: Path, name: str, record: str) -> Shown | None:
        """The picture below images/, linked or copied, once for all of its records; None, and told, where it can't be
        read. `name`: what it is called, without its ending, changed where another has the name."""
        if file not in self._placed:
            try:
                self._placed[file] = self._place(file, self._free(name))
            except ValueError:
                self._placed[file] = None
        if self._placed[file] is None:
            self.told.add_name(UNREADABLE, f"{record} ({file.name})")
        return self._placed[file]

    def _free(self, name: str) -> str:
        flat = name.replace("\\", "/").replace("/", "__").lstrip(".") or "image"
        while flat in self._names:
            flat += "_"
        self._names.add(flat)
        return flat

    def _place(self, file: Path, name: str) -> Shown:
        shown = as_read(file, self.root / "images" / f"{name}.png", self.told)
        if shown.file != file:
            return shown
        target = self.root / "images" / f"{name}{file.suffix.lower()}"
        link_or_copy(file, target)
        return Shown(target, shown.size, shown.turned)

    def save(self, picture: Image.Image, name: str) -> Path:
        """A picture of the source's that was made here."""
        file = self.root / "images" / f"{self._free(name)}.png"
        save_png(picture, file)
        return file

    def draw(self, name: str, phrase: str, inside: Inside) -> Drawn:
        """The mask of a structure in the image of that name."""
        return draw(inside, self.root / "masks" / name, phrase)

    def write_images(self, parts: Mapping[str, Sequence[Own]], modality: str) -> None:
        """What is asked about images and masks."""
        self.write(records_of(parts, self.asking(modality)))
        found = [own for part in parts.values() for own in part]
        for line in structure_lines(found, parts.get("train", ())):
            print(line)

    def write(self, parts: Mapping[str, Sequence[Record]]) -> None:
        """Write the records, and tell what there is. Errors: ValueError, where nothing is left."""
        if not any(parts.values()):
            raise ValueError("; ".join(["nothing is left to ask about", *self.told.all_lines(named=1)])[:1000])
        for part in PARTS:
            file = self.root / f"{part}.json"
            if records := parts.get(part):
                write_whole(file, as_json(records))
                images = len({record["image"] for record in records})
                print(f"{part}.json: {images} images, {len(records)} questions")
            else:
                file.unlink(missing_ok=True)
        if self.model:
            content = _recipe(self.root, self.model, parts)
            print(f"recipe.json: {write_recipe(self.root / 'recipe.json', content, self.model)}")
        print(f"licence: {self.source.licence}")
        for line in [*self.told.all_lines(), *_shared(parts)]:
            print(line)


def _recipe(root: Path, model: Path, parts: Mapping[str, Sequence[Record]]) -> dict[str, Any]:
    """As the command folder has it; what has no masks teaches what answers alone."""
    content = recipe(root, model)
    if not any("<SEG>" in turn["value"] for records in parts.values() for r in records for turn in r["conversations"]):
        content["objective"] = "language"
    return content if parts.get("validate") else {k: v for k, v in content.items() if not k.startswith("validate")}


def _shared(parts: Mapping[str, Iterable[Record]]) -> list[str]:
    groups = {part: {str(record["group"]) for record in records} for part, records in parts.items()}
    shared = shared_by_parts(groups)
    if not shared:
        return []
    return [
        f"in several parts: {len(shared)} images or patients, such as {', '.join(shared[:5])}; the source has it so, "
        "and what is learnt from them makes figures of the other part too good"
    ]


def _kind_of(described: Path) -> str:
    try:
        return str(json.loads(described.read_text(encoding="utf-8"))["kind"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def link_or_copy(file: Path, target: Path) -> None:
    """The file under another name, whole or not at all: a hard link, or a copy where the two can't share it."""
    if target.exists() and target.samefile(file):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with made_whole(target) as part:
        part.unlink(missing_ok=True)
        try:
            os.link(file.resolve(), part)
        except OSError:
            shutil.copyfile(file, part)
