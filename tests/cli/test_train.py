"""Training: Ctrl-C and going on, and recipes, data and models that cannot be used."""

from __future__ import annotations

import json
import re
import resource
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from program import BINARY, Program, environment, floats_of
from training import STEPS

FAILURE, USAGE, BAD_MODEL, INPUT, INTERRUPTED = 1, 2, 3, 4, 130


def logged_steps(out: Path) -> list[int]:
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line["step"] for line in lines if "validation" not in line]


LOSSES = r"  loss [\d.]+  cross_entropy [\d.]+(?:  [a-z_]+ [\d.]+)+"
PROGRESS = rf"step 1/{STEPS}{LOSSES}  [\d.]+ questions/s  \d+:\d\d left"


def test_the_log_has_the_parts_of_each_steps_loss(medplib: Program, folder: Path) -> None:
    weights = {"dice": 0.5, "bce": 3.0, "focal": 0.7, "iou": 0.2, "prompted": 0.4, "router": 0.1}
    medplib(
        "train", "recipe.json", "steps=3", *(f"{name}={weight}" for name, weight in weights.items()), "--out", "out"
    )
    lines = [json.loads(line) for line in (folder / "out/log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2, 3]
    for line in lines:
        assert line["loss"] == pytest.approx(
            line["cross_entropy"] + sum(weight * line[name] for name, weight in weights.items()), rel=1e-5
        )
        assert all(line[name] > 0 for name in ("cross_entropy", *weights))
        assert line["samples_per_second"] > 0
        assert line["learning_rate"] > 0


def test_the_terminal_calls_the_losses_as_the_log_does(medplib: Program, folder: Path) -> None:
    said = medplib("train", "recipe.json", "steps=1", "focal=0.7", "--out", "out").err
    told = dict(re.findall(r"  ([a-z_]+) ([\d.]+)(?=  )", said))
    line = json.loads((folder / "out/log.jsonl").read_text())
    assert {"loss", "cross_entropy", "focal"} <= told.keys()
    assert told == {name: f"{line[name]:.3f}" for name in told}
    assert all(line[name] == 0 for name in line.keys() - told.keys() - {"step", "learning_rate", "samples_per_second"})


def test_ctrl_c_leaves_a_checkpoint_to_go_on_from(medplib: Program, folder: Path) -> None:
    call = ("train", "recipe.json", "--out", "out")
    out = folder / "out"
    with subprocess.Popen(
        [BINARY, *call], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=folder, env=environment()
    ) as process:
        assert process.stderr is not None
        first = process.stderr.readline().decode()  # said when its line is in the log
        assert re.fullmatch(PROGRESS, first.rstrip("\n")), first
        process.send_signal(signal.SIGINT)
        told, complained = process.communicate(timeout=300)
        assert process.returncode == INTERRUPTED
    assert told == b""
    assert complained.splitlines()[-1].startswith(b"medplib: error: Training stopped after ")

    done = logged_steps(out)
    assert 1 <= len(done) < STEPS
    assert sorted(path.name for path in out.iterdir()) == ["checkpoint.safetensors", "log.jsonl"]
    checkpoint = floats_of(out / "checkpoint.safetensors")
    assert checkpoint["steps"].max() == len(done)
    assert all(np.isfinite(values).all() for values in checkpoint.values())

    assert medplib(*call, "--resume", "--quiet").out == "out/model\n"
    assert logged_steps(out) == list(range(1, STEPS + 1))
    assert sorted(path.name for path in out.iterdir()) == ["checkpoint.safetensors", "log.jsonl", "model"]
    assert medplib("verify", "--model", "out/model").out == "ok\n"


def handles_ctrl_c(process: subprocess.Popen[bytes]) -> bool:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return bool(int(status.split("SigCgt:")[1].split()[0], 16) >> (signal.SIGINT - 1) & 1)


def test_a_second_ctrl_c_does_not_wait_for_the_step(medplib: Program, folder: Path) -> None:
    call: list[str | Path] = [BINARY, "train", "recipe.json", "images_per_step=300", "--out", "out"]
    with subprocess.Popen(call, stderr=subprocess.PIPE, cwd=folder, env=environment()) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        while handles_ctrl_c(process):
            pass  # until the first one has come, which is at once
        process.send_signal(signal.SIGINT)
        assert process.wait() == -signal.SIGINT
    assert not (folder / "out/model").exists()


def test_a_checkpoint_is_neither_overwritten_nor_gone_on_from_with_another_recipe(
    medplib: Program, folder: Path
) -> None:
    call = ("train", "recipe.json", "steps=1", "--out", "out")
    medplib(*call)
    checkpoint = (folder / "out/checkpoint.safetensors").read_bytes()
    medplib.refuses(FAILURE, *call, saying="--resume")
    medplib.refuses(FAILURE, *call, "--resume", "learning_rate=0.1", saying="learning_rate is 0.1, was not given")
    assert (folder / "out/checkpoint.safetensors").read_bytes() == checkpoint


def test_a_model_that_no_training_here_made_is_not_replaced(medplib: Program, folder: Path) -> None:
    (folder / "model/notes.txt").write_text("mine")
    medplib.refuses(FAILURE, "train", "recipe.json", "--out", ".", saying="holds a folder model")
    assert (folder / "model/notes.txt").read_text() == "mine"
    assert not (folder / "checkpoint.safetensors").exists()


def test_going_on_from_nothing_is_told(medplib: Program, folder: Path) -> None:
    said = medplib("train", "recipe.json", "steps=1", "--out", "out", "--resume").err
    assert "holds no checkpoint to go on from" in said


@pytest.mark.parametrize("name", ["records.json", "model/config.json", "judged.json"])
def test_a_training_does_not_go_on_with_other_files(medplib: Program, folder: Path, name: str) -> None:
    (folder / "judged.json").write_bytes((folder / "records.json").read_bytes())
    call = ("train", "recipe.json", "steps=1", "validate=judged.json", "--out", "out")
    medplib(*call)
    with (folder / name).open("a") as file:
        file.write("\n")
    medplib.refuses(FAILURE, *call, "--resume", saying="has changed since")


def test_two_trainings_do_not_write_into_one_folder(medplib: Program, folder: Path) -> None:
    call = ("train", "recipe.json", "steps=1000000", "--out", "out")
    with subprocess.Popen([BINARY, *call], cwd=folder, env=environment(), stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.readline()
        medplib.refuses(FAILURE, *call, saying="is written by another training")
        process.kill()


def test_a_training_that_meets_a_broken_picture_keeps_what_it_did(medplib: Program, folder: Path) -> None:
    """The log has a line a step, and so has the checkpoint."""
    call = ("train", "recipe.json", "images_per_step=1", "steps=60", "--workers", "0", "--out", "out")
    (folder / "1.png").rename(folder / "good.png")
    (folder / "1.png").write_text("I am not a picture.")
    medplib.refuses(INPUT, *call, "seed=5", "--quiet", saying="1.png")
    done = len(logged_steps(folder / "out"))
    assert done > 0, "another seed must draw another picture first"
    assert floats_of(folder / "out/checkpoint.safetensors")["steps"].max() == done
    (folder / "good.png").rename(folder / "1.png")
    medplib(*call, "seed=5", "--resume", "--quiet")
    assert logged_steps(folder / "out") == list(range(1, 61))


def test_what_a_killed_training_did_not_save_is_done_again(medplib: Program, folder: Path) -> None:
    validating = ("validate=records.json", "validate_every=8", "validate_samples=1")
    recipe = ("train", "recipe.json", "checkpoint_every=7", *validating)
    medplib(*recipe, "--out", "whole", "--quiet")
    call = (*recipe, "--out", "killed")
    out = folder / "killed"
    with subprocess.Popen([BINARY, *call], cwd=folder, env=environment(), stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        while not process.stderr.readline().startswith(b"validation at step 8 "):  # the checkpoint is of step 7
            assert process.poll() is None, "it ended before it was killed"
        process.kill()
    assert len(logged_steps(out)) < STEPS
    with (out / "log.jsonl").open("a") as log:
        log.write('{"step": 7')  # as when the kill hits while a line is written
    medplib(*call, "--resume", "--quiet", "--workers", "3")
    assert logged_steps(out) == list(range(1, STEPS + 1))
    for name in ("checkpoint.safetensors", "model/model.safetensors"):
        assert (out / name).read_bytes() == (folder / "whole" / name).read_bytes()


def test_a_disk_that_fills_leaves_the_checkpoint_before(medplib: Program, folder: Path) -> None:
    call = ("train", "recipe.json", f"steps={STEPS}", "checkpoint_every=1", "--out", "out")
    with subprocess.Popen([BINARY, *call], cwd=folder, env=environment(), stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=300)
    before = (folder / "out/checkpoint.safetensors").read_bytes()

    def fill_the_disk() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, len(before) // 2))

    ended = medplib(*call, "--resume", "--quiet", code=FAILURE, before=fill_the_disk)
    assert "checkpoint.safetensors" in ended.err
    assert (folder / "out/checkpoint.safetensors").read_bytes() == before
    assert not list((folder / "out").glob("*.part*"))
    medplib(*call, "--resume", "--quiet")


def test_fewer_samples_are_taken_evenly(medplib: Program, folder: Path) -> None:
    told = medplib("train", "recipe.json", "--max-samples", "3", "--dry-run").out
    assert re.search(r"^  all +3 +3 +\d$", told, re.MULTILINE)
    medplib.refuses(USAGE, "train", "recipe.json", "--max-samples", "0", "--dry-run", saying="max-samples")


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(medplib: Program, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    told = medplib("train", "recipe.json", "steps=7", "--dry-run").out
    assert told.startswith("7 steps\n")
    assert re.search(r"^  discs +3 +6 +3$", told, re.MULTILINE)
    assert re.search(r"^  sam.encoder +[1-9]\d* +[1-9]\d* +0 +0$", told, re.MULTILINE)
    memory = {name: float(size) for name, size in re.findall(r"^  (\w+) +(\d+\.\d) MB$", told, re.MULTILINE)}
    assert list(memory) == ["weights", "gradients", "optimizer", "activations", "together"]
    assert memory.pop("together") == pytest.approx(sum(memory.values()), abs=0.3)
    for table in told.split("\n\n")[1:-1]:
        assert len({len(line) for line in table.splitlines()}) == 1, f"the columns of this don't align:\n{table}"
    assert sorted(folder.rglob("*")) == before


def test_a_dry_run_counts_the_activations_of_the_largest_part_of_a_step(medplib: Program, folder: Path) -> None:
    def activations(parts: int) -> float:
        told = medplib("train", "recipe.json", "images_per_step=3", f"accumulate={parts}", "--dry-run").out
        return float(re.findall(r"^  activations +(\d+\.\d) MB$", told, re.MULTILINE)[0])

    whole = activations(1)
    assert activations(2) == pytest.approx(whole * 2 / 3, rel=0.2)
    assert activations(3) == pytest.approx(whole / 3, rel=0.3)


def test_a_training_is_judged_by_pictures_that_it_does_not_learn_from(medplib: Program, folder: Path) -> None:
    said = medplib("train", "recipe.json", "steps=2", "validate=records.json", "--out", "out").err
    assert re.search(
        r"^validation at step 2  gIoU 0\.\d{3}  Dice 0\.\d{3} of 3 masks  cross_entropy \d\.\d{3}  the best so far$",
        said,
        re.MULTILINE,
    )
    assert json.loads((folder / "out/log.jsonl").read_text().splitlines()[-1])["validation"]["masks"] == 3
    assert medplib("verify", "--model", "out/best").out == "ok\n"
    names = sorted(path.name for path in (folder / "out").iterdir())
    assert names == ["best", "checkpoint.safetensors", "log.jsonl", "model", "validation"]
    assert medplib("train", "recipe.json", "validate=nothing.json", "--out", "other", code=INPUT).err.count(
        "nothing.json"
    )


def missing(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def holding(name: str, text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_text(text)

    return write


DAMAGES: dict[str, tuple[Callable[[Path], None], int, str]] = {
    "no recipe": (missing("recipe.json"), INPUT, "recipe.json"),
    "recipe no JSON": (holding("recipe.json", '{"steps": 3,\n "train" "a"}'), INPUT, "line 2, column"),
    "recipe with a key twice": (
        holding("recipe.json", '{"steps": 3,\n "train": "records.json",\n "steps": 4}'),
        INPUT,
        '"steps" in recipe.json stands in line 1 and in line 3',
    ),
    "recipe with a wrong key": (
        holding("recipe.json", '{"model": "model",\n "train": "records.json",\n "stepps": 3}'),
        INPUT,
        '"stepps" in recipe.json, line 3 is not a key',
    ),
    "recipe with a wrong value": (
        holding("recipe.json", '{"model": "model",\n "train": "records.json",\n\n "steps": []}'),
        INPUT,
        '"steps" in recipe.json, line 4 cannot be used',
    ),
    "recipe without keys": (holding("recipe.json", "{}"), INPUT, "recipe.json"),
    "no records": (missing("records.json"), INPUT, "records.json"),
    "records no list": (holding("records.json", "{}"), INPUT, "records.json"),
    "no configuration": (missing("model/config.json"), BAD_MODEL, "config.json"),
    "no tokenizer": (missing("model/tokenizer.model"), BAD_MODEL, "tokenizer.model"),
    "manifest no JSON": (holding("model/medplib.json", "{"), BAD_MODEL, "medplib.json"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_the_exit_code_tells_whether_data_or_model_are_at_fault(medplib: Program, folder: Path, damage: str) -> None:
    spoil, code, saying = DAMAGES[damage]
    spoil(folder)
    medplib.refuses(code, "train", "recipe.json", "--dry-run", saying=saying)
    medplib.refuses(code, "train", "recipe.json", "--out", "out", saying=saying)
    assert not (folder / "out").exists()


def test_a_value_of_the_command_line_stands_on_no_line(medplib: Program, folder: Path) -> None:
    (folder / "recipe.json").write_text('{"model": "model",\n "train": "records.json",\n "steps": 3}')
    call = ("train", "recipe.json", "steps=0", "--dry-run")
    medplib.refuses(USAGE, *call, saying='"steps" on the command line is 0; it must be at least 1')


def test_a_template_that_is_not_there_is_the_models_fault(medplib: Program, folder: Path) -> None:
    (folder / "model/medplib.json").write_text('{"format_version": 1, "conversation_template": "runes"}')
    medplib.refuses(BAD_MODEL, "train", "recipe.json", "--dry-run", saying="runes")


def test_a_picture_that_cannot_be_read_is_an_input_too(medplib: Program, folder: Path) -> None:
    for i in range(3):
        (folder / f"{i}.png").write_text("I am not a picture.")
    medplib.refuses(INPUT, "train", "recipe.json", "--out", "out", saying=".png")


def change_record(folder: Path, index: int, message: int, text: str) -> None:
    records = json.loads((folder / "records.json").read_text())
    records[index]["conversations"][message]["value"] = text
    (folder / "records.json").write_text(json.dumps(records))


def only_empty_answers_to_judge_by(folder: Path) -> None:
    records = json.loads((folder / "records.json").read_text())
    for record in records:
        record["conversations"][1]["value"] = ""
        record["conversations"][0]["value"] = "<image>\nWhat?"
    (folder / "judge.json").write_text(json.dumps(records))
    recipe = json.loads((folder / "recipe.json").read_text())
    (folder / "recipe.json").write_text(json.dumps({**recipe, "validate": "judge.json"}))


BAD_RECORDS: dict[str, tuple[Callable[[Path], None], str]] = {
    "no JSON": (holding("records.json", '[{"id": 1,\n "image" "a.png"}]'), "record 0 (0), line 1 is not valid JSON"),
    "a key is missing": (holding("records.json", '[{"id": "seven", "image": "0.png"}]'), '"conversations" in'),
    "a key of another type": (
        holding("records.json", '[\n{"image": 7}]'),
        '"image" in records.json, record 0 (0), line 2 ',
    ),
    "an image is missing": (missing("1.png"), '1.png", which record 2 names, does not exist'),
    "a mask is missing": (missing("mask-2.png"), 'mask-2.png", which record 4 names, does not exist'),
    "a mask without <SEG>": (lambda f: change_record(f, 0, 1, "Sure.<mask>mask-0.png</mask>"), "0 <SEG> but 1 <mask>"),
    "no <image>": (lambda f: change_record(f, 1, 0, "Which modality?"), "the first question, and it alone"),
    "a mask in a question": (
        lambda f: change_record(f, 0, 0, "<image>\nWhat?<mask>mask-0.png</mask>"),
        "record 0 (0), line 1: a question holds <mask>",
    ),
    "a region in an answer": (
        lambda f: change_record(f, 0, 1, "Here: <region>mask-0.png</region>"),
        "an answer holds <region>",
    ),
    "nothing to learn": (holding("records.json", "[]"), "no record that can be learnt from"),
    "nothing to judge by": (
        only_empty_answers_to_judge_by,
        'judge.json" holds no record that this objective can be judged',
    ),
}


@pytest.mark.parametrize("fault", BAD_RECORDS)
def test_records_that_cannot_be_used_are_named_before_the_first_step(
    medplib: Program, folder: Path, fault: str
) -> None:
    spoil, saying = BAD_RECORDS[fault]
    spoil(folder)
    medplib.refuses(INPUT, "train", "recipe.json", "--dry-run", saying=saying)
    medplib.refuses(INPUT, "train", "recipe.json", "--out", "out", saying=saying)


def test_a_mask_of_another_size_is_named(medplib: Program, folder: Path) -> None:
    for i in range(3):
        mask = Image.new("L", (16, 32))
        mask.paste(255, (2, 2, 12, 20))
        mask.save(folder / f"mask-{i}.png")
    medplib.refuses(INPUT, "train", "recipe.json", "--out", "out", saying="has another size than its image")


def test_an_empty_region_is_named(medplib: Program, folder: Path) -> None:
    Image.new("L", (32, 32)).save(folder / "empty.png")
    for i in range(3):
        change_record(folder, 2 * i + 1, 0, "<image>\nWhat is <region>empty.png</region>?")
    medplib.refuses(INPUT, "train", "recipe.json", "--out", "out", saying="names, is an empty region")


def test_what_can_be_frozen_is_told_to_who_misspells_it(medplib: Program, folder: Path) -> None:
    saying = "The parts are clip, projector, region_adapter, language, seg_projection, sam.encoder"
    medplib.refuses(INPUT, "train", "recipe.json", 'freeze=["klip"]', "--dry-run", saying=saying)
    told = medplib("train", "recipe.json", 'freeze=["clip", "sam.encoder"]', "--dry-run").out
    assert re.search(r"^  sam.encoder +0 +0 +[1-9]\d* +[1-9]\d*$", told, re.MULTILINE)


def test_wrong_words_behind_the_recipe_are_wrong_use(medplib: Program, folder: Path) -> None:
    medplib.refuses(USAGE, "train", "recipe.json", "steps", "--dry-run", saying="key=value")


def test_an_output_that_cannot_be_written_is_a_failure(medplib: Program, folder: Path) -> None:
    medplib.refuses(FAILURE, "train", "recipe.json", "--out", "recipe.json", saying="recipe.json")
