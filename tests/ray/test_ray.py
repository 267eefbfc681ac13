"""Ray Data on a cluster of this machine alone, with two workers."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import medplib
import pytest
from medplib import ray as medplib_ray

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/goldens/ckpt/tiny_seg"
PICTURE = ROOT / "tests/goldens/cases/s01_emits_seg_wide.image.png"
COUNT = 24

ray = pytest.importorskip("ray", reason="ray is not installed")


def watched(folder: Path) -> type[medplib_ray.Worker]:
    """A worker that notes its process once it has loaded the model, and dies at the first sight of `deadly.png`."""

    class Watched(medplib_ray.Worker):
        def __init__(self, *settings: Any) -> None:
            super().__init__(*settings)
            with (folder / "loads").open("a") as file:
                file.write(f"{os.getpid()}\n")

        def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
            if row["path"].endswith("deadly.png") and not (folder / "died").exists():
                (folder / "died").touch()
                os.kill(os.getpid(), signal.SIGKILL)
            return super().__call__(row)

    return Watched


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of its workers' notes."""
    monkeypatch.setattr(medplib_ray, "Worker", watched(tmp_path))
    (tmp_path / "deadly.png").write_bytes(PICTURE.read_bytes())
    ray.init(
        num_cpus=3,
        include_dashboard=False,
        configure_logging=False,
        runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)}},
    )
    # Both workers are there before the first image is handed out.
    monkeypatch.setattr(ray.data.DataContext.get_current(), "wait_for_min_actors_s", 600)
    yield tmp_path
    ray.shutdown()


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
