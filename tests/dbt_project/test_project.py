"""The dbt project as its users and their tools read it: one build, its artifacts, its documentation in a browser."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.project import Project

DASHBOARD = "exposure.polarlens.photo_search_dashboard"


@dataclass
class Built:
    """A project after `dbt build`, and what dbt said and wrote."""

    project: Project
    said: dict[str, str] = field(default_factory=dict)
    manifest: dict[str, Any] = field(default_factory=dict)
    catalog: dict[str, Any] = field(default_factory=dict)

    def dbt(self, *arguments: str) -> None:
        """Run dbt and keep what it said, under its arguments."""
        self.said[" ".join(arguments)] = self.project.database.dbt(*arguments).stdout

    def parents(self, unique_id: str) -> set[str]:
        """Return everything upstream of a node."""
        found: set[str] = set()
        ahead = [unique_id]
        while ahead:
            for parent in self.manifest["parent_map"].get(ahead.pop(), []):
                if parent not in found:
                    found.add(parent)
                    ahead.append(parent)
        return found


@pytest.fixture(scope="module")
def built(shared_project: Project) -> Built:
    project = shared_project
    project.stage(project.photo("red.png", "red"))
    project.database.run("insert into polarlens.labels (label_set, label) values ('colours', 'red')")
    made = Built(project)
    made.dbt("build", "--selector", "embeddings")
    made.dbt("build")
    made.dbt("build", "--select", "tag:embeddings")
    made.dbt("docs", "generate", "--static")
    target = project.database.dbt_target
    made.manifest = json.loads((target / "manifest.json").read_text())
    made.catalog = json.loads((target / "catalog.json").read_text())
    return made


def test_a_build_is_clean(built: Built) -> None:
    said = built.said["build"]
    assert "WARN=0 ERROR=0" in said
    assert "function search.search_images " in said
    assert "8 unit tests" in said


def test_everything_is_described(built: Built) -> None:
    assert "WARN" not in built.said["docs generate --static"].upper().replace("WARN=0", "")
    nodes = {**built.manifest["nodes"], **built.manifest["sources"]}
    for unique_id, table in {**built.catalog["nodes"], **built.catalog["sources"]}.items():
        described = nodes[unique_id]
        assert described["description"], unique_id
        if unique_id.startswith("model."):
            undescribed = [
                name for name in table["columns"] if not described["columns"].get(name, {}).get("description")
            ]
            assert undescribed == [], f"{unique_id}: {undescribed}"
    for function in built.manifest["functions"].values():
        assert function["description"], function["name"]
        assert all(argument["description"] for argument in function["arguments"]), function["name"]
    ours = [macro for macro in built.manifest["macros"].values() if macro["package_name"] == "polarlens"]
    undescribed = [
        m["name"] for m in ours if not m["description"] and not m["name"].startswith(("materialization_", "_"))
    ]
    assert undescribed == []


def test_descriptions_reach_the_database(built: Built) -> None:
    comments = built.project.database.rows(
        """
        select a.attname, col_description(a.attrelid, a.attnum)
        from pg_attribute as a
        where a.attrelid in ('search.photos'::regclass, 'search_internal.image_embeddings'::regclass) and a.attnum > 0
        """
    )
    assert [name for name, comment in comments if not comment] == []
    functions = built.project.database.rows(
        "select proname, obj_description(oid) from pg_proc where pronamespace::regnamespace::text ~ '^search'"
    )
    assert len(functions) >= 3
    assert [name for name, comment in functions if not comment] == []


def test_lineage_leads_from_staging_through_functions_to_the_dashboard(built: Built) -> None:
    above = built.parents(DASHBOARD)
    assert {
        "source.polarlens.polarlens.image_paths",
        "model.polarlens.stg_image_paths",
        "model.polarlens.image_embeddings",
        "function.polarlens.search_images_by_vector",
        "model.polarlens.saved_search_results",
        "model.polarlens.thumbnails",
    } <= above
    for function in built.manifest["functions"].values():
        # Those that only call a model, as their owner, read no table of embeddings.
        reads = any(node.endswith("_embeddings") for node in function["depends_on"]["nodes"])
        assert reads or function["config"]["meta"].get("definer"), f"{function['name']} is not in the lineage"
    assert "model.polarlens.image_embeddings" in built.parents("exposure.polarlens.photo_search_notebook")


def test_what_is_public_has_an_enforced_contract_and_what_is_not_is_no_dashboards(built: Built) -> None:
    models = {name: node for name, node in built.manifest["nodes"].items() if node["resource_type"] == "model"}
    public = {name for name, node in models.items() if node["access"] == "public"}
    assert public == {name for name, node in models.items() if node["contract"]["enforced"]}
    assert {name for name in built.manifest["parent_map"][DASHBOARD] if name.startswith("model.")} <= public
    assert {node["group"] for node in models.values()} == {"refresh", "search"}
    assert [name for name, node in models.items() if node["access"] == "private"] == [
        "model.polarlens.stg_saved_searches"
    ]


def test_embeddings_alone_by_selector_on_a_fresh_database_and_by_tag(built: Built) -> None:
    fresh = built.said["build --selector embeddings"]
    assert (
        "search_internal.label_embeddings: 1 embedded" in fresh
        and "search_internal.image_embeddings: 1 embedded" in fresh
    )
    assert "photo_labels" not in fresh
    again = built.said["build --select tag:embeddings"]
    assert "2 embedding models" in again and "search_internal.image_embeddings: 0 embedded, 1 unchanged" in again
    assert "model search_internal.stg_" not in again


def test_freshness_tells_when_nothing_was_loaded_or_refreshed_for_long(built: Built) -> None:
    database = built.project.database
    database.run("update polarlens.image_paths set loaded_at = now() - interval '31 days'")
    database.run("update polarlens.refresh_runs set finished_at = now() - interval '8 days'")
    late = database.dbt("source", "freshness").stdout
    assert "WARN freshness of polarlens.image_paths" in late
    assert "WARN freshness of polarlens_runs.refresh_runs" in late
    assert "PASS freshness of polarlens.texts" in late  # nobody has ever loaded any


def test_the_documentation_shows_the_page_the_lineage_and_the_functions(built: Built, browser: Browser) -> None:
    # The front page of dbt's site is that of the project which polarlens is installed in.
    assert "doc.polarlens.__overview__" not in built.manifest["docs"]
    site = (built.project.database.dbt_target / "static_index.html").as_uri()
    page = browser.new_page()
    page.goto(f"{site}#!/overview/polarlens")
    page.get_by_role("heading", name="From a BI tool: views").wait_for()
    page.goto(f"{site}#!/exposure/{DASHBOARD}?g_v=1&g_i=%2Bexposure:photo_search_dashboard")
    page.reload()
    drawn = page.wait_for_function(
        """() => {
            const graph = [...document.querySelectorAll('*')].find(one => one._cyreg && one._cyreg.cy.nodes().length)
            return graph && graph._cyreg.cy.nodes().map(node => node.id())
        }"""
    ).json_value()
    assert {DASHBOARD, "function.polarlens.search_images_by_vector", "source.polarlens.polarlens.image_paths"} <= set(
        drawn
    )
    page.goto(f"{site}#!/function/function.polarlens.search_images")
    page.reload()
    page.get_by_text("Text to images: the k photos nearest to a text").first.wait_for()
    page.close()
