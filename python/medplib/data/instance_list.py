"""The instance masks of a folder, sorted by image and class in flat memory: there may be twenty million."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

from .files import is_unsafe
from .notes import NAMED
from .progress import Progress
from .sa_med2d import IMAGES, MASKS, ClassOfImage, parse_instance

_TABLES = """
PRAGMA journal_mode = OFF;
PRAGMA cache_size = -16384; -- KiB
CREATE TABLE masks (image TEXT, class TEXT, instance TEXT);
CREATE TABLE images (image TEXT);
BEGIN;
"""
_SORTED = """
CREATE INDEX sorted_masks ON masks (image, class, instance);
CREATE INDEX sorted_images ON images (image);
"""
_CLASSES = "SELECT DISTINCT image, class FROM masks"
_SOME_IMAGES = "SELECT image FROM {} EXCEPT SELECT image FROM {} ORDER BY image"


class InstanceList:
    """with InstanceList(root) as found: found.groups()

    The names lie in a database without a name, which the system removes whatever ends the program.
    """

    def __init__(self, root: Path, only: Collection[ClassOfImage] = ()) -> None:
        """Those of `only`, where it has any. Errors: OSError; ValueError, for a folder without masks."""
        self.others: tuple[int, list[str]] = (0, [])  # files of masks/ with other names: how many, and the first
        self._root, self._only = root, frozenset(only)
        self._images = frozenset(shown.image for shown in only)
        self._names = sqlite3.connect("")

    def __enter__(self) -> InstanceList:
        if not (self._root / MASKS).is_dir():
            raise ValueError(f"{self._root} has no folder {MASKS}: give the folder that {IMAGES} and {MASKS} are in")
        with _sorting():
            self._names.executescript(_TABLES)
            self._names.executemany("INSERT INTO masks VALUES (?, ?, ?)", self._listed_masks())
            self._names.executemany("INSERT INTO images VALUES (?)", self._listed_images())
            with Progress("million steps of sorting", 0) as told:
                self._names.set_progress_handler(told.step, 1_000_000)
                self._names.executescript(_SORTED)
                self._names.set_progress_handler(None, 0)
        return self

    def __exit__(self, *_: object) -> None:
        self._names.close()

    def _listed_masks(self) -> Iterator[tuple[str, str, str]]:
        count, first = 0, list[str]()
        with os.scandir(self._root / MASKS) as entries, Progress("masks listed", 0) as told:
            for entry in entries:
                told.step()
                if found := parse_instance(entry.name):
                    shown, instance = found
                    if not self._only or shown in self._only:
                        yield shown.image, shown.number, instance
                else:
                    shown_name = os.fsencode(entry.name).decode(errors="backslashreplace")
                    count, first = count + 1, sorted([*first, f"{MASKS}/{shown_name}"])[:NAMED]
        self.others = count, first

    def _listed_images(self) -> Iterator[tuple[str]]:
        folder = self._root / IMAGES
        if not folder.is_dir():
            return
        with os.scandir(folder) as entries, Progress("images listed", 0) as told:
            for entry in entries:
                told.step()
                name, ending = os.path.splitext(entry.name)
                if ending == ".png" and not is_unsafe(name) and (not self._only or name in self._images):
                    yield (name,)

    def count(self) -> int:
        """Of classes of images, each of which has a merged mask."""
        with _sorting():
            found: tuple[int] = self._names.execute(f"SELECT count(*) FROM ({_CLASSES})").fetchone()
        return found[0]

    def groups(self) -> Iterator[tuple[ClassOfImage, list[str]]]:
        """Each class of an image with its instances, in the order of their names."""
        with _sorting():
            rows = self._names.execute("SELECT * FROM masks ORDER BY image, class, instance")
            for shown, same in groupby(rows, lambda row: ClassOfImage(row[0], row[1])):
                yield shown, [instance for _, _, instance in same]

    def without_masks(self) -> tuple[int, list[str]]:
        """Images: how many, and the first."""
        return self._images_of("images", "masks")

    def without_image(self) -> tuple[int, list[str]]:
        """Images that aren't there, though masks are: how many, and the first."""
        return self._images_of("masks", "images")

    def _images_of(self, table: str, other: str) -> tuple[int, list[str]]:
        count, first = 0, list[str]()
        with _sorting():
            for (image,) in self._names.execute(_SOME_IMAGES.format(table, other)):
                count += 1
                if count <= NAMED:
                    first.append(f"{IMAGES}/{image}.png")
        return count, first

    def without_instances(self) -> list[ClassOfImage]:
        """Those of `only` that no mask was found of."""
        with _sorting():
            found = {ClassOfImage(*row) for row in self._names.execute(_CLASSES)} if self._only else set()
        return sorted(self._only - found)


@contextmanager
def _sorting() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(
            f"the names of the masks could not be sorted: {error}. It needs 400 bytes a mask on the disk of "
            "/var/tmp, or of the folder in SQLITE_TMPDIR"
        ) from error
