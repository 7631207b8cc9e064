"""The article's SQL, from its first line to its last, against a service that really embeds."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.database import Database
from tests.support.pictures import decoded
from tests.udfs.article.statements import FIRST, OTHERS, statements

CLIP_SERVER = os.environ.get("POLARLENS_CLIP_SERVER_URL", "")


def run(database: Database, service: str, folder: Path) -> list[list[tuple[Any, ...]]]:
    """Run the article; return the rows of its queries."""
    answer = requests.post(service, json={"data": [{"text": "a truck"}]}, timeout=60).json()
    dimension = len(answer["data"][0]["embedding"])
    database.run("select polar_ai.ai_allow(%s)", f"file://{folder}")
    found = []
    for statement in statements(service, folder, dimension):
        cursor = database.connection.execute(statement.encode())
        if statement.startswith("INSERT"):
            # The article's next photos, as the article loads them, under ids that its searches name.
            for number, name in OTHERS.items():
                database.run("insert into images (id, url) values (%s, %s)", number, f"{name}.jpg")
        if statement.startswith("SELECT") and cursor.description:
            found.append(cursor.fetchall())
    return found


def check(database: Database, found: list[list[tuple[Any, ...]]]) -> None:
    created, also_created, trucks, cars, alike, (loaded,) = found
    assert [str(row[0])[-2:] for row in (*created, *also_created)] == ["t)", "t)"]
    everything = {1: FIRST} | {number: f"{name}.jpg" for number, name in OTHERS.items()}
    assert dict(trucks) == everything
    assert dict(cars) == {number: url for number, url in everything.items() if number > 1000}
    # The photo itself comes first; and the first photo is a drawing that is there twice.
    assert alike[0] == (5560, everything[5560]) or alike[0] == (1, FIRST)
    assert {alike[0][0], alike[1][0]} == {1, 5560}
    assert decoded(loaded[0]).width == 512
    assert database.value("select count(*) from images where embedding is null") == 0
    assert database.value("select token from polar_ai.model_secrets limit 1") == "my_token"


def test_the_article_runs_against_the_local_service(database: Database, starter: str, folder: Path) -> None:
    found = run(database, starter, folder)
    check(database, found)
    database.run("insert into images (id, url) values (7000, 'clock.jpg')")
    database.run("update images set embedding = clip_image_embedding(url)::vector where id = 7000")
    nearest = database.rows(
        "select url from images where id > 1000 order by embedding <-> clip_text_embedding('a clock')::vector limit 2"
    )
    assert nearest == [("clock.jpg",), ("clock.jpg",)]


@pytest.mark.slow
@pytest.mark.skipif(not CLIP_SERVER, reason="POLARLENS_CLIP_SERVER_URL names no clip-server, http://…/post")
def test_the_article_runs_against_a_real_clip_server(database: Database, folder: Path) -> None:
    check(database, run(database, CLIP_SERVER, folder))
