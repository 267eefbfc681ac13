"""Writes what a phrase names in an image as masks: segment.py IMAGE PHRASE MASK.png

A second mask goes to MASK-2.png, a third to MASK-3.png.
"""

import sys
from pathlib import Path

import medplib


def main() -> None:
    image, phrase, out = sys.argv[1:]
    file = Path(out)
    for number, mask in enumerate(medplib.load().session(image).segment(phrase), start=1):
        mask.save(file if number == 1 else file.with_stem(f"{file.stem}-{number}"))
        print(f"{mask.label}: {mask.area} pixels")


if __name__ == "__main__":
    main()
