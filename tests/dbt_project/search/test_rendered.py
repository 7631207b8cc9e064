"""The search functions as dbt renders them: as the files beside this one have them, in the project's SQL style."""

from __future__ import annotations

import textwrap

from scripts.common.paths import CHECKOUT
from tests.dbt_project.search.rendering import RENDERED, check_rendered, statements, violations
from tests.support.project import Project

FUNCTIONS = """
    select
        p.proname, p.oid::regproc::text, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
        p.provolatile, p.prosecdef, p.proconfig, p.prosrc
    from pg_proc as p
    where p.pronamespace in ('search'::regnamespace, 'search_internal'::regnamespace)
    order by 1
"""
MODELS = (CHECKOUT / "dbt_project" / "models" / ".sqlfluffignore").read_text("utf-8").split("\n")[1:-1]


def test_functions_are_as_their_files(built: Project) -> None:
    functions = built.database.rows(FUNCTIONS)
    for function in functions:
        check_rendered(f"{function[0]}.sql", definition(*function[1:]))
    assert {file.stem for file in RENDERED.glob("*.sql")} == {function[0] for function in functions}


def definition(
    name: str, arguments: str, result: str, volatility: str, definer: bool, settings: list[str], body: str
) -> str:
    """Return a function's statement in the project's style, argument by argument."""
    lines = [f"create or replace function {name}(", *_items(arguments)]
    if result.startswith("TABLE("):
        lines += [") returns table (", *_items(result.removeprefix("TABLE(").removesuffix(")")), ")"]
    else:
        lines.append(f") returns {result}")
    lines.append(f"language plpgsql {'stable' if volatility == 's' else 'volatile'}{' security definer' * definer}")
    for setting in settings:
        setting_name, value = setting.split("=", 1)
        lines.append(
            f"set {setting_name} to {value}"
            if setting_name == "search_path"
            else f"set \"{setting_name}\" to '{value}'"
        )
    return "\n".join([*lines, f"as $body${body.rstrip()}", "$body$;"])


def _items(text: str) -> list[str]:
    """Return a list one a line, with its defaults in lower case."""
    return (
        textwrap.indent(text.replace("DEFAULT NULL", "default null").replace("DEFAULT", "default"), "    ")
        .replace(", ", ",\n    ")
        .split("\n")
    )


def test_queries_in_functions_follow_the_style(built: Project) -> None:
    queries = [(row[0], one) for row in built.database.rows(FUNCTIONS) for one in statements(row[-1])]
    assert len(queries) > 15
    found = {f"{name}: {violation}\n{one}" for name, one in queries for violation in violations(one)}
    assert found == set(), "\n".join(sorted(found))


def test_models_made_by_macros_follow_the_style(built: Project) -> None:
    """The linter cannot render these (models/.sqlfluffignore)."""
    for model in MODELS:
        file = built.database.dbt_target / "compiled" / "polarlens" / "models" / model
        # The database's name, which differs, would count for the length of a line.
        text = file.read_text("utf-8").replace(f'"{built.database.env["PGDATABASE"]}".', "")
        lines = [line.rstrip() for line in text.strip().split("\n")]
        found = violations("\n".join(lines) + "\n")
        # Jinja leaves blank lines, and dbt's names are long.
        assert [one for one in found if not one.startswith(("LT05", "LT15"))] == [], model
