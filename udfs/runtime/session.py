"""What the runtime reads of the database through plpy: settings, the allow-list and the registry."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from typing import Any

from . import http
from .client import Client
from .errors import BAD_ARGUMENT, NOT_ALLOWED, PolarAIError, excerpt
from .locations import Location
from .model import Model

# The models that this session has called last, with the row that each was read from.
_models: OrderedDict[str, tuple[dict[str, Any], Model]] = OrderedDict()


_client: Client | None = None


def poll(plpy: Any) -> None:
    """Raise where the query was cancelled (any statement notices) or the client is gone."""
    global _client
    plpy.execute("select 1")
    if _client is None:
        _client = Client(plpy)
    _client.check()


def allow_list(plpy: Any) -> list[str]:
    """Return the entries of the allow-list."""
    return [row["entry"] for row in plpy.execute("select entry from polar_ai.allow_list")]


def limits(plpy: Any) -> http.Limits:
    """Return the bounds of a call, from this session's settings polar.ai.*."""
    row = plpy.execute(
        """
        select current_setting('polar.ai.http_timeout_msec', true) as timeout,
               current_setting('polar.ai.retry_times', true) as retry_times,
               current_setting('polar.ai.retry_interval_msec', true) as retry_interval,
               current_setting('polar.ai.http_keep_alive', true) as keep_alive
        """
    )[0]
    return http.Limits(
        # 0 is in the documented range; a call without any bound is not to be had.
        timeout=_whole("http_timeout_msec", row["timeout"], 10_000, 100_000) / 1000 or 100.0,
        retry_times=_whole("retry_times", row["retry_times"], 0, 100),
        retry_interval=_whole("retry_interval_msec", row["retry_interval"], 3_000, 100_000) / 1000,
        keep_alive=_switch("http_keep_alive", row["keep_alive"], default=True),
    )


def model(plpy: Any, model_id: str, permit: str) -> Model:
    """Return a registered model with its token. ``permit`` is what polar_ai._model gave the caller for it."""
    rows = plpy.execute(
        plpy.prepare(
            """
            select m.model_url, m.model_provider, m.model_type, m.model_name, m.model_config, s.token,
                   polar_ai._permit($1) = $2 as permitted,
                   current_setting('polar.ai.lru_entity_size', true) as kept
            from polar_ai.models as m
            left join polar_ai.model_secrets as s on s.model_id = m.model_id
            where m.model_id = $1
            """,
            ["text", "text"],
        ),
        # The permits of locations come after the model's own.
        [model_id, permit.partition(" ")[0]],
    )
    if not rows:
        raise PolarAIError(
            f"there is no model {model_id}",
            sqlstate="42704",
            hint="select model_id from polar_ai.ai_listmodels(); lists the registered ones.",
            scope="batch",
        )
    row = dict(rows[0])
    if not row.pop("permitted"):
        raise PolarAIError(f"permission denied for model {model_id}", sqlstate=NOT_ALLOWED, scope="batch")
    kept = _whole("lru_entity_size", row.pop("kept"), 4, 100)
    known = _models.pop(model_id, None)
    found = known[1] if known and known[0] == row else _made(plpy, model_id, row)
    _models[model_id] = (row, found)
    while len(_models) > kept:
        _models.popitem(last=False)
    return found


def cached_models() -> list[str]:
    """Return the ids of the models that this session keeps, the oldest first."""
    return list(_models)


def _made(plpy: Any, model_id: str, row: dict[str, Any]) -> Model:
    return Model(
        model_id=model_id,
        url=row["model_url"],
        provider=(row["model_provider"] or "").lower(),
        name=row["model_name"],
        config=json.loads(row["model_config"]),
        type=(row["model_type"] or "").lower(),
        token=opened_token(plpy, f"model {model_id}", row["token"]),
    )


def locations(plpy: Any, permits: str) -> dict[str, Location | None]:
    """Return every location by its name: None where ``permits``, of polar_ai._location_permits, has none for it."""
    permitted = dict(one.rpartition(":")[::2] for one in permits.split() if ":" in one)
    rows = plpy.execute(
        plpy.prepare(
            """
            select l.name, l.url, l.options, s.secret, polar_ai._permit('_location ' || l.name) as permit
            from polar_ai.locations as l
            left join polar_ai.location_secrets as s on s.name = l.name and s.name = any($1)
            """,
            ["text[]"],
        ),
        [list(permitted)],
    )
    found: dict[str, Location | None] = {}
    for row in rows:
        name = row["name"]
        found[name] = None
        if permitted.get(name) == row["permit"]:
            secret = opened_token(plpy, f"location {name}", row["secret"])
            found[name] = Location(name, row["url"], json.loads(row["options"]), secret)
    return found


def oss_endpoint(plpy: Any) -> str | None:
    """Return where oss:// URLs without an endpoint lead, as this session's setting says."""
    row = plpy.execute("select current_setting('polar.ai.oss_endpoint', true) as endpoint")[0]
    return row["endpoint"] or None


def opened_token(plpy: Any, whose: str, stored: str | None) -> str | None:
    """Return the token itself: ``env:NAME`` is a variable of the server's environment, ``pgp:…`` encrypted."""
    if not stored:
        return None
    if stored.startswith("env:"):
        if stored[4:] == KEY_NAME:
            raise PolarAIError(f"{whose}: {KEY_NAME} encrypts tokens and is none", sqlstate=BAD_ARGUMENT, scope="batch")
        value = os.environ.get(stored[4:])
        if not value:
            raise PolarAIError(
                f"{whose}: its secret is {stored}, but the database server has no such variable",
                sqlstate=BAD_ARGUMENT,
                hint="Set it in the server's environment and restart the server.",
                scope="batch",
            )
        return value
    if stored.startswith("pgp:"):
        statement = "pgp_sym_decrypt(decode($1, 'base64'), $2)"
        return _with_key(plpy, f"{whose}: its secret is encrypted", statement, stored[4:])
    return stored


def sealed_token(plpy: Any, token: str) -> str:
    """Return ``token`` as it is stored: encrypted where the server's environment has POLARLENS_TOKEN_KEY."""
    if not token or token.startswith("env:") or not os.environ.get(KEY_NAME):
        return token
    statement = "encode(pgp_sym_encrypt($1, $2), 'base64')"
    return "pgp:" + _with_key(plpy, "a token is to be encrypted", statement, token)


KEY_NAME = "POLARLENS_TOKEN_KEY"


def _with_key(plpy: Any, doing: str, expression: str, value: str) -> str:
    key = os.environ.get(KEY_NAME)
    home = plpy.execute(
        """
        select quote_ident(n.nspname) as name
        from pg_extension as e
        inner join pg_namespace as n on e.extnamespace = n.oid
        where e.extname = 'pgcrypto'
        """
    )
    if not key or not home:
        raise PolarAIError(
            f"{doing}, but " + ("the extension pgcrypto is missing" if key else f"the server has no {KEY_NAME}"),
            sqlstate=BAD_ARGUMENT,
            hint="create extension pgcrypto;" if key else "Set it in the server's environment and restart the server.",
            scope="batch",
        )
    function, _, rest = expression.partition("pgp_")
    plan = plpy.prepare(f"select {function}{home[0]['name']}.pgp_{rest} as value", ["text", "text"])
    try:
        # A plan holds its parameters' values: the caller's own debug_print_plan would show them the key.
        shown = plpy.execute("select current_setting('debug_print_plan') as shown")[0]["shown"]
        plpy.execute("set local debug_print_plan = off")
        made = str(plpy.execute(plan, [value, key])[0]["value"])
        plpy.execute(f"set local debug_print_plan = {shown}")
        return made
    except plpy.SPIError:
        raise PolarAIError(
            f"{doing}, and {KEY_NAME} is not the key that it was encrypted with",
            sqlstate=BAD_ARGUMENT,
            hint="Start the server with the right key, or set the token again.",
            scope="batch",
        ) from None


def _whole(name: str, text: str | None, default: int, highest: int) -> int:
    if not text:
        return default
    # No more digits than any limit has: int() refuses thousands of them.
    if len(plain := text.strip()) < 10 and plain.isdecimal() and int(plain) <= highest:
        return int(plain)
    raise PolarAIError(
        f"polar.ai.{name} is {excerpt(text)!r}: not a whole number from 0 to {highest}",
        sqlstate=BAD_ARGUMENT,
        scope="batch",
    )


def _switch(name: str, text: str | None, default: bool) -> bool:
    if not text:
        return default
    plain = text.strip().lower()
    if plain in ("on", "true", "yes", "1", "t", "y"):
        return True
    if plain in ("off", "false", "no", "0", "f", "n"):
        return False
    raise PolarAIError(f"polar.ai.{name} is {text!r}: neither on nor off", sqlstate=BAD_ARGUMENT, scope="batch")
