"""Command line: python -m medplib.report validate.json --jobs 2 --card README.md"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..data.findings import refuse_unusable
from ..data.records import TASKS
from .asking import Asker, ask_all, load_to_judge
from .baselines import FrequentAnswers, MeanShapes
from .card import FIGURES, markdown
from .records import evenly_by_task, read_records
from .results import Kept, check_place, read_results, write_results
from .sections import tables
from .targets import check_all_are_there, read_targets


def main(arguments: Sequence[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    partial = bool(options.task or options.set or options.limit)
    if (options.records is None) == (options.results is None):
        parser.error("give either the records to ask about, or --results with what was answered before")
    if options.results and (partial or options.model or options.json or options.images):
        parser.error("--results asks no model: it goes without --task, --set, --limit, --model, --json and --images")
    if options.card and partial:
        parser.error("a card gets the figures of all records: leave out --task, --set and --limit")
    try:
        _report(options, not partial)
    except (OSError, ValueError, RuntimeError) as error:
        print(f"medplib.report: {error}", file=sys.stderr)
        return 1
    return 0


def _report(options: argparse.Namespace, complete: bool) -> None:
    # What may be wrong is looked at before the asking, which takes long.
    targets = read_targets(options.targets) if options.targets else {}
    left_out = [result for file in options.left_out for result in read_results(file).results]
    for file in filter(None, (options.json, options.card)):
        check_place(file)
    if options.card:
        FIGURES.around(options.card)
    kept = read_results(options.results) if options.results else _ask(options, complete)
    if options.card and not kept.complete:
        raise ValueError(f"{options.results} holds part of the records' results, but a card gets those of all")
    made = tables(kept.results, left_out)
    try:
        if kept.complete:
            check_all_are_there(targets, made)
        text = markdown(made, targets, kept.weights)
    except ValueError:
        print(markdown(made, {}, kept.weights))  # so that nothing has to be asked again
        raise
    if options.card:
        FIGURES.rewrite(options.card, text)
    else:
        print(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m medplib.report",
        description="Remakes the figures of a model's card from held-out records.",
        epilog="example: python -m medplib.report tiny/validate.json --jobs 2 --json results.json --card README.md",
    )
    parser.add_argument(
        "records",
        type=Path,
        nargs="?",
        help="validate.json, or a list as MeCoVQA's were published; what needs no model learns from the train.json "
        "beside it, if there is one",
    )
    parser.add_argument("--images", type=Path, help="the folder from which paths start (default: that of the records)")
    parser.add_argument("--model", type=Path, help="a model folder (default: the embedded model)")
    parser.add_argument("--jobs", type=_at_least_one, default=1, help="threads that share the work (default: 1)")
    parser.add_argument("--task", action="append", choices=TASKS, help="only these tasks; repeatable")
    parser.add_argument("--set", action="append", help="only these sets; repeatable")
    parser.add_argument(
        "--limit", type=_at_least_one, metavar="N", help="only N evenly spaced records of each task: a quick look"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="keep the result of each record there")
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help="make the tables of what --json kept, without running the model"
    )
    parser.add_argument(
        "--left-out",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="show the sets left out of another model's training too, as --json kept them; repeatable",
    )
    parser.add_argument(
        "--targets",
        type=Path,
        metavar="FILE",
        help="say which figures reach what this file asks for, such as models/tiny/targets.json",
    )
    parser.add_argument("--card", type=Path, metavar="FILE", help="write the tables into this card, between its marks")
    return parser


def _at_least_one(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def _ask(options: argparse.Namespace, complete: bool) -> Kept:
    records = [
        record
        for record in read_records(options.records)
        if (not options.task or record["task"] in options.task) and (not options.set or record["set"] in options.set)
    ]
    if options.limit:
        records = evenly_by_task(records, options.limit)
    if not records:
        raise ValueError(f"{options.records} holds no such record")
    if sys.stderr.isatty():
        print(f"{options.records}: checking what is to be asked", file=sys.stderr)
    refuse_unusable(options.records, options.images, pictures=complete)  # of a part, it would take longer than that
    if several := sum(len(record["conversations"]) > 2 for record in records):
        print(f"{several} records have several turns: the first of each is asked", file=sys.stderr)
    folder = options.images or options.records.resolve().parent
    beside = options.records.with_name("train.json")
    training = read_records(beside) if beside.exists() else []
    model, weights = load_to_judge(options.model)
    asker = Asker(model, folder, MeanShapes(training, folder), FrequentAnswers(training))
    kept = Kept(ask_all(asker, records, options.jobs), complete, weights)
    if options.json:
        write_results(options.json, kept)
    return kept


if __name__ == "__main__":
    sys.exit(main())
