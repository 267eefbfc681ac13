"""Pairs by a language model behind an address: a server in the test that answers as it is told."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from made_sets import CASES, make_sets, read, read_all
from medplib.data.__main__ import main
from medplib.data.language_model import KEY, Kept, LanguageModel

PAIRS = [
    {"kind": "complex", "structure": "", "question": "Which side?", "answer": "The skin lesion lies on the left."},
    {"kind": "complex", "structure": "skin lesion", "question": "Where is it?", "answer": "It lies on the right."},
    {"kind": "region", "structure": "skin lesion", "question": "What is at <region>?", "answer": "A skin lesion."},
    {"kind": "grounding", "structure": "skin lesion", "question": "Show the skin lesion.", "answer": "Here: <SEG>."},
    {"kind": "grounding", "structure": "skin lesion", "question": "Show the skin lesion.", "answer": "Here it is."},
]


class Server:
    """Answers one after the other: texts as chat completions, bytes as they are, numbers as HTTP errors."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.script: list[str | bytes | int] = []
        self.last: str | bytes | int = ""
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                outer.headers.append(f"{self.path} {self.headers.get('Authorization')}")
                outer.last = reply = outer.script.pop(0) if outer.script else outer.usual()
                if isinstance(reply, str):
                    reply = json.dumps({"choices": [{"message": {"content": reply}}]}).encode()
                self.send_response(reply if isinstance(reply, int) else 200)
                self.send_header("Location", "http://localhost:9/elsewhere")
                self.end_headers()
                self.wfile.write(b"no" if isinstance(reply, int) else reply)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def usual(self) -> str:
        asks_for_pairs = "JSON list" in self.requests[-1]["messages"][1]["content"]
        return f"Here you are:\n```json\n{json.dumps(PAIRS)}\n```" if asks_for_pairs else "A skin lesion is visible."

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(autouse=True)
def without_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setattr("medplib.data.language_model.FIRST_WAIT", 0)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Skin lesions alone."""
    whole = make_sets(tmp_path / "all")
    only = tmp_path / "sets"
    only.mkdir()
    (whole / "set_dermoscopy").rename(only / "set_dermoscopy")
    (only / "splits.json").write_text((whole / "splits.json").read_text())
    return only


def generate(source: Path, server: Server, *more: str) -> int:
    return main(["generate", str(source), "--language-model", server.url, "--model", "made", *more])


def answers(file: Path, server: Server) -> LanguageModel:
    return LanguageModel(server.url, "made", 1, Kept(file), timeout=5)


def test_its_pairs_become_records_and_what_the_mask_contradicts_does_not(
    source: Path, server: Server, capsys: Any
) -> None:
    assert generate(source, server) == 0
    made = read_all(source, "train") + read_all(source, "validate")
    assert {r["source"]["model"] for r in made} == {"made"}
    first = [[t["value"] for t in r["conversations"]] for r in made if r["image"].endswith("case0.png")]
    mask = "set_dermoscopy/masks/case0__skin_lesion.png"
    assert first == [
        ["<image>\nDescribe this image.", "A skin lesion is visible."],
        ["<image>\nWhich side?", "The skin lesion lies on the left."],
        [f"<image>\nWhat is at <region>{mask}</region>?", "A skin lesion."],
        ["<image>\nShow the skin lesion.", f"Here: <SEG><mask>{mask}</mask>."],
    ]
    out = capsys.readouterr().out
    assert f"refused: {CASES} answers say a place where the mask doesn't lie" in out and "c02 (right)" in out
    assert f"refused: {CASES} pairs of the language model lack what was asked for" in out and "<SEG> not once" in out


def test_it_is_told_the_facts_but_no_names_of_files(source: Path, server: Server) -> None:
    generate(source, server)
    told = json.dumps(server.requests)
    assert "skin lesion" in told and "a dermoscopy image" in told and "separate_areas" in told
    assert "case0" not in told and "patient" not in told and ".png" not in told


def test_the_key_of_the_environment_goes_to_the_address(source: Path, server: Server, monkeypatch: Any) -> None:
    monkeypatch.setenv(KEY, "secret")
    generate(source, server)
    assert set(server.headers) == {"/v1/chat/completions Bearer secret"}
    assert not [file for file in source.glob("mecovqa*") if "secret" in file.read_text()]


def test_a_run_that_ended_goes_on_where_it_was(source: Path, server: Server, capsys: Any) -> None:
    server.script = ["A skin lesion is visible.", json.dumps(PAIRS), 500, 500, 500, 500]
    assert generate(source, server) == 1
    told = capsys.readouterr().err
    assert "answered 500" in told and "4 times in a row" in told and "run it again to go on" in told
    assert not list(source.glob("*.json.part")) and not list(source.glob("mecovqa_?_*"))
    with (source / "mecovqa_answers.jsonl").open("ab") as kept:
        kept.write(b'{"asked": "cut off')
    before = len(server.requests)
    server.script = []
    assert generate(source, server) == 0
    assert len(server.requests) - before < 2 * CASES
    made = (source / "mecovqa_c_train.json").read_bytes()
    before = len(server.requests)
    assert generate(source, server) == 0
    assert len(server.requests) == before
    assert (source / "mecovqa_c_train.json").read_bytes() == made


def test_it_is_tried_again_a_few_times(tmp_path: Path, server: Server) -> None:
    server.script = [503, 429, "well"]
    assert answers(tmp_path / "kept", server).ask([{"role": "user", "content": "?"}]) == "well"
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("reply", "sentence", "requests"),
    [
        (401, "answered 401 Unauthorized: 'no'; is OPENAI_API_KEY set", 1),
        (404, "answered 404 Not Found", 1),
        (302, "answered 302 Found: 'no'; give the address where it is now", 1),
        (b"<html>Hello", "answered something else than a chat completion, beginning with '<html>Hello'", 1),
        (b'{"choices": []}', "something else than a chat completion", 1),
        (b'{"choices": [{"message": {"content": null}}]}', "something else than a chat completion", 1),
        (b"[" * 200_000, "something else than a chat completion, beginning with '[[", 1),
    ],
)
def test_what_it_should_not_answer_is_told_in_a_sentence(
    tmp_path: Path, server: Server, reply: bytes | int, sentence: str, requests: int
) -> None:
    server.script = [reply]
    with pytest.raises(ValueError, match="chat/completions") as caught:
        answers(tmp_path / "kept", server).ask([{"role": "user", "content": "?"}])
    assert sentence in str(caught.value) and len(str(caught.value)) < 1000
    assert len(server.requests) == requests
    assert not (tmp_path / "kept").exists()


def test_an_address_where_nobody_listens_is_told(source: Path, server: Server, capsys: Any) -> None:
    server.close()
    assert generate(source, server) == 1
    assert "can't be reached" in capsys.readouterr().err


def test_a_model_that_talks_nonsense_ends_the_run(tmp_path: Path, server: Server, capsys: Any) -> None:
    source = make_sets(tmp_path / "sets")
    server.usual = lambda: "As a language model, I can't."  # type: ignore[method-assign]
    assert generate(source, server) == 1
    told = capsys.readouterr().err
    assert "said nothing that can be used about 10 images in a row" in told and "follows instructions" in told


def test_some_nonsense_is_counted(source: Path, server: Server, capsys: Any) -> None:
    server.script = ["A skin lesion is visible.", "no list"]
    assert generate(source, server) == 0
    assert "about 1 images is not the JSON asked for, such as set_dermoscopy/case0" in capsys.readouterr().out
    assert read(source, "g", "train")


def test_half_a_letter_is_refused_and_the_run_goes_on(source: Path, server: Server, capsys: Any) -> None:
    pair = '[{"kind": "complex", "question": "What is seen? \\ud800", "answer": "A lesion.", "structure": ""}]'
    server.script = ["A skin lesion is visible.", pair]
    assert generate(source, server) == 0
    assert "half a letter" in capsys.readouterr().out


def test_a_damaged_line_of_kept_answers_is_told(tmp_path: Path) -> None:
    file = tmp_path / "kept"
    file.write_text('{"asked": "a", "answer": "b"}\nnot JSON\n')
    with pytest.raises(ValueError, match="damaged at byte 30"):
        Kept(file)


def test_an_address_that_is_none_is_refused(source: Path, capsys: Any) -> None:
    assert main(["generate", str(source), "--language-model", "file:///etc/passwd", "--model", "m"]) == 1
    assert "give an address such as http://localhost" in capsys.readouterr().err


def test_an_address_without_a_model_is_wrong_use(source: Path, capsys: Any) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["generate", str(source), "--language-model", "http://localhost"])
    assert ended.value.code == 2 and "--language-model and --model go together" in capsys.readouterr().err


def test_a_server_that_never_answers_is_given_up_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        model = LanguageModel(f"http://127.0.0.1:{silent.getsockname()[1]}", "m", 1, Kept(tmp_path / "kept"), 0.02)
        with pytest.raises(ValueError, match="timed out, 4 times in a row"):
            model.ask([{"role": "user", "content": "?"}])
