"""The queries to paste into Metabase and Grafana, sent the way these tools send them."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from scripts.common.paths import CHECKOUT
from tests.scripts.superset.test_assets import FILES
from tests.support.project import Project

SUPERSET = CHECKOUT / "scripts" / "programs" / "superset"
PAGE = (SUPERSET / "README.md").read_text("utf-8")
HERE = Path(__file__).parent
# Where Debian and the driver's own site put it.
DRIVERS = [Path("/usr/share/java/postgresql.jar"), Path("/usr/share/java/postgresql-jdbc.jar")]
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


@pytest.mark.slow
def test_metabases_own_driver(built: Project, reader: psycopg.Connection) -> None:
    """JDBC itself: as a named statement from the fifth time on, after which PostgreSQL may plan it for any text."""
    driver = next((path for path in DRIVERS if path.exists()), None)
    if driver is None or shutil.which("java") is None:
        pytest.skip(
            "no PostgreSQL JDBC driver on this machine (Debian: apt-get install default-jre libpostgresql-jdbc-java)"
        )
    info = reader.info
    address = f"jdbc:postgresql://{info.host}:{info.port}/{info.dbname}"

    def ask(query: str, *texts: str) -> list[list[str]]:
        lines = [base64.b64encode(one.encode()).decode() for one in (query, *texts)]
        done = subprocess.run(
            ["java", "-cp", str(driver), str(HERE / "Metabase.java"), address, info.user, info.password],
            input="\n".join(lines),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [line.split("\t") for line in done.stdout.splitlines()]

    search, coverage = pasted("Metabase")
    texts = ["red", HOSTILE, "100% \\' ? :x $1", *["blue"] * 12]
    answers = ask(search.replace("{{query}}", "?"), *texts)
    assert len(answers) == len(texts) and {rows for *_, rows in answers} == {"7"}
    rank, score, thumbnail, path, _ = answers[0]
    assert (rank, path.endswith("/red.png"), float(score) > 0.99) == ("1", True, True)
    assert thumbnail.startswith("data:image/jpeg;base64,/9j/")
    assert all(answer[3].endswith("/blue.png") for answer in answers[3:])
    ((relation, *_),) = ask(coverage)
    assert relation.startswith("search.")
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
    assert FILES["dashboards/photos.yaml"]["slug"] in (
        CHECKOUT / "scripts" / "programs" / "superset" / "server.py"
    ).read_text("utf-8")
