"""The search functions as dbt renders them: as the files beside this one have them, in the project's SQL style."""

from __future__ import annotations

from scripts.common.paths import CHECKOUT
from tests.dbt_project.search.rendering import RENDERED, check_rendered, statements, violations
from tests.support.project import Project

FUNCTIONS = """
    select p.proname, pg_get_functiondef(p.oid), p.prosrc
    from pg_proc as p
    where p.pronamespace in ('search'::regnamespace, 'search_internal'::regnamespace)
    order by 1
"""
MODELS = (CHECKOUT / "dbt_project" / "models" / ".sqlfluffignore").read_text("utf-8").split("\n")[1:-1]


def test_functions_are_as_their_files(built: Project) -> None:
    functions = built.database.rows(FUNCTIONS)
    for name, definition, _ in functions:
        check_rendered(f"{name}.sql", definition)
    assert {file.stem for file in RENDERED.glob("*.sql")} == {name for name, _, _ in functions}


def test_queries_in_functions_follow_the_style(built: Project) -> None:
    queries = [(name, one) for name, _, body in built.database.rows(FUNCTIONS) for one in statements(body)]
    assert len(queries) > 15
    found = {f"{name}: {violation}\n{one}" for name, one in queries for violation in violations(one)}
    assert found == set(), "\n".join(sorted(found))


def test_models_made_by_macros_follow_the_style(built: Project) -> None:
    """The linter cannot render these (models/.sqlfluffignore)."""
    for model in MODELS:
        file = built.database.dbt_target / "compiled" / "polarlens" / "models" / model
        lines = [line.rstrip() for line in file.read_text("utf-8").strip().split("\n")]
        found = violations("\n".join(lines) + "\n")
        # Jinja leaves blank lines, and dbt's names are long.
        assert [one for one in found if not one.startswith(("LT05", "LT15"))] == [], model
