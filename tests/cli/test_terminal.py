"""On a terminal: words as they come, colour only where wanted, Ctrl-C."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from program import BINARY, Program, environment

INTERRUPTED = 130
# Random words, so many that the program is still at it when the signal comes.
LONG = ("--temperature", "50", "--seed", "3", "--max-new-tokens", "1300")


class Terminal:
    """The program with its stdout, and if wanted its stderr, on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self.process = process
        self._end = end

    def read(self) -> bytes:
        """What has come; empty at the end."""
        try:
            return os.read(self._end, 65536)
        except OSError:  # Linux says so when the other end is closed
            return b""

    def read_all(self) -> bytes:
        return b"".join(iter(self.read, b""))


@contextmanager
def on_terminal(
    folder: Path, *arguments: str, stderr_too: bool = False, stdin: bool = False, no_color: str = ""
) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [BINARY, *arguments],
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs if stderr_too else subprocess.PIPE,
        cwd=folder,
        env=environment(NO_COLOR=no_color),
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.communicate()
        os.close(ours)


def test_words_are_shown_as_they_come(medplib: Program, picture: Path) -> None:
    with on_terminal(medplib.folder, "ask", "eye.png", "what?", *LONG) as terminal:
        assert terminal.read()
        assert terminal.process.poll() is None, "all words came at once"


def test_the_whole_answer_is_shown_once(medplib: Program, picture: Path) -> None:
    call = ("ask", "eye.png", "what?", "--max-new-tokens", "5")
    with on_terminal(medplib.folder, *call) as terminal:
        shown = terminal.read_all().decode().replace("\r\n", "\n")
        assert terminal.process.wait() == 0
    assert shown.strip() == medplib(*call).out.strip()


def test_ctrl_c_ends_an_answer_with_nothing_written(medplib: Program, picture: Path, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    call = ("ask", "eye.png", "what?", *LONG, "--out-mask", "m.png", "--overlay", "o.png")
    with on_terminal(tmp_path, *call) as terminal:
        assert terminal.read()
        terminal.process.send_signal(signal.SIGINT)
        terminal.read_all()
        assert terminal.process.wait() == INTERRUPTED
        assert terminal.process.stderr is not None
        assert terminal.process.stderr.read().startswith(b"medplib: error: ")
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("command", [["ask", "-", "--jsonl"], ["chat", "eye.png"]])
def test_ctrl_c_ends_the_wait_for_a_line(medplib: Program, picture: Path, command: list[str]) -> None:
    request = json.dumps({"image": "eye.png", "question": "what?"}) if command[0] == "ask" else "what?"
    with on_terminal(medplib.folder, *command, "--max-new-tokens", "1", stdin=True) as terminal:
        assert terminal.process.stdin is not None
        terminal.process.stdin.write(request.encode() + b"\n")
        terminal.process.stdin.flush()
        shown = b""
        while b"\n" not in shown:
            shown += terminal.read()
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait() == INTERRUPTED


def test_an_event_comes_as_soon_as_its_request_is_answered(medplib: Program, picture: Path) -> None:
    with subprocess.Popen(
        [BINARY, "ask", "-", "--jsonl", "--max-new-tokens", "1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=medplib.folder,
        env=environment(),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(3):
            request = {"id": number, "image": "eye.png", "question": "what?"}
            process.stdin.write(json.dumps(request).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait() == 0


def shown_on_terminal(folder: Path, *arguments: str, no_color: str = "") -> str:
    with on_terminal(folder, *arguments, stderr_too=True, no_color=no_color) as terminal:
        shown = terminal.read_all().decode()
        terminal.process.wait()
    return shown


def test_errors_have_colour_on_a_terminal_unless_told_not_to(medplib: Program) -> None:
    assert "\033[" in shown_on_terminal(medplib.folder, "ask", no_color="")
    assert "\033[" not in shown_on_terminal(medplib.folder, "ask", no_color="1")
    assert "\033[" not in medplib("ask", code=2, env={"NO_COLOR": ""}).err


def test_progress_is_shown_on_a_terminal_only_and_not_when_quiet(medplib: Program, picture: Path) -> None:
    call = ("ask", "eye.png", "what?", "--max-new-tokens", "1")
    assert "loading" in shown_on_terminal(medplib.folder, *call)
    assert "loading" not in shown_on_terminal(medplib.folder, *call, "--quiet")
    assert "loading" not in medplib(*call).err
