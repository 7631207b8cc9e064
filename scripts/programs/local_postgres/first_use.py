"""What a fresh cluster still lacks: its database, and the proof that PL/Python works in it."""

from __future__ import annotations

import psycopg
from psycopg import sql

from scripts.common.errors import UserError
from scripts.programs.local_postgres.packages import NAMES

MODULES = {"Pillow": "PIL.Image"}  # where the module is not called like the package


def prepare_database(env: dict[str, str]) -> None:
    """Create the database unless it is there, after trying PL/Python and its packages once.

    Raises:
        UserError: PL/Python or one of its packages cannot be loaded.
    """
    with _connect(env, "postgres") as connection:
        imports = ", ".join(["ssl", "ctypes", *(MODULES.get(name, name) for name in NAMES)])
        try:
            with connection.transaction(force_rollback=True):
                connection.execute("create extension if not exists plpython3u")
                connection.execute(f"do language plpython3u 'import {imports}'")
        except psycopg.Error as error:
            raise UserError(
                f"The server runs, but PL/Python does not work in it:\n    {str(error).strip()}\n"
                "Install what is named as missing and start again."
            ) from error
        known = connection.execute("select 1 from pg_database where datname = %s", [env["PGDATABASE"]])
        if known.fetchone() is None:
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(env["PGDATABASE"])))
    with _connect(env, env["PGDATABASE"]) as connection:
        # What polar_ai requires, so that `create extension polar_ai` needs no CASCADE.
        for extension in ("vector", "plpython3u"):
            connection.execute(sql.SQL("create extension if not exists {}").format(sql.Identifier(extension)))


def _connect(env: dict[str, str], database: str) -> psycopg.Connection[tuple[object, ...]]:
    try:
        # Everything is said here, so that PGSSLMODE and the like in the caller's environment do not matter.
        return psycopg.connect(
            host=env["PGHOST"],
            port=env["PGPORT"],
            user=env["PGUSER"],
            password=env["PGPASSWORD"],
            dbname=database,
            sslmode="disable",
            gssencmode="disable",
            options="",
            connect_timeout=30,
            autocommit=True,
        )
    except psycopg.Error as error:
        raise UserError(
            f"The server runs, but refused our connection:\n    {str(error).strip()}\n"
            "If the password of the user postgres was changed, put the new one into the password file of "
            "the server's folder."
        ) from error
