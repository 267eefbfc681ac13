"""What verbs.c does, in Python: verbs.py IMAGE OUT."""

import sys
from pathlib import Path

import medplib

MESSAGES = ("Please segment the tumour in this medical image.", "Where does it lie?")


def main() -> None:
    image, out = sys.argv[1], Path(sys.argv[2])
    session = medplib.load().session(image)
    sys.stdout.write(session.describe(box=(20, 20, 120, 120)).text + "\0")
    for number, message in enumerate(MESSAGES, start=1):
        answer = session.chat(message)
        sys.stdout.write(answer.text + "\0")
        if answer:
            answer[0].save(out / f"{number}.png")
    session.refine(box=(50, 50, 150, 140)).save(out / "boxed.png")
    session.refine(point_coords=[(100, 80), (20, 20)], point_labels=[1, 0]).save(out / "clicked.png")


if __name__ == "__main__":
    main()
