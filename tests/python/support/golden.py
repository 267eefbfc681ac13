"""The golden checkpoint `tiny_seg`, which answers everything with one <SEG>, and a picture for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
GOLDENS = ROOT / "tests/goldens"
MODEL = GOLDENS / "ckpt/tiny_seg"
CASE = GOLDENS / "cases/s01_emits_seg_wide"
PICTURE = CASE.with_name(CASE.name + ".image.png")
QUESTION = "Please segment the tumour in this MRI image."


def python(*arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs another Python with the package, and with the golden model as the embedded one."""
    return subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "MEDPLIB_MODEL": str(MODEL), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=600,
        check=check,
    )
