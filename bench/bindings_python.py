"""The same as bindings_core.cpp, through the Python package: bindings_python.py MODEL IMAGE QUESTION"""

import sys
import time

import medplib


def main() -> None:
    folder, image, question = sys.argv[1:]
    session = medplib.load(folder).session(image)
    for _ in sys.stdin:
        started = time.perf_counter()
        text = session.ask(question).text
        took = (time.perf_counter() - started) * 1000
        print(f"{took}\t{text}", flush=True)


if __name__ == "__main__":
    main()
