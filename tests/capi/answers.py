"""What capi/abi/next/answers.c does, in Python: answers.py ask < LIST, or answers.py segment < LIST."""

import sys

import medplib


def main() -> None:
    (verb,) = sys.argv[1:]
    session = medplib.load().session()
    shown = ""
    for line in sys.stdin:
        image, words, region, file, draw = line.rstrip("\n").split("\t")
        if image != shown:  # what is encoded is used again, as in the program medplib
            session.set_image(image)
            shown = image
        regions = [medplib.Region.parse(region)] if region else []
        temperature, top_k, top_p, seed = draw.split(",") if draw else ("0", "0", "1", "0")
        answer = (session.ask if verb == "ask" else session.segment)(
            words,
            regions=regions,
            temperature=float(temperature),
            top_k=int(top_k),
            top_p=float(top_p),
            seed=int(seed),
        )
        sys.stdout.write(answer.text + "\0")
        for number, mask in enumerate(answer, start=1):
            mask.save(file if number == 1 else f"{file}-{number}")


if __name__ == "__main__":
    main()
