"""A server of its own, many small texts, and a slow model in between."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.common.paths import CHECKOUT
from tests.dbt_project.faults.refresh import BATCH, TEXTS, Refresh
from tests.support.clip import ColourClip
from tests.support.embedding_project import model, write_project
from tests.support.http_server import ScriptedServer
from tests.support.server import own_server


@pytest.fixture(scope="module")
def refresh(open_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Refresh]:
    """A refresh of a few hundred texts, on a server that nobody else needs."""
    postgres = own_server(open_folder / "killed")
    env = postgres.start()
    clip = ColourClip()

    def slowly(_: object) -> None:
        time.sleep(0.1)

    clip.intercept = slowly
    made = Refresh(postgres, env, tmp_path_factory.mktemp("project"), clip, ScriptedServer(clip))
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"], cwd=CHECKOUT, env={**os.environ, **env}, check=True
    )
    with made.database.connection as connection:
        connection.execute(
            "select polar_ai.ai_createmodel('embedding/clip_text', %s, 'clip-as-service', 'embedding', 'colours', %s)",
            [made.service.url + "/post", '{"author_type": "token", "token": "", "dimension": 4, "batch_size": 5}'],
        )
        connection.execute(
            "insert into polarlens.texts (content)"
            f" select (array['red', 'green', 'blue'])[n % 3 + 1] || ' ' || n from generate_series(1, {TEXTS}) as n"
        )
    config: dict[str, Any] = {"key": "text_id", "input": "content", "model": "embedding/clip_text"}
    write_project(made.folder, texts=model("polarlens.texts", **config, batch_size=BATCH, retry_times=0))
    yield made
    made.service.close()
    postgres.destroy()
