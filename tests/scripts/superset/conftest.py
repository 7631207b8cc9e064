"""A collection of coloured photos for the SQL; the demonstration's own photos and a real Superset for the pages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from psycopg.rows import dict_row

from scripts.common.paths import state_home
from scripts.programs import demo_photos, load_photos
from scripts.programs.quickstart.models import register_models
from tests.scripts.superset.program import SAVED, Superset
from tests.support.database import Database, new_database

LABELS = ["an animal", "food", "a vehicle", "a flower", "a building", "a page of text", "a texture", "outer space"]


@pytest.fixture(scope="session")
def superset(server: dict[str, str], template: str, open_folder: Path) -> Iterator[Superset]:
    """Superset, on the demonstration's photos embedded by the starter model, and one that is not there."""
    with new_database(server, template) as database:
        made = Superset(open_folder / "superset", database)
        made.home.mkdir()
        if (state_home() / "models").is_dir():
            (made.home / "models").symlink_to(state_home() / "models")
        try:
            made.clip("start", "--model", "starter")
            _fill(database, json.loads((made.home / "clip_service.json").read_text("utf-8")))
            started = made("start")
            assert started.returncode == 0, started.stdout
            yield made
        finally:
            made("stop")
            made.clip("stop")


def _fill(database: Database, service: dict[str, object]) -> None:
    photos = state_home() / "photos"
    demo_photos.fetch(photos)
    database.run("select polar_ai.ai_allow(%s)", f"file://{photos}")
    with database.connect(row_factory=dict_row) as connection:
        register_models(connection, service)
        load_photos.load(connection, photos)
    database.run("insert into polarlens.image_paths (path) values (%s)", f"{photos}/gone.jpg")
    database.run(
        """
        update polarlens.image_paths
        set latitude = 35 + (image_id * 7919 % 2500) / 100.0,
            longitude = -10 + (image_id * 104729 % 4000) / 100.0,
            taken_at = timestamptz '2026-01-05' + (image_id * 37 % 300) * interval '1 day'
        """
    )
    database.run("insert into polarlens.labels (label_set, label) select 'subject', unnest(%s::text[])", LABELS)
    for name, query in SAVED.items():
        database.run("insert into polarlens.saved_searches (name, query, k) values (%s, %s, 6)", name, query)
    database.dbt("run")


@pytest.fixture
def page(browser: Browser, superset: Superset) -> Iterator[Page]:
    """The dashboard, opened by somebody who has logged in."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(60_000)
    opened = context.new_page()
    opened.goto(superset.url)
    opened.fill("input#username", "admin")
    opened.fill("input#password", superset.password)
    opened.click("button[type=submit]")
    opened.wait_for_selector(".pl-card")
    yield opened
    context.close()
