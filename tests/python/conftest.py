"""For all tests of the package."""

from __future__ import annotations

import os

# Before torch is loaded: on a machine that does other work, threads that wait for each other take most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
