"""The HTML: complete in itself, and no text of others becomes markup."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

from PIL import Image

from scripts.programs.gallery.contact_sheet import write
from scripts.programs.gallery.results import Result, Search
from tests.scripts.gallery.program import Paint

EVIL = """</pre></title></style>"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}&amp;"""


class Page(HTMLParser):
    """Collects elements and the text inside each kind of element."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("img", "meta"):
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in set(self.open):
            self.texts[tag][-1] += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def page(searches: list[Search], folder: Path, heading: str = "Heading", model: str = "a model") -> Page:
    html, _ = write(searches, folder / "out", heading, model)
    return Page(html.read_text(encoding="utf-8"))


def test_shows_rank_score_name_and_sql(tmp_path: Path, paint: Paint) -> None:
    sql = "select *\n  from search_photos('a zebra')"
    read = page([Search("a zebra", sql, [Result(1, paint("zebra.png"), 0.28661)])], tmp_path)
    assert read.texts["h1"] == ["Heading"]
    assert read.texts["h2"] == ["a zebra"]
    assert read.texts["pre"] == [sql]
    assert read.texts["figcaption"][0].split() == ["1", "0.287", "zebra.png"]
    assert [image["alt"] for image in read.all("img")] == ["zebra.png"]
    assert not read.open, "every element is closed"


def test_thumbnails_are_small_jpegs_inside_the_page(tmp_path: Path, paint: Paint) -> None:
    read = page([Search("x", "select 1", [Result(1, paint("red.png", size=(3000, 2000)), 1.0)])], tmp_path)
    kind, _, data = str(read.all("img")[0]["src"]).partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(io.BytesIO(base64.b64decode(data))) as image:
        assert (image.format, image.size) == ("JPEG", (360, 288))
        red, green, blue = image.convert("RGB").getpixel((180, 144))  # type: ignore[misc]
        assert red > 240 > 20 > max(green, blue)


def test_nothing_is_loaded_from_elsewhere(tmp_path: Path, paint: Paint) -> None:
    read = page([Search("x", "select 1", [Result(1, paint("a.png"), 1.0)], paint("b.png"))], tmp_path)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in read.elements}
    assert all(str(image["src"]).startswith("data:") for image in read.all("img"))
    policy = next(meta for meta in read.all("meta") if meta.get("http-equiv"))
    assert str(policy["content"]).startswith("default-src 'none'")


def test_hostile_text_stays_text(tmp_path: Path, paint: Paint) -> None:
    photo = paint("evil\" onload='alert(1)' <b>.png")
    results = [Result(1, photo, 0.5), Result(2, f"/gone/{EVIL}", 0.4), Result(3, "http://127.0.0.1:9/" + EVIL, 0.3)]
    read = page([Search(EVIL, EVIL, results, EVIL), Search(EVIL, EVIL, [])], tmp_path, EVIL, EVIL)
    tags = {tag for tag, _ in read.elements}
    assert not {"script", "b"} & tags
    assert not any(name.startswith("on") for _, attributes in read.elements for name in attributes)
    assert read.texts["h1"] == read.texts["title"] == [EVIL]
    assert read.texts["h2"] == read.texts["pre"] == [EVIL, EVIL]
    assert read.all("img")[0]["alt"] == Path(photo).name


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    read = page([Search("\udcff\0", "select '\udcff'", [Result(1, "/gone/\udcff.jpg", float("nan"))])], tmp_path)
    assert read.texts["pre"] == ["select '?'"]
    assert read.texts["figcaption"][0].split() == ["1", "nan", "?.jpg"]


def test_missing_photos_and_empty_searches_say_so(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.png")
    read = page([Search("x", "select 1", [Result(1, gone, 0.5)], gone), Search("y", "select 2", [])], tmp_path)
    missing = [div for div in read.all("div") if div.get("class") == "missing"]
    assert [div["aria-label"] for div in missing] == [
        "The photo searched with: gone.png: File not found",
        "gone.png: File not found",
    ]
    assert "No photos found" in read.texts["p"]
    assert "No searches to show" in page([], tmp_path).texts["p"]
