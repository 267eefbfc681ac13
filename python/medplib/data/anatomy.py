"""What can surely not be seen in an image.

No set labels everything that its images show: a missing mask is not an absent structure. A structure is called
absent only when it belongs to a part of the body that the image cannot show, when the set itself says so, or when the
set labels it wherever it is.
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
    "brain_mets": _zones(HEAD, NECK),
    "breast_usg": _zones(BREAST, CHEST, SKIN),
    "brisc_brain": _zones(HEAD, NECK),
    "busi": _zones(BREAST, CHEST, SKIN),
    "carotid_us": _zones(NECK, CHEST),
    "chase_db1": _zones(EYE),
    "chd_ct": _zones(NECK, CHEST, ABDOMEN),
    "cpaisd_stroke": _zones(HEAD, NECK),
    "cxr_shenzhen": _zones(NECK, CHEST, ABDOMEN),
    "drishti": _zones(EYE),
    "dsb2018_nuclei": TRUNK | {CELLS, BREAST},
    "faz_octa": _zones(EYE),
    "glomeruli": _zones(CELLS, ABDOMEN),
    "hc18_fetal": _zones(FETUS, HEAD, CHEST, ABDOMEN, PELVIS),
    "hrf_vessel": _zones(EYE),
    "hvsmr_heart": _zones(NECK, CHEST, ABDOMEN),
    "ibsi_sts": TRUNK | {LIMB},
    "idrid_ex": _zones(EYE),
    "idrid_od": _zones(EYE),
    "isic2017": _zones(SKIN),
    "kvasir_polyp": _zones(GUT),
    "liver_ct": _zones(CHEST, ABDOMEN, PELVIS),
    "mni152_brain": _zones(HEAD, NECK),
    "msd_hepatic": _zones(CHEST, ABDOMEN, PELVIS),
    "msd_lung": _zones(NECK, CHEST, ABDOMEN),
    "msd_spleen": _zones(CHEST, ABDOMEN, PELVIS),
    "neuroblastoma_nuclei": TRUNK | {CELLS},
    "npc_mr": _zones(HEAD, NECK),
    "pancreas_ct": _zones(CHEST, ABDOMEN, PELVIS),
    "petct_sarcoma": TRUNK | {LIMB},
    "rings_prostate": _zones(CELLS, PELVIS),
    "rop_ridge": _zones(EYE),
    "spider_spine": _zones(CHEST, ABDOMEN, PELVIS, SPINE),
    "tnbc_nuclei": _zones(CELLS, BREAST),
    "usgra_nerve": TRUNK | {LIMB, SKIN},
    "vocalfolds": _zones(NECK),
    "wbc_krd": _zones(CELLS),
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
        (_zones(HEAD), "brain metastasis, ischemic core, ischemic penumbra"),
        (_zones(HEAD, SPINE), "glioma, meningioma"),
        (_zones(HEAD, NECK), "brain stem, left temporal lobe, right temporal lobe"),
        (_zones(HEAD, EYE), "left eye, right eye, optic disc, optic cup, retinal vessel"),
        (_zones(HEAD, EYE), "hard exudate, foveal avascular zone, retinopathy of prematurity ridge"),
        (_zones(HEAD), "left ear, right ear"),
        (_zones(HEAD, NECK), "left mandible, right mandible, left parotid, right parotid, tooth, larynx"),
        (_zones(HEAD, NECK), "nasopharyngeal carcinoma, vocal fold, glottis, laryngeal tumor"),
        (_zones(NECK, CHEST), "trachea"),
        (_zones(HEAD, NECK, CHEST, GUT), "endotracheal tube"),
        (_zones(HEAD, NECK, CHEST), "common carotid artery"),
        (_zones(NECK, CHEST, ABDOMEN, GUT), "esophagus"),
        (_zones(CHEST, FETUS), "heart, left atrium, right atrium, left ventricle, right ventricle, pulmonary artery"),
        (_zones(CHEST, FETUS), "myocardium"),
        (_zones(CHEST, NECK, FETUS), "superior vena cava"),
        (_zones(CHEST, ABDOMEN, PELVIS, FETUS), "aorta, inferior vena cava"),
        (_zones(CHEST), "coronary artery stenosis, lung, left lung, right lung, lung cancer"),
        (_zones(ABDOMEN), "liver, liver cancer, spleen, left kidney, right kidney, pancreas, hepatic vessel"),
        (_zones(ABDOMEN, GUT), "stomach, duodenum"),
        (_zones(ABDOMEN, PELVIS, GUT), "colon, small bowel"),
        (_zones(PELVIS, GUT), "rectum"),
        (_zones(PELVIS), "bladder, left femoral head, right femoral head"),
        (_zones(PELVIS, CELLS), "prostate gland, prostate tumor"),
        (along_the_spine, "spinal cord, spinal canal, vertebra, intervertebral disc, gray matter, white matter"),
        (_zones(BREAST, CHEST, CELLS), "benign breast tumor, malignant breast tumor"),
        (_zones(CELLS, HEAD, SPINE), "nucleus"),
        (_zones(CELLS), "white blood cell"),
        (_zones(CELLS, ABDOMEN), "glomerulus"),
        (_zones(FETUS), "fetal head"),
        (TRUNK | {LIMB, SKIN, CELLS, BREAST}, "soft tissue sarcoma"),
        (TRUNK | {HEAD, GUT, CELLS}, "polyp"),
        (_zones(SKIN, BREAST, LIMB, CELLS), "skin lesion"),
    ]
    return {name: zones for zones, names in groups for name in names.split(", ")}


_HOMES = _homes()
STRUCTURES = frozenset(_HOMES)  # all that are known by name
_BRAIN_LESIONS = frozenset(
    {
        "glioma",
        "meningioma",
        "pituitary tumor",
        "brain edema",
        "brain enhancing tumor",
        "brain non-enhancing tumor",
        "brain metastasis",
    }
)
_BREAST_TUMORS = frozenset({"benign breast tumor", "malignant breast tumor"})
# These are labelled in every image of the set that shows them: the classes of an image, or all that is to be found.
_LABELLED = {
    "breast_usg": _BREAST_TUMORS,
    "brisc_brain": frozenset({"glioma", "meningioma", "pituitary tumor"}),
    "busi": _BREAST_TUMORS,
    "vocalfolds": frozenset({"laryngeal tumor", "surgical instrument", "endotracheal tube"}),
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
    """Structures of the same part of the body that the set would have labelled."""
    return (_LABELLED.get(set_name, frozenset()) | _NEVER.get(set_name, frozenset())) - frozenset(present)


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
