"""Ray Data on a cluster of this machine alone, with two workers; and the code of docs/python.md that does this."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import pytest
from medplib import examples
from medplib import ray as medplib_ray

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/goldens/ckpt/tiny_seg"
PICTURE = ROOT / "tests/goldens/cases/s01_emits_seg_wide.image.png"
COUNT = 24

ray = pytest.importorskip("ray", reason="ray is not installed")
parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")


def watched(folder: Path) -> type[medplib_ray.Worker]:
    """A worker that notes its process once it has loaded the model, and dies at the first sight of `deadly.png`."""

    class Watched(medplib_ray.Worker):
        def __init__(self, *settings: Any) -> None:
            super().__init__(*settings)
            with (folder / "loads").open("a") as file:
                file.write(f"{os.getpid()}\n")
            gpus = ray.get_runtime_context().get_assigned_resources().get("GPU", 0)
            (folder / "gpus").write_text(str(gpus))

        def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
            if row["path"].endswith("deadly.png") and not (folder / "died").exists():
                (folder / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__call__(row)

    return Watched


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The working folder of a cluster."""
    folder = tmp_path_factory.mktemp("cluster")
    with contextlib.chdir(folder):
        ray.init(
            num_cpus=3,
            num_gpus=1,  # in the cluster's books alone
            include_dashboard=False,
            configure_logging=False,
            runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}},
        )
        yield folder
        ray.shutdown()


@pytest.fixture
def cluster(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of its workers' notes."""
    monkeypatch.setattr(medplib_ray, "Worker", watched(tmp_path))
    (tmp_path / "deadly.png").write_bytes(PICTURE.read_bytes())
    # Both workers are there before the first image is handed out.
    monkeypatch.setattr(ray.data.DataContext.get_current(), "wait_for_min_actors_s", 600)
    return tmp_path


def rows_of(paths: list[str]) -> list[dict[str, Any]]:
    items = [{"number": number, "path": path} for number, path in enumerate(paths)]
    dataset = ray.data.from_items(items, override_num_blocks=8)
    rows: list[dict[str, Any]] = medplib_ray.segment(dataset, "tumour", model=MODEL).take_all()
    assert Counter(row["number"] for row in rows) == dict.fromkeys(range(len(paths)), 1)
    return sorted(rows, key=lambda row: int(row["number"]))


def test_every_image_is_answered_once_by_workers_that_load_the_model_once(cluster: Path) -> None:
    (cluster / "no.png").write_text("no picture")
    paths = [str(PICTURE)] * COUNT
    paths[5] = str(cluster / "no.png")
    rows = rows_of(paths)
    expected = medplib.load(MODEL).session(PICTURE).segment("tumour")[0].rle
    for row in rows:
        if row["number"] == 5:
            assert "no.png" in row["error"]
            assert json.loads(row["answer"])["error"]["code"] == "FORMAT"
        else:
            assert row["error"] == ""
            assert json.loads(row["answer"])["masks"][0]["rle"] == expected
    loads = Counter((cluster / "loads").read_text().split())
    assert list(loads.values()) == [1, 1]


def test_what_a_killed_worker_had_is_done_again(cluster: Path) -> None:
    paths = [str(PICTURE)] * COUNT
    paths[7] = str(cluster / "deadly.png")
    rows = rows_of(paths)
    assert (cluster / "died").exists()
    assert all(row["error"] == "" for row in rows)
    assert len(Counter((cluster / "loads").read_text().split())) == 3  # both, and the one in place of the killed


def test_arrays_are_asked_about_too(folder: Path) -> None:
    pictures = [medplib.Image.read(PICTURE).array, np.full((150, 330, 3), 90, np.uint8)]
    dataset = ray.data.from_items([{"number": number, "scan": scan} for number, scan in enumerate(pictures)])
    asked = medplib_ray.ask(dataset, "What is this?", column="scan", model=MODEL, workers=1, box=(20, 20, 120, 120))
    rows = sorted(asked.take_all(), key=lambda row: int(row["number"]))
    for row, scan in zip(rows, pictures, strict=True):
        np.testing.assert_array_equal(row["scan"], scan)
        expected = medplib.load(MODEL).session(scan).ask("What is this?", box=(20, 20, 120, 120))
        answer = json.loads(row["answer"])
        assert (answer["tokens"], answer["prompt"], row["error"]) == (expected.tokens, expected.prompt, "")


def test_workers_get_the_precision_and_the_gpus_that_are_named(cluster: Path) -> None:
    dataset = ray.data.from_items([{"path": str(PICTURE)}])
    asked = medplib_ray.segment(
        dataset, "tumour", model=MODEL, device="cpu", precision="bfloat16", workers=1, num_gpus=0.25
    )
    (row,) = asked.take_all()
    masks = {
        precision: medplib.load(MODEL, "cpu", precision).session(PICTURE).segment("tumour")[0].rle
        for precision in ("float32", "bfloat16")
    }
    assert masks["float32"] != masks["bfloat16"]
    assert json.loads(row["answer"])["masks"][0]["rle"] == masks["bfloat16"]
    assert float((cluster / "gpus").read_text()) == 0.25


def test_a_device_that_is_not_there_is_told(cluster: Path) -> None:
    dataset = ray.data.from_items([{"path": str(PICTURE)}])
    with pytest.raises(ray.exceptions.RayError, match="abacus"):
        medplib_ray.segment(dataset, "tumour", model=MODEL, device="abacus", workers=1).take_all()


@pytest.mark.parametrize("name", ["answer", "error"])
def test_a_column_that_would_be_overwritten_is_refused_before_anything_starts(folder: Path, name: str) -> None:
    dataset = ray.data.from_items([{"path": str(PICTURE), name: "of before"}])
    with pytest.raises(medplib.InvalidArgumentError, match=f"column '{name}' already"):
        medplib_ray.segment(dataset, "tumour", model=MODEL)


def test_the_code_of_the_python_page_runs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MEDPLIB_MODEL", raising=False)
    shutil.copyfile(examples.packaged(examples.RETINA), folder / "retina.jpg")
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python ray\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    exec(compile(code, "docs/python.md", "exec"), {})
    (row,) = parquet.read_table(folder / "answers").to_pylist()
    assert row["path"] == "retina.jpg"
    assert row["error"] == ""
    assert "masks" in json.loads(row["answer"])
