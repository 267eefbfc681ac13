"""Which files of users' own folders were once left out, or seen turned, without a word."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import pytest
from medplib._exif import exif_orientation
from medplib.data.__main__ import main
from medplib.data.sources import ImageSet, leave_out
from own_folders import (
    HEIGHT,
    LABELS,
    LIVER,
    SPLEEN,
    WIDTH,
    Array,
    as_viewed,
    files_of,
    in_alpha,
    inside,
    masks_are,
    pairs,
    read,
    save,
    scene,
    shape,
    stored,
    written,
)
from PIL import Image, PngImagePlugin

# --- pairs left out

LOSSLESS = ["png", "PNG", "tif", "TIFF", "bmp", "BMP", "gif", "pgm", "ppm", "tga"]


@pytest.mark.parametrize("ending", [*LOSSLESS, "webp", "jp2", "jpg", "JPG", "jpeg"])
def test_pairs_left_out__folder__pictures_of_every_format_are_learnt_from(
    tmp_path: Path, capsys: Any, ending: str
) -> None:
    """Six pairs are PNG, four of the format."""
    root = pairs(tmp_path, LIVER * np.uint8(255), count=6)
    for index in range(6, 10):
        if ending == "webp":
            save(scene(), root / f"images/case{index}.webp", lossless=True)
        else:
            save(scene(), root / f"images/case{index}.{ending}", "L" if ending == "pgm" else "")
        save(LIVER * np.uint8(255), root / f"masks/case{index}.png")
    assert read(root, "--phrase", "liver") == 0
    masks_are(root, "liver", LIVER)
    for (name, _), (image, _) in files_of(root).items():
        with Image.open(next((root / "images").glob(f"{name}.*"))) as picture:
            np.testing.assert_array_equal(medplib.Image.read(image).array, np.asarray(picture.convert("RGB")))
    converted = ending.lower() in ("bmp", "gif", "pgm", "ppm", "tga", "webp", "jp2")
    assert ("converted: 4 files" in (printed := capsys.readouterr().out)) == converted
    assert "passed over" not in printed


@pytest.mark.parametrize("ending", LOSSLESS)
def test_pairs_left_out__folder__masks_of_every_format_are_learnt_from(
    tmp_path: Path, capsys: Any, ending: str
) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255), ending, mode="RGB" if ending == "ppm" else "")
    assert read(root, "--phrase", "liver") == 0
    masks_are(root, "liver", LIVER)
    assert "without a mask" not in capsys.readouterr().out


def test_pairs_left_out__folder__what_a_file_holds_counts_not_its_ending(tmp_path: Path, capsys: Any) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    save(scene(), root / "images/case0.png", format="BMP")
    assert read(root, "--phrase", "liver") == 0
    assert "converted: 1 files" in capsys.readouterr().out
    np.testing.assert_array_equal(medplib.Image.read(files_of(root)["case0", "liver"][0]).array, scene())


def test_pairs_left_out__folder__sixteen_bits_of_a_converted_picture_stay(tmp_path: Path) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    values = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 40).astype(np.uint16)
    (root / "images/case0.png").unlink()
    save(values, root / "images/case0.pgm")
    assert read(root, "--phrase", "liver") == 0
    assert medplib.Image.read(files_of(root)["case0", "liver"][0]).info["bits"] == 16


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (["images/.DS_Store", "images/._case0.png", "masks/._case0.png", "masks/Thumbs.db"], "4 hidden files"),
        (["images/more/x.png", "masks/more/deep/x.png"], "2 files in folders below images/ and masks/"),
        (["images/a.dcm", "images/b.nii.gz", "masks/a.npy", "images/README"], "4 files that are no pict"),
        (["images/case10.png", "images/case11.bmp"], "2 images without a mask"),
        ([f"images/n{index}.nrrd" for index in range(9)], "9 files that are no pictures or in a format that is not"),
    ],
)
def test_pairs_left_out__folder__every_file_that_is_not_used_is_named_and_counted(
    tmp_path: Path, capsys: Any, names: Sequence[str], reason: str
) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(("0.png", "11.bmp")) and "._" not in name:
            save(scene(), root / name)
        else:
            (root / name).write_bytes(b"nothing of a picture")
    assert read(root, "--phrase", "liver") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith(f"passed over: {reason}")]
    assert sum(name in line for name in names) == min(5, len(names))
    assert len(line) <= 1000
    masks_are(root, "liver", LIVER)


def test_pairs_left_out__folder__two_pictures_of_one_name_in_two_formats_are_refused(
    tmp_path: Path, capsys: Any
) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    save(scene(), root / "images/case3.bmp")
    assert read(root, "--phrase", "liver") == 1
    assert "has the same name, and a mask may be of either" in capsys.readouterr().err


def test_pairs_left_out__folder__two_masks_of_one_name_in_two_formats_are_refused(tmp_path: Path, capsys: Any) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    save(LIVER * np.uint8(255), root / "masks/case3.gif")
    assert read(root, "--phrase", "liver") == 1
    assert "shows liver in the same image; take one of them away" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--phrase", "liver"], ["--values", "255=liver"]])
def test_pairs_left_out__folder__masks_that_are_not_read_are_named_where_none_is_left(
    tmp_path: Path, capsys: Any, options: Sequence[str]
) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    for mask in sorted((root / "masks").iterdir()):
        mask.rename(mask.with_suffix(".nii.gz"))
    assert read(root, *options) == 1
    said = capsys.readouterr().err
    assert "no image in images/ has a mask in masks/; passed over: 10 files that are no pictures" in said
    assert "case0.nii.gz" in said


def test_pages_left_out__folder__of_a_file_with_several_pictures_the_first_is_read_and_that_is_told(
    tmp_path: Path, capsys: Any
) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    frames = [Image.fromarray(each * np.uint8(255)) for each in (LIVER, SPLEEN)]
    for index, ending in enumerate(("gif", "tif", "webp")):
        (root / f"masks/case{index}.png").unlink()
        options: dict[str, Any] = {"lossless": True} if ending == "webp" else {}
        frames[0].save(root / f"masks/case{index}.{ending}", save_all=True, append_images=frames[1:], **options)
    assert read(root, "--phrase", "liver") == 0
    assert "pages: 3 files hold several pictures, such as " in capsys.readouterr().out
    masks_are(root, "liver", LIVER)


# --- EXIF orientation


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_exif__folder__pictures_that_exif_turns_are_learnt_from_as_a_viewer_shows_them(
    tmp_path: Path, capsys: Any, ending: str, orientation: int
) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255), count=10)
    options: dict[str, Any] = {"quality": 95} if ending == "jpg" else {"lossless": True}
    for index in range(6):
        (root / f"images/case{index}.png").unlink()
        save(stored(scene(), orientation), root / f"images/case{index}.{ending}", "", orientation, **options)
    assert read(root, "--phrase", "liver") == 0
    assert "EXIF: 6 images are stored turned or mirrored, such as " in capsys.readouterr().out
    for (name, _), (image, _) in files_of(root).items():
        shown = medplib.Image.read(image)
        assert shown.info["warnings"] == []
        np.testing.assert_array_equal(shown.array, as_viewed(next((root / "images").glob(f"{name}.*"))))
        assert np.abs(shown.array.astype(int) - scene()).mean() < 4
    masks_are(root, "liver", LIVER)


@pytest.mark.parametrize("ending", ["jpg", "png"])
def test_exif__folder__an_orientation_beside_exif_turns_nothing_as_it_turns_nothing_when_asked(
    tmp_path: Path, capsys: Any, ending: str
) -> None:
    turning = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", turning.decode())
    root = pairs(tmp_path, LIVER * np.uint8(255))
    for index in range(10):
        (root / f"images/case{index}.png").unlink()
        save(scene(), root / f"images/case{index}.{ending}", pnginfo=text, xmp=turning)
    assert read(root, "--phrase", "liver") == 0
    assert "EXIF" not in capsys.readouterr().out
    with Image.open(root / f"images/case0.{ending}") as picture:
        assert picture.getexif()[0x0112] == 3  # what Pillow makes of it
        assert exif_orientation(picture) == 1


@pytest.mark.parametrize("orientation", [3, 6])
def test_exif__folder__a_tiff_is_turned_by_whoever_reads_it(tmp_path: Path, capsys: Any, orientation: int) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    for index in range(10):
        (root / f"images/case{index}.png").unlink()
        save(stored(scene(), orientation), root / f"images/case{index}.tif", "", orientation)
    assert read(root, "--phrase", "liver") == 0
    assert "EXIF" not in capsys.readouterr().out
    for image, _ in files_of(root).values():
        np.testing.assert_array_equal(medplib.Image.read(image).array, scene())


@pytest.mark.parametrize("orientation", range(2, 9))
@pytest.mark.parametrize("ending", ["png", "webp"])
def test_exif__folder__masks_that_exif_turns_are_read_as_a_viewer_shows_them(
    tmp_path: Path, capsys: Any, ending: str, orientation: int
) -> None:
    white = stored(np.dstack([LIVER * np.uint8(255)] * 3), orientation)
    options: dict[str, Any] = {"lossless": True} if ending == "webp" else {}
    root = pairs(tmp_path, white, ending, orientation=orientation, **options)
    assert read(root, "--phrase", "liver") == 0
    assert "EXIF: 10 masks are stored turned or mirrored, such as " in capsys.readouterr().out
    masks_are(root, "liver", LIVER)


def test_exif__folder__a_jpeg_mask_that_exif_turns_is_turned_and_cut(tmp_path: Path, capsys: Any) -> None:
    root = pairs(tmp_path, stored(LIVER * np.uint8(255), 3), "jpg", orientation=3)
    assert read(root, "--phrase", "liver", "--threshold", "128") == 0
    assert "EXIF: 10 masks" in capsys.readouterr().out
    masks_are(root, "liver", LIVER)


def test_exif__folder__a_mask_drawn_on_the_stored_pixels_of_a_turned_picture_is_refused_with_exif_as_the_reason(
    tmp_path: Path, capsys: Any
) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    save(stored(scene(), 6), root / "images/case0.png", "", 6)
    save(stored(LIVER * np.uint8(255), 6), root / "masks/case0.png")
    assert read(root, "--phrase", "liver") == 1
    said = capsys.readouterr().err
    assert "the mask has 32 x 48 pixels" in said and "has 48 x 32, as its EXIF orientation has it shown" in said


# --- the same in sets for the embedded model


@pytest.fixture
def no_vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    """A single picture has too few words for one."""
    monkeypatch.setattr("medplib.data.tiny.write_vocabulary", lambda lines, out: None)


def image_set(root: Path, write_image: Callable[[Path], None], write_mask: Callable[[Path], None]) -> list[str]:
    """A set of one picture and its mask; the arguments that make material of it."""
    folder = root / "sets/one"
    write_image(folder / "images/a.png")
    write_mask(folder / "masks/a.png")
    structures = [{"name": "liver", "mask": "masks/a.png"}]
    item = {"id": "a", "group": "a", "modality": "CT", "image": "images/a.png", "structures": structures}
    labels = {"modality": "CT", "licence_class": "open", "items": [item]}
    (folder / "labels.json").write_text(json.dumps(labels))
    (root / "sets/splits.json").write_text('{"sets": {}}')
    return ["tiny", "--source", str(root / "sets"), "--out", str(root / "out")]


def large(array: Array) -> Array:
    """At the size that is written, so that nothing is smoothed."""
    return np.asarray(Image.fromarray(array).resize((240, 160), Image.Resampling.NEAREST).crop((0, 0, 256, 160)))


@pytest.mark.usefixtures("no_vocabulary")
@pytest.mark.parametrize(
    ("kind", "mask", "line"),
    [
        ("alpha", in_alpha("RGBA"), "alpha: 1 masks are transparent in places"),
        ("low_value", LIVER * np.uint8(7), ""),
        ("label_map", np.where(shape(3, 4), np.where(shape(3, 8), 2, 1), 0).astype(np.uint8), "several values above 0"),
    ],
)
def test_alpha_mask__sets__are_read_like_those_of_a_folder(
    tmp_path: Path, capsys: Any, kind: str, mask: Array, line: str
) -> None:
    arguments = image_set(tmp_path, written(large(scene())), written(large(mask)))
    assert main(arguments) == 0
    assert line in capsys.readouterr().out
    np.testing.assert_array_equal(inside(tmp_path / "out/masks/one/a__0.png"), large(LIVER * np.uint8(1)) > 0)


@pytest.mark.usefixtures("no_vocabulary")
@pytest.mark.parametrize("orientation", [3, 6])
def test_exif__sets__are_turned_as_exif_says(tmp_path: Path, capsys: Any, orientation: int) -> None:
    turned = stored(large(scene()), orientation)
    mask = written(large(LIVER * np.uint8(255)))
    assert main(image_set(tmp_path, written(turned, orientation=orientation), mask)) == 0
    assert "EXIF: 1 images are stored turned" in capsys.readouterr().out
    np.testing.assert_array_equal(medplib.Image.read(tmp_path / "out/images/one/a.png").array, large(scene()))


# --- what is told stays readable


def test_pairs_left_out__folder__a_line_names_five_files_and_has_at_most_a_thousand_characters(
    tmp_path: Path, capsys: Any
) -> None:
    root = tmp_path / ("deep" * 40)
    pairs(root, LABELS, count=40)
    for index in range(40):
        (root / "images" / f"{'long' * 50}{index}.dcm").write_bytes(b"")
    assert read(root, "--phrase", "organ") == 0
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 1000
    assert any(line.startswith("passed over: 40 files") for line in lines)


def test_pairs_left_out__sets__of_many_five_are_named() -> None:
    sets = [ImageSet(f"set{index:02d}", "CT", "open", ()) for index in range(40)]
    with pytest.raises(ValueError, match=r"there are set00, set01, set02, set03, set04 and 35 more$"):
        leave_out(sets, ["set99"])
