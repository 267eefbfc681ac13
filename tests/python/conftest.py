"""For all tests of the package."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

# Before torch is loaded: on a machine that does other work, threads that wait for each other take most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import medplib
import numpy as np
import numpy.typing as npt
import pytest
from golden import MODEL, PICTURE
from PIL import Image


@pytest.fixture(scope="module")
def model() -> medplib.Model:
    return medplib.load(MODEL, device="cpu")


@pytest.fixture(scope="module")
def session(model: medplib.Model) -> medplib.Session:
    return model.session(PICTURE)


@pytest.fixture(scope="module")
def pixels() -> npt.NDArray[np.uint8]:
    with Image.open(PICTURE) as picture:
        return np.array(picture.convert("RGB"))


@pytest.fixture
def selfish() -> Iterator[None]:
    """A thread gives up the lock only where it means to."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    yield
    sys.setswitchinterval(before)
