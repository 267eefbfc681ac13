"""Records and pictures as MeCoVQA and SA-Med2D-20M have them: a dozen of each subset, and one of each fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

Record = dict[str, Any]
Pixels = npt.NDArray[np.uint8]

# The beginnings of the files' names, and what records call them.
MODALITIES = {
    **{"ct_00": "CT", "mr_t1": "MR", "pet_00": "PET", "x_ray": "X-ray", "ultrasound_00": "ultrasound"},
    **{"endoscopy_00": "endoscopy", "fundus_photography": "fundus", "dermoscopy_00": "dermoscopy"},
}
OF_EACH_SUBSET = 12
HEIGHT, WIDTH = 32, 40


def picture(seed: int) -> Pixels:
    """Soft blobs that are others for each seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 7), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))


def disc(height: int = HEIGHT, width: int = WIDTH) -> Pixels:
    rows, columns = np.indices((height, width))
    return np.where((rows - 16) ** 2 + (columns - 20) ** 2 <= 36, 255, 0).astype(np.uint8)


def conversation(*texts: str) -> list[dict[str, str]]:
    """Questions and answers in turns."""
    return [{"from": ("human", "gpt")[i % 2], "value": text} for i, text in enumerate(texts)]


@dataclass
class Corpus:
    """Pictures in `root`, and records about them that are all right."""

    root: Path
    records: list[Record] = field(default_factory=list)

    def save(self, name: str, pixels: Pixels) -> str:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
        return name

    def image(self, number: int) -> str:
        beginning = list(MODALITIES)[number % len(MODALITIES)]
        name = f"images/{beginning}--Set{number % 3}--case.{number}.5--x_{number:04d}.png"
        return name if (self.root / name).exists() else self.save(name, picture(number))

    def mask(self, number: int, ending: str, pixels: Pixels | None = None) -> str:
        folder = "masks_merged" if ending.endswith("merged") else "masks"
        stem = Path(self.image(number)).stem
        return self.save(f"{folder}/{stem}--{ending}.png", disc() if pixels is None else pixels)

    def complex(self, number: int, **more: Any) -> Record:
        asked = f"<image>\nWhat does number {number} show?"
        return {
            "image": self.image(number),
            "answer_type": "open",
            "conversations": conversation(asked, "Much."),
        } | more

    def region(self, number: int, mask: str = "", **more: Any) -> Record:
        mask = mask or self.mask(number, "0001_000")
        asked = f"<image>\nWhat is in the region <region>{mask}</region> of number {number}?"
        turns = conversation(asked, "A disc.", "Is it healthy?", "Yes.")
        return {"image": self.image(number), "answer_type": "closed", "conversations": turns} | more

    def grounding(self, number: int, mask: str = "", **more: Any) -> Record:
        mask = mask or self.mask(number, "0001_merged")
        turns = conversation(f"<image>\nSegment the disc of number {number}.", f"Sure, <SEG>.<mask>{mask}</mask>")
        return {"image": self.image(number), "conversations": turns} | more


def make_corpus(root: Path) -> Corpus:
    corpus = Corpus(root)
    for number in range(OF_EACH_SUBSET):
        corpus.records.append(corpus.complex(number))
        region = corpus.region(number)
        region["image"] = region["image"].removesuffix(".png")
        corpus.records.append(region)
        corpus.records.append(corpus.grounding(number, id=f"grounding-{number}"))
    return corpus


def write_list(file: Path, records: list[Any]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[\n" + ",\n".join(json.dumps(record) for record in records) + "\n]\n")
    return file


def said(record: Record, question: str, answer: str) -> Record:
    return record | {"conversations": conversation(question, answer)}


def nested(depth: int) -> list[Any]:
    return [nested(depth - 1)] if depth else []


Made = Callable[[Corpus], Any]

# One record of each fault that is seen without opening a picture, by a name of ours and the program's for it.
FAULTS: dict[str, tuple[str, Made]] = {
    "no object": ("format", lambda corpus: "a text"),
    "no image": ("format", lambda corpus: {"conversations": corpus.complex(20)["conversations"]}),
    "no conversations": ("format", lambda corpus: {"image": corpus.image(21)}),
    "a turn without an answer": ("format", lambda corpus: corpus.complex(22, conversations=conversation("<image>\nq"))),
    "turns the wrong way round": (
        "format",
        lambda corpus: corpus.complex(23, conversations=conversation("<image>\nq", "a")[::-1]),
    ),
    "half a letter": ("format", lambda corpus: said(corpus.complex(50), "<image>\nq \ud83d", "a")),
    "brackets without end": ("format", lambda corpus: corpus.complex(51, source=nested(300))),
    "a list for an id": ("format", lambda corpus: corpus.complex(24, id=[1])),
    "an image above the root": ("path", lambda corpus: corpus.complex(25, image="../secret.png")),
    "an absolute mask": ("path", lambda corpus: corpus.grounding(26, "/etc/mask.png")),
    "a missing image": ("missing_file", lambda corpus: corpus.complex(27, image="images/ct_00--A--b--x_1.png")),
    "a missing region": ("missing_file", lambda corpus: corpus.region(28, "masks/none.png")),
    "a missing mask": ("missing_file", lambda corpus: corpus.grounding(29, "masks_merged/none.png")),
    "an open region": ("tags", lambda corpus: said(corpus.complex(30), "<image>\nWhat is <region>masks/a.png?", "a")),
    "a closed mask alone": ("tags", lambda corpus: said(corpus.complex(31), "<image>\nq", "a</mask>")),
    "a closed mask in a question": ("tags", lambda corpus: said(corpus.complex(47), "<image>\nq</mask>", "a")),
    "a closed region in an answer": ("tags", lambda corpus: said(corpus.complex(48), "<image>\nq", "a</region>")),
    "a folder for an image": ("missing_file", lambda corpus: corpus.complex(49, image="images")),
    "another image above the root": ("path", lambda corpus: corpus.complex(25, image="../other.png")),
    "no image tag": ("tags", lambda corpus: said(corpus.complex(32), "What is this?", "a")),
    "a region in an answer": (
        "tags",
        lambda corpus: said(corpus.complex(33), "<image>\nq", f"<region>{corpus.mask(33, '0001_000')}</region>"),
    ),
    "a <SEG> in a question": ("tags", lambda corpus: said(corpus.complex(34), "<image>\nq <SEG>", "a")),
    "a mask without <SEG>": (
        "mask_without_seg",
        lambda corpus: said(corpus.complex(35), "<image>\nq", f"Sure.<mask>{corpus.mask(35, '0001_merged')}</mask>"),
    ),
    "a <SEG> without mask": ("seg_without_mask", lambda corpus: said(corpus.complex(36), "<image>\nq", "Sure, <SEG>.")),
    "an earlier record": ("duplicate_record", lambda corpus: corpus.complex(3)),
    "an earlier id": ("duplicate_id", lambda corpus: corpus.complex(38, id="grounding-5")),
}


def damaged(corpus: Corpus, name: str) -> str:
    file = corpus.root / name
    file.write_bytes(file.read_bytes()[:60])
    return name


def label_map() -> Pixels:
    values = disc()
    values[:, :20] //= 2
    return values


# Those for which pictures are opened.
PICTURE_FAULTS: dict[str, tuple[str, Made]] = {
    "a damaged image": ("unreadable", lambda corpus: corpus.complex(40, image=damaged(corpus, corpus.image(40)))),
    "a damaged mask": (
        "unreadable",
        lambda corpus: corpus.grounding(41, damaged(corpus, corpus.mask(41, "0001_merged"))),
    ),
    "an empty mask": ("empty_mask", lambda corpus: corpus.grounding(42, corpus.mask(42, "0001_merged", disc() * 0))),
    "an empty region": ("empty_mask", lambda corpus: corpus.region(43, corpus.mask(43, "0001_000", disc() * 0))),
    "a full mask": (
        "full_mask",
        lambda corpus: corpus.grounding(44, corpus.mask(44, "0001_merged", disc() * 0 + np.uint8(255))),
    ),
    "a mask of another size": (
        "mask_size",
        lambda corpus: corpus.grounding(45, corpus.mask(45, "0001_merged", disc(HEIGHT, WIDTH + 1))),
    ),
    "a mask of several values": (
        "mask_values",
        lambda corpus: corpus.grounding(46, corpus.mask(46, "0001_merged", label_map())),
    ),
}
