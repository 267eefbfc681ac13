"""What a host program has set for its own tensors neither changes what the package computes nor is changed by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import medplib
import numpy as np
import numpy.typing as npt
import pytest
import torch
from golden import MODEL, QUESTION
from torch.utils.flop_counter import FlopCounterMode

Bytes = npt.NDArray[np.uint8]


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
        assert torch.get_default_dtype() == dtype
    finally:
        torch.set_default_dtype(before)


@contextmanager
def autocast() -> Iterator[None]:
    with torch.autocast("cpu", torch.bfloat16):
        yield
        assert torch.is_autocast_enabled("cpu")
        assert torch.get_autocast_dtype("cpu") == torch.bfloat16
        assert torch.ones(2, 2).mm(torch.ones(2, 2)).dtype == torch.bfloat16


@contextmanager
def inference_mode() -> Iterator[None]:
    with torch.inference_mode():
        yield
        assert torch.is_inference_mode_enabled()
        assert not torch.is_grad_enabled()


@contextmanager
def counted() -> Iterator[None]:
    with FlopCounterMode(display=False) as counter:
        yield
        before = counter.get_total_flops()
        assert before == 0
        torch.ones(2, 2).mm(torch.ones(2, 2))
        assert counter.get_total_flops() > 0


@contextmanager
def deterministic() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    try:
        yield
        assert torch.are_deterministic_algorithms_enabled()
    finally:
        torch.use_deterministic_algorithms(False)


@contextmanager
def default_device() -> Iterator[None]:
    with torch.device("meta"):
        yield
        assert torch.ones(1).device.type == "meta"


HOSTS: dict[str, Callable[[], Any]] = {
    "autocast": autocast,
    "default_dtype_bfloat16": lambda: default_dtype(torch.bfloat16),
    "default_dtype_float64": lambda: default_dtype(torch.float64),
    "default_device": default_device,
    "no_grad": torch.no_grad,
    "inference_mode": inference_mode,
    "dispatch_mode": counted,
    "deterministic": deterministic,
}


def everything(session: medplib.Session) -> list[npt.NDArray[Any]]:
    answer = session.ask(QUESTION, box=(20, 20, 120, 120))
    trace = session.trace(QUESTION, max_new_tokens=2)
    return [
        answer[0].logits,
        np.array(answer.tokens),
        session.refine(answer[0], point_coords=[(30, 40)]).logits,
        session.embed_image(),
        session.embed_region(box=(20, 20, 120, 120)),
        *trace.attention,
    ]


@pytest.mark.parametrize("host", HOSTS)
def test_host_state__python__session(model: medplib.Model, pixels: Bytes, host: str) -> None:
    expected = everything(model.session(pixels))
    with HOSTS[host]():
        found = everything(model.session(pixels))
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("host", HOSTS)
def test_host_state__python__load(pixels: Bytes, host: str, precision: str) -> None:
    expected = everything(medplib.load(MODEL, "cpu", precision).session(pixels))
    with HOSTS[host]():
        model = medplib.load(MODEL, "cpu", precision)
        assert medplib.verify(MODEL) == []
        assert medplib.inspect(MODEL)["parameters"] == model.parameters
    for a, b in zip(expected, everything(model.session(pixels)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("host", HOSTS)
def test_host_state__python__after_an_error(model: medplib.Model, pixels: Bytes, host: str) -> None:
    session = model.session(pixels)
    with HOSTS[host]():  # which looks at its own state at its end

        def fail(_: str) -> bool:
            raise ValueError("from within")

        with pytest.raises(ValueError, match="from within"):
            session.ask(QUESTION, on_text=fail)
        with pytest.raises(medplib.errors.InvalidArgumentError):
            session.ask(QUESTION, box=(5000, 5000, 5001, 5001))
        with pytest.raises(medplib.errors.NotFoundError):
            medplib.load(MODEL / "none")
