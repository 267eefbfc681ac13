"""How far long work is."""

from __future__ import annotations

import sys
import time
from typing import Any

import pytest
from medplib.data.progress import Progress


def shown(monkeypatch: pytest.MonkeyPatch, capsys: Any, terminal: bool, total: int, seconds: float) -> str:
    """On stderr, after a quarter of the work took so long."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    clock = iter([0.0, seconds])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with Progress("files unpacked", total) as told:
        told.step(1000)
    text: str = capsys.readouterr().err
    return text


def test_a_terminal_is_told_how_far_it_is_and_how_long_it_takes(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert "1,000 of 4,000 files unpacked, 1:01:30 left" in shown(monkeypatch, capsys, True, 4000, 1230.0)
    assert shown(monkeypatch, capsys, True, 0, 1230.0).strip("\r\n").startswith("1,000 files unpacked\033")


def test_short_work_and_a_file_are_told_nothing(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    assert shown(monkeypatch, capsys, True, 4000, 1.9) == ""
    assert shown(monkeypatch, capsys, False, 4000, 1230.0) == ""
