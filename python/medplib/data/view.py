"""python -m medplib.data view: a contact sheet of records, with what is wrong with them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .commands import Commands
from .files import write_whole, written_whole
from .findings import findings_of
from .json_files import read_list
from .progress import told_of
from .records import evenly
from .sheet import as_html, as_png
from .tiles import Tile, tile_of

MOST = {".png": 200, ".html": 2000}  # records of a sheet, by its ending


def add_to(commands: Commands) -> None:
    view = commands.add_parser(
        "view",
        help="a contact sheet of records, with what is wrong with them",
        description="Writes a PNG, or an HTML file that needs no other, with the pictures of records, their masks in "
        "colour and the places that questions point at outlined, the words below, and what the check of the records "
        "found. Of more than --most records, that many evenly out of all are shown. Needs the built engine.",
        epilog="example: python -m medplib.data view train.json --only-faults --out sheet.html",
    )
    view.add_argument("data", type=Path, metavar="DATA.json")
    view.add_argument("--images", type=Path, help="the folder from which paths start (default: that of DATA.json)")
    view.add_argument("--out", type=Path, required=True, help="the sheet, .png or .html")
    view.add_argument("--most", type=int, default=48, metavar="N", help="how many records at most (default: 48)")
    view.add_argument("--only-faults", action="store_true", help="only records that something is wrong with")
    view.add_argument("--pictures", action="store_true", help="have the check look into pictures and masks, too")
    view.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    ending = options.out.suffix.lower()
    if ending not in MOST:
        raise ValueError(f"--out {options.out}: a sheet is a .png or a .html file")
    if not 1 <= options.most <= MOST[ending]:
        raise ValueError(f"--most is {options.most}: a {ending} sheet holds 1 to {MOST[ending]} records")
    records = read_list(options.data)
    found = findings_of(options.data, options.images, options.pictures)
    numbers = evenly(sorted(found) if options.only_faults else range(len(records)), options.most)
    if not numbers:
        raise ValueError(f"{options.data}: " + ("nothing was found wrong" if records else "there are no records"))
    root = options.images or options.data.resolve().parent
    tiles = [
        tile_of(number, records[number], root, found.get(number, [])) for number in told_of(numbers, "records drawn")
    ]
    _write(options.out, options.data.name, tiles)
    print(f"{options.out}: {len(numbers)} of {len(records)} records, {len(found)} with faults")


def _write(file: Path, title: str, tiles: Sequence[Tile]) -> None:
    if file.suffix.lower() == ".html":
        write_whole(file, as_html(title, tiles))
        return
    with written_whole(file) as out:
        out.write(as_png(tiles))
