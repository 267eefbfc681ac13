"""Built programs, and the program medplib beside them; all on the golden model and one thread."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from golden import GOLDENS, MODEL, ROOT

BUILD = Path(os.environ.get("MEDPLIB_BUILD", ROOT / "build"))
PICTURES = [GOLDENS / "cases" / f"{name}.image.png" for name in ("s01_emits_seg_wide", "c00_square_noregion")]


def run(*command: str | Path, code: int = 0, stdin: str = "", **environment: str) -> str:
    """What the command prints; it must end with this code."""
    done = subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
        env={**os.environ, "OMP_NUM_THREADS": "1", "MEDPLIB_MODEL": str(MODEL), **environment},
    )
    assert done.returncode == code, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def medplib(*arguments: str | Path, stdin: str = "", code: int = 0) -> str:
    return run(BUILD / "bin/medplib", *arguments, stdin=stdin, code=code)


def compiled(source: Path, program: Path) -> Path:
    """A program in C that uses the interface."""
    library = BUILD / "lib"
    strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'capi/include'}"]
    run("cc", *strict, source, "-o", program, f"-L{library}", "-lmedplib", f"-Wl,-rpath,{library}")
    return program


def install(prefix: Path) -> Path:
    """Installs the C interface there, as users do; its library."""
    run("cmake", "--install", BUILD, "--prefix", prefix, "--component", "c")
    return next(prefix.rglob("libmedplib.so"))
