"""`medplib experts`: dense models joined into one with experts."""

from __future__ import annotations

import json
import re
import resource
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
from program import MODEL, Program, floats_of
from published import Floats, write_safetensors

FAILURE, USAGE, UNLOADABLE = 1, 2, 3

EXPERT = re.compile(r"deepspeed_moe\.experts\.deepspeed_experts\.(\d)\.")


def weights_of(folder: Path) -> dict[str, Floats]:
    weights: dict[str, Floats] = {}
    for file in sorted(folder.glob("*.safetensors")):
        weights |= {name: np.asarray(values) for name, values in floats_of(file).items()}
    return weights


def make_dense(folder: Path, expert: int) -> Path:
    """The golden model with one of its experts as the feed-forward part."""
    folder.mkdir()
    for name in ("tokenizer.model", "added_tokens.json", "tokenizer_config.json"):
        shutil.copyfile(MODEL / name, folder / name)
    config = json.loads((MODEL / "config.json").read_text())
    del config["moe"]
    (folder / "config.json").write_text(json.dumps(config))
    dense = {}
    for name, values in weights_of(MODEL).items():
        found = EXPERT.search(name)
        if "deepspeed_moe" not in name or (found and int(found[1]) == expert):
            dense[EXPERT.sub("", name)] = values
    write_safetensors(folder / "model.safetensors", dense, "F32")
    return folder


@pytest.fixture
def dense(tmp_path: Path) -> Path:
    """Two dense models that share everything but their feed-forward parts."""
    make_dense(tmp_path / "grounding", 0)
    make_dense(tmp_path / "language", 1)
    return tmp_path


JOIN = ("experts", "--from", "grounding/,language/", "--out", "moe/")


def test_the_parts_of_a_mixture_make_it_again(medplib: Program, dense: Path) -> None:
    assert medplib(*JOIN).out == "moe/\n"
    made, wanted = weights_of(dense / "moe"), weights_of(MODEL)
    unneeded = re.compile(r"rotary_emb\.inv_freq|post_layernorm\.|position_ids|pixel_(mean|std)")
    assert made.keys() == {name for name in wanted if not unneeded.search(name)}
    routers = [name for name in made if name.endswith("gate.wg.weight")]
    assert len(routers) == 3
    for name in made:
        assert made[name].shape == wanted[name].shape
        if name not in routers:
            np.testing.assert_array_equal(made[name], wanted[name], name)


def test_the_result_verifies_is_told_of_and_answers(medplib: Program, dense: Path, picture: Path) -> None:
    medplib(*JOIN)
    assert medplib("verify", "moe").out == "ok\n"
    info = medplib("info", "moe", "--json").json
    assert info["experts"] == [2, 2, 2]
    answer = medplib("ask", picture, "What is this?", "--model", "moe", "--max-new-tokens", "2", "--json").json
    assert [len(layer) for layer in answer["routing"]] == [2, 2, 2]


def test_layers_the_rest_and_the_seed_are_chosen(medplib: Program, dense: Path) -> None:
    some = ("--layers", "0,2", "--rest", "grounding", "--seed", "7")
    medplib(*JOIN, *some)
    assert medplib("info", "moe", "--json").json["experts"] == [2, 0, 2]
    name = "model.layers.1.mlp.up_proj.weight"
    np.testing.assert_array_equal(weights_of(dense / "moe")[name], weights_of(dense / "grounding")[name])
    config = json.loads((dense / "moe/config.json").read_text())
    assert config["moe"]["moe_layers_idx"] == [0, 2]
    assert config["moe"]["num_experts"] == [2, 2]


def test_wrong_uses_are_named(medplib: Program, dense: Path) -> None:
    refuses = medplib.refuses
    refuses(USAGE, "experts", "--out", "moe", saying="needs --from")
    refuses(USAGE, "experts", "--from", "grounding,language", saying="needs --out")
    refuses(USAGE, "experts", "--from", "grounding", "--out", "moe", saying="two models or more")
    refuses(USAGE, "experts", "--from", "grounding,,language", "--out", "moe", saying="a part of it is empty")
    refuses(USAGE, "experts", "grounding", "language", "--out", "moe", saying="name the folders after --from")
    refuses(USAGE, *JOIN, "--layers", "0,3", saying="no layer 3")
    refuses(USAGE, *JOIN, "--layers", "1,x", saying='"x" cannot be the value of --layers')
    refuses(UNLOADABLE, "experts", "--from", "grounding,none", "--out", "moe", saying="none")
    refuses(UNLOADABLE, "experts", "--from", f"grounding,{MODEL}", "--out", "moe", saying="has experts already")
    refuses(FAILURE, "experts", "--from", "grounding,language", "--out", "language", saying="is there already")
    assert sorted(path.name for path in dense.iterdir()) == ["grounding", "language"]


def test_a_full_disk_leaves_nothing(medplib: Program, dense: Path) -> None:
    def fill_the_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    ended = medplib(*JOIN, code=FAILURE, before=fill_the_disk)
    assert "model.safetensors" in ended.err
    assert sorted(path.name for path in dense.iterdir()) == ["grounding", "language"]
