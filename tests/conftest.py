"""For all tests: Python keeps what it compiles under build/, also where it is told not to write beside the sources.

Else each Python that a test starts compiles all of torch that it imports, which takes longer than the rest of the test.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if sys.dont_write_bytecode:
    sys.dont_write_bytecode = False
    sys.pycache_prefix = os.environ.setdefault(
        "PYTHONPYCACHEPREFIX", str(Path(__file__).resolve().parents[1] / "build/pycache")
    )
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
