"""A picture to point at, in notebooks: draw a point, a box or a line, ask, and see text and masks come.

>>> from medplib.widget import ImageView
>>> view = ImageView(medplib.load().session("retina.jpg"))
>>> view

Every action is a method too, and adds a line to `view.code`, which does the same without the widget in a notebook
where `session` is the session.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

try:
    import anywidget
except ImportError as error:
    raise ImportError("medplib.widget needs anywidget: run `pip install anywidget`.") from error
import numpy as np
import traitlets

from . import _native as _native  # before _core
from ._core import overlay_png
from ._inputs import REGIONS, region_of
from .engine import Answer, Region, Session
from .errors import InvalidArgumentError, MedplibError, StateError, shown

KINDS = tuple(kind for kind in REGIONS if kind != "mask")


class ImageView(anywidget.AnyWidget):
    """The image of a session, to be pointed at and asked about.

    `state` is all that a user did and saw, as JSON takes it; a view that is given one does it all again. Where widgets
    do not run, a picture of the same stands in its place.
    """

    _esm = Path(__file__).with_name("widget.js")
    _css = Path(__file__).with_name("widget.css")

    # What the browser sees. Only Python writes it: the browser sends actions.
    image = traitlets.Bytes().tag(sync=True)  # PNG
    places = traitlets.List(traitlets.Dict()).tag(sync=True)  # {"kind": "box", "value": [x0, y0, x1, y1]}, …
    asked = traitlets.Dict().tag(sync=True)  # {"verb": "ask" or "segment", "words", "places"}, empty without an answer
    text = traitlets.Unicode().tag(sync=True)  # of the answer, as it comes
    masks = traitlets.List(traitlets.Dict()).tag(sync=True)  # {"label", "area", "presence", "rle", "shown"}
    code = traitlets.Unicode().tag(sync=True)
    error = traitlets.Unicode().tag(sync=True)
    busy = traitlets.Bool().tag(sync=True)

    def __init__(self, session: Session, state: Mapping[str, Any] | None = None) -> None:
        if session.image is None:
            raise StateError("The session has no image to show: give it one with set_image.")
        super().__init__(image=session.image._repr_png_())
        self.session = session
        self.answer: Answer | None = None  # the last one
        self.on_msg(self._act)
        if state is not None:
            self._do_again(state)

    @property
    def regions(self) -> list[Region]:
        """What is drawn, as the engine takes it."""
        return [region_of(place["kind"], place["value"]) for place in self.places]

    def draw(self, kind: str, value: Any) -> None:
        """Points at one more place: a "point", "box", "polygon" or "scribble", as `Session.ask` takes them."""
        if kind not in KINDS:
            raise InvalidArgumentError(f"A place that is drawn is one of {', '.join(KINDS)}, not {shown(kind)}.")
        region_of(kind, value)
        self._look()
        place = _place(kind, value)
        self._say(f"regions.append({_written(place)})" if self.places else f"regions = [{_written(place)}]")
        self.places = [*self.places, place]

    def clear(self) -> None:
        """Takes all places away."""
        self._say("regions = []")
        self.places = []

    def ask(self, question: str) -> Answer:
        """The answer to a question about the image and what is drawn in it."""
        return self._answered("ask", question)

    def segment(self, phrase: str) -> Answer:
        """What the phrase names."""
        return self._answered("segment", phrase)

    def show(self, index: int, shown: bool) -> None:
        """Shows or hides a mask."""
        if not 0 <= index < len(self.masks):
            raise InvalidArgumentError(f"There is no mask {index}: the answer has {len(self.masks)}, counted from 0.")
        self.masks = [{**mask, "shown": shown} if at == index else mask for at, mask in enumerate(self.masks)]
        seen = ", ".join(f"answer[{at}]" for at, mask in enumerate(self.masks) if mask["shown"])
        self._say(f"shown = [{seen}]")

    @property
    def state(self) -> dict[str, Any]:
        """What was drawn, asked, answered and shown."""
        return {name: getattr(self, name) for name in ("places", "asked", "text", "masks", "code")}

    def _look(self) -> None:
        """Follows a session that was given another image: what was drawn on the one before is gone."""
        if self.session.image is None or (seen := self.session.image._repr_png_()) == self.image:
            return
        self.image, self.places, self.masks, self.asked, self.answer = seen, [], [], {}, None

    def _answered(self, verb: str, words: str) -> Answer:
        self._look()
        self.answer, self.asked = None, {}
        self.text, self.masks, self.error, self.busy = "", [], "", True
        try:
            self.answer = getattr(self.session, verb)(words, regions=self.regions, on_text=self._hear)
        finally:
            self.busy = False
        about = ", regions=regions" if self.places else ""
        self._say(f"answer = session.{verb}({words!r}{about})")
        self.asked = {"verb": verb, "words": words, "places": self.places}
        self.text = self.answer.text
        self.masks = [
            {"label": mask.label, "area": mask.area, "presence": mask.presence, "rle": mask.rle, "shown": True}
            for mask in self.answer
        ]
        return self.answer

    def _hear(self, piece: str) -> None:
        self.text += piece

    def _say(self, line: str) -> None:
        self.code += f"{line}\n"

    def _act(self, _: Any, action: dict[str, Any], __: Any) -> None:
        """What the browser asks for: the name of a method, and its arguments. Errors are shown there."""
        methods = {each.__name__: each for each in (self.draw, self.clear, self.ask, self.segment, self.show)}
        self.error = ""
        try:
            methods[action["do"]](*action["with"])
        except MedplibError as error:
            self.error = str(error)

    def _do_again(self, state: Mapping[str, Any]) -> None:
        asked = state["asked"]
        if asked:
            self._draw_all(asked["places"])
            self._answered(asked["verb"], asked["words"])
        for index, mask in enumerate(state["masks"][: len(self.masks)]):
            if not mask["shown"]:
                self.show(index, False)
        if self.places != state["places"]:
            self.clear()
            self._draw_all(state["places"])

    def _draw_all(self, places: list[dict[str, Any]]) -> None:
        for place in places:
            self.draw(place["kind"], place["value"])

    def __repr__(self) -> str:
        return f"<medplib.ImageView places: {len(self.places)}, masks: {len(self.masks)}>"

    def _repr_png_(self) -> bytes:
        """The image with what is drawn and the masks that are shown."""
        self._look()
        assert self.session.image is not None
        shown = zip(self.answer or (), self.masks, strict=True)
        return overlay_png(self.session.image, [mask for mask, seen in shown if seen["shown"]], self.regions)

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """With a picture for places where widgets do not run."""
        bundle = super()._repr_mimebundle_(**options)
        if bundle is not None:
            bundle[0]["image/png"] = base64.b64encode(self._repr_png_()).decode("ascii")
        return bundle


def _place(kind: str, value: Any) -> dict[str, Any]:
    """As JSON takes it."""
    flat = np.asarray(value, np.float64).tolist()
    return {"kind": kind, "value": _whole(flat)}


def _whole(value: Any) -> Any:
    """Whole numbers without a point, in lists of any depth."""
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if value == int(value) else value


def _written(place: dict[str, Any]) -> str:
    """The place as Python code."""
    value = place["value"]
    arguments = f"({[tuple(each) for each in value]})" if isinstance(value[0], list) else str(tuple(value))
    return f"medplib.Region.{place['kind']}{arguments}"
