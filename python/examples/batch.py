"""Asks many questions about one image, a line for each answer: batch.py IMAGE QUESTION..."""

import sys

import medplib


def batch(scan: medplib.Session, questions: list[str]) -> int:
    failed = 0
    for question, answer in zip(questions, scan.ask_many(questions), strict=True):
        if isinstance(answer, medplib.Answer):
            print(question, answer.text, sep="\t")
        else:
            print(f"batch.py: {question}: {answer}", file=sys.stderr)
            failed = 5  # some failed, as of the program medplib
    return failed


def main() -> int:
    if len(sys.argv) < 3:
        print("usage: batch.py IMAGE QUESTION...", file=sys.stderr)
        return 2
    image, *questions = sys.argv[1:]
    try:
        scan = medplib.load().session(image)
    except medplib.MedplibError as error:
        print(f"batch.py: {error}", file=sys.stderr)
        return 1
    return batch(scan, questions)


if __name__ == "__main__":
    sys.exit(main())
