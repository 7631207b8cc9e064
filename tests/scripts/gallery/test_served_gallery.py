"""The served page in a real browser: type, drop a photo, read what went wrong."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from PIL import Image
from playwright.sync_api import expect

from scripts.programs.gallery.database import SECONDS, connect
from scripts.programs.gallery.photos import MAX_BYTES
from scripts.programs.gallery.searches import NOTHING_EMBEDDED
from tests.scripts.gallery.program import Served, Visit, served
from tests.support.collection import COLOURED
from tests.support.database import Database, new_role
from tests.support.http_server import Reply
from tests.support.project import Project
from tests.support.reader import reader_of

Go = Callable[..., Visit]
Save = Callable[..., Path]
EVIL = """</title>"'><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7*7 }}"""


def expected(built: Project, call: str, *parameters: object) -> list[str]:
    """Return the names of what a search finds, as the database says."""
    found = built.database.rows(f"select path from search.{call} order by rank", *parameters)
    return [Path(path).name for (path,) in found]


def test_type_and_submit(gallery: Served, visit: Go, built: Project) -> None:
    here = visit(gallery)
    expect(here.page.get_by_role("heading", level=1)).to_have_text(f"{len(COLOURED)} photos")
    expect(here.page.get_by_role("searchbox")).to_be_focused()
    here.search("something blue")
    assert here.names() == expected(built, "search_images('something blue', k => 12)")
    assert here.names()[0] == "blue.png"
    assert here.page.locator(".rank").all_inner_texts() == [str(n + 1) for n in range(len(COLOURED))]
    assert float(here.page.locator(".score").first.inner_text()) > 0.99
    sql = here.page.locator("pre").inner_text()
    assert sql == "select rank, score, image_id, path from search.search_images('something blue', k => 12);"
    # The statement shown is one that runs, and finds the same.
    assert built.database.rows(sql)[0][2] == 5
    # The photo itself is there: its middle pixel is blue.
    shown = here.page.evaluate(
        """async () => {
            const image = document.querySelector('figure img');
            await image.decode();
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            return Array.from(context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data);
        }"""
    )
    assert shown[2] > 240 > 20 > max(shown[:2])


def test_drop_a_photo_that_the_database_has_never_seen(
    gallery: Served, visit: Go, picture: Save, built: Project
) -> None:
    exif = Image.Exif()
    exif[0x010E] = "SECRET PLACE"
    photo = picture("holiday in <b>Rome.jpg", "blue", exif=exif)
    asked: list[bytes] = []

    def note(request: Any) -> Reply | None:
        asked.append(request.body)
        return None

    built.clip.intercept = note
    try:
        here = visit(gallery)
        here.drop(photo.name, photo.read_bytes())
        here.page.wait_for_url("**/?photo=*")
    finally:
        built.clip.intercept = lambda request: None
    assert here.names()[:2] == ["blue.png", "dark_blue.png"]
    heading = here.page.get_by_role("heading", level=2)
    assert heading.all_inner_texts() == ["like holiday in <b>Rome.jpg"]
    expect(here.page.get_by_alt_text("The photo searched with: holiday in <b>Rome.jpg")).to_be_visible()
    assert (
        "search.search_images_by_photo('data:image/jpeg;base64,…', k => 12);" in here.page.locator("pre").inner_text()
    )
    # What is in a file beside its pixels does not leave the gallery.
    blobs = [item["blob"] for body in asked for item in json.loads(body)["data"]]
    assert len(blobs) == 1
    assert b"SECRET" in photo.read_bytes() and b"SECRET" not in base64.b64decode(blobs[0])
    # Its results are at an address: looking again finds the same.
    names = here.names()
    here.page.reload()
    assert here.names() == names


def test_choose_a_photo(gallery: Served, visit: Go, picture: Save) -> None:
    here = visit(gallery)
    with here.page.expect_file_chooser() as chooser:
        here.page.get_by_role("button", name="Search by photo").click()
    chooser.value.set_files(picture("new.png", "yellow"))
    here.page.wait_for_url("**/?photo=*")
    assert here.names()[0] == "yellow.png"


def test_a_drag_shows_where_to_drop_and_takes_it_back(gallery: Served, visit: Go) -> None:
    page = visit(gallery).page
    invitation = page.get_by_text("Drop it to find photos like it")
    expect(invitation).to_be_hidden()
    page.dispatch_event("main", "dragenter")
    page.dispatch_event("h1", "dragenter")
    page.dispatch_event("main", "dragleave")
    expect(invitation).to_be_visible()
    page.dispatch_event("h1", "dragleave")
    expect(invitation).to_be_hidden()


def test_by_keyboard_alone(gallery: Served, visit: Go, built: Project) -> None:
    page = visit(gallery).page
    page.keyboard.type("red")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=red")
    page.get_by_role("searchbox").focus()
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.innerText || document.activeElement.ariaLabel").strip())
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert reached == ["Search", "Search by photo", "More like red.png"]
    page.keyboard.press("Enter")
    page.wait_for_url("**/?like=1")
    assert page.locator("figcaption .name").all_inner_texts() == expected(built, "search_images_like(1, k => 12)")


def test_hostile_words_stay_words(gallery: Served, visit: Go) -> None:
    here = visit(gallery)
    for words in (EVIL, "'; drop table polarlens.image_paths; --", "back\\slash"):
        here.search(words)
        assert here.page.get_by_role("searchbox").input_value() == words
        assert here.page.get_by_role("heading", level=2).all_inner_texts() == [words]
        assert len(here.names()) == len(COLOURED)
        assert here.page.locator("script").count() == 1
        assert here.page.locator("section img").count() == len(COLOURED)


def test_hostile_paths_stay_paths(project_copy: Project, visit: Go) -> None:
    database = project_copy.database
    database.run("update polarlens.image_paths set path = %s, title = %s, caption = %s where image_id = 1", *[EVIL] * 3)
    database.run("delete from search.thumbnails")
    database.run("update polarlens.image_paths set path = 'javascript://%%0aalert(3)' where image_id = 2")
    with reader_of(database) as env, served(**env) as own:
        here = visit(own, "?q=red")
        assert here.names()[0] == EVIL.rpartition("/")[2]
        assert here.page.locator("script").count() == 1
        assert here.page.locator(".missing").all_inner_texts() == ["File not found", "javascript:// is not shown here"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a text", "notes.txt: Not a photo."),
        (b"", "notes.txt: Not a photo."),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "notes.txt: "),
    ],
    ids=["text", "empty", "broken"],
)
def test_what_is_no_photo_is_said_so(gallery: Served, visit: Go, content: bytes, said: str) -> None:
    here = visit(gallery)
    here.drop("notes.txt", content)
    alert = here.page.get_by_role("alert")
    expect(alert).to_contain_text("That file cannot be searched with")
    expect(alert).to_contain_text(said)
    expect(here.page.get_by_role("button", name="Search by photo")).to_be_enabled()


def test_a_file_that_is_too_large_is_not_even_sent(gallery: Served, visit: Go) -> None:
    here = visit(gallery)
    here.page.evaluate(
        """(size) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(size)], "large.jpg"));
            const drop = new DragEvent("drop", {dataTransfer: transfer, bubbles: true});
            document.querySelector("main").dispatchEvent(drop);
        }""",
        MAX_BYTES + 1,
    )
    expect(here.page.get_by_role("alert")).to_contain_text("20 MB at the most")
    assert not [request for request in here.requests if request.method == "POST"]


def test_something_dropped_that_is_no_file(gallery: Served, visit: Go) -> None:
    page = visit(gallery).page
    page.evaluate(
        """() => document.querySelector("main").dispatchEvent(
            new DragEvent("drop", {dataTransfer: new DataTransfer(), bubbles: true}))"""
    )
    expect(page.get_by_role("alert")).to_contain_text("That is no file")


def test_a_forgotten_photo(gallery: Served, visit: Go) -> None:
    page = visit(gallery, "?photo=forgotten").page
    expect(page.get_by_role("alert")).to_contain_text("That photo is no longer here")


def test_a_photo_that_is_not_in_the_collection(gallery: Served, visit: Go) -> None:
    page = visit(gallery, "?like=4711").page
    expect(page.get_by_role("alert")).to_contain_text("4711")


def test_a_model_that_is_down(gallery: Served, visit: Go, built: Project) -> None:
    built.clip.intercept = lambda request: Reply(
        status=400, body={"header": {"status": {"description": "out of order"}}}
    )
    try:
        page = visit(gallery, "?q=a+new+question").page
    finally:
        built.clip.intercept = lambda request: None
    expect(page.get_by_role("alert")).to_contain_text("The model did not answer")
    # And when it is up again, so is the search.
    page.reload()
    expect(page.locator("figure")).to_have_count(len(COLOURED))


def test_nothing_is_embedded_yet(project_copy: Project, visit: Go) -> None:
    project_copy.database.run("truncate search_internal.image_embeddings cascade")
    with reader_of(project_copy.database) as env, served(**env) as own:
        page = visit(own, "?q=red").page
        expect(page.get_by_role("heading", level=1)).to_have_text("0 photos")
        expect(page.get_by_text(NOTHING_EMBEDDED)).to_be_visible()


def test_a_database_without_photo_search(database: Database, visit: Go) -> None:
    with served(**database.env) as own:
        alert = visit(own).page.get_by_role("alert")
        expect(alert).to_contain_text("This database has no photo search yet")
        expect(alert).to_contain_text("dbt run")


def test_somebody_who_may_not_search(built: Project, visit: Go) -> None:
    with (
        new_role(built.database, "login password 'secret'") as stranger,
        served(**{**built.database.env, "PGUSER": stranger, "PGPASSWORD": "secret"}) as own,
    ):
        alert = visit(own).page.get_by_role("alert")
        expect(alert).to_contain_text("You may not search in this database")
        expect(alert).to_contain_text(f'grant polarlens_reader to "{stranger}";')


def test_a_database_that_is_not_there_and_one_that_comes_back(project_copy: Project, visit: Go) -> None:
    database = project_copy.database
    with reader_of(database) as env, served(**env) as own:
        here = visit(own, "?q=red")
        assert here.names()[0] == "red.png"
        # The session is gone: the next search opens another.
        database.run("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", env["PGUSER"])
        here.page.reload()
        assert here.names()[0] == "red.png"
    with served(**{**database.env, "PGPORT": "1"}) as own:
        alert = visit(own).page.get_by_role("alert")
        expect(alert).to_contain_text("The database cannot be reached")
        expect(alert).not_to_contain_text(database.env["PGPASSWORD"])


def test_the_gallery_changes_nothing_and_waits_for_ever_on_nothing(gallery: Served, visit: Go, built: Project) -> None:
    visit(gallery)
    activity = "select count(*) > 0 from pg_stat_activity where usename = %s"
    assert built.database.value(activity, gallery.user)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in built.database.env.items():
            patch.setenv(name, value)
        with connect() as connection:
            settings = connection.execute(
                "select current_setting('statement_timeout') as t, current_setting('transaction_read_only') as r"
            ).fetchone()
            assert settings == {"t": f"{SECONDS // 60}min", "r": "on"}
            with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                connection.execute("delete from polarlens.image_paths")
    assert urlsplit(gallery.url).hostname == "127.0.0.1"


def test_the_printed_address_lets_a_browser_in(gallery: Served, visit: Go) -> None:
    page = visit(f"{gallery.url}?key={gallery.key}").page
    assert page.url == gallery.url, "the key is out of the address"
    expect(page.get_by_role("searchbox")).to_be_visible()
    assert page.evaluate("document.cookie") == ""
