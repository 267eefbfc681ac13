"""Command line: python -m medplib.data COMMAND, each in a module of its name."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence

from ..errors import MedplibError
from . import convert, extract, folder, generate, merge_masks, tiny, view

COMMANDS = (folder, convert, extract, merge_masks, generate, view, tiny)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m medplib.data", description="Make training material from folders of medical image sets."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        return options.run(options) or 0
    except (OSError, ValueError, KeyError, re.error, ImportError, MedplibError) as error:
        print(f"medplib.data: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
