"""A dbt project of a test's own: the repository's macros, and embedding models as the test writes them."""

from __future__ import annotations

from pathlib import Path

from scripts.common.paths import CHECKOUT

PROJECT = """
name: polarlens
version: "1.0"
config-version: 2
profile: polarlens
model-paths: ["models"]
macro-paths: ["{macros}"]
flags: {{send_anonymous_usage_stats: false}}
"""


def write_project(folder: Path, **models: str) -> Path:
    """Write a project with ``models`` (name: SQL) and return its folder; calling it again replaces them."""
    (folder / "models").mkdir(parents=True, exist_ok=True)
    for old in (folder / "models").glob("*.sql"):
        old.unlink()
    (folder / "dbt_project.yml").write_text(PROJECT.format(macros=CHECKOUT / "dbt_project" / "macros"))
    (folder / "profiles.yml").write_text((CHECKOUT / "dbt_project" / "profiles.yml").read_text())
    for name, sql in models.items():
        (folder / "models" / f"{name}.sql").write_text(sql)
    return folder


def model(source: str, **config: object) -> str:
    """Return an embedding model that selects everything of ``source``."""
    settings = ", ".join(f"{name}={value!r}" for name, value in config.items())
    return f"{{{{ config(materialized='embedding', {settings}) }}}}\nselect * from {source}\n"
