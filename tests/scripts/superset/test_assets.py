"""The dashboard's files: they fit together, and every dataset is SQL that a search reader may run."""

from __future__ import annotations

import re
from typing import Any

import jinja2.sandbox
import psycopg
import pytest
import sqlalchemy
import yaml
from sqlalchemy.engine import make_url

from scripts.programs.superset.home import ASSETS
from tests.support.project import Project

HOSTILE = [
    "'; drop table search.thumbnails; --",
    "100% red %s %% %%%",
    "{{ 1 + 1 }}",
    ":red ::text",
    "\\'; select 1; --",
    "ends in \\",
    "\\\\two, and three\\\\\\",
    "\\",
    "it''s \\' both' \\\\'",
    "\\% %\\ \\n \\x27",
]
DIALECT = make_url("postgresql+psycopg2://").get_dialect()()
FILES = {str(file.relative_to(ASSETS)): yaml.safe_load(file.read_text("utf-8")) for file in ASSETS.rglob("*.yaml")}


def of(kind: str) -> dict[str, dict[str, Any]]:
    return {asset["uuid"]: asset for name, asset in FILES.items() if name.startswith(f"{kind}/")}


DATASETS = {dataset["table_name"]: dataset for dataset in of("datasets").values()}


def rendered(dataset: dict[str, Any], *typed: object) -> str:
    """Return a dataset's SQL as Superset renders it: its sandbox, its filter_values and its where_in."""

    def where_in(values: list[object]) -> str:
        literals = [
            str(sqlalchemy.bindparam(None, value).compile(dialect=DIALECT, compile_kwargs={"literal_binds": True}))
            for value in values
        ]
        return f"({', '.join(literals)})"

    environment = jinja2.sandbox.SandboxedEnvironment()
    environment.filters["where_in"] = where_in
    environment.globals["filter_values"] = lambda column, remove_filter: list(typed) if column == "query" else []
    if "sql" not in dataset:
        columns = ", ".join(column["column_name"] for column in dataset["columns"])
        return f"select {columns} from {dataset['schema']}.{dataset['table_name']}"
    return environment.from_string(dataset["sql"]).render()


def test_every_reference_leads_somewhere_and_no_uuid_is_used_twice() -> None:
    assets = [asset for name, asset in FILES.items() if name != "metadata.yaml"]
    uuids = [asset["uuid"] for asset in assets]
    assert len(uuids) == len(set(uuids)) == 20
    datasets, charts = of("datasets"), of("charts")
    assert {dataset["database_uuid"] for dataset in datasets.values()} == set(of("databases"))
    assert {chart["dataset_uuid"] for chart in charts.values()} < set(datasets)
    (dashboard,) = of("dashboards").values()
    parts = [part for part in dashboard["position"].values() if isinstance(part, dict) and part["type"] == "CHART"]
    placed = {part["meta"]["uuid"]: part["meta"] for part in parts}
    assert set(placed) == set(charts)
    assert {meta["sliceName"] for meta in placed.values()} == {chart["slice_name"] for chart in charts.values()}
    (search_box,) = dashboard["metadata"]["native_filter_configuration"]
    assert search_box["targets"][0]["datasetUuid"] in datasets
    # The search box moves the search, and nothing else.
    searched = {meta["chartId"] for meta in placed.values()} - set(search_box["scope"]["excluded"])
    (found,) = (meta for meta in placed.values() if meta["chartId"] in searched)
    assert datasets[charts[found["uuid"]]["dataset_uuid"]]["table_name"] == "photo_search"


def test_charts_ask_for_columns_that_their_datasets_have() -> None:
    for chart in of("charts").values():
        columns = {column["column_name"] for column in of("datasets")[chart["dataset_uuid"]]["columns"]}
        params = chart["params"]
        asked = {*params.get("all_columns", []), *params.get("groupby", [])}
        asked |= {params[name] for name in ("x_axis", "entity", "series") if name in params}
        assert asked <= columns, chart["slice_name"]
        assert params["viz_type"] == chart["viz_type"]
        # A blank line or a deep indentation would be read as Markdown's.
        template = params.get("handlebarsTemplate", "").rstrip("\n")
        assert not re.search(r"^\s|^$", template, re.M) or template == ""


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_every_dataset_runs_as_a_reader_with_the_columns_it_names(name: str, reader: psycopg.Connection) -> None:
    dataset = DATASETS[name]
    for typed in ([], ["red"]) if name == "photo_search" else ([],):
        # As Superset does: a dataset is a subquery.
        cursor = reader.execute(f"select * from (\n{rendered(dataset, *typed)}\n) as virtual_table limit 1000".encode())
        assert [column.name for column in cursor.description or []] == [c["column_name"] for c in dataset["columns"]]


def test_what_is_typed_is_searched_for_word_by_word(built: Project, reader: psycopg.Connection) -> None:
    search = DATASETS["photo_search"]
    rows = reader.execute(rendered(search, "something red").encode()).fetchall()
    assert [row[3] for row in rows[:2]] == ["red.png", "dark_red.png"] and rows[0][2] > rows[-1][2]
    for text in HOSTILE:
        assert {row[7] for row in reader.execute(rendered(search, text).encode()).fetchall()} == {text}


def test_what_is_typed_ends_no_literal_in_a_server_of_old(built: Project, reader: psycopg.Connection) -> None:
    """Where a backslash escapes in every literal: PostgreSQL before 9.1, and whoever wants that back."""
    reader.execute("set standard_conforming_strings to off")
    for text in HOSTILE:
        assert {row[7] for row in reader.execute(rendered(DATASETS["photo_search"], text).encode()).fetchall()} == {
            text
        }


def test_opening_the_dashboard_calls_no_model(built: Project, reader: psycopg.Connection) -> None:
    before = built.clip.items
    for dataset in DATASETS.values():
        reader.execute(rendered(dataset).encode())
    assert built.clip.items == before


def test_photos_are_shown_as_thumbnails(built: Project, reader: psycopg.Connection) -> None:
    rows = reader.execute(rendered(DATASETS["photo_search"], "red").encode()).fetchall()
    assert rows and all(row[6].startswith("data:image/jpeg;base64,/9j/") for row in rows)


def test_where_there_are_no_photos_one_row_lets_the_page_say_so(project_copy: Project) -> None:
    database = project_copy.database
    database.run("truncate polarlens.image_paths cascade")
    database.run("truncate search_internal.image_embeddings cascade")
    for typed in (None, "red"):
        (row,) = database.rows(rendered(DATASETS["photo_search"], typed))
        assert row == (*[None] * 7, typed)


def test_coverage_by_day_has_no_gaps(project_copy: Project) -> None:
    database = project_copy.database
    database.run("delete from polarlens.refresh_runs")
    for table, started, embedded, pending in (
        ("a", "2026-03-01 08:00", 1, 9),
        ("a", "2026-03-01 20:00", 5, 5),
        ("b", "2026-03-02 08:00", 1, 1),
        ("b", "2026-03-03 08:00", 0, 0),
        ("a", "2026-03-05 08:00", 10, 0),
    ):
        database.run(
            """
            insert into polarlens.refresh_runs (relation, model_id, status, started_at, embedded, pending)
            values ('search.' || %s, 'm', 'succeeded', %s, %s, %s)
            """,
            *(table, started, embedded, pending),
        )
    rows = database.rows(rendered(DATASETS["coverage_by_day"]))
    assert sorted((row[1], row[0].day, float(row[2])) for row in rows) == [
        ("a", 1, 50.0),
        ("a", 2, 50.0),  # as the last run left it
        ("a", 5, 100.0),
        ("b", 2, 50.0),
        ("b", 5, 50.0),
    ]
