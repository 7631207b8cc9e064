"""scripts/gallery on the command line: one page in a file, or why there is none."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scripts.gallery.program import Visit, run
from tests.support.database import Database
from tests.support.http_server import Reply
from tests.support.project import Project
from tests.support.reader import reader_of


@pytest.fixture(scope="module")
def env(built: Project) -> Iterator[dict[str, str]]:
    with reader_of(built.database) as env:
        yield env


def test_one_page_that_needs_nothing_beside_it(
    env: dict[str, str], tmp_path: Path, picture: Callable[..., Path], visit: Callable[[str], Visit]
) -> None:
    page = tmp_path / "page.html"
    photo = picture("mine.png", "green")
    done = run("something blue", "it's <b>red</b>", "--photo", str(photo), "-k", "2", "-o", str(page), **env)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "select rank, score, image_id, path from search.search_images('something blue', k => 2);"
    rank, score, path = lines[2].split()
    assert (rank, score, Path(path).name) == ("1", "1.000", "blue.png")
    assert lines[-1] == f"The page: {page}"
    assert page.stat().st_mode & 0o777 == 0o600, "the photos in it are not for everybody on this machine"

    here = visit(page.as_uri())
    assert here.page.get_by_role("heading", level=2).all_inner_texts() == [
        "something blue", "it's <b>red</b>", "like mine.png"
    ]  # fmt: skip
    assert here.names() == ["blue.png", "dark_blue.png", "red.png", "dark_red.png", "green.png", "dark_green.png"]
    assert here.page.locator("pre").nth(1).inner_text().endswith("search_images('it''s <b>red</b>', k => 2);")
    assert here.page.locator("script, form").count() == 0


def test_without_a_place_to_write_to_it_goes_into_a_folder_of_ones_own(env: dict[str, str], tmp_path: Path) -> None:
    for _ in range(2):
        done = run("red", POLARLENS_HOME=str(tmp_path / "home"), **env)
        assert done.returncode == 0, done.stderr
    page = tmp_path / "home" / "gallery" / "gallery.html"
    assert done.stdout.splitlines()[-1] == f"The page: {page}"
    assert page.parent.stat().st_mode & 0o777 == 0o700


def test_a_page_that_cannot_be_written(env: dict[str, str], tmp_path: Path) -> None:
    done = run("red", "-o", str(tmp_path / "nowhere" / "page.html"), **env)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "No such file or directory")


def test_without_any_database(tmp_path: Path) -> None:
    done = run("red", POLARLENS_HOME=str(tmp_path / "home"))
    assert done.returncode == 1
    assert done.stderr.startswith("There is no database to search in.\nPGHOST is not set")
    assert "scripts/quickstart" in done.stderr


def test_a_database_that_does_not_answer(built: Project) -> None:
    done = run("red", **{**built.database.env, "PGPORT": "1"})
    assert done.returncode == 1
    assert done.stderr.startswith("The database cannot be reached.\n")
    assert "PGHOST, PGPORT" in done.stderr and built.database.env["PGPASSWORD"] not in done.stderr


def test_a_database_without_photo_search(database: Database) -> None:
    done = run("red", **database.env)
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "This database has no photo search yet.")


def test_a_model_that_refuses(built: Project, env: dict[str, str]) -> None:
    built.clip.intercept = lambda request: Reply(
        status=400, body={"header": {"status": {"description": "out of order"}}}
    )
    try:
        done = run("a question of the command line", **env)
    finally:
        built.clip.intercept = lambda request: None
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "The model did not answer.")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say what to look for"),
        (["red", "--serve"], "not both"),
        ([" "], "the query is empty"),
        (["red", "-k", "0"], "from 1 to 100"),
    ],
)
def test_a_command_line_that_is_wrong(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_photo_that_is_none(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "notes.txt").write_text("a text")
    done = run("--photo", str(tmp_path / "notes.txt"), **env)
    assert (done.returncode, done.stderr.splitlines()[1]) == (1, "notes.txt: Not a photo.")
    done = run("--photo", str(tmp_path / "gone.png"), **env)
    assert (done.returncode, done.stderr.splitlines()[1]) == (1, "No such file or directory")


def test_a_port_that_is_taken(env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--serve", "--port", str(port), **env)
    assert done.returncode == 1
    assert done.stderr.startswith(f"The gallery cannot listen on port {port}.\nAddress already in use")
