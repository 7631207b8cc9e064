"""One session with a database: what it reads of the registry and the settings, and what it keeps from call to call."""

from __future__ import annotations

import json
from array import array
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from ..errors import BAD_ARGUMENT, NOT_ALLOWED, PolarAIError, excerpt
from ..http import AllowList, Limits
from ..interrupts import Operation, Poll, run
from ..model import Model
from ..paths import is_oss_url
from ..pipeline import Stream
from ..sources import Location, Reach
from . import secrets
from .interface import Database
from .plpython import Interrupts

K = TypeVar("K")
V = TypeVar("V")

# Everything that a statement needs, in one query: $1 and $2 a model and its permit, $3 and $4 locations and theirs.
_QUERY = """
    select
        array(select a.entry from polar_ai.allow_list as a) as allow_list,
        current_setting('polar.ai.http_timeout_msec', true) as http_timeout_msec,
        current_setting('polar.ai.retry_times', true) as retry_times,
        current_setting('polar.ai.retry_interval_msec', true) as retry_interval_msec,
        current_setting('polar.ai.http_keep_alive', true) as http_keep_alive,
        current_setting('polar.ai.oss_endpoint', true) as oss_endpoint,
        current_setting('polar.ai.lru_entity_size', true) as lru_entity_size,
        (
            select json_build_object(
                'url', m.model_url, 'provider', m.model_provider, 'type', m.model_type, 'name', m.model_name,
                'config', m.model_config, 'token', s.token, 'permitted', polar_ai._permit($1) = $2
            )::text
            from polar_ai.models as m
            left join polar_ai.model_secrets as s on m.model_id = s.model_id
            where m.model_id = $1
        ) as model,
        (
            select json_agg(
                json_build_object('name', l.name, 'url', l.url, 'options', l.options, 'secret', s.secret,
                    'permitted', p.name is not null)
            )::text
            from polar_ai.locations as l
            left join unnest($3::text[], $4::text[]) as p (name, permit)
                on l.name = p.name and p.permit = polar_ai._permit('_location ' || l.name)
            left join polar_ai.location_secrets as s on p.name = s.name
        ) as locations
"""


class Recent(OrderedDict[K, V]):
    """Values by key, of which only those used last are kept."""

    def keep(self, key: K, value: V, limit: int) -> None:
        """Keep ``value`` as the latest, and ``limit`` values at most."""
        self[key] = value
        self.move_to_end(key)
        while len(self) > limit:
            self.popitem(last=False)


class Session:
    """What one connection keeps. Its methods are for the thread that may use the database."""

    def __init__(self, database: Database) -> None:
        """Begin with nothing kept."""
        self.database = database
        self.poll: Poll = getattr(database, "poll", None) or Interrupts(database)
        self.stream = Stream()
        # The models called last, each with the row that it was made of.
        self.models: Recent[str, tuple[dict[str, Any], Model]] = Recent()
        # Embedded query texts, by (model, its fingerprint, the text's hash).
        self.texts: Recent[tuple[str, str, bytes], array[float]] = Recent()
        self._plan: Any = None
        self._warned = False

    def run(self, work: Callable[[Operation], V]) -> V:
        """Do ``work`` in a worker thread, where a cancel can end it."""
        operation = Operation()
        return run(lambda: work(operation), operation, self.poll)

    def reach(self, permits: str | None) -> Reach:
        """Return what a statement may load. ``permits`` are those of polar_ai._location_permits."""
        return self._reach(self._read(None, permits))

    def model(self, model_id: str, permits: str | None, locations: bool = False) -> tuple[Model, Reach]:
        """Return a registered model with its token, and what it may reach: with ``locations``, those of ``permits``.

        ``permits`` is polar_ai._model's: the model's own, then those of locations.
        """
        permit, _, others = (permits or "").partition(" ")
        row = self._read(model_id, others if locations else "", permit)
        return self._model(model_id, row), self._reach(row)

    def seal(self, token: str) -> str:
        """Return ``token`` as it is to be stored; see secrets.seal."""
        return secrets.seal(self.database, token)

    def warn_of_secret(self, path: str) -> None:
        """Warn, once a session, if a statement with an oss:// URL's secret in it goes to the server's log."""
        if not self._warned and is_oss_url(path):
            self._warned = True
            self.database.execute("select polar_ai._warn_of_secret()")

    def _read(self, model_id: str | None, permits: str | None, permit: str = "") -> Mapping[str, Any]:
        if self._plan is None:
            self._plan = self.database.prepare(_QUERY, ["text", "text", "text[]", "text[]"])
        granted = [one.rpartition(":") for one in (permits or "").split()]
        names, hashes = [name for name, _, _ in granted], [permit for _, _, permit in granted]
        return self.database.execute(self._plan, [model_id, permit, names, hashes])[0]

    def _model(self, model_id: str, row: Mapping[str, Any]) -> Model:
        if row["model"] is None:
            raise PolarAIError(
                f"there is no model {model_id}",
                sqlstate="42704",
                hint="select model_id from polar_ai.ai_listmodels(); lists the registered ones.",
                scope="batch",
            )
        registered = json.loads(row["model"])
        if not registered.pop("permitted"):
            raise PolarAIError(f"permission denied for model {model_id}", sqlstate=NOT_ALLOWED, scope="batch")
        kept = _whole(row, "lru_entity_size", 4, 100)
        before, model = self.models.get(model_id, (None, None))
        if model is None or before != registered:
            model = Model(
                model_id=model_id,
                url=registered["url"],
                provider=(registered["provider"] or "").lower(),
                name=registered["name"],
                config=registered["config"],
                type=(registered["type"] or "").lower(),
                token=secrets.open_secret(self.database, f"model {model_id}", registered["token"]),
            )
        self.models.keep(model_id, (registered, model), kept)
        return model

    def _reach(self, row: Mapping[str, Any]) -> Reach:
        locations: dict[str, Location | None] = {}
        for one in json.loads(row["locations"] or "[]"):
            name = one["name"]
            locations[name] = None
            if one["permitted"]:
                secret = secrets.open_secret(self.database, f"location {name}", one["secret"])
                locations[name] = Location(name, one["url"], one["options"], secret)
        limits = Limits(
            # 0 is in the documented range, but no call is without any bound.
            timeout=_whole(row, "http_timeout_msec", 10_000, 100_000) / 1000 or 100.0,
            retry_times=_whole(row, "retry_times", 0, 100),
            retry_interval=_whole(row, "retry_interval_msec", 3_000, 100_000) / 1000,
            keep_alive=_switch(row, "http_keep_alive", default=True),
        )
        return Reach(AllowList(tuple(row["allow_list"])), limits, locations, row["oss_endpoint"] or None)


_sessions: dict[Database, Session] = {}


def session_of(database: Database) -> Session:
    """Return the session of a database: a backend has one, a worker one for each of its connections."""
    if database not in _sessions:
        _sessions[database] = Session(database)
    return _sessions[database]


def _whole(row: Mapping[str, Any], name: str, default: int, highest: int) -> int:
    text = row[name]
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


def _switch(row: Mapping[str, Any], name: str, default: bool) -> bool:
    text = row[name]
    if not text:
        return default
    plain = text.strip().lower()
    if plain in ("on", "true", "yes", "1", "t", "y"):
        return True
    if plain in ("off", "false", "no", "0", "f", "n"):
        return False
    raise PolarAIError(f"polar.ai.{name} is {text!r}: neither on nor off", sqlstate=BAD_ARGUMENT, scope="batch")
