"""Sees to it that the extension module can be loaded: import this before `_core`.

`_core` uses the libraries of the torch it was built with; another version's would crash it.
"""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("medplib._core") is None:
    raise ImportError(
        "medplib's engine is not built here: build it and put build/python on PYTHONPATH, or install it with "
        "`pip install .`."
    )

import torch

from ._built import TORCH

if torch.__version__.split("+")[0] != TORCH:
    raise ImportError(
        f"medplib was built with torch {TORCH}, but torch {torch.__version__} is installed: run "
        f"`pip install torch=={TORCH}`, or build medplib again."
    )
