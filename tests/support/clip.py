"""A stand-in for a CLIP service: its wire contract, with vectors made of colours.

It stands in because what these tests look at is what happens around a model, and they need one that can be
told to fail. A photo's vector is its average colour; a text's vector is the colour that it names.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import Any

from PIL import Image

from tests.support.http_server import Reply, Request

COLOURS = {"red": (255, 0, 0), "green": (0, 160, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0)}


class ColourClip:
    """The handler for a ScriptedServer. ``intercept`` may answer a request in its place."""

    def __init__(self, dimension: int = 4) -> None:
        self.dimension = dimension
        self.items = 0  # embedded so far
        self.intercept: Callable[[Request], Reply | None] = lambda request: None

    def __call__(self, request: Request) -> Reply:
        if (reply := self.intercept(request)) is not None:
            return reply
        data = [{"embedding": self.vector(item)} for item in request.json()["data"]]
        self.items += len(data)
        return Reply(body={"header": {"status": None}, "data": data})

    def vector(self, item: dict[str, Any]) -> list[float]:
        if "text" in item:
            colour = next((rgb for name, rgb in COLOURS.items() if name in item["text"]), (128, 128, 128))
        else:
            picture = Image.open(io.BytesIO(base64.b64decode(item["blob"]))).convert("RGB").resize((1, 1))
            colour = picture.getpixel((0, 0))  # type: ignore[assignment]
        # Something constant keeps black from being the zero vector.
        return [*(channel / 255 for channel in colour), *([0.1] * (self.dimension - 3))]
