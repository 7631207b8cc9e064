"""scripts/quickstart as a newcomer runs it, on the real starter model, twice."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from scripts.common.paths import CHECKOUT
from tests.support.database import connect


class Quickstart:
    """A home of its own, and quickstart run in it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *arguments: str, cwd: Path = CHECKOUT) -> tuple[int, str, float]:
        started = time.monotonic()
        done = self._run("quickstart", *arguments, cwd=cwd)
        return done.returncode, done.stdout, time.monotonic() - started

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        exported = re.findall(
            r"export (\w+)='?([^'\n]*)'?|^(PG\w+)=(\S+)", self._run("local_postgres.py", "env").stdout, re.M
        )
        return connect({(a or c): (b or d) for a, b, c, d in exported})

    def stop(self) -> None:
        self._run("clip_service", "stop")
        self._run("local_postgres.py", "destroy", "--yes")

    def _run(self, script: str, *arguments: str, cwd: Path = CHECKOUT) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(CHECKOUT / "scripts" / script), *arguments],
            cwd=cwd,
            env={**os.environ, "POLARLENS_HOME": str(self.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def quickstart(open_folder: Path) -> Iterator[Quickstart]:
    made = Quickstart(open_folder / "quickstart")
    yield made
    made.stop()


def ranks(output: str, query: str) -> list[str]:
    """Return the file names that a search printed, best first."""
    after = output.partition(f"'{query}'")[2]
    return [Path(path).name for path in re.findall(r"^ +\d+ +-?\d\.\d+ +(\S+)$", after.partition(";")[2], re.M)][:5]


@pytest.mark.timeout(600)
def test_the_first_run_searches_real_photos_and_the_second_changes_nothing(
    quickstart: Quickstart, tmp_path: Path
) -> None:
    code, output, _ = quickstart.run("--model", "starter", cwd=tmp_path)
    assert code == 0, output
    assert "0 unchanged, 0 removed, 0 failed" in output
    assert ranks(output, "a cat")[0] == "chelsea.png"
    assert ranks(output, "a cup of coffee")[0] == "coffee.png"
    assert ranks(output, "a rocket launch")[0] == "rocket.jpg"
    page, picture = (Path(line.strip()) for line in output.rstrip().splitlines()[-2:])
    assert page.suffix == ".html"
    assert "search.search_images(" in page.read_text("utf-8")
    with Image.open(picture) as image:
        assert image.width >= 1000
    code, again, seconds = quickstart.run("--model", "starter")
    assert code == 0, again
    assert re.search(r"0 embedded, \d+ unchanged, 0 removed, 0 failed", again)
    assert ranks(again, "a cat") == ranks(output, "a cat")
    assert seconds < 60  # a dozen on an idle machine


@pytest.mark.timeout(300)
def test_a_folder_of_ones_own_takes_the_place_of_the_demonstration(quickstart: Quickstart, tmp_path: Path) -> None:
    folder = tmp_path / "it's mine, 100% – 写真"
    (folder / "deep" / "er").mkdir(parents=True)
    with Image.open(quickstart.home / "photos" / "scikit-image" / "chelsea.png") as cat:
        cat.convert("RGB").save(folder / "deep" / "er" / "Katze?.JPEG")
    with Image.open(quickstart.home / "photos" / "scikit-image" / "coffee.png") as coffee:
        coffee.save(folder / "a cup.webp")
    (folder / "broken.jpg").write_text("not a photo")
    (folder / "notes.txt").write_text("not meant to be one")
    code, output, _ = quickstart.run(str(folder), "--query", "a cat", "--query", "it's coffee", "--model", "starter")
    assert code == 0, output
    assert "2 embedded, 0 unchanged" in output
    with quickstart.connect() as connection:
        rows = connection.execute(
            "select path, embedding_state, error_message from search.photos order by path"
        ).fetchall()
    assert [(Path(str(path)).name, state) for path, state, _ in rows] == [
        ("a cup.webp", "embedded"),
        ("broken.jpg", "failed"),
        ("Katze?.JPEG", "embedded"),
    ]
    assert "not an image" in str(rows[1][2])


def test_a_folder_that_does_not_exist_is_said_before_anything_is_started(quickstart: Quickstart) -> None:
    code, output, _ = quickstart.run("/no/such/folder")
    assert code == 2
    assert "/no/such/folder is not a folder" in output


def test_a_failing_step_names_itself_the_cause_and_the_way_out(quickstart: Quickstart, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    code, output, _ = quickstart.run(str(empty), "--model", "starter")
    assert code == 1
    assert "This step failed: Loading the photos' paths" in output
    assert "There is no photo below" in output
    assert "Traceback" not in output
