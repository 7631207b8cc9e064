"""The SQL of a refresh, kept as files: a change of the macros is reviewed as a change of the SQL that they make.

``REWRITE_SNAPSHOTS=1`` writes the files in rendered/ again. sqlfluff lints them.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.embedding_project import model, write_project
from tests.support.project import Project

RENDERED = Path(__file__).parent / "rendered"
NOTES: dict[str, Any] = {"key": "note_id", "input": ["title", "body"], "model": "embedding/clip_text"}
# Values that differ from one run to the next.
VARYING = {
    r"\brun_id = \d+": "run_id = 1",
    r"'[0-9a-f]{16}'": "'0123456789abcdef'",
    r"'20\d\d-\d\d-\d\d[T ][0-9:.]+\+00(:00)?'": "'2026-01-01 00:00:00+00'",
    r'"polarlens_test_\w+"\.': '"polarlens".',
}


def statement(sql: str, database: str) -> str:
    """Return one statement as it would be written by hand: without dbt's comment and the macro's indentation."""
    sql = re.sub(r"/\* \{.*?\} \*/", "", sql, flags=re.DOTALL).replace(f'"{database}".', '"polarlens".')
    for pattern, replacement in VARYING.items():
        sql = re.sub(pattern, replacement, sql)
    lines = [line.rstrip() for line in sql.strip("\n").splitlines()]
    lines = lines[next((n for n, line in enumerate(lines) if line), 0) :]
    indentation = len(lines[0]) - len(lines[0].lstrip())
    # Not textwrap.dedent: the model's own SQL stands at the left.
    text = "\n".join(re.sub(f"^ {{0,{indentation}}}", "", line) for line in lines).strip()
    return text.lower() if text.isupper() else text


def executed(project: Project, folder: Path, *arguments: str) -> list[str]:
    """Run dbt, and return the statements that it ran for the model notes, in order, from the lock of the table on."""
    logs = folder / "logs"
    options = ("--log-format-file", "json", "--log-level-file", "debug")
    project.database.dbt(*options, "run", *arguments, cwd=folder, DBT_LOG_PATH=str(logs))
    events = [json.loads(line) for line in (logs / "dbt.log").read_text().splitlines()]
    (logs / "dbt.log").unlink()
    statements = [
        statement(event["data"]["sql"], project.database.env["PGDATABASE"])
        for event in events
        if event["info"]["name"] == "SQLQuery"
        and (event["data"].get("node_info") or {}).get("unique_id") == "model.polarlens.notes"
    ]
    return statements[next(n for n, sql in enumerate(statements) if "pg_try_advisory_lock" in sql) :]


@pytest.fixture(scope="module")
def rendered(shared_project: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return the SQL of four runs by the name of its file; and the statement of a batch, which is part of a block."""
    database, folder = shared_project.database, tmp_path_factory.mktemp("notes")
    database.run("create table public.notes (note_id bigint, title text, body text)")
    database.run("insert into public.notes values (1, 'red', 'one'), (2, 'green', 'two'), (3, 'red', 'one')")
    database.run("insert into public.notes values (4, ' ', '')")
    write_project(folder, notes=model("public.notes", **NOTES))
    runs = {"first_run": executed(shared_project, folder)}
    # However long the runs take, the empty note is tried in the first one only.
    database.run("update polarlens.embedding_errors set next_attempt_at = 'infinity'")
    database.run("delete from public.notes where note_id = 2")
    database.run("insert into public.notes values (5, 'red', 'one'), (6, 'blue', 'six'), (7, 'blue', 'six')")
    runs["second_run"] = executed(shared_project, folder)
    write_project(folder, notes=model("public.notes", **NOTES, storage="vector", index={"m": 8}))
    runs["change_of_storage"] = executed(shared_project, folder)
    write_project(folder, notes=model("public.notes", **NOTES, storage="vector", index={"m": 12}))
    runs["change_of_index"] = executed(shared_project, folder)
    blocks = [text for text in runs["first_run"] if text.startswith("do $polarlens_batches$")]
    batch = re.search(r"^ {8}(with batch as .*?)\n {8}into strict", blocks[0], flags=re.DOTALL | re.MULTILINE)
    assert batch is not None
    files = {name: ";\n\n".join(statements) for name, statements in runs.items()}
    return {**files, "batch": re.sub(r"^ {8}", "", batch[1], flags=re.MULTILINE)}


@pytest.mark.parametrize("name", ["first_run", "second_run", "change_of_storage", "change_of_index", "batch"])
def test_a_refresh_runs_the_sql_that_was_reviewed(rendered: dict[str, str], name: str) -> None:
    file = RENDERED / f"{name}.sql"
    text = f"{rendered[name]};\n"
    if os.environ.get("REWRITE_SNAPSHOTS") == "1":
        RENDERED.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8"), f"{file.name} differs: if that is meant, write it with REWRITE_SNAPSHOTS=1"
