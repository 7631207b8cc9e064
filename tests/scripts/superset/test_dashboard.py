"""The dashboard in a real Superset and a real browser: log in, type, apply, and look."""

from __future__ import annotations

import json
import os
import re
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psycopg
import pytest
from playwright.sync_api import Page, expect

from tests.scripts.superset.program import SAVED, Superset

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

HOSTILE = [
    "'; drop table search.thumbnails; --",
    "') as s; delete from polarlens.image_paths; --",
    "it's 100% wool, %s %(query)s %%",
    ":name ::text \\'; select 1",
    "{{ 1 + 1 }} {% raw %} {{ current_username() }}",
    "$$; $1 $polarlens$",
    "--",
    '"double" <b onclick=alert(1)>bold</b>',
    "ends in \\",
    "\\\\two' or true; --\\\\",
    "\\% it''s \\' both",
    "a comma, and another; a semicolon",
    "日本の猫 🐈",
]
# A busy machine takes its time over a page.
expect.set_options(timeout=60_000)
BEST = {"a cat": "chelsea.png", "a cup of coffee": "coffee.png", "a rocket launch": "rocket.jpg"}


def search(page: Page, query: str, taken: str | None = None) -> None:
    """Type a query into the search box, press Enter, and apply it; ``taken`` is what the box makes of it."""
    box = page.locator("[data-test=filter-bar] .ant-select").first
    # Once it has its suggestions ("12 options"): what is typed before is lost.
    expect(box.locator(".ant-select-selection-placeholder, .ant-select-selection-item")).not_to_have_text(
        re.compile("^(No data)?$")
    )
    expect(box).not_to_have_class(re.compile("loading"))
    box.click()
    page.locator(".ant-select-item-option").first.wait_for()
    # As fast as people are: Superset's box loses a text that is there at once.
    page.keyboard.type(query, delay=40)
    # The box looks for suggestions before it takes a text of one's own.
    page.locator(".ant-select-item-option", has_text=taken or query).first.wait_for()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.locator("[data-test=filter-bar__apply-button]").first.click()


def searching(text: str) -> str:
    """Return the dashboard's filters in a link, with a text in the search box (in Rison, as Superset writes them)."""
    rison = "'" + text.replace("!", "!!").replace("'", "!'") + "'"
    filters = f"extraFormData:(filters:!((col:query,op:IN,val:!({rison})))),filterState:(value:!({rison}))"
    return f"(NATIVE_FILTER-query:({filters},id:NATIVE_FILTER-query,ownState:()))"


def best(page: Page) -> str | None:
    """Return the file name of the first photo shown."""
    return page.locator(".pl-grid .pl-card").first.locator("img").get_attribute("alt")


def test_a_typed_query_shows_the_right_photos_with_scores(page: Page) -> None:
    expect(page.locator(".pl-grid .pl-card")).to_have_count(22)
    for query, file in BEST.items():
        search(page, query)
        expect(page.locator(".pl-lead").first).to_contain_text(f"“{query}”")
        assert best(page) == file
        scores = [float(score) for score in page.locator(".pl-grid .pl-score").all_inner_texts()]
        assert scores == sorted(scores, reverse=True) and len(scores) == 21
        # The pictures are there, not only their frames.
        sizes = page.locator(".pl-grid img").evaluate_all("images => images.map(image => image.naturalWidth)")
        assert len(sizes) == 21 and min(sizes) > 100


def test_the_page_asks_nobody_but_superset(page: Page, superset: Superset) -> None:
    asked: set[str] = set()
    page.on("response", lambda response: asked.add(urlsplit(response.url).netloc))
    page.reload()
    page.wait_for_selector(".pl-card")
    assert asked - {""} == {urlsplit(superset.url).netloc}


def test_a_text_that_tries_sql_is_only_a_text(page: Page, superset: Superset) -> None:
    counts = "select (select count(*) from search.thumbnails), (select count(*) from polarlens.image_paths)"
    before = superset.database.rows(counts)
    typed = "cat' or true) --"
    search(page, typed)
    expect(page.locator(".pl-lead").first).to_contain_text(f"“{typed}”")
    # Superset's box takes a semicolon for the end of a text; a link does not.
    page.goto(f"{superset.url}?native_filters={quote(searching(HOSTILE[0]))}")
    expect(page.locator(".pl-lead").first).to_contain_text(f"“{HOSTILE[0]}”")
    expect(page.locator(".pl-grid .pl-card")).to_have_count(21)
    api = Api(superset)
    for text in HOSTILE:
        found = api.search(text)
        assert {row["query"] for row in found} == {text}, text
        assert len(found) == 21
    # Not even markup in what people may send in place of a text.
    for odd in (["a cat", "'); drop table x; --"], [None], [""], [17]):
        assert api.search(odd)
    assert superset.database.rows(counts) == before


def test_the_search_box_says_where_it_ends_a_text(page: Page) -> None:
    placeholder = page.locator("[data-test=filter-bar] .ant-select-selection-placeholder").first
    shown = placeholder.evaluate(
        "element => [getComputedStyle(element).fontSize, getComputedStyle(element, '::after').content]"
    )
    assert shown == ["0px", '"In your own words, without commas"']
    # Which is true: what stands before a comma is lost.
    search(page, "grass, a rocket launch", "a rocket launch")
    expect(page.locator(".pl-lead").first).to_contain_text("“a rocket launch”")


def test_everything_else_is_on_the_page(page: Page) -> None:
    for name in SAVED:
        expect(page.locator(".pl-search", has_text=name).locator("img")).to_have_count(6)
    for title in ("Photos by label", "Photos over time", "Places", "Coverage over time", "Failures over time"):
        chart = page.locator(".dashboard-component-chart-holder", has_text=title)
        chart.scroll_into_view_if_needed()
        expect(chart.locator("canvas").first).to_be_visible()
    coverage = page.locator(".dashboard-component-chart-holder", has_text="Coverage now")
    expect(coverage.locator("tr", has_text="search_internal.image_embeddings")).to_contain_text("95.5")
    failures = page.locator(".dashboard-component-chart-holder", has_text="What failed")
    expect(failures).to_contain_text("gone.jpg")
    expect(failures).to_contain_text("there is no file")


def test_empty_and_failing_searches_say_so(page: Page, superset: Superset) -> None:
    superset.database.run("create table polarlens.kept as table polarlens.saved_searches")
    superset.database.run("delete from polarlens.saved_searches")
    superset.clip("stop")
    try:
        page.reload()
        expect(page.locator(".pl-wall .pl-note")).to_contain_text("No search is saved yet")
        search(page, "a query that was never asked before")
        chart = page.locator(".dashboard-component-chart-holder").first
        expect(chart).to_contain_text("calling model embedding/clip_text")
        expect(chart).to_contain_text("HINT: Is the service running")
        expect(chart).not_to_contain_text(re.compile("Traceback|PL/pgSQL|CONTEXT"))
    finally:
        superset.clip("start", "--model", "starter")
        superset.database.run(
            """
            insert into polarlens.saved_searches overriding system value table polarlens.kept;
            drop table polarlens.kept
            """
        )


def test_superset_is_a_search_reader_and_nothing_more(superset: Superset) -> None:
    password = (superset.home / "superset" / "database_password").read_text("utf-8").strip()
    with superset.database.connect(user="polarlens_superset", password=password) as connection:
        assert connection.execute("select count(*) from search.search_images('a cat', k => 3)").fetchall() == [(3,)]
        for refused in (
            "select polar_ai.ai_embedding('embedding/clip_text', 'a cat')",
            "select * from polar_ai.models",
            "delete from search.thumbnails",
            "create table search.mine (a integer)",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)):
                connection.execute(refused)
    for name in ("secret_key", "admin_password", "database_password"):
        assert (superset.home / "superset" / name).stat().st_mode & 0o777 == 0o600
    assert (superset.home / "superset").stat().st_mode & 0o777 == 0o700


def test_the_command_twice_from_any_folder(superset: Superset, tmp_path: Path) -> None:
    again = superset("start", cwd=str(tmp_path))
    assert again.returncode == 0 and "already running" in again.stdout
    assert superset("status").returncode == 0
    assert urlsplit(superset.url).hostname == "127.0.0.1"
    # Another state folder: not running, and nothing is started by asking.
    other = Superset(tmp_path / "other", superset.database)
    for command in ("status", "url"):
        done = other(command)
        assert done.returncode == 3 and "scripts/superset start" in done.stdout
    assert "was not running" in other("stop").stdout


def test_what_is_missing_is_said(superset: Superset, tmp_path: Path, empty_database: Any) -> None:
    other = Superset(tmp_path / "other", empty_database)
    nothing = other("start")
    assert nothing.returncode == 1 and "dbt run" in nothing.stdout and "Traceback" not in nothing.stdout
    nobody = other("start", PGHOST="")
    assert nobody.returncode == 1 and "scripts/quickstart" in nobody.stdout and "Traceback" not in nobody.stdout
    closed = other("start", PGPORT="1")
    assert closed.returncode == 1 and "PGHOST" in closed.stdout and "Traceback" not in closed.stdout


def test_the_picture_of_the_readme(page: Page, tmp_path: Path) -> None:
    search(page, "a cat")
    expect(page.locator(".pl-lead").first).to_contain_text("“a cat”")
    page.set_viewport_size({"width": 1440, "height": 1590})
    # Charts further down are drawn when they come into view.
    expect(page.locator("canvas").nth(2)).to_be_visible()
    page.mouse.move(0, 0)
    page.wait_for_timeout(3000)
    picture = Path(os.environ.get("POLARLENS_SCREENSHOTS", str(tmp_path))) / "dashboard.jpg"
    page.screenshot(path=picture, quality=80, type="jpeg")
    assert 50_000 < picture.stat().st_size < 400_000


class Api:
    """What the page asks Superset for, asked without the page."""

    def __init__(self, superset: Superset) -> None:
        self.base = "http://" + urlsplit(superset.url).netloc + "/api/v1/"
        self.token = ""
        login = {"username": "admin", "password": superset.password, "provider": "db", "refresh": False}
        self.token = self._ask("security/login", login)["access_token"]
        listed = self._ask("dataset/?q=(page_size:100)")["result"]
        self.dataset = next(one["id"] for one in listed if one["table_name"] == "photo_search")

    def search(self, value: Any) -> list[dict[str, Any]]:
        """Ask the search dataset, with ``value`` (or a list of values) in the search box."""
        values = value if isinstance(value, list) else [value]
        query = {
            "columns": ["rank", "file", "query"],
            "filters": [{"col": "query", "op": "IN", "val": values}],
            "orderby": [["rank", True]],
            "row_limit": 24,
        }
        asked = {"datasource": {"id": self.dataset, "type": "table"}, "queries": [query], "result_format": "json"}
        rows: list[dict[str, Any]] = self._ask("chart/data", {**asked, "result_type": "full"})["result"][0]["data"]
        return rows

    def _ask(self, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.base + path,
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
