"""Tokens as they are stored: plain, encrypted (``pgp:…``), or the name of a variable of the environment (``env:…``)."""

from __future__ import annotations

import os

from ..errors import BAD_ARGUMENT, PolarAIError
from .interface import Database

# The variable of the server's environment that tokens are encrypted with.
KEY_NAME = "POLARLENS_TOKEN_KEY"


def open_secret(database: Database, owner: str, stored: str | None) -> str | None:
    """Return the token behind what is stored. ``owner`` says in errors whose it is."""
    if not stored:
        return None
    if stored.startswith("env:"):
        return _from_environment(owner, stored)
    if stored.startswith("pgp:"):
        decrypt = "{pgcrypto}.pgp_sym_decrypt(decode($1, 'base64'), $2)"
        return _with_key(database, f"{owner}: its secret is encrypted", decrypt, stored[4:])
    return stored


def seal(database: Database, token: str) -> str:
    """Return ``token`` as it is to be stored: encrypted if the server's environment has POLARLENS_TOKEN_KEY."""
    if not token or token.startswith("env:") or not os.environ.get(KEY_NAME):
        return token
    encrypt = "encode({pgcrypto}.pgp_sym_encrypt($1, $2), 'base64')"
    return "pgp:" + _with_key(database, "a token is to be encrypted", encrypt, token)


def _from_environment(owner: str, stored: str) -> str:
    name = stored[4:]
    if name == KEY_NAME:
        message = f"{owner}: {KEY_NAME} encrypts tokens and is none"
        raise PolarAIError(message, sqlstate=BAD_ARGUMENT, scope="batch")
    value = os.environ.get(name)
    if not value:
        raise PolarAIError(
            f"{owner}: its secret is {stored}, but the database server has no such variable",
            sqlstate=BAD_ARGUMENT,
            hint="Set it in the server's environment and restart the server.",
            scope="batch",
        )
    return value


def _with_key(database: Database, doing: str, expression: str, value: str) -> str:
    """Return what pgcrypto makes of ``value`` and the key."""
    key = os.environ.get(KEY_NAME)
    schemas = database.execute(
        """
        select quote_ident(n.nspname) as name
        from pg_extension as e
        inner join pg_namespace as n on e.extnamespace = n.oid
        where e.extname = 'pgcrypto'
        """
    )
    if not key or not schemas:
        raise PolarAIError(
            f"{doing}, but " + ("the extension pgcrypto is missing" if key else f"the server has no {KEY_NAME}"),
            sqlstate=BAD_ARGUMENT,
            hint="create extension pgcrypto;" if key else "Set it in the server's environment and restart the server.",
            scope="batch",
        )
    plan = database.prepare(f"select {expression.format(pgcrypto=schemas[0]['name'])} as value", ["text", "text"])
    try:
        # A plan holds its parameters' values: the caller's own debug_print_plan would show them the key.
        shown = database.execute("select current_setting('debug_print_plan') as shown")[0]["shown"]
        database.execute("set local debug_print_plan = off")
        result = str(database.execute(plan, [value, key])[0]["value"])
        database.execute(f"set local debug_print_plan = {shown}")
        return result
    except database.SPIError:
        raise PolarAIError(
            f"{doing}, and {KEY_NAME} is not the key that it was encrypted with",
            sqlstate=BAD_ARGUMENT,
            hint="Start the server with the right key, or set the token again.",
            scope="batch",
        ) from None
