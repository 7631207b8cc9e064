"""The page that people follow: every example on it runs, and what it warns of is so."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import psycopg

from scripts.common.paths import CHECKOUT
from tests.support.project import Project
from tests.support.reader import connect_reader
from tests.support.searched import uses_index

PAGE = CHECKOUT / "dbt_project" / "models" / "search.md"


def examples(text: str) -> list[str]:
    """Return the statements of the page's SQL blocks."""
    blocks = re.findall(r"```sql\n(.*?)```", text, flags=re.DOTALL)
    return [statement.strip() for block in blocks for statement in block.split(";\n") if statement.strip()]


def test_every_example_runs_and_readers_run_every_search(project_copy: Project) -> None:
    new = project_copy.photo("new.jpg", "red")
    statements = [one.replace("/photos/new.jpg", new) for one in examples(PAGE.read_text("utf-8"))]
    assert len(statements) > 15
    for statement in statements:
        if "insert" in statement:
            project_copy.database.run(statement)
    for reader in connect_reader(project_copy.database):
        for statement in statements:
            if "insert" not in statement:
                reader.execute(statement.encode()).fetchall()


def test_every_macro_example_is_a_model(project_copy: Project, tmp_path: Path) -> None:
    blocks = re.findall(r"```jinja\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)
    assert len(blocks) >= 5
    folder = tmp_path / "dbt_project"
    shutil.copytree(CHECKOUT / "dbt_project", folder, ignore=shutil.ignore_patterns("target", "logs"))
    for number, block in enumerate(blocks):
        (folder / "models" / f"example_{number}.sql").write_text(block)
    before = len(project_copy.service.requests)
    project_copy.database.dbt("run", "--select", "example_*", cwd=folder)
    # Three of them name a query in words. Views: each is embedded when it is read, and once.
    assert len(project_copy.service.requests) == before
    for number in range(len(blocks)):
        with project_copy.database.connect() as connection:
            assert connection.execute(f"select * from search.example_{number}".encode()).fetchall(), blocks[number]
    assert len(project_copy.service.requests) == before + 3


def test_the_named_views_are_all_there_are(built: Project) -> None:
    text = PAGE.read_text("utf-8")
    for (name,) in built.database.rows(
        """
        select relname from pg_class
        where relnamespace = 'search'::regnamespace and relkind = 'v' and relname !~ '^stg'
        """
    ):
        assert f"`{name}`" in text, name


def test_the_safe_shape_uses_the_index_and_the_traps_do_not(built: Project) -> None:
    text = PAGE.read_text("utf-8")
    safe = next(one for one in examples(text) if one.startswith("with query"))
    bare = "select image_id from search_internal.image_embeddings order by {} limit 10"
    with built.database.connect() as connection:
        # Seven rows are sorted sooner than an index is opened: what matters is what the planner may do.
        connection.execute("set enable_seqscan = off")
        connection.execute("set enable_sort = off")
        subselect = bare.format("embedding <=> (select search.query_vector('red'))")
        assert uses_index(connection, safe)
        assert uses_index(connection, subselect)
        assert not uses_index(connection, bare.format("embedding <=> (select search.query_vector('red')) desc"))
        assert not uses_index(connection, bare.format("1 - (embedding <=> (select search.query_vector('red'))) desc"))
        for number, statement in enumerate((safe, subselect)):
            before = len(built.service.requests)
            text = f"a new text {number}"
            connection.execute(
                re.sub(r"query_vector\('[^']*'\)", f"query_vector('{text}')", statement).encode()
            ).fetchall()
            assert len(built.service.requests) == before + 1
            assert calls(connection, statement) == 1
        assert calls(connection, bare.format("embedding <=> search.query_vector('red')")) >= 7


def calls(connection: psycopg.Connection, statement: str) -> int:
    """Return how often a statement calls query_vector."""
    counted = "select coalesce(pg_stat_get_xact_function_calls('search.query_vector(text, text)'::regprocedure), 0)"
    counts = []
    with connection.transaction():
        connection.execute("set local track_functions = 'all'")
        # What earlier transactions called may not be written down yet: only the difference counts.
        for one in (counted, statement, counted):
            counts.append(connection.execute(one.encode()).fetchall()[0][0])
    return int(counts[2] - counts[0])


def test_the_articles_own_statements_keep_working(project_copy: Project) -> None:
    """Its functions on our registry; ascending, and the call in a scalar subquery."""
    database = project_copy.database
    database.run(
        """
        create function public.clip_text_embedding(text text) returns real[] language sql immutable as $$
            select array(
                select json_array_elements_text(polar_ai.ai_callmodel('embedding/clip_text', $1)::json)
            )::real[]
        $$
        """
    )
    database.run("create table public.images (id bigint, url text, embedding vector(4))")
    database.run(
        """
        insert into public.images
        select p.image_id, p.path, e.embedding::vector
        from search_internal.image_embeddings as e inner join search.photos as p on e.image_id = p.image_id
        """
    )
    database.run("create index on public.images using hnsw (embedding vector_l2_ops)")
    statement = "select url from images where id > 1 order by embedding <-> (select {}::vector(4)) limit 2"
    found = database.rows(statement.format("clip_text_embedding('blue')"))
    assert {path.rsplit("/", 1)[-1] for (path,) in found} == {"blue.png", "dark_blue.png"}
    like = database.rows(
        "select url from images order by embedding <-> (select embedding from images where id = 1) limit 1"
    )
    assert like[0][0].endswith("/red.png")
