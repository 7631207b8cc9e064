"""scripts/superset as a person runs it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from scripts.common.paths import CHECKOUT, state_home
from tests.support.database import Database

SAVED = {"Cats": "a cat", "Coffee break": "a cup of coffee", "Liftoff": "a rocket launch", "Bikes": "a motorcycle"}


@dataclass
class Superset:
    """scripts/superset with a state folder of its own."""

    home: Path
    database: Database

    def __call__(self, *arguments: str, cwd: str = "/", **env: str) -> subprocess.CompletedProcess[str]:
        return self._run("superset", *arguments, cwd=cwd, **env)

    def clip(self, *arguments: str) -> None:
        """Start or stop the CLIP service that the queries go to."""
        done = self._run("clip_service", *arguments, cwd="/")
        assert done.returncode == 0, done.stdout

    @property
    def url(self) -> str:
        return self("url").stdout.strip()

    @property
    def password(self) -> str:
        return (self.home / "superset" / "admin_password").read_text("utf-8").strip()

    def _run(self, script: str, *arguments: str, cwd: str, **env: str) -> subprocess.CompletedProcess[str]:
        own = {
            "POLARLENS_HOME": str(self.home),
            # Installed once for all runs of the tests.
            "POLARLENS_SUPERSET_ENV": str(state_home() / "superset" / "environment"),
        }
        return subprocess.run(
            [str(CHECKOUT / "scripts" / script), *arguments],
            cwd=cwd,
            env={**os.environ, **self.database.env, **own, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
