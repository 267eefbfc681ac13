"""What the masks of users' own folders hold that once went wrong without a word."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import medplib
import numpy as np
import pytest
from medplib.report.records import read_mask
from own_folders import (
    HEIGHT,
    LABELS,
    LIVER,
    SPLEEN,
    WIDTH,
    Array,
    files_of,
    in_alpha,
    inside,
    masks_are,
    pairs,
    read,
    save,
    scene,
    with_masks,
    written,
)
from PIL import Image

# --- label maps as masks


def palette(labels: Array) -> Array:
    """Of each label its colour."""
    return np.array([[0, 0, 0], [255, 0, 0], [0, 128, 255]], np.uint8)[labels]


def indexed(file: Path) -> None:
    picture = Image.fromarray(LABELS)
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 128, 255])
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)


GREY_MAPS = {
    "png": written(LABELS),
    "png_16_bits": written(LABELS.astype(np.uint16)),
    "png_rgb": written(np.dstack([LABELS] * 3)),
    "tif": written(LABELS),
    "tif_16_bits": written(LABELS.astype(np.uint16)),
    "tif_32_bits": written(LABELS.astype(np.int32)),
    "bmp": written(LABELS),
    "gif": written(LABELS),
    "pgm": written(LABELS),
    "webp": written(np.dstack([LABELS] * 3), lossless=True),
}
COLOUR_MAPS = {
    "png": written(palette(LABELS)),
    "png_palette": indexed,
    "png_rgba": written(palette(LABELS), mode="RGBA"),
    "tif": written(palette(LABELS)),
    "bmp": written(palette(LABELS)),
    "gif": indexed,
    "webp": written(palette(LABELS), lossless=True),
}


@pytest.mark.parametrize("kind", GREY_MAPS)
def test_label_maps__folder__of_two_values_are_counted_and_named(tmp_path: Path, capsys: Any, kind: str) -> None:
    root = with_masks(tmp_path, GREY_MAPS[kind], kind[:4].rstrip("_"))
    assert read(root, "--phrase", "organ") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("several values above 0: 10 ")]
    assert [f"case{index}." in line for index in range(6)] == [True] * 5 + [False]
    assert "(1, 2)" in line and "--values 1=liver,2=spleen" in line and "--threshold" in line
    masks_are(root, "organ", LIVER | SPLEEN)


@pytest.mark.parametrize("kind", COLOUR_MAPS)
def test_label_maps__folder__of_two_colours_are_counted_and_named(tmp_path: Path, capsys: Any, kind: str) -> None:
    root = with_masks(tmp_path, COLOUR_MAPS[kind], kind[:4].rstrip("_"))
    assert read(root, "--phrase", "organ") == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("several values above 0: 10 ")]
    assert "case4." in line and "case5." not in line and "(#0080ff, #ff0000)" in line and "'#ff0000=liver'" in line
    masks_are(root, "organ", LIVER | SPLEEN)


@pytest.mark.parametrize("kind", GREY_MAPS)
def test_label_maps__folder__values_split_label_maps_into_structures(tmp_path: Path, capsys: Any, kind: str) -> None:
    root = with_masks(tmp_path, GREY_MAPS[kind], kind[:4].rstrip("_"))
    assert read(root, "--values", "1=liver,2=left_kidney") == 0
    masks_are(root, "liver", LIVER)
    masks_are(root, "left kidney", SPLEEN)
    printed = capsys.readouterr().out
    assert "several values" not in printed and "does not name" not in printed


@pytest.mark.parametrize("kind", COLOUR_MAPS)
def test_label_maps__folder__values_split_of_colours(tmp_path: Path, capsys: Any, kind: str) -> None:
    root = with_masks(tmp_path, COLOUR_MAPS[kind], kind[:4].rstrip("_"))
    assert read(root, "--values", "#FF0000=liver,#0080ff=spleen") == 0
    masks_are(root, "liver", LIVER)
    masks_are(root, "spleen", SPLEEN)
    printed = capsys.readouterr().out
    assert "several values" not in printed and "does not name" not in printed


def test_label_maps__folder__the_values_of_a_palette_are_its_indices(tmp_path: Path) -> None:
    root = with_masks(tmp_path, indexed, "png")
    assert read(root, "--values", "1=liver,2=spleen") == 0
    masks_are(root, "liver", LIVER)
    masks_are(root, "spleen", SPLEEN)


def test_label_maps__folder__a_phrase_that_no_mask_is_left_for_is_told(tmp_path: Path, capsys: Any) -> None:
    root = pairs(tmp_path, LABELS)
    assert read(root, "--values", "1=liver,2=spleen", "--phrase", "organ") == 0
    assert '--phrase "organ": no mask shows it' in capsys.readouterr().out
    masks_are(root, "liver", LIVER)


def test_label_maps__folder__several_values_may_be_one_structure_and_one_value_in_two(tmp_path: Path) -> None:
    root = pairs(tmp_path, LABELS)
    assert read(root, "--values", "1=organ,2=organ,2=spleen") == 0
    masks_are(root, "organ", LIVER | SPLEEN)
    masks_are(root, "spleen", SPLEEN)


def test_label_maps__folder__a_structure_whose_value_a_label_map_lacks_is_not_there(tmp_path: Path) -> None:
    root = pairs(tmp_path, LABELS, count=5)
    for index in range(5, 10):
        save(scene(), root / f"images/case{index}.png")
        save(LIVER * np.uint8(1), root / f"masks/case{index}.png")
    assert read(root, "--values", "1=liver,2=spleen") == 0
    spleens = {
        name: mask is not None for (name, structure), (_, mask) in files_of(root).items() if structure == "spleen"
    }
    assert spleens == {f"case{index}": index < 5 for index in range(10)}
    masks_are(root, "liver", LIVER)


def test_label_maps__folder__of_one_value_each_are_told_when_the_values_differ(tmp_path: Path, capsys: Any) -> None:
    for index in range(10):
        save(scene(), tmp_path / f"images/case{index}.png")
        save(LIVER * np.uint8(1) if index % 2 else SPLEEN * np.uint8(2), tmp_path / f"masks/case{index}.png")
    assert read(tmp_path, "--phrase", "organ") == 0
    told = capsys.readouterr().out
    assert "values that differ from mask to mask: 2 above 0" in told
    assert "masks/case0.png (2), masks/case1.png (1)" in told
    assert read(tmp_path, "--values", "1=liver,2=spleen") == 0
    assert "values that differ" not in capsys.readouterr().out


def test_label_maps__folder__structures_named_by_their_files_may_have_values_of_their_own(
    tmp_path: Path, capsys: Any
) -> None:
    for index in range(10):
        save(scene(), tmp_path / f"images/case{index}.png")
        save(LIVER * np.uint8(1), tmp_path / f"masks/case{index}__liver.png")
        save(SPLEEN * np.uint8(2), tmp_path / f"masks/case{index}__spleen.png")
    assert read(tmp_path) == 0
    assert "values that differ" not in capsys.readouterr().out


def test_label_maps__folder__values_without_a_name_are_told_and_lie_outside(tmp_path: Path, capsys: Any) -> None:
    root = pairs(tmp_path, LABELS)
    assert read(root, "--values", "1=liver") == 0
    printed = capsys.readouterr().out
    assert "values that --values does not name: 10 masks, such as " in printed and "case0.png (2)" in printed
    masks_are(root, "liver", LIVER)


def test_label_maps__folder__masks_that_say_in_their_names_what_they_show_are_not_split(tmp_path: Path) -> None:
    root = pairs(tmp_path, LABELS)
    for index in range(10):
        save(SPLEEN * np.uint8(255), root / f"masks/case{index}__tumor.png")
    assert read(root, "--values", "1=liver") == 0
    masks_are(root, "liver", LIVER)
    masks_are(root, "tumor", SPLEEN)


def test_label_maps__folder__a_single_dark_colour_is_inside(tmp_path: Path, capsys: Any) -> None:
    """Grey of it is 0."""
    root = pairs(tmp_path, np.dstack([LIVER * np.uint8(1), LIVER * np.uint8(0), LIVER * np.uint8(0)]))
    assert read(root, "--phrase", "liver") == 0
    masks_are(root, "liver", LIVER)
    assert "several values" not in capsys.readouterr().out


def test_label_maps__folder__masks_of_one_value_are_used_as_they_are(tmp_path: Path, capsys: Any) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(7))
    assert read(root, "--phrase", "liver") == 0
    assert "several values" not in capsys.readouterr().out
    assert not (root / "prepared").exists()


# --- heat maps and noise


def heat() -> Array:
    """Falls off from a place."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    values: Array = np.exp(-((rows - 16) ** 2 + (columns - 20) ** 2) / 80)
    return values


HEAT_MAPS: dict[str, tuple[Callable[[Path], None], str]] = {
    "png": (written((heat() * 255).astype(np.uint8)), "128"),
    "png_16_bits": (written((heat() * 60000).astype(np.uint16)), "30000"),
    "tif_16_bits": (written((heat() * 60000).astype(np.uint16)), "30000"),
    "tif_float": (written(heat().astype(np.float32)), "0.5"),
    "bmp": (written((heat() * 255).astype(np.uint8)), "128"),
    "webp": (written(np.dstack([(heat() * 255).astype(np.uint8)] * 3), lossless=True), "128"),
    "gif": (written((heat() * 255).astype(np.uint8)), "128"),
}


@pytest.mark.parametrize("kind", HEAT_MAPS)
def test_label_maps__folder__threshold_cuts_heat_maps(tmp_path: Path, capsys: Any, kind: str) -> None:
    write, threshold = HEAT_MAPS[kind]
    root = with_masks(tmp_path, write, kind[:4].rstrip("_"))
    assert read(root, "--phrase", "fovea", "--threshold", threshold) == 0
    top = {"128": 255, "30000": 60000, "0.5": 1}[threshold]
    masks_are(root, "fovea", np.floor(heat() * top) >= 128 if top == 255 else heat() * top >= float(threshold))
    assert "several values" not in capsys.readouterr().out


@pytest.mark.parametrize("kind", [kind for kind in HEAT_MAPS if kind != "tif_float"])
def test_label_maps__folder__heat_maps_are_counted_and_named(tmp_path: Path, capsys: Any, kind: str) -> None:
    root = with_masks(tmp_path, HEAT_MAPS[kind][0], kind[:4].rstrip("_"))
    assert read(root, "--phrase", "fovea") == 0
    printed = capsys.readouterr().out
    assert "several values above 0: 10 masks" in printed and "(1, 2, 3, 4, 5, …)" in printed.replace("#0", "")


def test_label_maps__folder__a_heat_map_of_fractions_is_refused_with_the_way_out(tmp_path: Path, capsys: Any) -> None:
    root = with_masks(tmp_path, HEAT_MAPS["tif_float"][0], "tif")
    assert read(root, "--phrase", "fovea") == 1
    assert "case0.tif: the mask has fractions: say with --threshold" in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["jpg", "jpeg", "JPG"])
def test_noisy_jpeg_mask__folder__is_told_and_can_be_cut_off(tmp_path: Path, capsys: Any, ending: str) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255), ending, quality=60)
    assert not (inside(root / f"masks/case0.{ending}") == LIVER).all()
    assert read(root, "--phrase", "liver") == 0
    printed = capsys.readouterr().out
    assert "JPEG: 10 masks, such as " in printed and "--threshold 128" in printed and "several values" not in printed
    assert read(root, "--phrase", "liver", "--threshold", "128") == 0
    masks_are(root, "liver", LIVER)
    assert "JPEG" not in capsys.readouterr().out


def test_label_maps__folder__masks_that_are_below_the_threshold_everywhere_are_told(
    tmp_path: Path, capsys: Any
) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    save(LIVER * np.uint8(1), root / "masks/case3.png")
    assert read(root, "--phrase", "liver", "--threshold", "128") == 0
    printed = capsys.readouterr().out
    assert "below --threshold everywhere: 1 masks" in printed and "case3.png (up to 1)" in printed
    assert "liver: 10 masks, 1 of them empty" in printed


@pytest.mark.parametrize(
    ("options", "saying"),
    [
        (["--values", "3=liver"], "no mask shows anything by --values; values that --values does not name: 10 masks"),
        (
            ["--threshold", "3", "--phrase", "a"],
            "no mask shows anything by --threshold; below --threshold everywhere: 10",
        ),
        (["--values", ""], "--values '': say VALUE=NAME"),
        (["--values", "liver"], "--values 'liver': say VALUE=NAME"),
        (["--values", "1="], "--values '1=': say VALUE=NAME"),
        (["--values", "#f00=liver"], "--values '#f00=liver': say VALUE=NAME"),
        (["--values", "0=background"], "--values '0=background': 0 is what lies outside"),
        (["--values", "1=a <b"], '--values: "a <b" holds <'),
        (["--threshold", "0"], "--threshold is 0.0: give a value above 0"),
        (["--threshold", "nan"], "--threshold is nan: "),
        (["--threshold", "1", "--values", "1=liver"], "give one of them"),
    ],
)
def test_label_maps__folder__wrong_values_and_thresholds_are_refused(
    tmp_path: Path, capsys: Any, options: list[str], saying: str
) -> None:
    root = pairs(tmp_path, LABELS)
    assert read(root, *options) == 1
    assert saying in capsys.readouterr().err
    assert not (root / "train.json").exists()


# --- masks in the alpha channel


def transparent_palette(file: Path) -> None:
    picture = Image.fromarray(LIVER * np.uint8(1))
    picture.putpalette([200, 30, 30, 200, 30, 30])
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file, transparency=0)


ALPHA_MASKS = {
    "png_rgba": written(in_alpha("RGBA")),
    "png_la": written(in_alpha("LA")),
    "png_palette": transparent_palette,
    "tif_rgba": written(in_alpha("RGBA")),
    "webp_rgba": written(in_alpha("RGBA"), lossless=True, exact=True),
    "gif_palette": transparent_palette,
    "tga_rgba": written(in_alpha("RGBA")),
}


@pytest.mark.parametrize("kind", ALPHA_MASKS)
def test_alpha_mask__folder__a_shape_in_alpha_is_the_mask_and_that_is_told(
    tmp_path: Path, capsys: Any, kind: str
) -> None:
    root = with_masks(tmp_path, ALPHA_MASKS[kind], kind.split("_")[0])
    assert read(root, "--phrase", "liver") == 0
    printed = capsys.readouterr().out
    assert "alpha: 10 masks are transparent in places, such as " in printed and "several values" not in printed
    masks_are(root, "liver", LIVER)


@pytest.mark.parametrize("alpha", [0, 255])
def test_alpha_mask__folder__alpha_that_is_the_same_everywhere_is_no_mask(
    tmp_path: Path, capsys: Any, alpha: int
) -> None:
    shown = np.dstack([LIVER * np.uint8(255)] * 3 + [np.full(LIVER.shape, alpha, np.uint8)])
    root = pairs(tmp_path, shown)
    assert read(root, "--phrase", "liver") == 0
    assert "alpha" not in capsys.readouterr().out
    masks_are(root, "liver", LIVER)


def test_alpha_mask__folder__soft_edges_in_alpha_can_be_cut(tmp_path: Path, capsys: Any) -> None:
    soft = in_alpha("RGBA")
    soft[..., 3] = np.where(LIVER, 255, np.where(SPLEEN, 90, 0))
    root = pairs(tmp_path, soft)
    assert read(root, "--phrase", "liver") == 0
    assert "several values above 0: 10 masks" in capsys.readouterr().out
    assert read(root, "--phrase", "liver", "--threshold", "128") == 0
    masks_are(root, "liver", LIVER)


def test_label_maps__folder__colours_of_a_label_map_count_where_it_is_opaque(tmp_path: Path) -> None:
    labels = np.dstack([palette(LABELS + (LABELS == 0)), (LABELS > 0) * np.uint8(255)])
    root = pairs(tmp_path, labels)
    assert read(root, "--values", "#ff0000=liver,#0080ff=spleen") == 0
    masks_are(root, "liver", LIVER)
    masks_are(root, "spleen", SPLEEN)


@pytest.mark.parametrize("ending", ["png", "webp"])
def test_alpha_picture__folder__is_left_out_and_that_is_told(tmp_path: Path, capsys: Any, ending: str) -> None:
    root = pairs(tmp_path, LIVER * np.uint8(255))
    (root / "images/case0.png").unlink()
    options: dict[str, Any] = {"lossless": True, "exact": True} if ending == "webp" else {}
    save(np.dstack([scene(), SPLEEN * np.uint8(255)]), root / f"images/case0.{ending}", **options)
    assert read(root, "--phrase", "liver") == 0
    assert "alpha: 1 images are transparent in places, such as " in capsys.readouterr().out
    np.testing.assert_array_equal(medplib.Image.read(files_of(root)["case0", "liver"][0]).array, scene())


@pytest.mark.parametrize("kind", ["png_rgba", "png_la", "png_palette"])
def test_alpha_mask__report__is_read_as_a_training_does(tmp_path: Path, kind: str) -> None:
    ALPHA_MASKS[kind](tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png"), LIVER)
