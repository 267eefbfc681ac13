"""Model folders that are damaged: nothing is answered, and `verify` says what is wrong."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from program import BINARY, Program, environment, is_sanitized, peak_memory

FAILURE, MODEL, INTERRUPTED = 1, 3, 130
SHARD = "model-00001-of-00002.safetensors"

Header = dict[str, Any]


def edit_header(file: Path, edit: Callable[[Header], None]) -> None:
    """Changes the JSON header of a safetensors file and leaves the values as they are."""
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    edit(header)
    text = json.dumps(header).encode()
    file.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


def tensors(header: Header) -> list[str]:
    return sorted((name for name in header if name != "__metadata__"), key=lambda name: header[name]["data_offsets"])


def overlap(header: Header) -> None:
    first, second = tensors(header)[:2]
    size = header[second]["data_offsets"][1] - header[second]["data_offsets"][0]
    start = header[first]["data_offsets"][0]
    header[second]["data_offsets"] = [start, start + size]


def other_type(header: Header) -> None:
    header[tensors(header)[0]]["dtype"] = "I32"


def other_shape(header: Header) -> None:
    entry = header[tensors(header)[0]]
    entry["shape"] = [*entry["shape"], 1, 1]


def without_a_tensor(header: Header) -> None:
    name = tensors(header)[-1]
    header["stranger." + name] = header.pop(name)


def missing(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def header_edit(edit: Callable[[Header], None]) -> Callable[[Path], None]:
    return lambda folder: edit_header(folder / SHARD, edit)


def cut_header(folder: Path) -> None:
    shard = folder / SHARD
    shard.write_bytes(shard.read_bytes()[:1000])


def cut_values(folder: Path) -> None:
    shard = folder / SHARD
    shard.write_bytes(shard.read_bytes()[:-1000])


def huge_header(folder: Path) -> None:
    shard = folder / SHARD
    shard.write_bytes(struct.pack("<Q", 2**62) + shard.read_bytes()[8:])


def without_added_token(folder: Path) -> None:
    for name in ("added_tokens.json", "tokenizer_config.json"):
        file = folder / name
        file.write_text(file.read_text().replace("<SEG>", "<GES>"))


def spoil_configuration(folder: Path) -> None:
    (folder / "config.json").write_text("{")


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "no configuration": (missing("config.json"), "config.json"),
    "no shard": (missing(SHARD), SHARD),
    "no tokenizer": (missing("tokenizer.model"), "tokenizer.model"),
    "no added token": (without_added_token, "<SEG>"),
    "header cut": (cut_header, SHARD),
    "values cut": (cut_values, SHARD),
    "header length huge": (huge_header, SHARD),
    "offsets overlap": (header_edit(overlap), SHARD),
    "another type": (header_edit(other_type), "do not fit"),
    "another shape": (header_edit(other_shape), "do not fit"),
    "another name": (header_edit(without_a_tensor), SHARD),
    "configuration no JSON": (spoil_configuration, "config.json"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_not_loaded(medplib: Program, picture: Path, model_copy: Path, damage: str) -> None:
    spoil, saying = DAMAGES[damage]
    spoil(model_copy)
    medplib.refuses(MODEL, "ask", picture, "what?", "--model", model_copy, saying=saying)


@pytest.mark.parametrize("damage", DAMAGES)
def test_verify_finds_the_damage(medplib: Program, model_copy: Path, damage: str) -> None:
    spoil, saying = DAMAGES[damage]
    spoil(model_copy)
    ended = medplib("verify", "--model", model_copy, code=FAILURE)
    assert saying in ended.out
    assert medplib("verify", "--model", model_copy, "--json", code=FAILURE).json["problems"]


def put_nan(model: Path, part: str) -> str:
    """Makes the first value of the first float32 tensor of a part NaN, and says which."""
    for shard in sorted(model.glob("*.safetensors")):
        data = bytearray(shard.read_bytes())
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        for name in tensors(header):
            if part in name and header[name]["dtype"] == "F32":
                start = 8 + length + header[name]["data_offsets"][0]
                data[start : start + 4] = struct.pack("<f", float("nan"))
                shard.write_bytes(data)
                return name
    raise AssertionError(f"no tensor of {part}")


@pytest.mark.parametrize("part", ["layers.0.self_attn", "mask_decoder.iou_token", "vision_tower"])
def test_verify_finds_values_that_are_no_numbers(medplib: Program, model_copy: Path, part: str) -> None:
    name = put_nan(model_copy, part)
    assert name in medplib("verify", "--model", model_copy, code=FAILURE).out


@pytest.mark.parametrize("part", ["layers.0.self_attn", "vision_tower"])
def test_an_answer_is_not_made_of_values_that_are_no_numbers(
    medplib: Program, picture: Path, model_copy: Path, part: str
) -> None:
    put_nan(model_copy, part)
    medplib.refuses(FAILURE, "ask", picture, "what?", "--model", model_copy, saying="not finite")


@pytest.mark.parametrize("part", ["mask_decoder.iou_token", "image_encoder.neck"])
def test_a_mask_is_not_made_of_values_that_are_no_numbers(
    medplib: Program, picture: Path, model_copy: Path, part: str
) -> None:
    put_nan(model_copy, part)
    what = ("--region", "box:10,10,60,60", "--out-mask", "m.png")
    medplib.refuses(FAILURE, "refine", picture, *what, "--model", model_copy, saying="not finite")
    assert not (medplib.folder / "m.png").exists()


def test_a_whole_model_is_ok(medplib: Program) -> None:
    assert medplib("verify").out == "ok, but there is no medplib.json with hashes to compare\n"
    told = medplib("verify", "--json").json
    assert (told["problems"], told["has_hashes"]) == ([], False)


@pytest.mark.parametrize("command", ["info", "verify"])
def test_ctrl_c_while_a_model_is_read_ends_the_command(medplib: Program, model_copy: Path, command: str) -> None:
    config = model_copy / "config.json"
    text = config.read_bytes()
    config.unlink()
    os.mkfifo(config)
    call: list[str | Path] = [BINARY, command, "--model", model_copy]
    with subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) as process:
        try:
            with config.open("wb") as end:  # the program has begun to read
                process.send_signal(signal.SIGINT)
                end.write(text)
            told, complained = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == INTERRUPTED
    assert told == b""
    assert complained.startswith(b"medplib: error: ")


def test_verify_takes_no_memory_for_the_weights(medplib: Program, model_copy: Path) -> None:
    if is_sanitized():
        pytest.skip("AddressSanitizer's shadow takes memory of its own.")
    usual = peak_memory("verify", "--model", model_copy)
    rows, columns = 2_000_000, 64
    config = json.loads((model_copy / "config.json").read_text())
    (model_copy / "config.json").write_text(json.dumps({**config, "vocab_size": rows}))
    name, end = "model.embed_tokens.weight", rows * columns
    header = {
        name: {"dtype": "I8", "shape": [rows, columns], "data_offsets": [0, end]},
        f"{name}_scale": {"dtype": "F32", "shape": [rows], "data_offsets": [end, end + 4 * rows]},
    }
    text = json.dumps(header).encode()
    with (model_copy / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end + 4 * rows)  # zeros that take no room on the disk
    problems = medplib("verify", "--model", model_copy, code=FAILURE).out  # all else is missing
    assert name not in problems
    assert "norm.weight" in problems
    dense = 4 * rows * columns
    assert peak_memory("verify", "--model", model_copy, code=FAILURE) - usual < dense / 4


def test_a_folder_that_is_not_there_is_told(medplib: Program, picture: Path) -> None:
    for call in (["ask", picture, "what?"], ["info"], ["verify"], ["chat", picture]):
        medplib.refuses(MODEL, *call, "--model", "nowhere", saying="nowhere")
    medplib.refuses(MODEL, "ask", picture, "what?", "--model", picture, saying="eye.png")


def test_the_model_at_fault_ends_a_call_with_several_images(medplib: Program, picture: Path) -> None:
    medplib.refuses(MODEL, "ask", picture, picture, "what?", "--model", "nowhere", saying="nowhere")
