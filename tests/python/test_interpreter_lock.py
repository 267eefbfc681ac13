"""Other threads run during every long call, and while an object is forgotten."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import medplib
import numpy as np
import pytest
from golden import MODEL, PICTURE, QUESTION
from medplib import _core


def runs_meanwhile(call: Callable[[], object], times: int = 500) -> bool:
    """Whether another thread gets on during one of some calls."""
    gate, seen = threading.Lock(), list[bool]()

    def other() -> None:
        with gate:
            seen.append(True)

    gate.acquire()
    thread = threading.Thread(target=other)
    thread.start()
    gate.release()
    while gate.acquire(blocking=False):  # until the thread has it, which then waits for the interpreter alone
        gate.release()
    for _ in range(times):
        call()
        if seen:
            break
    got_on = bool(seen)
    thread.join()
    return got_on


def lets_others_run(call: Callable[[], object]) -> bool:
    """The same of the call itself: what it gives is kept, since forgetting it lets others run too."""
    kept: list[object] = []
    return runs_meanwhile(lambda: kept.append(call()))


@pytest.mark.parametrize(
    "name",
    [
        *("load", "inspect", "verify", "session", "ask", "segment", "describe", "chat", "trace", "refine", "predict"),
        *("ask_many", "segment_many", "embed_image", "embed_region", "save", "_repr_png_"),
    ],
)
def test_other_threads_run_during_a_long_call(model: medplib.Model, selfish: None, tmp_path: Path, name: str) -> None:
    session = model.session(PICTURE)
    answer = session.ask(QUESTION)
    region, few = medplib.Region.point(100, 100), _core.AskOptions()
    few.max_new_tokens = 4
    calls: dict[str, Callable[[], object]] = {
        "load": lambda: medplib.load(MODEL),
        "inspect": lambda: medplib.inspect(MODEL),
        "verify": lambda: medplib.verify(MODEL),
        "session": model.session,
        "ask": lambda: session.ask(QUESTION),
        "segment": lambda: session.segment("tumour"),
        "describe": lambda: session._describe(region, few, None),
        "chat": lambda: session.chat("What is this?", max_new_tokens=4),
        "trace": lambda: session.trace(QUESTION),
        "refine": lambda: session.refine(point_coords=[(100, 100)]),
        "predict": lambda: session._predict([(100, 80, True)], None, None, True),
        "ask_many": lambda: session.ask_many([QUESTION]),
        "segment_many": lambda: session.segment_many(["tumour"]),
        "embed_image": session.embed_image,
        "embed_region": lambda: session._embed_region(region),
        "save": lambda: answer.save(tmp_path / "overlay.png"),
        "_repr_png_": answer._repr_png_,
    }
    assert lets_others_run(calls[name])


@pytest.mark.parametrize(
    "name",
    [
        *("read", "decode", "from_array", "sixteen_bits", "image_png", "region_mask", "mask_file", "overlay_png"),
        *("from_region", "array", "area", "bbox", "rle", "polygon", "mask_png", "save", "repr"),
    ],
)
def test_other_threads_run_while_pixels_are_worked_on(selfish: None, tmp_path: Path, name: str) -> None:
    content = PICTURE.read_bytes()
    pixels, inside = np.zeros((400, 400, 3), np.uint8), np.ones((400, 400), np.uint8)
    sixteen = np.zeros((400, 400, 3), np.uint16)
    image, region = medplib.Image.from_array(pixels), medplib.Region.mask(inside)
    mask = medplib.Mask.from_region(region, 400, 400)
    mask.save(tmp_path / "mask.png")
    calls: dict[str, Callable[[], object]] = {
        "read": lambda: medplib.Image.read(PICTURE),
        "decode": lambda: medplib.Image.decode(content),
        "from_array": lambda: medplib.Image.from_array(pixels),
        "sixteen_bits": lambda: medplib.Image.from_array(sixteen),
        "image_png": image._repr_png_,
        "region_mask": lambda: medplib.Region.mask(inside),
        "mask_file": lambda: medplib.Region.mask_file(tmp_path / "mask.png"),
        "overlay_png": lambda: _core.overlay_png(image, [mask], [region]),
        "from_region": lambda: medplib.Mask.from_region(region, 400, 400),
        "array": lambda: mask.array,
        "area": lambda: mask.area,
        "bbox": lambda: mask.bbox,
        "rle": lambda: mask.rle,
        "polygon": mask.polygon,
        "mask_png": mask._repr_png_,
        "save": lambda: mask.save(tmp_path / "again.png"),
        "repr": lambda: repr(mask),
    }
    assert lets_others_run(calls[name])


def test_a_call_that_keeps_the_lock_is_found_out(selfish: None) -> None:
    assert not runs_meanwhile(lambda: sum(range(1000)))


@pytest.mark.parametrize("kind", ["model", "session", "answer", "mask", "image", "region", "array"])
def test_other_threads_run_while_an_object_is_forgotten(model: medplib.Model, selfish: None, kind: str) -> None:
    session = model.session(PICTURE)
    answer = session.ask(QUESTION)
    makers: dict[str, Callable[[], object]] = {
        "model": lambda: medplib.load(MODEL),
        "session": model.session,
        "answer": lambda: session.ask(QUESTION),
        "mask": lambda: answer[0],
        "image": lambda: medplib.Image.read(PICTURE),
        "region": lambda: medplib.Region.point(1, 2),
        "array": lambda: answer[0].logits,
    }

    def forgotten(make: Callable[[], object], count: int) -> bool:
        objects = [make() for _ in range(count)]
        return runs_meanwhile(objects.pop, count)

    # The moment is short: on a busy machine the other thread misses it many times.
    assert any(forgotten(makers[kind], 5) for _ in range(500))
    assert not forgotten(object, 500)
