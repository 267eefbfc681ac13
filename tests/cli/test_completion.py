"""The completion script, run by bash itself."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from program import COMMANDS, options_of, said

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")


def completed(folder: Path, line: str) -> set[str]:
    """What bash offers at the end of the line, which readline has split at spaces and '='."""
    words = line.replace("=", " = ").split(" ")
    words = [word for word in words[:-1] if word] + [words[-1]]
    commands = f"""
        set -u
        source <(printf %s {shlex.quote(said("completion", "bash"))})
        COMP_WORDS=({" ".join(shlex.quote(word) for word in words)}); COMP_CWORD={len(words) - 1}
        _medplib
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "-c", commands], cwd=folder, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return set(done.stdout.split())


def test_the_script_names_the_function_for_medplib() -> None:
    assert "complete -F _medplib medplib" in said("completion", "bash")


def test_commands_are_completed(tmp_path: Path) -> None:
    assert set(COMMANDS) <= completed(tmp_path, "medplib ")
    assert completed(tmp_path, "medplib seg") == {"segment"}
    assert completed(tmp_path, "medplib --ver") == {"--version"}


@pytest.mark.parametrize("command", COMMANDS)
def test_options_are_those_of_the_help(tmp_path: Path, command: str) -> None:
    wanted = {f"--{option}" for option in options_of(command)}
    assert completed(tmp_path, f"medplib {command} --") == wanted


def test_values_of_options_are_completed(tmp_path: Path) -> None:
    assert completed(tmp_path, "medplib ask --precision ") == {"float32", "bfloat16"}
    assert completed(tmp_path, "medplib ask --precision=b") == {"bfloat16"}
    assert completed(tmp_path, "medplib ask --log-level=") == {"debug", "info", "warning", "error", "silent"}
    assert completed(tmp_path, "medplib ask --seed ") == set()
    assert completed(tmp_path, "medplib completion ") == {"bash"}
    assert completed(tmp_path, "medplib data ") == {"check"}


def test_files_and_folders_are_completed(tmp_path: Path) -> None:
    (tmp_path / "eye.png").touch()
    (tmp_path / "models").mkdir()
    assert completed(tmp_path, "medplib ask ") == {"eye.png", "models"}
    assert completed(tmp_path, "medplib data check ") == {"eye.png", "models"}
    assert completed(tmp_path, "medplib data check eye.png --images ") == {"models"}
    assert completed(tmp_path, "medplib ask eye.png what --out-mask e") == {"eye.png"}
    for line in ("medplib info --model ", "medplib info ", "medplib verify "):
        assert completed(tmp_path, line) == {"models"}
