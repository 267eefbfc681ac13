"""What is to be told of the files of a folder: a line a kind, with how many there are and the first of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

NAMED = 5  # files of a kind
LONGEST = 500  # characters of their names

# Of each kind the line, with the number of files and the first of them; told in this order.
HIDDEN = "passed over: {} hidden files, such as {}"
BELOW = "passed over: {} files in folders below images/ and masks/, such as {}; move them up"
NOT_READ = "passed over: {} files that are no pictures or in a format that is not read, such as {}; save them as PNG"
WITHOUT_MASK = "passed over: {} images without a mask, such as {}"
TURNED_IMAGES = "EXIF: {} images are stored turned or mirrored, such as {}; their copies are as a viewer shows them"
TURNED_MASKS = "EXIF: {} masks are stored turned or mirrored, such as {}; they are read as a viewer shows them"
CONVERTED = "converted: {} files in a format that a training does not read, such as {}; it reads PNG copies"
PAGES = "pages: {} files hold several pictures, such as {}; the first is read"
ALPHA_OF_IMAGES = (
    "alpha: {} images are transparent in places, such as {}; their alpha channel is left out, and the colours below "
    "are seen"
)
ALPHA = (
    "alpha: {} masks are transparent in places, such as {}; alpha is the mask, 1 and above inside, and the colours are "
    "left out"
)
SEVERAL_VALUES = (
    "several values above 0: {} masks, such as {}; all of them count as inside. medplib.data folder splits label maps "
    "with --values 1=liver,2=spleen (or '#ff0000=liver' for a colour), and cuts heat maps and soft edges with "
    "--threshold 128"
)
VALUES_APART = (
    "values that differ from mask to mask: {} above 0, each alone in its masks, such as {}; all of them count as "
    "inside. If they are structures, split them with --values 1=liver,2=spleen (or '#ff0000=liver' for a colour)"
)
JPEG = (
    "JPEG: {} masks, such as {}; noise around a shape counts as inside, so better take PNG, or cut it off with "
    "--threshold 128 of medplib.data folder"
)
WITHOUT_NAME = "values that --values does not name: {} masks, such as {}; they count as outside"
CUT_AWAY = "below --threshold everywhere: {} masks that show something, such as {}; they count as empty"
EVERYWHERE = "set everywhere: {} masks, such as {}; is that meant?"

KINDS = (
    *(HIDDEN, BELOW, NOT_READ, WITHOUT_MASK),
    *(TURNED_IMAGES, TURNED_MASKS, CONVERTED, PAGES, ALPHA_OF_IMAGES, ALPHA),
    *(SEVERAL_VALUES, VALUES_APART, JPEG, WITHOUT_NAME, CUT_AWAY, EVERYWHERE),
)
BEHIND_ERRORS = (BELOW, NOT_READ, WITHOUT_NAME, CUT_AWAY)  # what may be the cause of one
OF_SETS = (
    TURNED_IMAGES,
    TURNED_MASKS,
    PAGES,
    ALPHA_OF_IMAGES,
    ALPHA,
    SEVERAL_VALUES,
    JPEG,
)  # that are made anew as a whole


class Notes:
    """How many files there are of each kind, and the first of them, by their names below `root`."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._counts: Counter[str] = Counter()
        self._first: dict[str, list[str]] = defaultdict(list)

    def add(self, kind: str, file: Path, more: str = "") -> None:
        """`more` says what was met in it."""
        name = str(file.relative_to(self._root)) if file.is_relative_to(self._root) else str(file)
        self.add_name(kind, f"{name} ({more})" if more else name)

    def add_name(self, kind: str, name: str) -> None:
        """Of what is no file, such as a record: how it is named."""
        self.take(kind, 1, [name])

    def take(self, kind: str, count: int, first: Sequence[str]) -> None:
        """So many at once, with the names of the first of them."""
        self._counts[kind] += count
        self._first[kind] += first[: NAMED - len(self._first[kind])]

    def met(self) -> dict[str, tuple[int, list[str]]]:
        """Of each kind how many, and the names of the first of them."""
        return {kind: (count, self._first[kind]) for kind, count in self._counts.items()}

    def all_lines(self, named: int = NAMED) -> list[str]:
        """Of the kinds that were met, also of those that are not in KINDS."""
        return self.lines(tuple(self._counts), named)

    def lines(self, kinds: tuple[str, ...] = KINDS, named: int = NAMED) -> list[str]:
        met = self.met()
        return [kind.format(met[kind][0], _first(met[kind][1], named)) for kind in kinds if kind in met]


def _first(names: list[str], named: int) -> str:
    """The first of them, fewer where they are long."""
    shown = names[:1]
    for name in names[1:named]:
        if len(", ".join([*shown, name])) > LONGEST:
            break
        shown.append(name)
    return ", ".join(shown)
