"""The dbt project as its users and their tools read it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.dbt.conftest import Project


def test_build_is_clean_and_so_are_the_docs_with_everything_described(project: Project) -> None:
    project.stage(project.photo("red.png", "red"))
    built = project.database.dbt("build").stdout
    assert "WARN=0 ERROR=0" in built
    assert "function search.search_images " in built
    generated = project.database.dbt("docs", "generate").stdout
    assert "WARN" not in generated.upper().replace("WARN=0", "")
    target = Path(f"/tmp/{project.database.env['PGDATABASE']}-{project.database.env['PGPORT']}-dbt")
    manifest = json.loads((target / "manifest.json").read_text())
    catalog = json.loads((target / "catalog.json").read_text())
    nodes = {**manifest["nodes"], **manifest["sources"]}
    for unique_id, table in {**catalog["nodes"], **catalog["sources"]}.items():
        described = nodes[unique_id]
        assert described["description"], unique_id
        if unique_id.startswith("model."):
            undescribed = [
                name for name in table["columns"] if not described["columns"].get(name, {}).get("description")
            ]
            assert undescribed == [], f"{unique_id}: {undescribed}"
    for function in manifest["functions"].values():
        assert function["description"], function["name"]
        assert all(argument["description"] for argument in function["arguments"]), function["name"]
        nodes_below = function["depends_on"]["nodes"]
        assert any(node.endswith("_embeddings") for node in nodes_below), f"{function['name']} is not in the lineage"
    ours = [macro for macro in manifest["macros"].values() if macro["package_name"] == "polarlens"]
    undescribed = [m["name"] for m in ours if not m["description"] and not m["name"].startswith("materialization_")]
    assert undescribed == []


def test_descriptions_reach_the_database(project: Project) -> None:
    project.stage(project.photo("red.png", "red"))
    project.database.dbt("run")
    comments = project.database.rows(
        """
        select a.attname, col_description(a.attrelid, a.attnum)
        from pg_attribute as a
        where a.attrelid in ('search.photos'::regclass, 'search.image_embeddings'::regclass) and a.attnum > 0
        """
    )
    assert [name for name, comment in comments if not comment] == []
    functions = project.database.rows(
        "select proname, obj_description(oid) from pg_proc where pronamespace = 'search'::regnamespace"
    )
    assert len(functions) >= 3
    assert [name for name, comment in functions if not comment] == []
