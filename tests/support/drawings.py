"""Six pictures drawn on the spot that the classifier of the starter model knows, named as a person would."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFont


def png(image: Image.Image) -> bytes:
    return encoded(image, "PNG")


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def blob(image: Image.Image) -> str:
    return base64.b64encode(png(image)).decode()


def _canvas(size: tuple[int, int], colour: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", size, colour)
    return image, ImageDraw.Draw(image)


def _traffic_light() -> Image.Image:
    image, draw = _canvas((400, 400), "#78b4e6")
    draw.rectangle((190, 330, 210, 400), fill="#3c3c3c")
    draw.rounded_rectangle((130, 30, 270, 340), 20, fill="#1e1e1e")
    for y, colour in ((85, "#e61e1e"), (185, "#5a500a"), (285, "#0a4614")):
        draw.ellipse((155, y - 45, 245, y + 45), fill=colour)
    return image


def _clock() -> Image.Image:
    image, draw = _canvas((400, 400), "#beaa96")
    draw.ellipse((20, 20, 380, 380), fill="white", outline="#281e14", width=14)
    font = ImageFont.load_default(36)
    for hour in range(1, 13):
        angle = math.radians(hour * 30 - 90)
        place = (200 + 140 * math.cos(angle), 200 + 140 * math.sin(angle))
        draw.text(place, str(hour), fill="black", font=font, anchor="mm")
    draw.line((200, 200, 200, 90), fill="black", width=8)
    draw.line((200, 200, 260, 240), fill="black", width=12)
    return image


def _crossword() -> Image.Image:
    image, draw = _canvas((400, 400), "white")
    for row in range(15):
        for column in range(15):
            square = (column * 26, row * 26, column * 26 + 26, row * 26 + 26)
            black = (row * 7 + column * 5 + row * column) % 4 == 0
            draw.rectangle(square, fill="black" if black else "white", outline="black")
    return image


def _envelope() -> Image.Image:
    image, draw = _canvas((400, 300), "#5a3c28")
    draw.rectangle((40, 50, 360, 250), fill="#f0e6cd", outline="#968c78", width=3)
    draw.line((40, 50, 200, 165, 360, 50), fill="#968c78", width=4)
    return image


def _website() -> Image.Image:
    image, draw = _canvas((800, 600), "white")
    draw.rectangle((0, 0, 800, 60), fill="#28468c")
    draw.text((20, 20), "News   Sport   Weather   Login   Contact", fill="white", font=ImageFont.load_default(22))
    line, font = "The quick brown fox jumps over the lazy dog and runs away", ImageFont.load_default(16)
    for row in range(18):
        draw.text((20, 80 + row * 26), line, fill="black", font=font)
    for row, colour in enumerate(("#b43c5a", "#b4785a", "#b4b45a")):
        draw.rectangle((560, 90 + row * 160, 770, 220 + row * 160), fill=colour)
    return image


def _balloon() -> Image.Image:
    image, draw = _canvas((400, 400), "#78befa")
    for shift, colour in ((0, "red"), (30, "yellow"), (60, "red")):
        draw.ellipse((110 + shift, 30, 290 - shift, 240), fill=colour)
    draw.polygon([(150, 215), (250, 215), (215, 290), (185, 290)], fill="orange")
    draw.rectangle((182, 310, 218, 340), fill="#6e461e")
    draw.line((150, 225, 184, 310), fill="black")
    draw.line((250, 225, 216, 310), fill="black")
    return image


DRAWINGS: dict[str, Callable[[], Image.Image]] = {
    "traffic_light": _traffic_light,
    "clock": _clock,
    "crossword": _crossword,
    "envelope": _envelope,
    "website": _website,
    "balloon": _balloon,
}
