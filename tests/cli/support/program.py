"""The program under test: how it is called, how a call ended, and what it wrote."""

from __future__ import annotations

import json
import os
import re
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
GOLDENS = ROOT / "tests/goldens"
BINARY = Path(os.environ.get("MEDPLIB_BIN", ROOT / "build/bin/medplib"))
MODEL = GOLDENS / "ckpt/tiny_seg"
COMMANDS = ["ask", "segment", "describe", "refine", "chat", "info", "verify", "train", "experts", "data", "completion"]


@dataclass(frozen=True)
class Ended:
    """How a call of the program ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.split("\n") if line]


def environment(**more: str) -> dict[str, str]:
    """The caller's, with the golden model as the embedded one."""
    return {**os.environ, "MEDPLIB_MODEL": str(MODEL), **more}


class Program:
    """Runs medplib and insists on its exit code."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        *arguments: str | bytes | Path,
        code: int = 0,
        stdin: str = "",
        stdout: int | None = None,
        env: Mapping[str, str] | None = None,
        before: Callable[[], None] | None = None,
    ) -> Ended:
        done = subprocess.run(
            [BINARY, *arguments],
            input=stdin.encode(),
            stdout=subprocess.PIPE if stdout is None else stdout,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=environment(**(env or {})),
            preexec_fn=before,
            timeout=300,
            check=False,
        )
        ended = Ended(done.returncode, (done.stdout or b"").decode(), done.stderr.decode())
        assert ended.code == code, f"{arguments} ended with {ended.code}:\n{ended.out}\n{ended.err}"
        return ended

    def refuses(self, code: int, *arguments: str | bytes | Path, saying: str, stdin: str = "") -> Ended:
        """The call fails with one sentence that has these words, and nothing on stdout."""
        ended = self(*arguments, code=code, stdin=stdin)
        assert ended.out == ""
        first = ended.err.splitlines()[0]
        assert first.startswith("medplib: error: "), ended.err
        assert saying.lower() in first.lower(), ended.err
        return ended


class Once:
    """Makes a call when it is asked for first, in a folder that holds a picture: for what a test compares with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._program = Program(folder)
        self._ended: dict[tuple[str | Path, ...], Ended] = {}

    def __call__(self, *arguments: str | Path) -> Ended:
        if arguments not in self._ended:
            self._ended[arguments] = self._program(*arguments)
        return self._ended[arguments]


def started(tmp_path: Path, *arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[bytes]:
    """The program with whatever it writes, be it text or not."""
    return subprocess.run(
        [BINARY, *arguments], cwd=tmp_path, env=environment(), timeout=300, check=False, **{"input": b"", **more}
    )


# A program's peak counts from the process it is started by, so a small one starts it.
PEAK_OF = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], check=False, stdout=subprocess.DEVNULL)
print(done.returncode, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def peak_memory(*arguments: str | Path, code: int = 0) -> int:
    """Bytes that a call of the program took at most."""
    ended, peak = subprocess.check_output(
        [sys.executable, "-c", PEAK_OF, BINARY, *arguments], env=environment()
    ).split()
    assert int(ended) == code
    return int(peak)


@cache
def said(*arguments: str) -> str:
    """What the program says of itself, which is the same however often it is asked."""
    return subprocess.check_output([BINARY, *arguments], env=environment(), text=True)


def is_sanitized() -> bool:
    return bool(json.loads(said("--version", "--json"))["built"] == "sanitized")


def options_of(command: str) -> list[str]:
    return re.findall(r"^  (?:-h \[ )?--([a-z-]+)", said(command, "--help"), re.MULTILINE)


def floats_of(file: Path) -> dict[str, np.memmap[Any, np.dtype[np.float32]]]:
    """The tensors of a safetensors file, which must all be float32; writing to them changes the file."""
    with file.open("rb") as opened:
        (length,) = struct.unpack("<Q", opened.read(8))
        header = json.loads(opened.read(length))
    header.pop("__metadata__", None)
    assert {entry["dtype"] for entry in header.values()} == {"F32"}
    assert file.stat().st_size == 8 + length + max(entry["data_offsets"][1] for entry in header.values())
    return {
        name: np.memmap(file, np.float32, "r+", 8 + length + entry["data_offsets"][0], tuple(entry["shape"]))
        for name, entry in header.items()
    }


def picture_in(folder: Path) -> Path:
    """A new RGB picture of 64 × 48 pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    path = folder / "eye.png"
    Image.fromarray(pixels).save(path)
    return path


def mask_values(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(Image.open(path))
