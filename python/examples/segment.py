"""Draws what a phrase names in an image and writes its mask as a PNG file: segment.py IMAGE PHRASE MASK.png"""

import sys

import medplib


def main() -> int:
    if len(sys.argv) != 4:
        print("usage: segment.py IMAGE PHRASE MASK.png", file=sys.stderr)
        return 2
    image, phrase, file = sys.argv[1:]
    try:
        masks = medplib.load().session(image).segment(phrase).masks
        if not masks:
            print(f"segment.py: the model sees no {phrase}", file=sys.stderr)
            return 1
        masks[0].save(file)
    except (medplib.MedplibError, OSError) as error:
        print(f"segment.py: {error}", file=sys.stderr)
        return 1
    print(f"{masks[0].label}: {masks[0].area} pixels")
    return 0


if __name__ == "__main__":
    sys.exit(main())
