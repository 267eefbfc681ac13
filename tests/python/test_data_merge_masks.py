"""The union of the instance masks of each image and class, as SA-Med2D-20M calls them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from medplib.data import instance_list
from medplib.data.__main__ import main
from own_folders import Array, save, shape
from PIL import Image
from zips import records

CT, MR = "ct_00--Set--1.3.6.1--z_0288", "mr_00--Other--case--x_0001"
FIRST, SECOND, THIRD = shape(3, 4), shape(30, 20), shape(8, 6)
EMPTY = np.zeros_like(FIRST)


def mask(root: Path, name: str, shown: Array, value: int = 255) -> Path:
    file = root / "masks" / f"{name}.png"
    save(shown * np.uint8(value), file)
    return file


def image(root: Path, name: str) -> None:
    save(EMPTY * np.uint8(1), root / "images" / f"{name}.png")


def inside(file: Path) -> Array:
    with Image.open(file) as picture:
        return np.asarray(picture) > 0


def merged(root: Path, name: str) -> Path:
    return root / "masks_merged" / f"{name}_merged.png"


def merge(root: Path, *more: str) -> int:
    return main(["merge-masks", str(root), *more])


def outputs(root: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in (root / "masks_merged").iterdir()}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two images; one class with three instances, two with one."""
    folder = tmp_path / "set"
    for name in (CT, MR):
        image(folder, name)
    for number, shown in enumerate([FIRST, SECOND, THIRD]):
        mask(folder, f"{CT}--0005_{number:03d}", shown)
    mask(folder, f"{CT}--0006_000", SECOND)
    mask(folder, f"{MR}--0005_000", THIRD)
    return folder


def test_each_class_of_an_image_is_the_union_of_its_instances(root: Path, capsys: Any) -> None:
    assert merge(root) == 0
    expected = {f"{CT}--0005": FIRST | SECOND | THIRD, f"{CT}--0006": SECOND, f"{MR}--0005": THIRD}
    assert sorted(outputs(root)) == [f"{name}_merged.png" for name in expected]
    for name, shown in expected.items():
        np.testing.assert_array_equal(inside(merged(root, name)), shown)
    assert capsys.readouterr().out == f"{root}/masks_merged: 3 merged, 0 were finished already, 0 not merged\n"


@pytest.mark.parametrize("value", [1, 7, 255])
def test_a_merged_mask_is_0_and_255_whatever_the_instances_have(root: Path, value: int) -> None:
    mask(root, f"{CT}--0006_000", SECOND, value)
    merge(root)
    with Image.open(merged(root, f"{CT}--0006")) as picture:
        assert picture.mode == "L"
        np.testing.assert_array_equal(np.asarray(picture), SECOND * np.uint8(255))


def test_the_output_is_the_same_whatever_the_order_of_the_listing(
    root: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        mask(root, f"{MR}--0001_{number:03d}", EMPTY)
    merge(root, "--jobs", "1")
    first, said = outputs(root), capsys.readouterr().out
    shutil.rmtree(root / "masks_merged")

    class Backwards:
        def __init__(self, folder: Path) -> None:
            self._entries = sorted(scandir(folder), key=lambda entry: entry.name, reverse=True)

        def __enter__(self) -> Iterator[os.DirEntry[str]]:
            return iter(self._entries)

        def __exit__(self, *_: object) -> None: ...

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", Backwards)
    merge(root, "--jobs", "4")
    monkeypatch.undo()
    assert outputs(root) == first
    assert capsys.readouterr().out == said


def written(root: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mtime_ns for file in (root / "masks_merged").iterdir()}


def test_what_is_finished_is_not_made_again(root: Path, capsys: Any) -> None:
    merge(root)
    before = written(root)
    capsys.readouterr()
    assert merge(root) == 0
    assert "0 merged, 3 were finished already" in capsys.readouterr().out
    assert written(root) == before


def test_a_changed_an_added_and_a_removed_instance_are_noticed(root: Path) -> None:
    merge(root)
    target = merged(root, f"{CT}--0005")
    later = target.stat().st_mtime_ns + 10**9
    os.utime(mask(root, f"{CT}--0005_000", EMPTY), ns=(later, later))
    merge(root)
    np.testing.assert_array_equal(inside(target), SECOND | THIRD)
    os.utime(target, ns=(later, later))
    added = mask(root, f"{CT}--0005_003", FIRST)
    os.utime(added, ns=(1, 1))
    merge(root)
    np.testing.assert_array_equal(inside(target), FIRST | SECOND | THIRD)
    added.unlink()
    merge(root)
    np.testing.assert_array_equal(inside(target), SECOND | THIRD)


def test_a_changed_instance_that_keeps_its_old_time_is_noticed_by_its_size(root: Path) -> None:
    merge(root)
    file = mask(root, f"{CT}--0006_000", np.random.default_rng(0).random(EMPTY.shape) > 0.5)
    os.utime(file, ns=(1, 1))
    merge(root)
    assert (inside(merged(root, f"{CT}--0006")) == inside(file)).all()


def test_a_merged_mask_of_somebody_else_is_kept_and_told(root: Path, capsys: Any) -> None:
    save(FIRST * np.uint8(255), merged(root, f"{CT}--0006"))
    assert merge(root) == 0
    np.testing.assert_array_equal(inside(merged(root, f"{CT}--0006")), FIRST)
    assert "kept: 1 merged masks that something else has made" in capsys.readouterr().out


def test_a_damaged_merged_mask_is_made_anew(root: Path) -> None:
    merge(root)
    whole = outputs(root)
    merged(root, f"{CT}--0006").write_bytes(b"")
    merge(root)
    assert outputs(root) == whole


KILLED = """
import os, signal, sys
from PIL import Image
from medplib.data.__main__ import main
save, left = Image.Image.save, [int(sys.argv.pop(1))]
def save_some(picture, out, **options):
    left[0] -= 1
    if left[0] < 0:
        out.write(b"half"); out.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    save(picture, out, **options)
Image.Image.save = save_some
main(sys.argv[1:])
"""


def test_a_merging_that_was_killed_goes_on_where_it_was(root: Path, capsys: Any) -> None:
    mask(root, f"{CT}--0005_002", EMPTY)
    command = [sys.executable, "-c", KILLED, "2", "merge-masks", str(root), "--jobs", "1"]
    killed = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    assert killed.returncode == -signal.SIGKILL
    before = written(root)
    assert sorted(before) == [f"{CT}--{name}" for name in ("0005_merged.png", "0006_merged.png")] + [
        f"{MR}--0005_merged.png.part"
    ]
    assert merge(root) == 0
    said = capsys.readouterr().out
    assert "1 merged, 2 were finished already" in said
    assert f"empty: 1 instance masks, such as masks/{CT}--0005_002.png" in said, "told of finished ones, too"
    after = written(root)
    assert sorted(after) == [f"{CT}--0005_merged.png", f"{CT}--0006_merged.png", f"{MR}--0005_merged.png"]
    assert all(after[name] == time for name, time in before.items() if name in after)


def test_an_error_in_the_middle_leaves_nothing_half_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(picture: Image.Image, out: Any, **_: Any) -> None:
        out.write(b"half")
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", full)
        assert merge(root) == 1
    assert outputs(root) == {}
    assert merge(root) == 0


def test_images_without_masks_and_masks_without_an_image_are_told(root: Path, capsys: Any) -> None:
    for number in range(7):
        image(root, f"ct_00--lonely--{number}")
    (root / f"images/{MR}.png").unlink()
    assert merge(root) == 0
    said = capsys.readouterr().out
    assert "without masks: 7 images, such as images/ct_00--lonely--0.png" in said
    assert "lonely--4.png" in said and "lonely--5.png" not in said
    assert f"without an image: the masks of 1 images, such as images/{MR}.png" in said


def test_empty_masks_and_masks_of_several_values_are_told_and_merged(root: Path, capsys: Any) -> None:
    mask(root, f"{CT}--0005_000", EMPTY)
    save(FIRST * np.uint8(1) + SECOND * np.uint8(2), root / f"masks/{CT}--0006_000.png")
    for _ in range(2):
        assert merge(root) == 0
        said = capsys.readouterr().out
        assert f"empty: 1 instance masks, such as masks/{CT}--0005_000.png" in said
        assert f"several values above 0: 1 masks, such as masks/{CT}--0006_000.png (1, 2)" in said
    np.testing.assert_array_equal(inside(merged(root, f"{CT}--0005")), SECOND | THIRD)
    np.testing.assert_array_equal(inside(merged(root, f"{CT}--0006")), FIRST | SECOND)


def test_a_damaged_mask_and_masks_of_different_sizes_are_named_and_the_rest_is_merged(root: Path, capsys: Any) -> None:
    damaged = root / f"masks/{CT}--0006_000.png"
    damaged.write_bytes(damaged.read_bytes()[:60])
    mask(root, f"{CT}--0005_001", SECOND.T)
    assert merge(root) == 1
    said = capsys.readouterr().out
    assert "1 merged, 0 were finished already, 2 not merged" in said
    assert "damaged: 1 masks, such as" in said and damaged.name in said
    assert (
        f"of different sizes: the instance masks of 1 merged masks, which were not made, such as masks_merged/{CT}"
        in said
    )
    assert sorted(outputs(root)) == [f"{MR}--0005_merged.png"]


def test_files_with_other_names_are_told(root: Path, capsys: Any) -> None:
    for name in ("notes.txt", f"{CT}--0005.png", f"{CT}--5_000.png", f"{CT}--0005_000.jpg"):
        (root / "masks" / name).write_bytes(b"")
    (root / os.fsdecode(b"masks/\xff--0005_000.png")).write_bytes(b"")
    assert merge(root) == 0
    said = capsys.readouterr().out
    assert "passed over: 5 files in masks/" in said and "masks/notes.txt" in said and "\\xff--0005_000.png" in said


def test_an_image_whose_name_looks_like_an_instance_keeps_its_own_masks(root: Path) -> None:
    """In the order of the file names it would stand in the middle of the other's instances."""
    mask(root, f"{CT}--0005_000x--0001_000", SECOND)
    merge(root)
    np.testing.assert_array_equal(inside(merged(root, f"{CT}--0005")), FIRST | SECOND | THIRD)
    np.testing.assert_array_equal(inside(merged(root, f"{CT}--0005_000x--0001")), SECOND)


def test_only_what_records_name_is_merged(root: Path, capsys: Any) -> None:
    names = [f"images/{CT}.png", f"masks_merged/{CT}--0006_merged.png", f"masks_merged/{MR}--0007_merged.png"]
    json = records(root / "data.json", names)
    assert merge(root, "--only", str(json)) == 1
    said = capsys.readouterr().out
    assert "1 merged" in said
    assert f"without instance masks: 1 merged masks that records name, such as masks_merged/{MR}--0007" in said
    assert "(record 2)" in said
    assert sorted(outputs(root)) == [f"{CT}--0006_merged.png"]


def test_records_without_merged_masks_are_told(root: Path, capsys: Any) -> None:
    assert merge(root, "--only", str(records(root / "data.json", [f"images/{CT}.png"]))) == 1
    assert "names no masks_merged/" in capsys.readouterr().err


def test_a_folder_without_masks_is_told(tmp_path: Path, capsys: Any) -> None:
    assert merge(tmp_path) == 1
    assert "has no folder masks" in capsys.readouterr().err
    (tmp_path / "masks").mkdir()
    assert merge(tmp_path) == 1
    assert "no mask is called IMAGE--CLASS_INSTANCE.png" in capsys.readouterr().err
    assert not (tmp_path / "masks_merged").exists()


@pytest.mark.parametrize("jobs", ["0", "65", "many"])
def test_jobs_out_of_range_are_a_fault_of_usage(root: Path, jobs: str) -> None:
    with pytest.raises(SystemExit) as ended:
        merge(root, "--jobs", jobs)
    assert ended.value.code == 2


class Entry:
    def __init__(self, name: str) -> None:
        self.name = name


class Listed:
    """A folder with many files, as os.scandir shows it."""

    def __init__(self, count: int) -> None:
        self._count = count

    def __enter__(self) -> Iterator[Entry]:
        return (Entry(f"ct_00--Set--{number * 7919 % self._count:09d}--0001_000.png") for number in range(self._count))

    def __exit__(self, *_: object) -> None: ...


def listing_peak(root: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(os, "scandir", lambda _: Listed(count))
    tracemalloc.start()
    with instance_list.InstanceList(root) as found:
        assert found.count() == count
        assert sum(1 for _ in found.groups()) == count
        assert found.without_image()[0] == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_number_of_masks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "masks").mkdir()
    few, many = (listing_peak(tmp_path, count, monkeypatch) for count in (1_000, 10_000))
    assert many < few + 100_000
