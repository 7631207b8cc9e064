"""The views that BI tools read: right, kept by `dbt run`, and without a call to any model."""

from __future__ import annotations

from pathlib import Path

from tests.support.collection import COLOURED
from tests.support.project import Project


def test_opening_every_view_asks_no_model(built: Project) -> None:
    before = len(built.service.requests)
    for (relation,) in built.database.rows(
        """
        select oid::regclass::text from pg_class
        where relnamespace in ('search'::regnamespace, 'search_internal'::regnamespace) and relkind in ('r', 'v')
        """
    ):
        built.database.rows(f"select * from {relation}")
    assert len(built.service.requests) == before


def test_saved_searches_and_what_they_find(built: Project) -> None:
    states = dict(built.database.rows("select name, state from search.saved_searches"))
    assert states == {
        "Blue things": "ready",
        "Red in the Netherlands": "ready",
        "Mistaken": "there is no filter colour",
    }
    rows = built.database.rows("select name, path, rank from search.saved_search_results order by name, rank")
    found = [(name, Path(path).stem, rank) for name, path, rank in rows]
    assert {row[1] for row in found if row[0] == "Blue things"} == {"blue", "dark_blue"}
    assert [row for row in found if row[0] != "Blue things"] == [("Red in the Netherlands", "red", 1)]


def test_the_labels_and_neighbours_of_every_photo(built: Project) -> None:
    labels = built.database.rows(
        """
        select p.path, l.label, l.attributes
        from search.photo_labels as l
        inner join search.photos as p on l.image_id = p.image_id
        where l.rank = 1
        """
    )
    best = {Path(path).stem: (label, attributes["calories"]) for path, label, attributes in labels}
    assert len(best) == len(COLOURED)
    assert best["dark_green"] == ("green", 50)
    neighbours = built.database.rows(
        """
        select p.path, n.path, s.rank
        from search.photo_neighbours as s
        inner join search.photos as p on s.image_id = p.image_id
        inner join search.photos as n on s.neighbour_id = n.image_id
        """
    )
    assert len(neighbours) == len(COLOURED) * (len(COLOURED) - 1)
    assert {(Path(a).stem, Path(b).stem) for a, b, rank in neighbours if rank == 1} >= {
        ("red", "dark_red"),
        ("dark_red", "red"),
        ("blue", "dark_blue"),
    }
    pairs = built.database.rows("select path, duplicate_path from search.near_duplicates")
    assert {(Path(a).stem, Path(b).stem) for a, b in pairs} == {
        ("red", "dark_red"),
        ("green", "dark_green"),
        ("blue", "dark_blue"),
    }


def test_coverage_failures_and_refreshes(project_copy: Project) -> None:
    database = project_copy.database
    database.run(
        "insert into polarlens.image_paths (path) values ('/nowhere.png'), (%s)", project_copy.photo("late.png", "red")
    )
    database.run("update polarlens.saved_searches set query = 'something red' where name = 'Blue things'")
    ours = "relation = 'search_internal.image_embeddings'"
    coverage = f"select sources, embedded, failed, pending from search.embedding_coverage where {ours}"
    assert database.rows(coverage) == [(9, 7, 0, 2)]
    assert "waits for dbt run" in database.value("select state from search.saved_searches where name = 'Blue things'")
    before = dict(database.rows("select image_id, xmin::text from search.photo_labels where rank = 1"))
    database.dbt("run")
    assert database.rows(coverage) == [(9, 8, 1, 0)]
    assert database.value("select stage from search.failed_embeddings") == "load"
    assert database.value(f"select failed from search.refresh_status where {ours}") == 1
    results = database.rows("select path from search.saved_search_results where name = 'Blue things' order by rank")
    assert {Path(path).stem for (path,) in results} <= {"red", "late", "dark_red"}
    # Only the new photo was labelled; its neighbours learnt of it.
    after = dict(database.rows("select image_id, xmin::text from search.photo_labels where rank = 1"))
    assert {key: after[key] for key in before} == before
    late = database.value("select image_id from search.photos where path like '%%/late.png'")
    assert (
        database.value(
            """
        select neighbour_id from search.photo_neighbours as n
        inner join search.photos as p on n.image_id = p.image_id
        where p.path like '%%/red.png' and rank = 1
        """
        )
        == late
    )
    # Gone photos are gone everywhere.
    database.run("delete from polarlens.image_paths where image_id = %s", late)
    database.dbt("run")
    for column, relation in (
        ("image_id", "photo_labels"),
        ("image_id", "photo_neighbours"),
        ("neighbour_id", "photo_neighbours"),
    ):
        assert database.rows(f"select 1 from search.{relation} where {column} = %s", late) == []
    assert database.value("select count(*) from search.photo_neighbours") == 42
