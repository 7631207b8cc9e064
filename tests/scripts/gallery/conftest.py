"""The gallery as people use it: the program, served over the collection of the search tests, in a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from tests.scripts.gallery.program import Paint, Served, Visit, served
from tests.support.project import Project
from tests.support.reader import reader_of


@pytest.fixture(scope="session")
def gallery(built: Project) -> Iterator[Served]:
    """A gallery that a search reader serves."""
    with reader_of(built.database) as env, served(**env) as made:
        yield made


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Visit]]:
    """Open a page: visit(gallery, "?q=red"), visit(url). No dialog may open, and nothing may be asked of elsewhere."""
    context = browser.new_context()
    made: list[Visit] = []

    def go(at: Served | str, query: str = "") -> Visit:
        if isinstance(at, Served):
            context.add_cookies([{"name": name, "value": key, "url": at.url} for name, key in at.cookies.items()])
            at = at.url
        page = context.new_page()
        page.set_default_timeout(20_000)
        one = Visit(page)
        made.append(one)
        page.on("request", one.note)
        page.on("dialog", one.refuse)
        page.on("pageerror", lambda error: one.trouble.append(str(error)))
        page.goto(at + query)
        return one

    yield go
    for one in made:
        own = one.page.evaluate("location.origin") if not one.page.url.startswith("file:") else "file://"
        elsewhere = [r.url for r in one.requests if not r.url.startswith((own, "data:"))]
        assert (one.trouble, elsewhere) == ([], [])
    context.close()


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Save a photo of one colour where the database cannot read it: picture(name, colour)."""

    def save(name: str, colour: str, **options: object) -> Path:
        Image.new("RGB", (600, 400), colour).save(tmp_path / name, **options)
        return tmp_path / name

    return save


@pytest.fixture
def paint(tmp_path: Path) -> Paint:
    """Make a photo of one colour and return its path."""

    def make(name: str, colour: str = "red", size: tuple[int, int] = (500, 400)) -> str:
        path = tmp_path / name
        Image.new("RGB", size, colour).save(path)
        return str(path)

    return make
