"""What the command line accepts, refuses and says of itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from program import COMMANDS, ROOT, Program, options_of, said

HEADERS = ROOT / "core/include/medplib/core"
# Fields that are no option: callbacks, what Ctrl-C sets, a group that has options of its own, and operands.
NO_OPTION = {"on_text", "on_layer", "progress", "limits", "on_step", "on_validation", "on_warning", "stop", "overrides"}
RENAMED = {"regions": "region"}
OF_EVERY_COMMAND = {"quiet", "log-level", "help"}


def version() -> str:
    found = re.search(r"project\(medplib VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())
    assert found
    return found[1]


def fields_of(header: str, struct: str) -> list[str]:
    """The names of a struct's fields, read from the header."""
    body = re.search(rf"struct {struct} {{\n(.*?)\n}};", (HEADERS / header).read_text(), re.DOTALL)
    assert body, f"{header} has no {struct}"
    names = []
    for line in body[1].splitlines():
        declared = line.split("//")[0].strip()
        if declared.endswith(";"):
            names.append(re.findall(r"\w+", re.split(r"[={]", declared.rstrip(";"))[0])[-1])
    assert names
    return names


def test_the_version_is_that_of_the_project(medplib: Program) -> None:
    assert medplib("--version").out == f"medplib {version()}\n"
    told = json.loads(medplib("--version", "--json").out)
    assert told["version"] == version()
    assert told["torch"] == "2.11.0"


def test_help_names_every_command_and_the_exit_codes(medplib: Program) -> None:
    text = medplib("--help").out
    for word in [*COMMANDS, "130"]:
        assert re.search(rf"\b{word}\b", text), word
    assert medplib("-h").out == text


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_with_an_example(command: str) -> None:
    text = said(command, "--help")
    assert text.startswith(f"Usage: medplib {command}")
    assert re.search(rf"Example:\n  .*medplib {command}", text)


@pytest.mark.parametrize(
    ("command", "structs", "of_its_own"),
    [
        (
            "ask",
            [
                ("session.h", "AskOptions"),
                ("session.h", "SessionOptions"),
                ("model.h", "LoadOptions"),
                ("image.h", "ImageOptions"),
                ("image.h", "ImageLimits"),
            ],
            {"model", "threads", "together", "out-mask", "overlay", "json", "jsonl"},
        ),
        ("train", [("train.h", "TrainOptions")], {"max-samples", "dry-run"}),
    ],
)
def test_options_are_named_as_the_fields_of_the_api(
    command: str, structs: list[tuple[str, str]], of_its_own: set[str]
) -> None:
    fields = {field for header, struct in structs for field in fields_of(header, struct)} - NO_OPTION
    wanted = {RENAMED.get(field, field).replace("_", "-") for field in fields}
    assert set(options_of(command)) == wanted | of_its_own | OF_EVERY_COMMAND


@pytest.mark.parametrize(
    ("arguments", "saying"),
    [
        ([], "no command"),
        (["paint"], "paint"),
        (["--quiet", "ask"], "--quiet"),
        (["--json", "info"], "--version"),
        (["ask", "--colour", "eye.png", "what?"], "--colour"),
        (["ask", "--dev", "cpu", "eye.png", "what?"], "--dev"),
        (["ask", "-x", "eye.png", "what?"], "-x"),
        (["ask", "eye.png", "what?", "--seed", "1", "--seed", "2"], "--seed"),
        (["ask", "eye.png", "what?", "--json", "--json"], "--json"),
        (["ask", "eye.png", "what?", "--json=1"], "--json"),
        (["ask", "eye.png", "what?", "--out-mask"], "--out-mask"),
        (["ask", "eye.png", "what?", "--out-mask", "--json"], "--out-mask"),
        (["ask", "eye.png", "what?", "--out-mask", ""], "--out-mask"),
        (["ask", "eye.png", "what?", "--json", "--jsonl"], "exclude"),
        (["ask", "eye.png", "other.png", "what?", "--json"], "--jsonl"),
        (["ask", "eye.png", "other.png", "what?", "--out-mask", "m.png"], "{}"),
        (["ask", "eye.png", "what?", "--out-mask", "m.png", "--overlay", "m.png"], "m.png"),
        (["ask"], "image"),
        (["ask", "eye.png"], "question"),
        (["segment", "eye.png"], "phrase"),
        (["describe"], "image"),
        (["describe", "eye.png"], "region"),
        (["describe", "eye.png", "--region", "point:1,1", "--region", "point:2,2"], "region"),
        (["refine"], "image"),
        (["refine", "eye.png"], "--click"),
        (["refine", "eye.png", "--click", "3,4"], "3,4"),
        (["refine", "eye.png", "--click", "3,4,5,+"], "3,4,5,+"),
        (["refine", "eye.png", "--click", "3,,+"], "--click"),
        (["refine", "eye.png", "--region", "point:3,4"], "box"),
        (["chat"], "image"),
        (["info", "eye.png"], "--image"),
        (["info", "models", "--image", "eye.png"], "--image"),
        (["info", "models", "--model", "others"], "others"),
        (["verify", "models", "--model", "others"], "--model"),
        (["verify", "models", "others"], "one model folder"),
        (["completion"], "bash"),
        (["completion", "fish"], "bash"),
        (["train"], "recipe"),
    ],
)
def test_wrong_use_is_told_with_exit_code_2(
    medplib: Program, picture: Path, other_picture: Path, arguments: list[str], saying: str
) -> None:
    medplib.refuses(2, *arguments, saying=saying)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--max-new-tokens", "0"),
        ("--max-new-tokens", "1e3"),
        ("--max-new-tokens", "99999999999999999999"),
        ("--max-new-tokens", "many"),
        ("--temperature", "-1"),
        ("--temperature", "nan"),
        ("--temperature", "inf"),
        ("--temperature", "0.5x"),
        ("--top-k", "-1"),
        ("--top-p", "0"),
        ("--top-p", "1.5"),
        ("--seed", "-1"),
        ("--seed", "1.5"),
        ("--threshold", "0"),
        ("--threshold", "1"),
        ("--threshold", "-0.5"),
        ("--threads", "0"),
        ("--context", "-5"),
        ("--precision", "float16"),
        ("--compat", "yes"),
        ("--device", "tpu"),
        ("--device", "cuda:x"),
        ("--log-level", "loud"),
        ("--sixteen-bit", "low"),
        ("--max-pixels", "0"),
    ],
)
def test_a_value_out_of_range_is_named_together_with_it(
    medplib: Program, picture: Path, option: str, value: str
) -> None:
    medplib.refuses(2, "ask", picture, "what?", option, value, saying=value)


def test_behind_two_dashes_everything_is_an_operand(medplib: Program, picture: Path) -> None:
    assert medplib("ask", "--json", "--", picture, "--json").json["question"] == "--json"


def test_an_option_may_stand_anywhere_and_take_its_value_after_an_equals_sign(medplib: Program, picture: Path) -> None:
    first = medplib("ask", "--max-new-tokens=2", picture, "--json", "what?").json
    last = medplib("ask", picture, "what?", "--max-new-tokens", "2", "--json").json
    assert first["tokens"] == last["tokens"]


@pytest.mark.parametrize("question", ["", "   ", b"caf\xe9 \xff?"])
def test_a_question_without_words_or_not_in_utf_8_is_refused(
    medplib: Program, picture: Path, question: str | bytes
) -> None:
    medplib.refuses(2, "ask", picture, question, saying="the question is")
    medplib.refuses(2, "segment", picture, question, saying="the phrase is")


def test_a_question_longer_than_the_context_is_refused(medplib: Program, picture: Path) -> None:
    medplib.refuses(2, "ask", picture, "what is it? " * 9000, saying="context")
    medplib.refuses(2, "ask", picture, "what?", "--context", "100", saying="context")


def test_what_looks_like_a_token_in_a_question_is_plain_text(medplib: Program, picture: Path) -> None:
    def prompt_tokens(question: str) -> int:
        told = medplib("ask", picture, question, "--json", "--max-new-tokens", "1").json
        return int(told["timing"]["prompt_tokens"])

    assert prompt_tokens("What?" + 20 * " <SEG>") > prompt_tokens("What?") + 40  # one token each otherwise
