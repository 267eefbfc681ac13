"""Two real pictures for demonstrations, out of packages that ship them.

Command line: python -m medplib.examples FOLDER
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import nibabel
import numpy as np
from PIL import Image

RETINA = "skimage/data/retina.jpg"
BRAIN = "nilearn/datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
HEIGHT_MM = 8.0  # the slice above the anterior commissure: ventricles, deep nuclei and cortex


def packaged(relative: str) -> Path:
    """A data file of an installed package, found without importing the package."""
    package, _, inside = relative.partition("/")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"the example {inside} comes with the package {package}, which is not installed")
    file = Path(spec.origin).parent / inside
    if not file.exists():
        raise FileNotFoundError(f"{file} is missing: install a version of {package} that ships it")
    return file


def axial_slice(volume_file: Path, height_mm: float) -> Image.Image:
    """One axial slice as a radiologist sees it: the face upwards, the patient's right on the left."""
    # Axes to the right, to the front, upwards.
    volume = nibabel.as_closest_canonical(nibabel.load(volume_file))  # type: ignore[no-untyped-call]
    index = round(float((height_mm - volume.affine[2, 3]) / volume.affine[2, 2]))
    values = np.asarray(volume.dataobj[:, :, index], dtype=np.float64)[::-1, ::-1].T
    low, high = np.percentile(values[values > 0], (1, 99.5))
    grey = np.clip((values - low) / (high - low), 0, 1) * 255
    return Image.fromarray(np.where(values > 0, grey, 0).round().astype(np.uint8))


def write_examples(out: Path) -> list[Path]:
    retina, brain = out / "retina.jpg", out / "brain_t1_axial.png"
    source, volume = packaged(RETINA), packaged(BRAIN)
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, retina)
    axial_slice(volume, HEIGHT_MM).save(brain)
    return [retina, brain]


def write_sheet(pictures: Sequence[Path], out: Path, height: int = 320) -> None:
    """The pictures side by side, all of one height."""
    shown = []
    for file in pictures:
        with Image.open(file) as picture:
            width = max(1, round(picture.width * height / picture.height))
            shown.append(picture.convert("RGB").resize((width, height), Image.Resampling.LANCZOS))
    sheet = Image.new("RGB", (sum(column.width for column in shown), height))
    left = 0
    for column in shown:
        sheet.paste(column, (left, 0))
        left += column.width
    sheet.save(out, quality=90)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m medplib.examples",
        description="Write a fundus photograph and a slice of a brain MRI, for trying the model.",
        epilog="example: python -m medplib.examples demo-output",
    )
    parser.add_argument("out", type=Path, help="folder to write, or with --sheet the file")
    parser.add_argument(
        "--sheet", type=Path, nargs="+", metavar="PICTURE", help="put these pictures side by side instead"
    )
    options = parser.parse_args(arguments)
    try:
        if options.sheet:
            write_sheet(options.sheet, options.out)
            written = [options.out]
        else:
            written = write_examples(options.out)
        for file in written:
            print(file)
    except (OSError, ValueError) as error:
        print(f"medplib.examples: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
