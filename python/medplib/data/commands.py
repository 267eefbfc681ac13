"""What each command of python -m medplib.data is made with: its module has `add_to`, which names its options and, with
set_defaults(run=...), what does it. That raises OSError or ValueError, or returns an exit code other than 0."""

from __future__ import annotations

import argparse
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
