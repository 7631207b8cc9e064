"""The typed examples: their output is what the database itself says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from scripts.common.paths import CHECKOUT
from tests.support.project import Project

EXAMPLES = CHECKOUT / "scripts" / "examples"
TITLES = {"with_psycopg": "SQL", "with_sqlalchemy": "statement", "with_django": "query set"}


def run(name: str, words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), words],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_example_is_tested() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(TITLES)


@pytest.mark.parametrize("name", TITLES)
def test_it_finds_what_the_database_finds(name: str, built: Project, reader_env: dict[str, str]) -> None:
    # Quotes, percent signs and colons: whatever marks parameters in one of them.
    words = "it's 100% something blue :k %(k)s"
    found = built.database.rows("select score, path from search.search_images(%s, k => 3) order by rank", words)
    lines = [f"  {score:.3f}  {path}" for score, path in found]
    assert lines[0].endswith("blue.png")
    done = run(name, words, reader_env)
    assert (done.returncode, done.stderr) == (0, "")
    printed = done.stdout.splitlines()
    if name == "with_psycopg":
        assert printed.pop(0) == f"{words}: a vector of 4 dimensions"
    assert printed == ["search.search_images", *lines, f"your own {TITLES[name]}", *lines]


@pytest.mark.parametrize("name", TITLES)
def test_its_own_statement_is_the_safe_shape(name: str, built: Project, reader_env: dict[str, str]) -> None:
    """Where the index is the way, it is taken, and the model is asked once."""
    # auto_explain is not there for everybody; the planner is told to shun the scan, and what ran is counted.
    index = "search_internal.image_embeddings"
    scans = "select coalesce(sum(idx_scan), 0) from pg_stat_user_indexes where relid = %s::regclass and indexrelid in ("
    scans += (
        "select indexrelid from pg_index join pg_class on pg_class.oid = indexrelid join pg_am on pg_am.oid = relam"
    )
    scans += " where amname = 'hnsw')"
    before, asked = built.database.value(scans, index), len(built.service.requests)
    done = run(name, f"red, asked by {name}", {**reader_env, "PGOPTIONS": "-c enable_seqscan=off -c enable_sort=off"})
    assert done.returncode == 0, done.stderr
    built.database.run("select pg_stat_clear_snapshot()")
    assert len(built.service.requests) == asked + 1
    if name != "with_django":  # its OPTIONS take the place of PGOPTIONS
        assert built.database.value(scans, index) >= before + 2
