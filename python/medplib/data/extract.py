"""python -m medplib.data extract: what records name, straight out of a zip or a split zip."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from . import archives
from .archives import Member
from .commands import Commands
from .files import is_unsafe, written_whole
from .named import files_named
from .notes import LONGEST, Notes
from .progress import Progress
from .sa_med2d import parse_instance, parse_merged
from .zip_parts import Parts

UNSAFE = "{} members have names that lead out of the folder or are links, such as {}"
REFUSED = "{} members are not to be unpacked, such as {}"
TWICE = "{} files are in the archive more than once, such as {}"
DAMAGED = "damaged: {} members were not unpacked, such as {}; download these parts again, and run this once more"
OTHERS = (
    "kept: {} files that were there already with another size than in the archive, such as {}; delete them to have "
    "them unpacked"
)
MISSING = "not in the archive: {} files that records name, such as {}"


@dataclass
class Wanted:
    """The files that records name, and what of them an archive has."""

    names: dict[str, int]  # with the first record that has it
    merged: dict[str, str] = field(init=False)  # by the beginning of the instance masks that it is made of
    found: dict[str, Member] = field(default_factory=dict)  # by the name that the file is to have
    satisfied: set[str] = field(default_factory=set)  # of the names, those that the archive has

    def __post_init__(self) -> None:
        classes = ((name, parse_merged(name)) for name in self.names)
        self.merged = {shown.instance("").removesuffix("_.png"): name for name, shown in classes if shown}

    def target(self, member: str) -> str:
        """The wanted name that a member's name ends with, whatever folders stand before it; empty for no such."""
        while member:
            if member in self.names:
                self.satisfied.add(member)
                return member
            merged = self.merged.get(member[: member.rfind("_")])
            if merged and parse_instance(member.rpartition("/")[2]):
                self.satisfied.add(merged)
                return member
            member = member.partition("/")[2]
        return ""

    def missing(self, root: Path) -> Iterator[tuple[str, int]]:
        """What neither the archive nor the folder has."""
        for name, record in self.names.items():
            if name not in self.satisfied and not (root / name).is_file():
                yield name, record


def look(parts: Parts, wanted: Wanted) -> None:
    """Find what is wanted. Errors: ValueError, for what no honest archive has: nothing is to be unpacked of it."""
    faults = Notes(Path())
    for member in archives.members(parts):
        if member.link or is_unsafe(member.name):
            faults.take(UNSAFE, 1, [repr(member.name[:200])])
        elif target := wanted.target(member.name):
            if member.fault:
                faults.take(REFUSED, 1, [f"{member.name}, which {member.fault}"])
            if wanted.found.setdefault(target, member) is not member:
                faults.take(TWICE, 1, [target])
    if lines := faults.lines((UNSAFE, REFUSED, TWICE)):
        raise ValueError(f"{parts.archive}: nothing is unpacked, because {'; '.join(lines)[:LONGEST]}")
    _refuse_overlaps(parts, sorted(wanted.found.values()))


def _refuse_overlaps(parts: Parts, members: Sequence[Member]) -> None:
    for first, second in pairwise(members):
        if first.place + archives.HEADER + first.packed > second.place:
            raise ValueError(
                f"{parts.archive}: nothing is unpacked, because {first.name} and {second.name} share bytes, as only "
                "those of a zip bomb do"
            )


def to_unpack(wanted: Wanted, root: Path, told: Notes) -> list[tuple[Member, Path]]:
    """What isn't there yet, in the order of the archive. What is there is whole: it got its name last."""
    left = []
    for name, member in sorted(wanted.found.items(), key=lambda found: found[1].place):
        file = root / name
        try:
            size = file.stat().st_size
        except FileNotFoundError:
            left.append((member, file))
            continue
        if size != member.size:
            told.add(OTHERS, file)
    return left


def check_room(root: Path, sizes: Iterable[int]) -> str:
    """What is needed and what is free. Errors: ValueError, where it isn't enough."""
    folder = next(parent for parent in (root.absolute(), *root.absolute().parents) if parent.is_dir())
    disk = os.statvfs(folder)
    blocks = [-(-size // disk.f_frsize) for size in sizes]
    needed, free = sum(blocks) * disk.f_frsize, disk.f_bavail * disk.f_frsize
    inodes = f"{disk.f_favail:,}" if disk.f_files else "any number of"  # some file systems have no fixed number
    text = f"{len(blocks):,} files to unpack, {_bytes(needed)}; room at {folder}: {inodes} files, {_bytes(free)}"
    if needed > free or (disk.f_files and len(blocks) > disk.f_favail):
        raise ValueError(f"{text}. That isn't enough: make room or give another folder with --out")
    return text


def _bytes(number: int) -> str:
    return f"{number / 1e9:,.1f} GB" if number >= 1e9 else f"{number / 1e6:,.1f} MB"


def unpack_all(parts: Parts, left: Sequence[tuple[Member, Path]], root: Path, told: Notes) -> int:
    """The number of files that were unpacked. Errors: OSError; ValueError, for a folder that leads out of `root`."""
    unpacked, folders = 0, set[Path]()
    with Progress("files unpacked", len(left)) as shown:
        for member, file in left:
            if file.parent not in folders:
                _make_folder(file.parent, root)
                folders.add(file.parent)
            try:
                with written_whole(file) as out:
                    archives.unpack(parts, member, out)
                unpacked += 1
            except ValueError as error:
                told.take(DAMAGED, 1, [str(error)])
            shown.step()
    return unpacked


def _make_folder(folder: Path, root: Path) -> None:
    if not folder.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"{folder} leads out of {root}, to {folder.resolve()}, which no training reads")
    folder.mkdir(parents=True, exist_ok=True)


def add_to(commands: Commands) -> None:
    extract = commands.add_parser(
        "extract",
        help="the files that records name, out of a zip or a split zip",
        description="Unpacks the images, regions and masks that DATA.json names, and for its merged masks the instance "
        "masks that merge-masks makes them of. The parts of a split zip (.z01, .z02, ... beside the .zip) aren't "
        "joined first. Run again, it goes on where it was interrupted; what is there already stays.",
        epilog="example: python -m medplib.data extract MeCoVQA-Grounding.json SA-Med2D-16M.zip --out sa-med2d",
    )
    extract.add_argument("records", metavar="DATA.json", type=Path, help="records in MeCoVQA's format")
    extract.add_argument("archive", metavar="ARCHIVE", type=Path, help="the .zip, of a split zip the last part")
    extract.add_argument("--out", metavar="ROOT", type=Path, required=True, help="folder that names start from")
    extract.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    wanted, root, told = Wanted(files_named(options.records)), options.out, Notes(options.out)
    with Parts(options.archive) as parts:
        look(parts, wanted)
        left = to_unpack(wanted, root, told)
        print(check_room(root, (member.size for member, _ in left)), flush=True)
        unpacked = unpack_all(parts, left, root, told)
    print(f"{unpacked:,} files unpacked into {root}, {len(wanted.found) - len(left):,} were there already")
    for name, record in wanted.missing(root):
        told.take(MISSING, 1, [f"{name} (record {record})"])
    if wanted.merged:
        print(f"then merge the masks: python -m medplib.data merge-masks {root} --only {options.records}")
    lines = told.lines((DAMAGED, OTHERS, MISSING))
    for line in lines:
        print(line)
    return 1 if lines else 0
