"""What asks.c does, in Python, and every stage that Python shows: asks.py IMAGE QUESTION."""

import hashlib
import sys
from typing import Any

import medplib
import numpy as np


def say(name: str, values: Any) -> None:
    print(name, hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest())


def main() -> None:
    image, question = sys.argv[1:]
    session = medplib.load(device="cpu").session(image)
    say("image", session.embed_image())
    say("region", session.embed_region(box=(20, 30, 90, 80)))
    seen = session.trace(question)
    for stage in ("attention", "router", "experts"):
        for layer, values in enumerate(getattr(seen, stage)):
            say(f"{stage}-{layer}", values)
    answer = session.ask(question)
    print("answer", answer.text, list(answer.tokens))
    for mask in answer:
        say("logits", mask.logits)
    say("refined", session.refine(point_coords=[(100, 80), (20, 20)], point_labels=[1, 0]).logits)


if __name__ == "__main__":
    main()
