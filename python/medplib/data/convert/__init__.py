"""python -m medplib.data convert: published sets and common formats as records."""

from __future__ import annotations

from ..commands import Commands
from . import coco, folder, nifti, path_vqa, pmc_vqa, slake, vqa_rad

KINDS = (folder, coco, nifti, vqa_rad, slake, path_vqa, pmc_vqa)


def add_to(commands: Commands) -> None:
    convert = commands.add_parser(
        "convert",
        help="records from published sets and common formats",
        description="Writes a new folder: train.json, validate.json and test.json, as far as the source has these "
        "parts, the pictures and masks that they name, and source.json and LICENCE.md with where they come from and "
        "what they may be used for. The source stays as it is. What is skipped is counted by reason.",
        epilog="example: python -m medplib.data convert slake Slake1.0 --out slake",
    )
    kinds = convert.add_subparsers(dest="kind", required=True)
    for kind in KINDS:
        kind.add_to(kinds)
