"""Citus: the whole of it on a coordinator and two workers. Runs where POLARLENS_CITUS says where Citus is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg import sql

from scripts.common.paths import CHECKOUT
from scripts.programs.bench.vectors import Vectors, as_literal, clustered, load_embeddings, nearest
from tests.dbt_project.search import test_searches as searches
from tests.dbt_project.search.portable import SEARCHES
from tests.support.citus import CITUS, SHARDS, WHY_NOT, CitusCluster
from tests.support.clip import ColourClip
from tests.support.collection import COLOURED, TEXTS, people_fill_in, stage_photos
from tests.support.database import Database
from tests.support.embedding_project import model, write_project
from tests.support.http_server import ScriptedServer
from tests.support.project import Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not Path(CITUS, "lib", "citus.so").is_file() or not CITUS, reason=WHY_NOT),
]
ON_CITUS = ("--vars", "{distributed: citus}")


@pytest.fixture(scope="module")
def cluster(open_folder: Path) -> Iterator[CitusCluster]:
    made = CitusCluster(open_folder)
    yield made
    made.destroy()


@pytest.fixture(scope="module")
def distributed(cluster: CitusCluster, open_folder: Path) -> Iterator[Project]:
    """The collection of the search tests, distributed."""
    clip = ColourClip()
    service = ScriptedServer(clip)
    database = cluster.database("distributed")
    database.alembic("upgrade", "head")
    folder = open_folder / "photos-distributed"
    folder.mkdir()
    folder.chmod(0o755)
    made = Project(database, clip, service, folder)
    # A model that says its dimension is not asked for it.
    made.register("text", logit_scale=50, dimension=clip.dimension)
    made.register("image", dimension=clip.dimension)
    database.run("select polar_ai.ai_allow(%s)", f"file://{folder}")
    stage_photos(made)
    people_fill_in(made)
    database.dbt("run", *ON_CITUS)
    yield made
    database.connection.close()
    service.close()


def test_photos_are_embedded_into_shards(distributed: Project) -> None:
    assert distributed.database.value("select count(*) from search_internal.image_embeddings") == len(COLOURED)


@pytest.mark.parametrize(
    "test",
    SEARCHES,
    ids=lambda test: test.__name__,
)
def test_searches(distributed: Project, test: Callable[[Project], None]) -> None:
    test(distributed)


@pytest.mark.parametrize(("filters", "expected"), searches.FILTERS)
def test_filters(distributed: Project, filters: str, expected: set[str]) -> None:
    searches.test_filters(distributed, filters, expected)


@pytest.mark.parametrize(("call", "sqlstate", "message"), searches.ERRORS, ids=[call for call, _, _ in searches.ERRORS])
def test_errors(distributed: Project, call: str, sqlstate: str, message: str) -> None:
    searches.test_errors_say_what_is_wrong(distributed, call, sqlstate, message)


def run(project: Project, *arguments: str, check: bool = True) -> str:
    """Run the model of the photos, and return what dbt says."""
    variables = "{distributed: citus, neighbours_per_photo: 3}"
    return project.database.dbt(
        "run", "-s", "image_embeddings", *(arguments or ("--vars", variables)), check=check
    ).stdout


def test_every_shard_has_an_index_of_its_own_on_the_workers(distributed: Project, cluster: CitusCluster) -> None:
    db = distributed.database
    tables = db.rows(
        "select table_name::text, citus_table_type, distribution_column, shard_count from citus_tables order by 1"
    )
    assert tables == [
        ("polarlens.image_paths", "reference", "<none>", 1),
        ("polarlens.texts", "reference", "<none>", 1),
        ("search_internal.image_embeddings", "distributed", "image_id", SHARDS),
        ("search_internal.text_embeddings", "distributed", "text_id", SHARDS),
    ]
    indexes = "select count(*) from pg_class as c join pg_am as a on c.relam = a.oid and a.amname = 'hnsw'"
    for worker in cluster.workers():
        with worker:
            worker.execute("set citus.show_shards_for_app_name_prefixes to '*'")
            on_shards = worker.execute(indexes + " where c.relname ~ '^image_embeddings__hnsw_\\d+$'").fetchone()
            assert on_shards == (SHARDS // 2,)


def test_what_a_search_sets_reaches_the_workers_and_nothing_else(distributed: Project) -> None:
    db = distributed.database
    there = """
        select distinct current_setting('hnsw.ef_search'), current_setting('hnsw.iterative_scan')
        from search_internal.image_embeddings
    """
    with db.connect(autocommit=False) as connection:
        for arguments, candidates in [("k => 5", "200"), ("k => 99", "400"), ("ef_search => 77", "77")]:
            connection.execute(f"select * from search.search_images_like(1, {arguments})".encode())
            assert connection.execute(there.encode()).fetchall() == [(candidates, "relaxed_order")]
            # On the coordinator the function has taken it back.
            assert connection.execute("show hnsw.ef_search").fetchall() == [("40",)]
    assert db.rows(there) == [("40", "off")]


def test_nothing_is_asked_again_and_a_change_costs_one_call(distributed: Project) -> None:
    db, clip = distributed.database, distributed.clip
    before = clip.items
    assert "0 embedded, 7 unchanged, 0 removed, 0 failed" in run(distributed)
    assert clip.items == before
    distributed.photo("green.png", (0, 200, 10))
    db.run("update polarlens.image_paths set source_version = '2' where path like '%%/green.png'")
    db.run("delete from polarlens.image_paths where path like '%%/dark_blue.png'")
    distributed.stage(str(distributed.folder / "missing.png"))
    assert "1 embedded, 5 unchanged, 1 removed, 1 failed" in run(distributed)
    assert clip.items == before + 1
    # The same input under another key: its embedding is there.
    db.run("insert into polarlens.texts (content) values ('a red barn'), ('something new'), ('something new')")
    db.dbt("run", "-s", "text_embeddings", *ON_CITUS)
    assert clip.items == before + 2
    assert db.value("select count(*) from search_internal.text_embeddings") == len(TEXTS) + 3
    # What failed is forgotten with its source.
    assert "missing.png" in distributed.errors()
    db.run("delete from polarlens.image_paths where path like '%%/missing.png'")
    run(distributed)
    assert distributed.errors() == {}


def test_a_changed_model_is_swapped_in_and_views_stay(distributed: Project) -> None:
    db = distributed.database
    url = distributed.service.url + "/post"
    db.run("create view public.watched as select image_id from search_internal.image_embeddings")
    db.run("select polar_ai.ai_dropmodel('embedding/clip_image')")
    db.run(
        "select polar_ai.ai_createmodel('embedding/clip_image', %s, 'clip-as-service', 'embedding', 'other', %s)",
        *(url, '{"author_type": "token", "token": "", "input": "image", "dimension": 4}'),
    )
    before = distributed.clip.items
    said = run(distributed)
    assert "the new space is in place" in said
    assert distributed.clip.items == before + 6
    assert db.value("select count(*) from public.watched") == 6
    assert [row[0] for row in db.rows("select image_id from search.search_images('red', k => 2)")] == [1, 2]
    assert (
        db.value("select shard_count from citus_tables where table_name::text = 'search_internal.image_embeddings'")
        == SHARDS
    )
    db.run("drop view public.watched")
    # Everything anew, when told outright.
    before = distributed.clip.items
    assert "6 embedded" in run(
        distributed, "--full-refresh", "--vars", "{distributed: citus, discard_embeddings: true}"
    )
    assert distributed.clip.items == before + 6
    assert "keeps the embeddings" in run(distributed, "--full-refresh", *ON_CITUS)
    assert distributed.clip.items == before + 6
    # Afterwards the search is through the index again.
    assert db.value("select count(*) from pg_indexes where indexname = 'image_embeddings__hnsw'") == 1


def test_a_distributed_table_is_not_touched_by_a_run_that_is_not_told(distributed: Project) -> None:
    said = run(distributed, "--vars", "{}", check=False)
    assert "search_internal.image_embeddings is distributed by Citus" in said
    assert "dbt run --vars '{distributed: citus}'" in said
    # Nor are the search functions made for one machine.
    found = distributed.database.rows("select image_id from search.search_images('red', k => 2)")
    assert [row[0] for row in found] == [1, 2]
    distributed.database.dbt("run", *ON_CITUS)


def test_a_filled_table_moves_into_the_shards_and_back_without_a_call(distributed: Project) -> None:
    db, before = distributed.database, distributed.clip.items
    for table in ("image_embeddings", "text_embeddings"):
        db.run(f"select undistribute_table('search_internal.{table}')")
    db.dbt("run")
    there = db.rows("select image_id, score from search.search_images('red')")
    db.dbt("run", *ON_CITUS)
    assert db.value("select count(*) from citus_tables where citus_table_type = 'distributed'") == 2
    assert db.value("select count(*) from pg_indexes where indexname = 'image_embeddings__hnsw'") == 1
    assert db.rows("select image_id, score from search.search_images('red')") == there
    # The query itself is asked once a session.
    assert distributed.clip.items - before <= 1


def test_the_loader_makes_the_staging_table_equal_to_a_folder(distributed: Project) -> None:
    db = distributed.database
    folder = distributed.folder / "loaded"
    for name in ("one", "two"):
        distributed.photo(f"loaded/{name}.png", "blue")
    assert "2 added, 0 changed, 0 removed" in load_photos(folder, db)
    (folder / "one.png").unlink()
    distributed.photo("loaded/two.png", "yellow")
    distributed.photo("loaded/three.png", "blue")
    assert "1 added, 1 changed, 1 removed" in load_photos(folder, db)
    db.run("delete from polarlens.image_paths where path like '%/loaded/%'")


def load_photos(folder: Path, database: Database) -> str:
    command = [str(CHECKOUT / "scripts" / "load_photos"), str(folder)]
    return subprocess.run(
        command, env={**os.environ, **database.env}, capture_output=True, check=True, text=True
    ).stdout


def test_row_level_security_that_shards_cannot_follow_is_refused(distributed: Project) -> None:
    db = distributed.database
    db.run("alter table polarlens.image_paths enable row level security")
    try:
        said = run(distributed, check=False)
        assert "cannot follow" in said
        assert "distributed=false in the model" in said
    finally:
        db.run("alter table polarlens.image_paths disable row level security")
    run(distributed)


def test_a_reader_searches_with_a_login_on_every_node(distributed: Project, cluster: CitusCluster) -> None:
    db = distributed.database
    db.run("create role city_reader login password 'their-own' in role polarlens_reader")
    cluster.let_in("city_reader", "their-own")
    with db.connect(user="city_reader", password="their-own") as reader:
        found = reader.execute("select image_id from search.search_images('red', k => 2)").fetchall()
        assert found == [(1,), (2,)]
        assert reader.execute("select count(*) from search.photos").fetchone() == (6,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("select polar_ai.ai_callmodel('embedding/clip_text', 'x')")


def test_without_citus_the_variable_is_refused(database: Database) -> None:
    said = database.dbt("run", *ON_CITUS, check=False).stdout
    assert "has no Citus" in said
    said = database.dbt("run", "--vars", "{distributed: shards}", check=False).stdout
    assert "leave it out, or say citus" in said


ROWS, DIMENSION, QUERIES = 8000, 64, 50


@pytest.fixture(scope="module")
def large(cluster: CitusCluster) -> Iterator[tuple[Database, Vectors, Vectors]]:
    """Thousands of clustered vectors in the shards of a table that dbt made."""
    vectors = clustered(ROWS + QUERIES, DIMENSION, clusters=80)
    vectors, queries = vectors[:-QUERIES], vectors[-QUERIES:]
    database = cluster.database("large")
    database.alembic("upgrade", "head")
    for kind in ("text", "image"):
        database.run(
            "select polar_ai.ai_createmodel(%s, 'http://127.0.0.1:9/post', 'clip-as-service', 'embedding', 'none', %s)",
            *(f"embedding/clip_{kind}", json.dumps({"token": "", "input": kind, "dimension": DIMENSION})),
        )
    database.dbt("run", *ON_CITUS)
    database.run(
        "insert into polarlens.image_paths (path, title) "
        f"select '/photos/' || n, case when n % 100 = 0 then 'rare' end from generate_series(1, {ROWS}) as n"
    )
    load_embeddings(database.connection, sql.SQL("search_internal.image_embeddings"), vectors)
    # As dbt builds it after the first load.
    database.run(
        """
        create index image_embeddings__hnsw on search_internal.image_embeddings
        using hnsw (embedding halfvec_cosine_ops)
        """
    )
    database.run("analyze search_internal.image_embeddings")
    database.run("analyze polarlens.image_paths")
    yield database, vectors, queries
    database.connection.close()


def test_every_shard_is_searched_through_its_index(large: tuple[Database, Vectors, Vectors]) -> None:
    database, _, queries = large
    database.run("set citus.explain_all_tasks to on")
    database.run("set hnsw.iterative_scan to 'relaxed_order'")
    plan = "\n".join(
        row[0]
        for row in database.rows(
            f"""
            explain select d.image_id, d.path, e.embedding <=> '{as_literal(queries[0])}' as distance
            from search_internal.image_embeddings as e
            inner join search_internal.stg_image_paths as d on e.image_id = d.image_id
            order by e.embedding <=> '{as_literal(queries[0])}'
            limit 10
            """
        )
    )
    assert f"Task Count: {SHARDS}" in plan
    assert plan.count("Index Scan using image_embeddings__hnsw_") == SHARDS
    # The join is done there too.
    assert plan.count("Index Scan using image_paths_pkey_") == SHARDS


def test_searches_find_what_an_exact_scan_finds(large: tuple[Database, Vectors, Vectors]) -> None:
    database, vectors, queries = large
    search = "select image_id from search.search_images_by_vector(%s, k => 10, filters => %s)"
    recall, filtered = [], []
    rare = np.arange(99, ROWS, 100)
    for query in queries:
        found = [row[0] for row in database.rows(search, as_literal(query), None)]
        assert len(found) == 10
        recall.append(len({int(n) + 1 for n in nearest(vectors, query[None, :], 10)[0]} & set(found)) / 10)
        found = [row[0] for row in database.rows(search, as_literal(query), '{"words": "rare"}')]
        assert len(found) == 10
        truth = {int(rare[n]) + 1 for n in nearest(vectors[rare], query[None, :], 10)[0]}
        filtered.append(len(truth & set(found)) / 10)
    print(f"recall@10 {np.mean(recall):.3f}, of one photo in a hundred {np.mean(filtered):.3f}")
    assert np.mean(recall) >= 0.98
    assert np.mean(filtered) >= 0.98


KILLED_TEXTS, BATCH = 240, 40


def kill_dbt(process: subprocess.Popen[str], cluster: CitusCluster) -> None:
    os.killpg(process.pid, signal.SIGKILL)


def kill_a_worker(process: subprocess.Popen[str], cluster: CitusCluster) -> None:
    """Stop a worker as a power cut would, and start it again."""
    worker = cluster.nodes[1]
    postmaster = int((worker.cluster.data / "postmaster.pid").read_text().split()[0])
    os.kill(postmaster, signal.SIGQUIT)
    process.wait(timeout=60)
    deadline = time.monotonic() + 30
    while (worker.cluster.data / "postmaster.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    worker.start()


@pytest.mark.parametrize("kill", [kill_dbt, kill_a_worker])
def test_after_a_kill_the_next_run_goes_on(
    distributed: Project, cluster: CitusCluster, tmp_path: Path, kill: Callable[..., None]
) -> None:
    db, clip = distributed.database, distributed.clip
    name = kill.__name__
    db.run(
        f"create table public.{name} as select n as id, 'red ' || n as body from generate_series(1, {KILLED_TEXTS}) n"
    )
    project = write_project(
        tmp_path,
        **{
            name: model(
                f"public.{name}", key="id", input="body", model="embedding/clip_text", batch_size=BATCH, retry_times=0
            )
        },
    )
    command = [str(Path(sys.executable).parent / "dbt"), "--no-use-colors", "run", *ON_CITUS]
    env = {**os.environ, **db.env, "DBT_TARGET_PATH": str(tmp_path / "target")}
    before = clip.items
    clip.intercept = lambda request: time.sleep(0.1)
    try:
        process = subprocess.Popen(
            command, cwd=project, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        while db.value("select to_regclass(%s) is null", f"search.{name}") or not db.value(
            f"select count(*) from search.{name}"
        ):
            assert process.poll() is None
            time.sleep(0.05)
        kill(process, cluster)
        process.wait(timeout=60)
    finally:
        clip.intercept = lambda request: None
    kept = db.value(f"select count(*) from search.{name}")
    assert 0 < kept < KILLED_TEXTS
    deadline = time.monotonic() + 60
    # The session of a dbt that was killed may live on for as long as its last statement.
    while subprocess.run(command, cwd=project, env=env, capture_output=True, check=False).returncode != 0:
        assert time.monotonic() < deadline
    assert db.value(f"select count(*) from search.{name}") == KILLED_TEXTS
    assert db.value(f"select count(*) from search.{name} where embedding is null") == 0
    print(f"{name}: {kept} kept, {clip.items - before - KILLED_TEXTS} calls repeated")
    assert clip.items - before - KILLED_TEXTS <= BATCH
    db.run(f"drop table search.{name}, public.{name}")
