"""Asks many questions about one image, a line for each answer: batch.py IMAGE QUESTION..."""

import sys

import medplib


def main() -> int:
    image, *questions = sys.argv[1:]
    scan = medplib.load().session(image)
    failed = 0
    for question, answer in zip(questions, scan.ask_many(questions), strict=True):
        if isinstance(answer, medplib.Answer):
            print(question, answer.text, sep="\t")
        else:
            print(f"batch.py: {question}: {answer}", file=sys.stderr)
            failed = 5  # some failed, as of the program medplib
    return failed


if __name__ == "__main__":
    sys.exit(main())
