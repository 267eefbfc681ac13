"""What asks.c does, in Python: asks.py IMAGE QUESTION."""

import hashlib
import sys

import medplib


def say(mask: medplib.Mask) -> None:
    print(hashlib.sha256(mask.logits.tobytes()).hexdigest())


def main() -> None:
    image, question = sys.argv[1:]
    session = medplib.load(device="cpu").session(image)
    answer = session.ask(question)
    print(answer.text, list(answer.tokens))
    for mask in answer:
        say(mask)
    say(session.refine(point_coords=[(100, 80), (20, 20)], point_labels=[1, 0]))


if __name__ == "__main__":
    main()
