"""Pages that people follow: their examples, run one after the other as somebody at a terminal does."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from tests.support.database import connect


@dataclass
class Block:
    """A fenced block of a page."""

    language: str
    text: str

    def statements(self) -> list[str]:
        """Return the SQL statements, each with the comments that follow it on its last line."""
        return [part.strip() for part in re.findall(r".*?;[^\n]*(?:\n|$)", self.text + "\n", re.S) if part.strip()]


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    return [Block(language, text) for language, text in found]


def commands(page: Path) -> list[str]:
    """Return what stands in single backticks and is a command of the project's."""
    prose = re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.M | re.S)
    spans = (" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose))
    return [span for span in spans if re.match(r"(scripts/(?!.*/$)\w[\w.]*( |$)|dbt |alembic |pg_|docker )", span)]


class Terminal:
    """A shell that stays: what a block exports, and where it goes, holds for the next one."""

    def __init__(self, folder: Path, **env: str) -> None:
        self.folder, self.env = folder, {**os.environ, **env}

    def run(self, script: str) -> str:
        """Run a block's commands, stop at the first that fails, and return what they printed."""
        with tempfile.NamedTemporaryFile() as after:
            done = subprocess.run(
                ["bash", "-eo", "pipefail", "-c", f"{script}\n{{ pwd; env -0; }} > {after.name}"],
                cwd=self.folder,
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{script}\n{done.stdout}"
            folder, _, variables = Path(after.name).read_text().partition("\n")
        self.folder = Path(folder)
        self.env = dict(one.split("=", 1) for one in variables.split("\0") if "=" in one)
        return done.stdout

    def connect(self) -> psycopg.Connection[Any]:
        """Connect as libpq's variables in this terminal say."""
        return connect(self.env)


def run_sql(connection: psycopg.Connection[Any], statement: str) -> list[tuple[Any, ...]]:
    """Run one statement; one whose comment says ERROR: … has to fail with that. Return its rows."""
    announced = re.search(r"-- ERROR: (.*)", statement)
    try:
        cursor = connection.execute(statement.encode())
    except psycopg.Error as error:
        assert announced and announced[1].strip() in str(error), f"{statement}\n{error}"
        return []
    assert not announced, f"it was to fail: {statement}"
    return cursor.fetchall() if cursor.description else []
