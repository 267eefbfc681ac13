"""NIfTI volumes with label maps, as axial slices."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..commands import Commands
from ..masks import Values, as_phrase
from ..own import Own
from ..progress import told_of
from .images import absent, add_images, source_of
from .output import Output
from .parts import as_parts
from .slices import WINDOWS, Study, read_study, window_of

ENDINGS = (".nii.gz", ".nii")
PLAIN = "skipped: {} slices that are of one grey throughout, such as {}"
UNPAIRED = "skipped: {} volumes without a label map of the same name, such as {}"
WITHOUT_NAME = "values that --values does not name: in {} label maps, such as {}; they count as outside"


def add_to(kinds: Commands) -> None:
    kind = add_images(
        kinds,
        "nifti",
        "NIfTI volumes with label maps, as axial slices",
        "Reads a volume and its label map, or two folders of them with the same names, and writes axial slices as a "
        "viewer shows them: from below, so that the patient's right is on the left, the front above, in square pixels.",
        "imagesTr labelsTr --values 1=liver,2=tumour --modality CT --window abdomen --out records",
    )
    kind.add_argument("volumes", type=Path, help="a volume, or a folder of them")
    kind.add_argument("labels", type=Path, help="its label map, or a folder of them")
    kind.add_argument(
        "--values", required=True, metavar="VALUE=NAME,...", help="what each value of the label maps shows"
    )
    kind.add_argument(
        "--window",
        default="",
        metavar="LOW:HIGH",
        help=f"the values that become black and white, such as --window=-160:240, or, of CT, {', '.join(WINDOWS)} "
        "(default: abdomen of CT; else the darkest to the brightest but for one in 200 at either end)",
    )
    kind.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th slice alone (default: 1)")
    kind.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    values, modality = Values.parse(options.values), as_phrase(options.modality, "--modality")
    if values.colours:
        raise ValueError("--values: label maps have numbers, not colours: say VALUE=NAME, such as 1=liver")
    if options.every < 1:
        raise ValueError(f"--every is {options.every}: give 1 for every slice, 2 for every other one, and so on")
    window = window_of(options.window, modality)
    pairs, unpaired = _pairs(options.volumes, options.labels)
    out = Output(options, source_of(options))
    for volume in unpaired:
        out.told.add_name(UNPAIRED, volume.name)
    found = []
    for volume, labels in told_of(pairs, "volumes read"):
        found += _slices(read_study(volume, labels, window), values, options.every, _stem(volume), out)
    if not any(mask.anything for own in found for mask in own.masks.values()):
        raise ValueError(f"{options.labels}: no label map shows anything by --values {options.values[:80]}")
    out.write_images(as_parts(found, options.held_out), modality)


def _stem(file: Path) -> str:
    for ending in ENDINGS:
        if file.name.lower().endswith(ending):
            return file.name[: -len(ending)]
    return ""


def _pairs(volumes: Path, labels: Path) -> tuple[list[tuple[Path, Path]], list[Path]]:
    """Volumes with their label maps, and those without. A volume may end in _0000, as nnU-Net has it. Errors:
    ValueError."""
    for given in (volumes, labels):
        if not given.exists():
            raise ValueError(f"{given}: there is no such file or folder")
    if not volumes.is_dir() or not labels.is_dir():
        if volumes.is_dir() or labels.is_dir():
            raise ValueError(f"{volumes} and {labels}: give two files or two folders")
        return [(volumes, labels)], []
    by_name = {_stem(file): file for file in sorted(labels.iterdir()) if _stem(file) and not file.name.startswith(".")}
    found = [file for file in sorted(volumes.iterdir()) if _stem(file) and not file.name.startswith(".")]
    mates = [by_name.get(_stem(file)) or by_name.get(_stem(file).removesuffix("_0000")) for file in found]
    pairs = [(file, mate) for file, mate in zip(found, mates, strict=True) if mate]
    if not pairs:
        raise ValueError(f"{volumes} and {labels} have no NIfTI files of the same name, .nii or .nii.gz")
    return pairs, [file for file, mate in zip(found, mates, strict=True) if not mate]


def _slices(study: Study, values: Values, every: int, name: str, out: Output) -> list[Own]:
    found = []
    left = sorted(study.values - {0}.union(*values.numbers.values()))
    if left:
        shown = ", ".join(map(str, left[:5])) + (", …" if len(left) > 5 else "")
        out.told.add_name(WITHOUT_NAME, f"{study.labels_file.name} ({shown})")
    for index in range(0, study.depth, every):
        picture, layers = study.slice(index, values.numbers)
        low, high = picture.getextrema()
        if low == high:
            out.told.add_name(PLAIN, f"{name} slice {index}")
            continue
        image = out.save(picture, f"{name}_z{index:03d}")
        masks = {p: out.draw(image.stem, p, inside) for p, inside in layers.items() if inside.any()}
        masks |= absent(image.stem, (p for p in layers if p not in masks))
        found.append(Own(image, masks, name))
    return found
