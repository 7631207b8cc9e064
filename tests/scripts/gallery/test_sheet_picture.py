"""The PNG: every photo at its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from scripts.programs.gallery.contact_sheet import write
from scripts.programs.gallery.photos import PAPER
from scripts.programs.gallery.results import Result, Search
from scripts.programs.gallery.text import ELLIPSIS, fonts, shorten, wrap
from tests.scripts.gallery.program import Paint

COLOURS = {"red": (255, 0, 0), "lime": (0, 255, 0), "blue": (0, 0, 255)}


def picture(searches: list[Search], folder: Path, heading: str = "Heading") -> Image.Image:
    _, png = write(searches, folder / "out", heading, "a model")
    with Image.open(png) as image:
        return image.convert("RGB")


def search(*paths: str, title: str = "words", query_image: str | None = None) -> Search:
    results = [Result(rank, path, 1 - rank / 10) for rank, path in enumerate(paths, 1)]
    return Search(title, "select 1", results, query_image)


def box(image: Image.Image, colour: tuple[int, int, int]) -> tuple[int, int, int, int]:
    """Return the smallest box around all pixels of exactly this colour."""
    bands = [
        band.point([255 * (value == want) for value in range(256)])
        for band, want in zip(image.split(), colour, strict=True)
    ]
    found = Image.merge("RGB", bands).convert("L").point([255 * (value == 255) for value in range(256)]).getbbox()
    assert found, f"no {colour}"
    return found


def test_photos_stand_in_the_order_of_their_rank(tmp_path: Path, paint: Paint) -> None:
    red, lime, blue = (paint(f"{name}.png", name) for name in COLOURS)
    image = picture([search(red, lime), search(blue)], tmp_path)
    assert image.width == 1600
    at = {name: box(image, colour) for name, colour in COLOURS.items()}
    assert at["red"][2] < at["lime"][0], "the first is left of the second"
    assert at["red"][1] == at["lime"][1], "on one line"
    assert at["blue"][0] == at["red"][0], "rows begin at the same place"
    assert at["blue"][1] > at["red"][3], "the second search is below"
    widths = {right - left for left, _, right, _ in at.values()}
    assert len(widths) == 1
    assert widths.pop() > 200


def test_photo_searched_with_stands_at_the_left(tmp_path: Path, paint: Paint) -> None:
    red, blue = paint("red.png"), paint("blue.png", "blue")
    image = picture([search(red, query_image=blue)], tmp_path)
    assert box(image, COLOURS["blue"])[2] < box(image, COLOURS["red"])[0]


@pytest.mark.parametrize("count", range(1, 14))
def test_any_number_of_results_fits(count: int, tmp_path: Path, paint: Paint) -> None:
    others = [paint(f"{number}.png", "blue") for number in range(count - 1)]
    image = picture([search(*others, paint("last.png", "red"))], tmp_path)
    left, top, right, bottom = box(image, COLOURS["red"])
    assert right <= 1600 - 64
    assert bottom < image.height - 64
    assert (right - left) * 4 // 5 == pytest.approx(bottom - top, abs=1)


def test_photo_that_cannot_be_read_is_a_grey_tile(tmp_path: Path, paint: Paint) -> None:
    image = picture([search(paint("red.png"), str(tmp_path / "gone.png"))], tmp_path)
    red, grey = box(image, COLOURS["red"]), box(image, PAPER)
    assert red[2] < grey[0]
    assert (grey[1], grey[3]) == (red[1], red[3])


def test_empty_states(tmp_path: Path) -> None:
    assert picture([search()], tmp_path).height > 300
    assert picture([], tmp_path).height > 300


def test_hostile_text_is_drawn(tmp_path: Path, paint: Paint) -> None:
    texts = ["", "x" * 5000, "a\nb\0c\x1b[31m", "斑马 🦓 \u202e عربى", "lone \udcff surrogate", "words " * 500]
    for text in texts:
        assert picture([search(paint("red.png"), "/no/" + text, title=text)], tmp_path, text).width == 1600


def test_text_fits_its_place() -> None:
    font = fonts(20)[0]
    name = shorten("a_photo_with_a_long_name_0042.jpg", font, 180)
    assert font.getlength(name) <= 180
    assert ELLIPSIS in name
    assert name.endswith("0042.jpg")
    assert shorten("cat.jpg", font, 180) == "cat.jpg"

    lines = wrap("several words that need some lines and a wordthatislongerthananylineiswide", font, 150, 9)
    assert all(font.getlength(line) <= 150 for line in lines)
    assert lines[0] == "several words"
    assert "".join(lines).replace(" ", "").endswith("anylineiswide")
    cut = wrap("several words that need some lines", font, 100, 2)
    assert len(cut) == 2
    assert cut[1].endswith(ELLIPSIS)
