"""Descriptions and pairs of question and answer by a language model, which is told the meta data and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .language_model import LanguageModel, Message
from .masks import as_phrase
from .metadata import MetaData, place
from .templates import COMPLEX, GROUNDING, REGIONS, Pair, image_words

Refuse = Callable[[str, str], None]  # the kind of note, and what was wrong

NOT_JSON = "refused: what the language model answered about {} images is not the JSON asked for, such as {}"
NOT_A_PAIR = "refused: {} pairs of the language model lack what was asked for, such as {}"
KINDS = (NOT_JSON, NOT_A_PAIR)

_TASKS = {"complex": (COMPLEX, "vqa"), "region": (REGIONS, "region"), "grounding": (GROUNDING, "segment")}
_SYSTEM = (
    "You write training material for a model that answers questions about medical images. You do not see the image: "
    "you are given facts that were measured on it. Say nothing that does not follow from the facts, name no other "
    "structure, and mean left and right as the image is seen."
)
_DESCRIBE = "Describe the image in two to five plain sentences.\nFacts: {facts}"
_PAIRS = (
    "Facts: {facts}\nDescription: {description}\n"
    "Write pairs of question and answer about the image as a JSON list, and nothing but that list. Each pair is "
    '{{"kind": KIND, "structure": NAME, "question": TEXT, "answer": TEXT}}. Three pairs of the kind "complex", which '
    "need more than one fact or a comparison; of these, structure may be empty. For each structure of the facts one "
    'pair of the kind "region", whose question has the word <region> where the place is pointed at and doesn\'t name '
    'the structure, and one of the kind "grounding", whose question asks to show the structure and whose answer has '
    "the word <SEG> once. Names of structures are those of the facts."
)


def facts(meta: MetaData) -> dict[str, Any]:
    """What a language model is told: neither pixels nor names of files."""
    return {
        "image": image_words(meta),
        "structures": [
            {
                "name": seen.name,
                "size": seen.size,
                "part_of_the_image": seen.percent,
                "place": place(seen) or "spread over the image",
                "centre_from_upper_left": [seen.x, seen.y],
                "separate_areas": seen.areas,
            }
            for seen in meta.seen
        ],
        "surely_absent": list(meta.absent),
    }


def model_description(model: LanguageModel, meta: MetaData, refuse: Refuse) -> Pair | None:
    """Step 2 of 3; None where it can't be used. Errors: ValueError."""
    text = model.ask(_messages(_DESCRIBE.format(facts=json.dumps(facts(meta)))))
    try:
        return Pair(COMPLEX, "vqa", "Describe this image.", _words(text), _all(meta), {"model": model.name})
    except ValueError as error:
        refuse(NOT_A_PAIR, str(error))
        return None


def _all(meta: MetaData) -> tuple[str, ...]:
    return tuple(seen.name for seen in meta.seen)


def model_pairs(model: LanguageModel, meta: MetaData, description: str, refuse: Refuse) -> list[Pair] | None:
    """Step 3 of 3; None where what came back is not what was asked for. Errors: ValueError."""
    text = model.ask(_messages(_PAIRS.format(facts=json.dumps(facts(meta)), description=description)))
    try:
        entries = json.loads(text[text.find("[") : text.rfind("]") + 1])
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list) or not entries:
        refuse(NOT_JSON, "")
        return None
    pairs = []
    for entry in entries:
        try:
            pairs.append(_pair(entry, meta, model.name))
        except ValueError as error:
            refuse(NOT_A_PAIR, str(error))
    return pairs


def _messages(text: str) -> list[Message]:
    return [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": text}]


def _pair(entry: Any, meta: MetaData, model: str) -> Pair:
    """Errors: ValueError, with what is wrong."""
    if not isinstance(entry, dict) or entry.get("kind") not in _TASKS:
        raise ValueError("no kind that was asked for")
    subset, task = _TASKS[entry["kind"]]
    question, answer, name = (entry.get(key) or "" for key in ("question", "answer", "structure"))
    if not (isinstance(question, str) and isinstance(answer, str) and isinstance(name, str) and question and answer):
        raise ValueError("no question or no answer")
    _check_letters(question + answer)
    seen = meta.of(name.lower())
    if subset != COMPLEX and (seen is None or not seen.whole):
        raise ValueError("a structure without a mask")
    names = (seen.name,) if seen else ()
    if subset == COMPLEX:
        return Pair(subset, task, _words(question), _words(answer), names or _all(meta), {"model": model})
    if subset == REGIONS:
        question = _with(question, "<region>", "<region>{}</region>")
        return Pair(subset, task, question, _words(answer), names, {"model": model})
    answer = _with(answer, "<SEG>", "<SEG><mask>{}</mask>")
    return Pair(subset, task, _words(question), answer, names, {"model": model})


def _check_letters(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("half a letter, which no file can hold") from error


def _words(text: str) -> str:
    _check_letters(text)
    try:
        words = as_phrase(text.replace("{}", ""), "")
    except ValueError as error:
        raise ValueError("words that mean something else to a training") from error
    if not words:
        raise ValueError("no words")
    return words


def _with(text: str, token: str, put: str) -> str:
    """The text with what is put in the place of its one token. Errors: ValueError."""
    before, found, behind = text.partition(token)
    if not found or token in behind:
        raise ValueError(f"{token} not once")
    _words(before + behind)
    return " ".join(f"{before}{put}{behind}".split())
