"""A benchmark's database on the checkout's server: the project as users install it.

``use`` sets libpq's variables, so that everything here and every program started from here uses that database.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg

from scripts.common.errors import UserError
from scripts.common.paths import CHECKOUT, state_home
from scripts.programs.local_postgres.server import LocalPostgres

Connection = psycopg.Connection[Any]


def use(name: str) -> None:
    """Start the checkout's server unless it runs, and point libpq's variables at the database ``name`` on it."""
    os.environ.update(LocalPostgres(state_home(), say=print).start(), PGDATABASE=name)


def connect(database: str | None = None) -> Connection:
    """Connect to the benchmark's database, or to another one, in autocommit mode."""
    return psycopg.connect(dbname=database, autocommit=True)


def drop() -> None:
    """Drop the benchmark's database."""
    with connect("postgres") as connection:
        connection.execute(f'drop database if exists "{os.environ["PGDATABASE"]}" with (force)'.encode())


def create() -> None:
    """Create the benchmark's database, in place of an older one, with the project's schema and functions."""
    drop()
    with connect("postgres") as connection:
        connection.execute(f'create database "{os.environ["PGDATABASE"]}"'.encode())
    run("alembic.config", "upgrade", "head", cwd=CHECKOUT)


def register_models(url: str, dimension: int) -> None:
    """Register the service at ``url`` as the text model and the image model."""
    with connect() as connection:
        for kind in ("text", "image"):
            connection.execute(
                "select polar_ai.ai_createmodel(%s, %s, 'clip-as-service', 'embedding', 'benchmark', %s)",
                [f"embedding/clip_{kind}", url, json.dumps({"input": kind, "dimension": dimension})],
            )


def dbt(*arguments: str) -> str:
    """Run dbt with a target folder of the benchmarks' own; return its output."""
    target = str(state_home() / "bench" / "dbt")
    environment = {"DBT_TARGET_PATH": target, "DBT_LOG_PATH": target}
    return run("dbt.cli.main", "--no-use-colors", *arguments, cwd=CHECKOUT / "dbt_project", **environment)


def run(module: str, *arguments: str, cwd: Path = CHECKOUT, **environment: str) -> str:
    """Run a Python module as a program and return what it prints.

    Raises:
        UserError: it fails.
    """
    done = subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UserError(f"{module} {' '.join(arguments[:4])} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout
