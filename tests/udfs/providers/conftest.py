"""The databases and servers of the tests of the SQL functions, and models of each known provider."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.database import Database
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.udfs.providers.models import Register

Handler = Callable[[Request], Reply]


@pytest.fixture
def register(db: Database, http_server: Callable[..., ScriptedServer]) -> Register:
    """Register a model without any functions: register(provider, type, answer, **config) returns its server."""

    def made(provider: str, kind: str, answer: Handler | Any, **config: Any) -> ScriptedServer:
        handler = answer if callable(answer) else lambda request: Reply(body=answer)
        server = http_server(handler)
        db.run(
            "select polar_ai.ai_createmodel('m', %s, %s, %s, 'the-model', %s)",
            server.url + "/v1/endpoint",
            provider,
            kind,
            json.dumps({"author_type": "token", "token": "sk-t0ken", **config}),
        )
        return server

    return made
