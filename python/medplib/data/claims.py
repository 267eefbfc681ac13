"""What an answer claims about an image, and whether the masks bear it out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from .metadata import LARGE, SMALL, MetaData, Seen
from .templates import NUMBERS

# Why an answer is refused: the lines of the notes.
SIDE = "refused: {} answers say a place where the mask doesn't lie, such as {}"
UNKNOWN = "refused: {} answers name a structure that no mask shows, such as {}"
DENIED = "refused: {} answers say that nothing is there although a mask is, such as {}"
COUNT = "refused: {} answers count other than the masks, such as {}"
SIZE = "refused: {} answers tell sizes other than the masks', such as {}"
RELATION = "refused: {} answers relate two structures other than their masks lie, such as {}"
OTHER_STRUCTURE = "refused: {} pairs name another structure than that of their mask, such as {}"
OTHER_MODALITY = "refused: {} answers name another modality, such as {}"
CONTRADICTED = (SIDE, UNKNOWN, DENIED, COUNT, SIZE, RELATION, OTHER_STRUCTURE, OTHER_MODALITY)

_NEGATED = re.compile(r"\b(?:no|not|without|none|never|neither|nor|cannot|absent|absence|lacks?)\b|n't\b", re.I)
_NOTHING = re.compile(
    r"\b(?:nothing|no (?:structures?|abnormalit(?:y|ies)|lesions?|findings?|regions?|areas?)|unremarkable)\b", re.I
)
_SIDES = re.compile(r"\b(left|right|upper|top|lower|bottom|central|cent(?:er|re)|middle)(?:most)?\b", re.I)
_RELATIONS = re.compile(
    r"\b(left of|right of|above|below|(?:larger|bigger|greater) than|(?:smaller|less) than)(?!\s+\d)\b", re.I
)
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s?(?:%|percent\b)", re.I)
_SIZES = re.compile(r"\b(tiny|small|large|huge)\b(?! than)", re.I)
_MOST = re.compile(r"\b(largest|biggest|smallest)\b", re.I)
_COUNTS = re.compile(
    rf"\b(\d+|{'|'.join(NUMBERS[1:])})\s+(?:(?:separate|distinct|individual)\s+)*"
    r"(areas?|regions?|pieces?|parts?|instances?|structures?|@)",
    re.I,
)
_MODALITY_WORDS = {
    "CT": r"\bct\b|computed tomography",
    "MRI": r"\bmri?\b|magnetic resonance",
    "X-Ray": r"\bx-?\s?rays?\b|radiographs?\b",
    "Ultrasound": r"ultraso(?:und|nography)|\bsonogra",
    "Endoscopy": r"\bendoscop|\bcolonoscop|\blaryngoscop",
    "Fundus photograph": r"\bfundus|\bretinal photograph",
    "Dermoscopy": r"\bdermoscop|\bdermatoscop",
    "PET": r"\bpet\b|positron",
}
_TAGS = re.compile(r"<region>.*?</region>|<mask>.*?</mask>|<SEG>|<image>")
_CLAUSES = re.compile(r"[;!?:]|\.(?!\d)|,? (?:and|but|while|whereas) (?=there\b|it\b|the\b|@)|\n")
_YES_NO = re.compile(r"\s*(yes|no)\b[.,:;!]?\s*", re.I)


@dataclass(frozen=True)
class Claim:
    reason: str  # for which the answer is refused where it doesn't hold
    word: str  # what claims it
    holds: bool


def contradiction(
    question: str, answer: str, meta: MetaData, about: tuple[str, ...], known: Iterable[str]
) -> tuple[str, str] | None:
    """Why the answer is to be refused and the word that is wrong, or None. `about`: the structures that are asked
    about; `known`: the names of structures."""
    reader = _Reader(meta, frozenset(known).union(meta.absent, (each.name for each in meta.seen)))
    subject = meta.of(about[0]) if len(about) == 1 else None
    said = _YES_NO.match(answer)
    claims = list(reader.claims(answer[said.end() :] if said else answer, subject))
    if said:
        asked = list(reader.claims(question, subject))
        if said[1].lower() == "yes":
            claims += asked
        elif asked and all(claim.holds for claim in asked):
            claims.append(Claim(DENIED if asked[-1].reason == UNKNOWN else asked[-1].reason, "No", False))
    pointed = answer if "<region>" in question else question if "<SEG>" in answer else ""
    if subject and (named := _names(_plain(pointed), reader.known)[1]) and subject.name not in named:
        claims.append(Claim(OTHER_STRUCTURE, named[0], False))
    wrong = next((claim for claim in claims if not claim.holds), None)
    return (wrong.reason, wrong.word) if wrong else None


@dataclass(frozen=True)
class _Reader:
    meta: MetaData
    known: frozenset[str]

    def claims(self, text: str, subject: Seen | None) -> Iterator[Claim]:
        """Clause by clause; one that names no structure is about the last that was named."""
        text = _plain(text)
        for modality, words in _MODALITY_WORDS.items():
            if modality != self.meta.modality and (found := re.search(words, text, re.I)):
                yield Claim(OTHER_MODALITY, found[0], False)
        if self.meta.view:
            view = rf"\b(image|photograph|scan|slice)s? of the {re.escape(self.meta.view)}\b"
            text = re.sub(view, r"\1", text, flags=re.I)
        masked, names = _names(text, self.known)
        position = 0
        for clause in _CLAUSES.split(masked):
            here = names[position : position + clause.count("@")]
            position += len(here)
            seen = [each for name in here if (each := self.meta.of(name))]
            subject = seen[0] if seen else None if here else subject
            yield from self._of_clause(clause, here, seen, subject)

    def _of_clause(self, clause: str, names: list[str], seen: list[Seen], subject: Seen | None) -> Iterator[Claim]:
        if self.meta.seen and (nothing := _NOTHING.search(clause)):
            yield Claim(DENIED, nothing[0], False)
        negated = bool(_NEGATED.search(clause))
        for name in names:
            there = self.meta.of(name) is not None
            if negated:
                yield Claim(DENIED, name, not there)
            else:
                yield Claim(UNKNOWN, name, there)
        if negated:
            return
        if len(seen) == 2 and (relation := _RELATIONS.search(clause)):
            yield Claim(RELATION, relation[0], _related(relation[1].lower(), seen[0], seen[1]))
            return
        for count in _COUNTS.finditer(clause):
            yield from self._of_count(count, subject)
        if subject is not None and len(seen) < 2:
            yield from _places(clause, subject)
            yield from _sizes(clause, subject)
            if most := _MOST.search(clause):
                areas = [each.area for each in self.meta.seen]
                extreme = min(areas) if most[1].lower() == "smallest" else max(areas)
                yield Claim(SIZE, most[0], subject.area == extreme)

    def _of_count(self, count: re.Match[str], subject: Seen | None) -> Iterator[Claim]:
        told = int(count[1]) if count[1].isdigit() else NUMBERS.index(count[1].lower())
        if count[2].startswith("structure"):
            yield Claim(COUNT, count[0], told == len(self.meta.seen))
        elif subject is not None:
            yield Claim(COUNT, count[0].replace("@", subject.name), told == subject.areas)


def _plain(text: str) -> str:
    return _TAGS.sub(" ", text).replace("@", " ")


def _names(text: str, known: frozenset[str]) -> tuple[str, list[str]]:
    """The text with @ in the place of each known name, longer ones first, and these names in their order."""
    finder, meant = _finder(known)
    return finder.sub("@", text), [meant[found[0].lower()] for found in finder.finditer(text)]


@lru_cache(maxsize=8)
def _finder(known: frozenset[str]) -> tuple[re.Pattern[str], dict[str, str]]:
    """What finds the names, in the plural too, and the name that each spelling means."""
    meant = {f"{name}{ending}": name for ending in ("es", "s", "") for name in sorted(known)}
    longest_first = sorted(meant, key=lambda spelled: (-len(spelled), spelled))
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b", re.I), meant


def _related(relation: str, first: Seen, second: Seen) -> bool:
    if relation == "left of":
        return first.x < second.x
    if relation == "right of":
        return first.x > second.x
    if relation == "above":
        return first.y < second.y
    if relation == "below":
        return first.y > second.y
    return first.area < second.area if relation.split()[0] in ("smaller", "less") else first.area > second.area


def _places(clause: str, seen: Seen) -> Iterator[Claim]:
    words = [found[1].lower() for found in _SIDES.finditer(clause)]
    across = any(word in ("left", "right") for word in words)
    down = any(word in ("upper", "top", "lower", "bottom") for word in words)
    for word in words:
        yield Claim(SIDE, word, _lies(word, seen, across, down))


def _lies(word: str, seen: Seen, across: bool, down: bool) -> bool:
    """A side reaches to the middle of the image; its centre is what is nearer to the middle than to a side."""
    if word in ("left", "right"):
        return seen.x < 0.5 if word == "left" else seen.x > 0.5
    if word in ("upper", "top", "lower", "bottom"):
        return seen.y < 0.5 if word in ("upper", "top") else seen.y > 0.5
    return (across or abs(seen.x - 0.5) <= 0.25) and (down or abs(seen.y - 0.5) <= 0.25)


def _sizes(clause: str, seen: Seen) -> Iterator[Claim]:
    """Percentages may be a point or a quarter off."""
    for found in _PERCENT.finditer(clause):
        told = float(found[1]) / 100
        yield Claim(SIZE, found[0], abs(told - seen.area) <= max(0.01, seen.area / 4))
    for found in _SIZES.finditer(clause):
        small = found[1].lower() in ("tiny", "small")
        yield Claim(SIZE, found[0], seen.area <= LARGE if small else seen.area >= SMALL)
