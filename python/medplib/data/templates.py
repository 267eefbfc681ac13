"""Descriptions and pairs of question and answer out of the meta data, in wordings that vary."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from .metadata import MetaData, Picture, Seen, place
from .records import ABSENT, MODALITY, PRESENCE, REGION, SEGMENT, SEGMENTED, number

Choice = TypeVar("Choice")

COMPLEX, REGIONS, GROUNDING = SUBSETS = ("mecovqa_c", "mecovqa_r", "mecovqa_g")
SOME = 4  # complex pairs drawn of an image, besides its description
CLEARLY = 1.3  # times as large
APART = 0.1  # of a side
COUNTED = 10  # areas at most; more are a texture
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_IMAGES = {
    "CT": "a CT image",
    "MRI": "an MRI image",
    "X-Ray": "an X-ray image",
    "Ultrasound": "an ultrasound image",
    "Endoscopy": "an endoscopy image",
    "Fundus photograph": "a fundus photograph",
    "Dermoscopy": "a dermoscopy image",
    "PET": "a PET image",
}


def _named(wording: str) -> str:
    return wording.replace("{}", "{name}")


# Of each kind the wordings of question and answer; a record's template is the kind and the place in its list. `{}` is
# where the path of a mask goes.
TEMPLATES: dict[str, tuple[tuple[str, str], ...]] = {
    "describe": (
        ("Describe this image.", "{description}"),
        ("What does this image show?", "{description}"),
        ("Give a description of this image and of the structures in it.", "{description}"),
        ("Can you explain what is to be seen here?", "{description}"),
    ),
    "taken": tuple((wording, "This is {image}.") for wording in MODALITY),
    "list": (
        ("Which structures can be made out in this image?", "The image shows {names}."),
        ("Name the structures that are to be seen here.", "To be seen: {names}."),
        ("What can be identified in this image?", "In this image, {names} can be identified."),
    ),
    "where": (
        ("Where in the image is the {name}?", "The {name} lies {place}."),
        ("In which part of the image does the {name} lie?", "The {name} is {place}."),
        ("Describe the position of the {name}.", "As the image is shown, the {name} lies {place}."),
    ),
    "size": (
        ("How much of the image does the {name} take up?", "The {name} takes up {percent} of the image."),
        ("How large is the {name} in this image?", "The {name} is {size}: it covers {percent} of the image."),
        ("Estimate the relative size of the {name}.", "The {name} is {size}, with {percent} of the image."),
    ),
    "areas": (
        ("In how many separate areas is the {name} seen?", "The {name} is seen in {areas}."),
        ("How many separate areas of {name} are there?", "There {are} {areas} of {name}."),
    ),
    "larger": (
        ("Which is larger in this image, the {name} or the {other}?", "The {larger} is larger than the {smaller}."),
        ("Compare the sizes of the {name} and the {other}.", "The {smaller} is smaller than the {larger}."),
    ),
    "beside": (
        ("How does the {name} lie relative to the {other}?", "The {name} lies {relation} the {other}."),
        ("Where is the {name}, seen from the {other}?", "In the image, the {name} is {relation} the {other}."),
    ),
    "present": tuple((_named(wording), "Yes") for wording in PRESENCE),
    "missing": tuple((_named(wording), "No") for wording in PRESENCE),
    "region": (
        (REGION, "{Name}."),
        ("What is in the region <region>{}</region>?", "The region shows the {name}."),
        ("Which structure does <region>{}</region> mark?", "It marks the {name}."),
    ),
    "region place": (
        ("What is <region>{}</region>, and where does it lie?", "It is the {name}, {place}."),
        ("Describe the region <region>{}</region>.", "The region shows the {name}. It lies {place}."),
    ),
    "region size": (
        ("What is <region>{}</region>, and how large is it?", "It is the {name}, which covers {percent} of the image."),
        ("Tell about the region <region>{}</region>.", "The region shows the {name}: {size}, {percent} of the image."),
    ),
    "segment": tuple((_named(wording), SEGMENTED) for wording in SEGMENT),
    "not there": tuple((_named(wording), _named(ABSENT)) for wording in SEGMENT),
}


_TASKS = {
    "taken": "modality",
    "present": "presence",
    "missing": "presence",
    "segment": "segment",
    "not there": "absent",
}


@dataclass(frozen=True)
class Pair:
    """Step 3 of 3: a question and its answer. `{}` in them is where the path of the mask of `names` goes."""

    subset: str
    task: str  # as records tell it
    question: str
    answer: str
    names: tuple[str, ...]  # the structures that it is about
    origin: dict[str, str]  # what made it


def listed(words: Iterable[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def image_words(meta: MetaData) -> str:
    return _IMAGES[meta.modality] + (f" of the {meta.view.lower()}" if meta.view else "")


def describe(meta: MetaData) -> str:
    """Step 2 of 3, without a language model."""
    sentences = [f"This is {image_words(meta)}."]
    for seen in meta.seen:
        where = f", {place(seen)}" if place(seen) else ""
        sentences.append(f"The {seen.name} is {seen.size}, covering {seen.percent} of the image{where}.")
        if 1 < seen.areas <= COUNTED:
            sentences.append(f"It is seen in {_areas(seen)}.")
    return " ".join(sentences)


def template_pairs(picture: Picture, meta: MetaData, seed: int) -> list[Pair]:
    """The description, some more complex pairs drawn by the seed, and every region and mask."""
    draw = _Draw(picture, meta, seed)
    pairs = [draw.pair("describe")] if meta.seen else []
    by_kind: dict[str, Pair] = {}
    for pair in sorted(_complex(draw), key=lambda pair: draw.number("drawn", pair.origin["template"], *pair.names)):
        by_kind.setdefault(pair.task if pair.task == "presence" else pair.origin["template"].split()[0], pair)
    pairs += list(by_kind.values())[:SOME]
    for seen in meta.seen:
        if seen.whole:
            kinds = ["region", "region size", *(["region place"] if place(seen) else [])]
            pairs += [draw.pair(draw.one(kinds, "region", seen.name), seen), draw.pair("segment", seen)]
    if meta.absent:
        pairs.append(draw.missing("not there", draw.one(meta.absent, "not there")))
    return pairs


@dataclass(frozen=True)
class _Draw:
    """Pairs of one image; which wording is drawn by the seed."""

    picture: Picture
    meta: MetaData
    seed: int

    def number(self, *parts: str) -> int:
        return number(self.seed, self.picture.set, self.picture.id, *parts)

    def one(self, of: Sequence[Choice], *parts: str) -> Choice:
        return of[self.number(*parts) % len(of)]

    def pair(self, kind: str, *seen: Seen) -> Pair:
        """Of the image as a whole, where no structure is given."""
        words = {"image": image_words(self.meta), "description": describe(self.meta)}
        if self.meta.seen:
            words["names"] = listed(f"the {each.name}" for each in self.meta.seen)
        if seen:
            words |= _words(seen[0])
        if len(seen) == 2:
            smaller, larger = sorted(seen, key=lambda each: each.area)
            words |= {"other": seen[1].name, "smaller": smaller.name, "larger": larger.name}
            words["relation"] = _relation(seen[0], seen[1])
        return self._made(kind, tuple(each.name for each in seen or self.meta.seen), words)

    def missing(self, kind: str, name: str) -> Pair:
        return self._made(kind, (name,), {"name": name})

    def _made(self, kind: str, names: tuple[str, ...], words: dict[str, str]) -> Pair:
        chosen = self.number("wording", kind, *names) % len(TEMPLATES[kind])
        question, answer = (text.replace("{}", "{{}}").format(**words) for text in TEMPLATES[kind][chosen])
        task = "region" if kind.startswith("region") else _TASKS.get(kind, "vqa")
        subset = REGIONS if task == "region" else GROUNDING if task in ("segment", "absent") else COMPLEX
        return Pair(subset, task, question, answer, names, {"template": f"{kind} {chosen + 1}"})


def _words(seen: Seen) -> dict[str, str]:
    return {
        "name": seen.name,
        "Name": seen.name.capitalize(),
        "place": place(seen),
        "size": seen.size,
        "percent": seen.percent,
        "areas": _areas(seen),
        "are": "is" if seen.areas == 1 else "are",
    }


def _complex(draw: _Draw) -> list[Pair]:
    """What can be asked about the image as a whole, besides its description; of presence, as much for yes as for no."""
    meta = draw.meta
    pairs = [draw.pair("taken")]
    if meta.absent:
        pairs.append(draw.missing("missing", draw.one(meta.absent, "missing")))
    if meta.seen:
        pairs.append(draw.pair("present", draw.one(meta.seen, "present")))
    if len(meta.seen) > 1:
        pairs.append(draw.pair("list"))
    for seen in meta.seen:
        pairs.append(draw.pair("size", seen))
        if place(seen):
            pairs.append(draw.pair("where", seen))
        if seen.areas <= COUNTED:
            pairs.append(draw.pair("areas", seen))
        for other in meta.seen:
            if seen.name < other.name and max(seen.area, other.area) > CLEARLY * min(seen.area, other.area):
                pairs.append(draw.pair("larger", seen, other))
            if seen is not other and _relation(seen, other):
                pairs.append(draw.pair("beside", seen, other))
    return pairs


def _areas(seen: Seen) -> str:
    return f"{NUMBERS[seen.areas]} separate area{'s' * (seen.areas != 1)}" if seen.areas <= COUNTED else "many areas"


def _relation(seen: Seen, other: Seen) -> str:
    """Of the centres, along the side on which they are further apart; empty where they are close or spread."""
    across, down = seen.x - other.x, seen.y - other.y
    if abs(across) >= abs(down):
        clear = abs(across) > APART and seen.across and other.across
        return "" if not clear else "to the right of" if across > 0 else "to the left of"
    clear = abs(down) > APART and seen.down and other.down
    return "" if not clear else "below" if down > 0 else "above"
