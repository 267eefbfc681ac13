"""Ray Data on a cluster of this machine alone, with two workers."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
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


def setup_of(folder: str, deadly: str) -> Callable[[], None]:
    """Run in each worker process: it notes when it loads a model, and dies at the first sight of the image `deadly`."""

    def setup() -> None:
        import signal

        from medplib import engine
        from medplib import ray as inside

        load, set_image = vars(inside)["load"], engine.Session.set_image

        def noted(*arguments: Any) -> Any:
            with open(os.path.join(folder, "loads"), "a") as file:
                file.write(f"{os.getpid()}\n")
            return load(*arguments)

        def dying(self: Any, image: Any) -> None:
            if str(image) == deadly:
                try:
                    os.close(os.open(os.path.join(folder, "died"), os.O_CREAT | os.O_EXCL))
                except FileExistsError:
                    pass
                else:
                    os.kill(os.getpid(), signal.SIGKILL)
            set_image(self, image)

        vars(inside)["load"] = noted
        engine.Session.set_image = dying  # type: ignore[method-assign]

    return setup


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Path]:
    """Its folder of notes; the image that kills is `deadly.png` in it."""
    (tmp_path / "deadly.png").write_bytes(PICTURE.read_bytes())
    ray.init(
        num_cpus=4,
        include_dashboard=False,
        configure_logging=False,
        runtime_env={
            "worker_process_setup_hook": setup_of(str(tmp_path), str(tmp_path / "deadly.png")),
            "env_vars": {"PYTHONPATH": os.pathsep.join(sys.path)},
        },
    )
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
    assert 1 <= len(loads) <= 2
    assert set(loads.values()) == {1}


def test_what_a_killed_worker_had_is_done_again(cluster: Path) -> None:
    paths = [str(PICTURE)] * COUNT
    paths[7] = str(cluster / "deadly.png")
    rows = rows_of(paths)
    assert (cluster / "died").exists()
    assert all(row["error"] == "" for row in rows)
    assert len(Counter((cluster / "loads").read_text().split())) >= 2
