"""The one version: pyproject.toml has it, and the dbt project repeats it because a package cannot read it there."""

from __future__ import annotations

import re

import yaml

from scripts.common.paths import CHECKOUT
from tests.support.database import Database
from udfs import install


def test_the_dbt_project_has_the_version_of_the_package() -> None:
    project = yaml.safe_load((CHECKOUT / "dbt_project" / "dbt_project.yml").read_text("utf-8"))
    macro = (CHECKOUT / "dbt_project" / "macros" / "version.sql").read_text("utf-8")
    (literal,) = re.findall(r"macro _version\(\) %}{{ return\('([^']+)'\) }}", macro)
    assert install.version() == project["version"] == literal


def test_an_upgrade_records_it(database: Database) -> None:
    assert database.rows("select version from polarlens.installed_code") == [(install.version(),)]


def test_an_upgrade_of_the_version_alone_records_it(database: Database) -> None:
    database.run("update polarlens.installed_code set version = '0.0.1'")
    database.alembic("upgrade", "head")
    assert database.value("select version from polarlens.installed_code") == install.version()
