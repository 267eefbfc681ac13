"""What can surely not be seen in an image.

No set labels everything that its images show: a missing mask is not an absent structure. A structure is called
absent only when it belongs to a part of the body that the image cannot show, when the set itself says so, or when it
is another class of a set that gives each image exactly one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

Zones = frozenset[str]

HEAD, NECK, CHEST, ABDOMEN, PELVIS, LIMB = "head", "neck", "chest", "abdomen", "pelvis", "limb"
EYE, SKIN, GUT, CELLS, BREAST, FETUS, SPINE = "eye", "skin", "gut", "cells", "breast", "fetus", "spine"
TRUNK: Zones = frozenset({NECK, CHEST, ABDOMEN, PELVIS})
EVERYWHERE: Zones = TRUNK | {HEAD, LIMB, EYE, SKIN, GUT, CELLS, BREAST, FETUS, SPINE}


def _zones(*names: str) -> Zones:
    return frozenset(names)


# What an image of a set may show, drawn wide: a slice named "lung" may reach the liver or the throat.
_VIEWS: dict[str, Zones] = {
    "arcade_xa": _zones(NECK, CHEST, ABDOMEN),
    "bccd_boxes": _zones(CELLS),
    "brisc_brain": _zones(HEAD, NECK),
    "busi": _zones(BREAST, CHEST, SKIN),
    "carotid_us": _zones(NECK, CHEST),
    "chase_db1": _zones(EYE),
    "cxr_shenzhen": _zones(NECK, CHEST, ABDOMEN),
    "drishti": _zones(EYE),
    "dsb2018_nuclei": TRUNK | {CELLS, BREAST},
    "hc18_fetal": _zones(FETUS, HEAD, CHEST, ABDOMEN, PELVIS),
    "hvsmr_heart": _zones(NECK, CHEST, ABDOMEN),
    "ibsi_sts": TRUNK | {LIMB},
    "idrid_od": _zones(EYE),
    "isic2017": _zones(SKIN),
    "kvasir_polyp": _zones(GUT),
    "mni152_brain": _zones(HEAD, NECK),
    "msd_spleen": _zones(CHEST, ABDOMEN, PELVIS),
    "petct_sarcoma": TRUNK | {LIMB},
    "rings_prostate": _zones(CELLS, PELVIS),
    "spider_spine": _zones(CHEST, ABDOMEN, PELVIS, SPINE),
    "tnbc_nuclei": _zones(CELLS, BREAST),
}
# The same by the place that SLAKE and VQA-RAD write beside an image.
_VIEWS_BY_PLACE: dict[str, Zones] = {
    "Abdomen": _zones(CHEST, ABDOMEN, PELVIS),
    "Brain": _zones(HEAD),
    "Brain_Face": _zones(HEAD, NECK),
    "Brain_Tissue": _zones(HEAD),
    "Chest_heart": _zones(NECK, CHEST, ABDOMEN),
    "Chest_lung": _zones(NECK, CHEST, ABDOMEN),
    "Chest_mediastinal": _zones(NECK, CHEST, ABDOMEN),
    "Lung": _zones(NECK, CHEST, ABDOMEN),
    "Neck": _zones(HEAD, NECK, CHEST),
    "Pelvic Cavity": _zones(ABDOMEN, PELVIS),
    "radiology (HEAD)": _zones(HEAD, NECK),
    "radiology (CHEST)": _zones(NECK, CHEST, ABDOMEN),
    "radiology (ABD)": _zones(CHEST, ABDOMEN, PELVIS, FETUS),
}


def _homes() -> dict[str, Zones]:
    along_the_spine = TRUNK | {HEAD, FETUS, SPINE}
    groups: list[tuple[Zones, str]] = [
        (_zones(HEAD), "brain edema, brain enhancing tumor, brain non-enhancing tumor, pituitary tumor"),
        (_zones(HEAD, SPINE), "glioma, meningioma"),
        (_zones(HEAD, NECK), "brain stem, left temporal lobe, right temporal lobe"),
        (_zones(HEAD, EYE), "left eye, right eye, optic disc, optic cup, retinal vessel"),
        (_zones(HEAD), "left ear, right ear"),
        (_zones(HEAD, NECK), "left mandible, right mandible, left parotid, right parotid, tooth, larynx"),
        (_zones(NECK, CHEST), "trachea"),
        (_zones(HEAD, NECK, CHEST), "common carotid artery"),
        (_zones(NECK, CHEST, ABDOMEN, GUT), "esophagus"),
        (_zones(CHEST, FETUS), "heart, left atrium, right atrium, left ventricle, right ventricle, pulmonary artery"),
        (_zones(CHEST, NECK, FETUS), "superior vena cava"),
        (_zones(CHEST, ABDOMEN, PELVIS, FETUS), "aorta, inferior vena cava"),
        (_zones(CHEST), "coronary artery stenosis, lung, left lung, right lung, lung cancer"),
        (_zones(ABDOMEN), "liver, liver cancer, spleen, left kidney, right kidney"),
        (_zones(ABDOMEN, GUT), "stomach, duodenum"),
        (_zones(ABDOMEN, PELVIS, GUT), "colon, small bowel"),
        (_zones(PELVIS, GUT), "rectum"),
        (_zones(PELVIS), "bladder, left femoral head, right femoral head"),
        (_zones(PELVIS, CELLS), "prostate gland, prostate tumor"),
        (along_the_spine, "spinal cord, spinal canal, vertebra, intervertebral disc, gray matter, white matter"),
        (_zones(BREAST, CHEST, CELLS), "benign breast tumor, malignant breast tumor"),
        (_zones(CELLS, HEAD, SPINE), "nucleus"),
        (_zones(FETUS), "fetal head"),
        (TRUNK | {LIMB, SKIN, CELLS, BREAST}, "soft tissue sarcoma"),
        (TRUNK | {HEAD, GUT, CELLS}, "polyp"),
        (_zones(SKIN, BREAST, LIMB, CELLS), "skin lesion"),
    ]
    return {name: zones for zones, names in groups for name in names.split(", ")}


_HOMES = _homes()
_BRAIN_LESIONS = frozenset(
    {"glioma", "meningioma", "pituitary tumor", "brain edema", "brain enhancing tumor", "brain non-enhancing tumor"}
)
# Each image of these sets has exactly one of the classes (BUSI: or none).
_ONE_OF = {
    "brisc_brain": frozenset({"glioma", "meningioma", "pituitary tumor"}),
    "busi": frozenset({"benign breast tumor", "malignant breast tumor"}),
}
_NEVER = {"mni152_brain": _BRAIN_LESIONS}

_CONTAINS = re.compile(
    r"^do(?:es)? (?:the picture contain (?:the )?(?P<a>[a-z ]+)"
    r"|(?:the )?(?P<b>[a-z ]+) (?:exist|exsit|appear) in (?:the|this) (?:image|picture))\?$"
)
_HEALTHY = re.compile(r"^(?:is|are) the (?P<a>liver|lungs?|brain) healthy\?$")
_MEANT = {
    "kidney": ("left kidney", "right kidney"),
    "lung": ("lung", "left lung", "right lung"),
    "eye": ("left eye", "right eye"),
    "ear": ("left ear", "right ear"),
    "mandible": ("left mandible", "right mandible"),
    "parotid": ("left parotid", "right parotid"),
    "temporal lobe": ("left temporal lobe", "right temporal lobe"),
    "femoral head": ("left femoral head", "right femoral head"),
}
_DISEASES = {"liver": ("liver cancer",), "lung": ("lung cancer",), "brain": tuple(sorted(_BRAIN_LESIONS))}


def view(set_name: str, place: str) -> Zones:
    """The parts of the body that an image may show; everything when nothing is known."""
    return _VIEWS.get(set_name) or _VIEWS_BY_PLACE.get(place, EVERYWHERE)


def can_be_seen(phrase: str, zones: Zones) -> bool:
    return not _HOMES.get(phrase, EVERYWHERE).isdisjoint(zones)


def excluded_by_class(set_name: str, present: Iterable[str]) -> frozenset[str]:
    """Structures of the same part of the body that the set's own classes exclude."""
    return (_ONE_OF.get(set_name, frozenset()) | _NEVER.get(set_name, frozenset())) - frozenset(present)


def excluded_by_answer(question: str, answer: str) -> frozenset[str]:
    """Structures that a question and its answer in the set declare absent ("Does the picture contain liver?" "No")."""
    question, answer = question.lower().strip(), answer.lower().strip()
    if answer == "no" and (asked := _CONTAINS.match(question)):
        name = (asked["a"] or asked["b"]).strip()
        singular = name[:-1] if name[:-1] in _MEANT else name
        return frozenset(_MEANT.get(singular, (name,)))
    if answer == "yes" and (asked := _HEALTHY.match(question)):
        return frozenset(_DISEASES[asked["a"].removesuffix("s")])
    return frozenset()
