"""The pictures for demonstrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from medplib import examples
from PIL import Image


def package(root: Path, name: str) -> Path:
    (root / name).mkdir(parents=True)
    (root / name / "__init__.py").write_text("raise ImportError('nobody should import this')\n")
    return root / name


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for the packages: a volume whose front right corner is bright, stored leftwards."""
    root = tmp_path / "packages"
    volume = np.full((20, 30, 12), 10, dtype=np.int16)
    volume[:5, -5:, :] = 200  # with x to the left, small i is the patient's right
    affine = np.diag([-1.0, 1.0, 2.0, 1.0])
    affine[2, 3] = -4
    file = package(root, "nilearn") / "datasets" / "data" / Path(examples.BRAIN).name
    file.parent.mkdir(parents=True)
    nibabel.save(nibabel.Nifti1Image(volume, affine), file)  # type: ignore[no-untyped-call]
    (package(root, "skimage") / "data").mkdir()
    (root / "skimage" / "data" / "retina.jpg").write_bytes(b"a photograph")
    monkeypatch.setattr(examples, "find_spec", lambda name: _Spec(root / name / "__init__.py"))
    return root


class _Spec:
    def __init__(self, origin: Path) -> None:
        self.origin = str(origin)


def test_both_pictures_are_written(packages: Path, tmp_path: Path, capsys: Any) -> None:
    assert examples.main([str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "retina.jpg").read_bytes() == b"a photograph"
    assert capsys.readouterr().out.splitlines() == [
        str(tmp_path / "out" / n) for n in ("retina.jpg", "brain_t1_axial.png")
    ]


def test_the_slice_is_upright_with_the_right_side_on_the_left(packages: Path, tmp_path: Path) -> None:
    examples.main([str(tmp_path / "out")])
    slice_ = np.asarray(Image.open(tmp_path / "out" / "brain_t1_axial.png"))
    assert slice_.shape == (30, 20)
    assert slice_.dtype == np.uint8
    assert slice_[0, 0] == 255
    assert slice_[-1, 0] == slice_[0, -1] == slice_[-1, -1] == 0


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(examples, "find_spec", lambda name: None)
    assert examples.main([str(tmp_path / "out")]) == 1
    assert "comes with the package skimage, which is not installed" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_sheet_shows_pictures_side_by_side_in_one_height(tmp_path: Path) -> None:
    for name, size, colour in (("red.png", (40, 20), "red"), ("blue.png", (30, 60), "blue")):
        Image.new("RGB", size, colour).save(tmp_path / name)
    sheet = tmp_path / "sheet.png"
    assert examples.main([str(sheet), "--sheet", str(tmp_path / "red.png"), str(tmp_path / "blue.png")]) == 0
    with Image.open(sheet) as shown:
        assert shown.size == (640 + 160, 320)
        assert shown.getpixel((639, 160)) == (255, 0, 0)
        assert shown.getpixel((640, 160)) == (0, 0, 255)
