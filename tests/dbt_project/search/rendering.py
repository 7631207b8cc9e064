"""SQL as dbt renders it, kept in files beside the tests: a change of a macro shows the SQL that it makes."""

from __future__ import annotations

import os
import re
import textwrap
import tomllib
from functools import cache
from pathlib import Path

from sqlfluff.core import FluffConfig, Linter

from scripts.common.paths import CHECKOUT

RENDERED = Path(__file__).parent / "rendered"
# REWRITE_SNAPSHOTS=1 pytest … writes the files anew.
REWRITE = os.environ.get("REWRITE_SNAPSHOTS") == "1"


def check_rendered(name: str, text: str) -> None:
    """Compare text with the file of this name, or write the file."""
    file = RENDERED / name
    text = "\n".join(line.rstrip() for line in text.strip().split("\n")) + "\n"
    if REWRITE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    assert file.is_file(), f"{name} is new: run this test with REWRITE_SNAPSHOTS=1 and read the file"
    assert text == file.read_text("utf-8"), f"{name} changed: run this test with REWRITE_SNAPSHOTS=1 and read the diff"


def statements(body: str) -> list[str]:
    """Return the queries of a PL/pgSQL body: those that return rows, and those that format() completes."""
    formatted = re.findall(r"\$statement\$\n(.*?)\n\s*\$statement\$", body, flags=re.DOTALL)
    static = re.findall(
        r"return query\n(.*?);\n", re.sub(r"\$statement\$.*?\$statement\$", "", body, flags=re.DOTALL), flags=re.DOTALL
    )
    # A table's name, and conditions that filters add.
    completed = [re.sub(r"%(\d\$)?s", "", re.sub(r"from %(\d\$)?s ", "from embeddings ", one)) for one in formatted]
    return [textwrap.dedent(one) + "\n" for one in completed + static]


def violations(sql: str) -> list[str]:
    """Return what sqlfluff says about a query, by the rules of the project."""
    found = _linter().lint_string(sql)
    return [f"{one.rule_code()} line {one.line_no}: {one.desc()}" for one in found.get_violations()]


@cache
def _linter() -> Linter:
    # PL/pgSQL's variables look like columns, and dbt quotes names.
    ignored = "RF02,RF03,RF06,AM04,AM09"
    return Linter(config=FluffConfig.from_path(str(CHECKOUT), overrides={"exclude_rules": f"{_excluded()},{ignored}"}))


def _excluded() -> str:
    rules = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["tool"]["sqlfluff"]["core"]["exclude_rules"]
    return ",".join(rules)
