"""Questions and answers about the images, in MeCoVQA's format."""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from . import anatomy
from .sources import WEIGHTED, WEIGHTINGS, Item

Thing = TypeVar("Thing")
Record = dict[str, Any]
ItemKey = tuple[str, str]  # set, image id
Plan = dict[ItemKey, list[str]]  # the phrases chosen for an image

TASKS = ("segment", "absent", "presence", "region", "modality", "weighting", "plane", "organ", "vqa")

SEGMENT = ("Please segment the {} in this image.", "Segment the {}.", "Where is the {}? Show it.")
PRESENCE = ("Is the {} visible in this image?", "Does this image show the {}?", "Does the picture contain {}?")
MODALITY = (
    "What modality is used to take this image?",
    "Which modality is this?",
    "What modality is shown in this image?",
    "How was this image taken?",
)
BODY_PART = "Which part of the body does this image belong to?"
WEIGHTING = (
    "What is the mr weighting in this image?",
    "What type of MRI is shown in this image?",
    "Is this a T1 weighted or T2 weighted MRI image?",
    "Which kind of weighting is this image generated with, t1 or t2?",
)
REGION = "What is the abnormality or structure in the region <region>{}</region> of this image?"
SEGMENTED = "Sure, the segmentation result is <SEG>.<mask>{}</mask>"
ABSENT = "The {} is not visible in this image."

_PATHS = re.compile(r"(<region>.*?</region>)")

ABSENT_PER_IMAGE = 2
PRESENT_PER_IMAGE = 3
RARE = 6  # "not visible" answers that even a name with fewer masks gets


def evenly(things: Sequence[Thing], most: int) -> list[Thing]:
    """At most so many of them, evenly out of all."""
    count = min(most, len(things))
    return [things[at * len(things) // count] for at in range(count)]


def number(*parts: object) -> int:
    """The same number for the same parts, on every machine."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest()[:8], "big")


def plan_absent(items: Sequence[Item], wanted: Mapping[str, int], salt: str, per_image: int) -> Plan:
    """Give each phrase about its wanted number of images that surely do not show it, the hardest ones first."""
    candidates = {phrase: _without(phrase, items, salt) for phrase in wanted}
    plan: Plan = defaultdict(list)
    for phrase in sorted(wanted, key=lambda p: (len(candidates[p]), p)):
        left = wanted[phrase]
        for item in candidates[phrase]:
            chosen = plan[item.set_name, item.id]
            if left and len(chosen) < per_image:
                chosen.append(phrase)
                left -= 1
    return plan


def _without(phrase: str, items: Sequence[Item], salt: str) -> list[Item]:
    modalities = {item.modality for item in items if phrase in item.present}

    def order(item: Item) -> tuple[bool, bool, int]:
        return (
            phrase not in item.excluded,
            item.modality not in modalities,
            number(salt, phrase, item.set_name, item.id),
        )

    return sorted((item for item in items if surely_absent(phrase, item)), key=order)


def surely_absent(phrase: str, item: Item) -> bool:
    return phrase not in item.present and (phrase in item.excluded or not anatomy.can_be_seen(phrase, item.zones))


def plan_present(items: Iterable[Item]) -> Plan:
    plan: Plan = {}
    for item in items:
        phrases = sorted(
            {s.phrase for s in item.structures}, key=lambda p: number("present", item.set_name, item.id, p)
        )
        plan[item.set_name, item.id] = phrases[:PRESENT_PER_IMAGE]
    return plan


def in_all_cases(phrase: str) -> list[str]:
    """A name as users may type it, lower case first."""
    return list(dict.fromkeys((phrase, phrase.capitalize(), phrase.title(), phrase.upper())))


def drawable(items: Iterable[Item]) -> frozenset[str]:
    """The names that what draws is taught."""
    return frozenset(s.phrase for item in items if not item.in_words for s in item.structures)


def is_drawn(phrase: str, item: Item, names: Container[str]) -> bool:
    """Whether a mask is asked for: of a set that what draws is not taught from, only of names that others teach it."""
    return not item.in_words or phrase in names


def make_records(
    items: Sequence[Item], masks: Mapping[ItemKey, Sequence[str]], vary: bool, names: Container[str]
) -> list[Record]:
    """All records of one part of the split, those of an image adjacent.

    `vary` draws among the wordings, asks for what a set tells too seldom to be learnt in all of its wordings, asks for
    what it does not ask itself, names structures in all cases, and asks everything once more in lower case.

    `masks` holds the relative mask path of each structure of an image, empty where nothing of it was left.
    """
    pairs = Counter(s.phrase for item in items for s in item.structures if is_drawn(s.phrase, item, names))
    present = plan_present(items)
    asked = Counter(phrase for phrases in present.values() for phrase in phrases)
    undrawn = plan_absent(items, {p: max(n, RARE) for p, n in pairs.items()}, "segment", ABSENT_PER_IMAGE)
    denied = plan_absent(items, asked, "presence", PRESENT_PER_IMAGE)
    records = []
    for item in items:
        key = (item.set_name, item.id)
        shown = [(s.phrase, mask) for s, mask in zip(item.structures, masks[key], strict=True) if mask]
        drawn = [(p, mask) for p, mask in shown if is_drawn(p, item, names)]
        image_records = _masks_of(item, drawn, undrawn.get(key, []), vary)
        image_records += _words_of(item, shown, present[key], denied.get(key, []), vary)
        if vary:
            image_records = _in_both_cases(image_records)
        for index, record in enumerate(image_records):
            records.append({"id": f"{item.set_name}__{item.id}__{index:03d}", **record})
    return records


Shown = Sequence[tuple[str, str]]  # phrase and mask


def _wording(item: Item, wordings: Sequence[str], phrase: str, vary: bool) -> str:
    pick = number("wording", item.set_name, item.id, wordings[0], phrase) % (len(wordings) + 1) if vary else 0
    return wordings[pick % len(wordings)]  # the first wording twice as often as the others


def _masks_of(item: Item, drawn: Shown, undrawn: Sequence[str], vary: bool) -> list[Record]:
    def records(phrase: str, answer: str, task: str) -> list[Record]:
        spellings = in_all_cases(phrase) if vary else [phrase]
        return [_record(item, task, _wording(item, SEGMENT, p, vary).format(p), answer, phrase) for p in spellings]

    made = [record for p, mask in drawn for record in records(p, SEGMENTED.format(mask), "segment")]
    return made + [record for p in undrawn for record in records(p, ABSENT.format(p), "absent")]


def _words_of(item: Item, shown: Shown, present: Sequence[str], denied: Sequence[str], vary: bool) -> list[Record]:
    def presence(phrase: str, answer: str) -> list[Record]:
        spellings = [phrase]
        if vary:
            spelled = in_all_cases(phrase)[1:]
            spellings.append(spelled[number("case", item.set_name, item.id, phrase) % len(spelled)])
        wording = _wording(item, PRESENCE, phrase, vary)
        return [_record(item, "presence", wording.format(p), answer, phrase, closed=True) for p in spellings]

    records = [record for p in present for record in presence(p, "Yes")]
    records += [record for p in denied for record in presence(p, "No")]
    records += [_record(item, "region", REGION.format(mask), f"{p.capitalize()}.", p) for p, mask in shown]
    if item.modality:
        wordings = MODALITY if vary else MODALITY[:1]
        records += [_record(item, "modality", question, item.modality) for question in wordings]
    if item.body_part and vary:
        records.append(_record(item, "organ", BODY_PART, item.body_part))
    if item.weighting and vary:
        records += [_record(item, "weighting", question, item.weighting) for question in WEIGHTING]
        for name in WEIGHTINGS:
            answer = "Yes" if name == item.weighting else "No"
            records.append(_record(item, "weighting", WEIGHTED.format(name), answer, closed=True))
    asked = {_question(record) for record in records}
    own = [_record(item, q.task, q.text, q.answer, closed=q.closed) for q in item.questions]
    records += [record for record in own if _question(record) not in asked]
    if item.held_out:
        _mark_own(records, {_question(record) for record in own})
    return records


def _in_both_cases(records: Sequence[Record]) -> list[Record]:
    """The records, each but for its paths in lower case, too."""
    made = {_question(record): record for record in records}
    for record in records:
        lower = "".join(part if _PATHS.match(part) else part.lower() for part in _PATHS.split(_question(record)))
        human, answer = record["conversations"]
        made.setdefault(lower, record | {"conversations": [human | {"value": lower}, answer]})
    return list(made.values())


def _question(record: Record) -> str:
    return str(record["conversations"][0]["value"])


def _mark_own(records: Iterable[Record], questions: Container[str]) -> None:
    """Tell the questions that the set itself asks from those made here: figures of others count the former alone."""
    for record in records:
        if _question(record) in questions:
            record["own"] = True


def _record(item: Item, task: str, question: str, answer: str, structure: str = "", closed: bool = False) -> Record:
    record: Record = {
        "image": f"images/{item.set_name}/{item.id}.png",
        "answer_type": "closed" if closed else "open",
        "conversations": [
            {"from": "human", "value": f"<image>\n{question}"},
            {"from": "gpt", "value": answer},
        ],
        "set": item.set_name,
        "group": item.group,
        "modality": item.modality or "unknown",
        "task": task,
    }
    if structure:
        record["structure"] = structure
    kind = " ".join(filter(None, (item.location, item.weighting)))
    if kind:
        record["kind"] = kind
    if item.in_sample:
        record["in_sample"] = True
    if item.left_out:
        record["left_out"] = True
    if item.held_out:
        record["strict"] = item.strict
    return record
