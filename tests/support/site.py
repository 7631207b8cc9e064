"""A populated database of the kind that is worth a backup: on a server of its own, which has the tokens' key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from scripts.common.paths import CHECKOUT
from tests.support.clip import ColourClip
from tests.support.collection import people_fill_in, stage_photos
from tests.support.database import Database
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.pages import Terminal, blocks
from tests.support.project import Project
from tests.support.server import OwnServer, own_server

PAGE = CHECKOUT / "scripts" / "operations" / "README.md"
BLOCKS = blocks(PAGE)
TOKEN, KEY, LOCATION_SECRET = "sk-a-token-worth-keeping", "the-key-of-the-tokens", "s3cret-of-the-location"


@dataclass
class Site:
    """A server, one database in it, and the server's own programs."""

    postgres: OwnServer
    project: Project

    @property
    def database(self) -> Database:
        return self.project.database

    def terminal(self, backup: Path) -> Terminal:
        """A shell with the server's own programs, connected to its database."""
        return terminal_at(self.postgres, self.database.env, backup)


def terminal_at(postgres: OwnServer, env: dict[str, str], backup: Path) -> Terminal:
    """Return a shell with a server's own programs in PATH, connected as ``env`` says."""
    places = postgres.places()
    programs = {"PATH": f"{places['bindir']}:{os.environ['PATH']}", "LD_LIBRARY_PATH": str(places["libdir"])}
    return Terminal(backup, **env, **programs, BACKUP=str(backup))


def start_with_key(home: Path) -> tuple[OwnServer, dict[str, str]]:
    """Start a server whose environment has the tokens' key."""
    postgres = own_server(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POLARLENS_TOKEN_KEY", KEY)
        patch.setenv("POLARLENS_SERVER_ENV", "POLARLENS_TOKEN_KEY")
        return postgres, postgres.start()


def connect(env: dict[str, str]) -> Database:
    """Return the database that libpq's variables name."""
    database = Database(env, None)  # type: ignore[arg-type]
    database.connection = database.connect()
    return database


class TokenClip(ColourClip):
    """The stand-in, with a door: only who brings the token is let in."""

    def __init__(self) -> None:
        super().__init__()
        self.intercept = self.check

    def check(self, request: Request) -> Reply | None:
        return None if request.headers.get("Authorization") == f"Bearer {TOKEN}" else Reply(status=401)


@pytest.fixture(scope="module")
def site(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A collection with tokens, locations and grants of its own, after `dbt run`."""
    postgres, env = start_with_key(open_folder / f"site-{Path(request.node.path).stem}")
    clip = TokenClip()
    service = ScriptedServer(clip)
    folder = open_folder / f"photos-{Path(request.node.path).stem}"
    folder.mkdir()
    folder.chmod(0o755)
    try:
        database = connect(env)
        database.alembic("upgrade", "head")
        database.run("create extension pgcrypto")
        made = Project(database, clip, service, folder)
        made.register("text", logit_scale=50)
        made.register("image")
        database.run("select polar_ai.ai_setmodeltoken('embedding/clip_%%', %s)", TOKEN)
        database.run("select polar_ai.ai_allow(%s)", f"file://{folder}")
        database.run(
            "select polar_ai.ai_createlocation('pics', 's3://bucket/photos', %s, %s)",
            '{"endpoint": "http://127.0.0.1:9", "access_key_id": "AKIDTEST"}',
            LOCATION_SECRET,
        )
        for role in ("caller", "outsider"):
            database.run(f"create role {role} login password 'their-own'")
        # The text model is the caller's alone; the location too.
        database.run("grant polar_ai_user to caller, outsider")
        database.run("select polar_ai.ai_revokemodel('embedding/clip_text', 'polar_ai_user')")
        database.run("select polar_ai.ai_grantmodel('embedding/clip_text', 'caller')")
        database.run("select polar_ai.ai_grantlocation('pics', 'caller')")
        stage_photos(made)
        made.stage(str(folder / "missing.png"))
        people_fill_in(made)
        database.dbt("run")
        database.run("create role reader login password 'their-own' in role polarlens_reader")
        yield Site(postgres, made)
        database.connection.close()
    finally:
        service.close()
        postgres.destroy()


def refused(database: Database, role: str, statement: str) -> str | None:
    """Run a statement as ``role``; return the SQLSTATE where it is refused."""
    with database.connect() as connection:
        connection.execute(f"set session authorization {role}".encode())
        try:
            connection.execute(statement.encode())
        except psycopg.Error as error:
            return error.sqlstate
    return None
