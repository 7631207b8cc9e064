"""The queries to paste into Metabase and Grafana, sent the way these tools send them."""

from __future__ import annotations

import re

import psycopg
import pytest
from psycopg.rows import dict_row

from scripts.home import CHECKOUT
from tests.bi.test_assets import FILES
from tests.dbt.conftest import Project

PAGE = (CHECKOUT / "scripts" / "bi" / "README.md").read_text("utf-8")
HOSTILE = "red'; drop table search.thumbnails; --"


def pasted(tool: str) -> list[str]:
    """Return the SQL blocks of a tool's section."""
    section = PAGE.split(f"## {tool}")[1].split("\n## ")[0]
    return re.findall(r"```sql\n(.*?)```", section, re.S)


@pytest.mark.parametrize("prepare", [True, False])
def test_metabase_binds_what_is_typed(built: Project, reader: psycopg.Connection, prepare: bool) -> None:
    """JDBC: {{query}} becomes a parameter of a statement, named and with a generic plan from the sixth time on."""
    search, coverage = pasted("Metabase")
    assert "[[" not in search and search.count("{{query}}") == 1
    statement = search.replace("%", "%%").replace("{{query}}", "%s")
    reader.prepare_threshold = 0
    with reader.cursor(row_factory=dict_row) as cursor:
        for turn in range(8):
            rows = cursor.execute(statement.encode(), ["red"], prepare=prepare).fetchall()
            assert rows[0]["path"].endswith("/red.png") and rows[0]["rank"] == 1, turn
            assert rows[0]["thumbnail"].startswith("data:image/jpeg;base64,")
        assert cursor.execute(statement.encode(), [HOSTILE], prepare=prepare).fetchall()
        if prepare:
            plans = cursor.execute("select sum(generic_plans) as n from pg_prepared_statements").fetchone()
            assert plans and plans["n"] > 0
        assert cursor.execute(coverage.encode()).fetchall()
    assert built.database.value("select count(*) from search.thumbnails") == 7


def test_metabase_types_its_parameter_as_varchar(built: Project, reader: psycopg.Connection) -> None:
    search, _ = pasted("Metabase")
    body = search.strip().rstrip(";").replace("{{query}}", "$1")
    reader.execute(f"prepare metabase (varchar) as {body}".encode())
    for _ in range(7):
        assert reader.execute("execute metabase ('blue')").fetchall()


def test_grafana_writes_what_is_typed_into_the_text(built: Project, reader: psycopg.Connection) -> None:
    """Grafana interpolates: ${query:sqlstring} doubles quotes and adds its own; pgx then sends the text as it is."""
    search, over_time = pasted("Grafana")
    assert search.count("${query:sqlstring}") == 1
    for typed in ("red", HOSTILE, "100% red \\' %s"):
        text = search.replace("${query:sqlstring}", "'" + typed.replace("'", "''") + "'")
        # Without parameters psycopg sends the text in the simple protocol, as pgx may.
        rows = reader.execute(text.encode()).fetchall()
        assert len(rows) == 7
    assert rows[0][1].endswith(".png")
    # The extended protocol, without parameters, again and again.
    for _ in range(7):
        assert reader.execute(search.replace("${query:sqlstring}", "'blue'").encode(), prepare=True).fetchall()
    text = over_time.replace("$__timeFilter(started_at)", "started_at between now() - interval '1 day' and now()")
    assert "$" not in text
    rows = reader.execute(text.encode()).fetchall()
    assert rows and rows[0][0].tzinfo
    assert built.database.value("select count(*) from search.thumbnails") == 7


def test_the_page_names_the_datasets_there_are() -> None:
    for name in ("search.thumbnails", "search.embedding_coverage", "polarlens_reader"):
        assert name in PAGE
    assert FILES["dashboards/photos.yaml"]["slug"] in (CHECKOUT / "scripts" / "bi" / "server.py").read_text("utf-8")
