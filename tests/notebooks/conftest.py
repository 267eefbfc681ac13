"""Kernels find the package that is built, and the embedded model."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True, scope="session")
def environment_of_kernels() -> None:
    os.environ["PYTHONPATH"] = str(ROOT / "build/python")
    os.environ.pop("MEDPLIB_MODEL", None)
