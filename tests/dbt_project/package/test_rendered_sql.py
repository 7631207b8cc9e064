"""The SQL that a refresh runs, statement by statement, as files: a change of the macros shows there as a change of SQL.

REWRITE_SNAPSHOTS=1 writes the files anew. sqlfluff lints them.
"""

from __future__ import annotations

import json
import os
import re
import textwrap
from pathlib import Path

from tests.dbt.conftest import Project
from tests.support.embedding_project import model, write_project

RENDERED = Path(__file__).parent / "rendered"
CONFIG = {"key": "note_id", "input": ["title", "body"], "model": "embedding/clip_text", "batch_size": 4}
# dbt's own statements, which no macro of the project writes.
DBTS_OWN = re.compile(r"^\s*(with recursive|select\s+'\w+' as database|set statement_timeout)", re.IGNORECASE)
# Values that differ from run to run.
VARYING = [
    (re.compile(r"(run_id = )\d+"), r"\1 1"),
    (re.compile(r"'[0-9a-f]{16}'"), "'fingerprint'"),
]


def statements(log: Path) -> list[str]:
    """Return the statements that dbt ran for the model notes, in order."""
    found = []
    for line in log.read_text().splitlines():
        event = json.loads(line)
        node = event["data"].get("node_info") or {}
        if event["info"]["name"] != "SQLQuery" or node.get("unique_id") != "model.polarlens.notes":
            continue
        text = re.sub(r"/\* \{.*?\} \*/", "", event["data"]["sql"], flags=re.DOTALL)
        if not DBTS_OWN.match(text):
            for pattern, replacement in VARYING:
                text = pattern.sub(replacement, text)
            found.append(text)
    return found


def run(project: Project, folder: Path, name: str, *arguments: str) -> None:
    log = folder / "logs" / name
    project.database.dbt(
        *("--log-format-file", "json", "--log-level-file", "debug", "run", *arguments), cwd=folder, DBT_LOG_PATH=str(log)
    )
    text = ";\n\n".join(statements(log / "dbt.log"))
    (Path(os.environ["OUT"]) / f"{name}.sql").write_text(text)


def test_every_statement_of_a_refresh(project: Project, tmp_path: Path) -> None:
    db = project.database
    db.run("create table polarlens.notes (note_id bigint, title text, body text)")
    db.run("insert into polarlens.notes values (1, 'red', 'one'), (2, 'green', 'two'), (3, 'red', 'one'), (4, ' ', '')")
    write_project(tmp_path, notes=model("polarlens.notes", **CONFIG))
    run(project, tmp_path, "first_run")
    db.run("delete from polarlens.notes where note_id = 2")
    db.run("insert into polarlens.notes values (5, 'red', 'one'), (6, 'blue', 'six'), (7, 'blue', 'six')")
    run(project, tmp_path, "second_run")
    write_project(tmp_path, notes=model("polarlens.notes", **CONFIG, storage="vector", index={"m": 8}))
    run(project, tmp_path, "change_of_storage")
    write_project(tmp_path, notes=model("polarlens.notes", **CONFIG, storage="vector", index={"m": 12}))
    run(project, tmp_path, "change_of_index")
