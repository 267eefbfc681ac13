"""Asks many questions about one image, a line for each answer: batch.py IMAGE QUESTION..."""

import sys

import medplib


def main() -> int:
    image, *questions = sys.argv[1:]
    scan = medplib.load().session(image)
    failed = 0
    for question in questions:
        try:
            print(question, scan.ask(question).text, sep="\t", flush=True)
        except medplib.MedplibError as error:
            print(f"batch.py: {question}: {error}", file=sys.stderr)
            failed = 5  # some failed, as of the program medplib
    return failed


if __name__ == "__main__":
    sys.exit(main())
