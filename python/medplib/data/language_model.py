"""A language model of the user's behind an OpenAI-compatible address, whose answers are kept."""

from __future__ import annotations

import hashlib
import json
import os
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

KEY = "OPENAI_API_KEY"  # the environment variable
TRIES = 4
FIRST_WAIT = 1.0  # seconds, then twice as long each time
LONGEST = 10_000_000  # bytes of an answer
AGAIN = "what was answered until now is kept: run it again to go on"

Message = dict[str, str]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key goes to no other address than the user's."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


@dataclass
class Kept:
    """Answers by what was asked, a line each; a line that was cut off by an end of the program is asked for again."""

    file: Path
    answers: dict[str, str] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        whole = 0
        for line in self.file.read_bytes().splitlines(keepends=True) if self.file.exists() else []:
            try:
                entry = json.loads(line)
                self.answers[entry["asked"]] = str(entry["answer"])
            except (ValueError, KeyError, TypeError) as error:
                if not line.endswith(b"\n"):
                    break
                raise ValueError(f"{self.file} is damaged at byte {whole}: take it away to ask anew") from error
            whole += len(line)
        if self.file.exists() and whole < self.file.stat().st_size:
            os.truncate(self.file, whole)

    def add(self, asked: str, answer: str) -> None:
        self.answers[asked] = answer
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"asked": asked, "answer": answer}) + "\n")


@dataclass(frozen=True)
class LanguageModel:
    """`url` is what the server calls its base, such as http://localhost:8000/v1."""

    url: str
    name: str
    seed: int
    kept: Kept
    timeout: float = 120  # seconds

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"--language-model is {self.url}: give an address such as http://localhost:8000/v1")

    def ask(self, messages: list[Message]) -> str:
        """The answer, of an earlier run where there is one. Errors: ValueError, with a sentence for the user."""
        body = {"model": self.name, "messages": messages, "temperature": 0, "seed": self.seed}
        asked = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        if asked not in self.kept.answers:
            self.kept.add(asked, self._content(self._answered(json.dumps(body).encode())))
        return self.kept.answers[asked]

    def _answered(self, body: bytes) -> bytes:
        headers = {"Content-Type": "application/json"}
        if key := os.environ.get(KEY):
            headers["Authorization"] = f"Bearer {key}"
        request = urllib.request.Request(self._address, body, headers)
        opener = urllib.request.build_opener(_NoRedirects)
        for attempt in range(1, TRIES + 1):
            try:
                with opener.open(request, timeout=self.timeout) as reply:
                    return bytes(reply.read(LONGEST))
            except urllib.error.HTTPError as error:
                fault = _fault(error)
                if error.code != 429 and error.code < 500:
                    raise ValueError(f"{self._address} {fault}") from error
            except (OSError, HTTPException) as error:
                fault = f"can't be reached: {getattr(error, 'reason', None) or error or type(error).__name__}"
            if attempt < TRIES:
                time.sleep(FIRST_WAIT * 2 ** (attempt - 1))
        raise ValueError(f"{self._address} {fault}, {TRIES} times in a row; {AGAIN}")

    @property
    def _address(self) -> str:
        return self.url.rstrip("/").removesuffix("/chat/completions") + "/chat/completions"

    def _content(self, reply: bytes) -> str:
        try:
            content = json.loads(reply)["choices"][0]["message"]["content"]
        except (ValueError, KeyError, IndexError, TypeError, RecursionError):
            content = None
        if not isinstance(content, str):
            start = reply[:80].decode("utf-8", "replace")
            raise ValueError(
                f"{self._address} answered something else than a chat completion, beginning with {start!r}: is this "
                f"the address of an OpenAI-compatible server? {AGAIN.capitalize()}"
            )
        return content


def _fault(error: urllib.error.HTTPError) -> str:
    said = error.read(200).decode("utf-8", "replace").strip()
    hint = f"; is {KEY} set to a key that it knows?" if error.code in (401, 403) else ""
    moved = "; give the address where it is now" if 300 <= error.code < 400 else ""
    return f"answered {error.code} {error.reason}: {said!r}{hint}{moved}"
