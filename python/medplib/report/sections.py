"""The tables of a model's card."""

from __future__ import annotations

from .clicks import CLICKS
from .figures import (
    Figure,
    Results,
    Table,
    after_clicks,
    by_set,
    figures,
    gain,
    over_sets,
    score,
)
from .measures import normalised
from .records import WORDS, Result

DICE = score("dice")
GIOU = score("iou")
SHAPE = score("mean_shape")
BOX = score("box")
BOX_FILLED = score("box_filled")
RIGHT = score("right")
DRAWN = score("drawn")
QUESTION_ONLY = score("question_only")
MAJORITY = score("majority")

# Structures for which their sets stand.
STRUCTURES = (
    ("lung", ("cxr_shenzhen",), "lung"),
    ("optic disc", ("drishti", "idrid_od"), "optic disc"),
    ("nuclei", ("dsb2018_nuclei",), "nucleus"),
    ("skin lesion", ("isic2017",), "skin lesion"),
    ("fetal head", ("hc18_fetal",), "fetal head"),
)
SLAKE = "slake"
BESIDE_DRAWN = {"gIoU": GIOU, "mean shape": SHAPE}
BESIDE_WORDS = {"question only": QUESTION_ONLY, "majority": MAJORITY}


def not_drawn(result: Result) -> float | None:
    drawn = DRAWN(result)
    return None if drawn is None else 1 - drawn


def said_yes(result: Result) -> float:
    return float(normalised(result["said"]) == "yes")


def is_yes(result: Result) -> float:
    return float(normalised(result["answer"]) == "yes")


def tables(results: Results, left_out: Results = ()) -> list[Table]:
    """All tables that the results can fill. `left_out` are results about sets that their model never saw."""
    seen = [result for result in results if not result.get("left_out")]
    counted = [result for result in seen if not result.get("in_sample")]
    strangers = [result for result in (*results, *left_out) if result.get("left_out")]
    made = [
        _drawn(of_task(counted, "segment")),
        _refined(of_task(counted, "segment")),
        _declined(of_task(counted, "segment"), of_task(counted, "absent")),
        _slake_questions([r for r in counted if r["set"] == SLAKE and r.get("own")]),
        _words(counted),
        *_subsets([result for result in counted if "subset" in result]),
        _sets(seen),
        _structures(of_task(counted, "segment")),
        _strangers(of_task(strangers, "segment"), of_task(counted, "segment")),
    ]
    return [table for table in made if table.figures]


def of_task(results: Results, *tasks: str) -> list[Result]:
    return [result for result in results if result["task"] in tasks]


def strict(results: Results) -> list[Result]:
    return [result for result in results if result.get("strict")]


def _drawn(pairs: Results) -> Table:
    slake = [pair for pair in pairs if pair["set"] == SLAKE]
    found = figures("all pairs", pairs, DICE, BESIDE_DRAWN)
    found += figures("mean of sets", pairs, DICE, BESIDE_DRAWN, over_sets)
    for name, sets, structure in STRUCTURES:
        chosen = [pair for pair in pairs if pair["set"] in sets and pair.get("structure") == structure]
        found += figures(f"{name} ({', '.join(sets)})", chosen, DICE, BESIDE_DRAWN)
    found += figures("SLAKE", slake, DICE, BESIDE_DRAWN)
    found += figures("SLAKE, strict", strict(slake), DICE, BESIDE_DRAWN)
    return Table("Text → mask", "pairs", "Dice", found)


def _refined(pairs: Results) -> Table:
    found = figures("box → mask", pairs, BOX, {"box filled": BOX_FILLED})
    found += figures("text → mask, no click yet", pairs, DICE)
    for count in range(1, CLICKS + 1):
        found += figures(f"after click {count}", pairs, after_clicks(count))
    found += figures(f"gain of {CLICKS} clicks", pairs, gain)
    return Table("Boxes and clicks", "pairs", "Dice", found)


def _declined(present: Results, absent: Results) -> Table:
    found = figures("absent, called absent", absent, not_drawn)
    found += figures("absent, drawn nevertheless", absent, DRAWN)
    found += figures("present, called absent (false alarms)", present, not_drawn)
    return Table("Structures that are not there", "questions", "share", found)


def _slake_questions(asked: Results) -> Table:
    found: list[Figure] = []
    for task in ("modality", "plane"):
        found += figures(task, of_task(asked, task), RIGHT, BESIDE_WORDS)
    found += figures("organ", of_task(asked, "organ"), RIGHT, BESIDE_WORDS)
    open_ones, closed = ([r for r in asked if r["answer_type"] == kind] for kind in ("open", "closed"))
    found += figures("open", open_ones, RIGHT, BESIDE_WORDS)
    found += figures("closed", closed, RIGHT, BESIDE_WORDS)
    found += figures("all", asked, RIGHT, BESIDE_WORDS)
    found += figures("all, strict", strict(asked), RIGHT, BESIDE_WORDS)
    return Table("SLAKE's own questions", "questions", "right", found)


def _words(results: Results) -> Table:
    region, presence = of_task(results, "region"), of_task(results, "presence")
    majority = {"majority": MAJORITY}
    found = figures("region's name", region, RIGHT, majority)
    found += figures("region's name, SLAKE", [r for r in region if r["set"] == SLAKE], RIGHT, majority)
    found += figures("presence", presence, RIGHT, majority)
    found += figures("presence, where it is there", [r for r in presence if is_yes(r)], RIGHT, majority)
    found += figures("presence, where it is not", [r for r in presence if not is_yes(r)], RIGHT, majority)
    found += figures("presence: “Yes” is right", presence, is_yes)
    found += figures("presence: “Yes” is said", presence, said_yes)
    found += figures("modality, all sets", of_task(results, "modality"), RIGHT, majority)
    return Table("Names, presence and modality", "questions", "right", found)


def _subsets(results: Results) -> list[Table]:
    """Of MeCoVQA's records, by what medplib data check counts them by."""
    words, masks = of_task(results, *WORDS), of_task(results, "segment")
    asked, drawn = figures("all", words, RIGHT, BESIDE_WORDS), figures("all", masks, DICE, {"gIoU": GIOU})
    for key in ("subset", "answer_type", "modality"):
        for name, some in _by(key, words):
            asked += figures(name, some, RIGHT, BESIDE_WORDS)
    for name, some in _by("modality", masks):
        drawn += figures(name, some, DICE, {"gIoU": GIOU})
    return [Table("MeCoVQA's questions", "questions", "right", asked), Table("MeCoVQA's masks", "pairs", "Dice", drawn)]


def _by(key: str, results: Results) -> list[tuple[str, list[Result]]]:
    """Those that have the key, by what it says."""
    names = sorted({str(result[key]) for result in results if result.get(key)})
    return [(name, [result for result in results if str(result.get(key)) == name]) for name in names]


def _sets(results: Results) -> Table:
    found: list[Figure] = []
    beside = {**BESIDE_DRAWN, "box → mask": BOX, "box filled": BOX_FILLED, "called absent": not_drawn}
    for name, each in by_set(results).items():
        note = " (in-sample)" if any(result.get("in_sample") for result in each) else ""
        found += figures(name + note, of_task(each, "segment"), DICE, beside)
    return Table("By set", "pairs", "Dice", found)


def _structures(pairs: Results) -> Table:
    found: list[Figure] = []
    beside = {**BESIDE_DRAWN, "box → mask": BOX, "called absent": not_drawn}
    for name, some in _by("structure", pairs):
        found += figures(name, some, DICE, beside)
    return Table("By structure", "pairs", "Dice", found)


def _strangers(pairs: Results, seen: Results) -> Table:
    """Sets kept from the training, beside what the model of all the other tables makes of their held-out images."""
    found: list[Figure] = []
    beside = {**BESIDE_DRAWN, "box → mask": BOX, "box filled": BOX_FILLED}
    for name, each in by_set(pairs).items():
        found += figures(name, each, DICE, beside)
        found += figures(f"{name}, seen in training", [r for r in seen if r["set"] == name], DICE, beside)
    return Table("Sets left out of the training", "pairs", "Dice", found)
