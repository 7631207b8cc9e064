"""A database that has no location, and an endpoint of Alibaba's OSS."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.database import Database
from tests.support.http_server import ScriptedServer
from tests.support.locations import picture
from tests.support.oss_server import OssStandIn


@pytest.fixture
def db(shared: Database) -> Database:
    """The shared database without locations, models and allowed places."""
    shared.run("reset role")
    shared.run("reset all")
    shared.run("select polar_ai.ai_droplocation(name) from polar_ai.locations")
    shared.run("select polar_ai.ai_dropmodel(model_id) from polar_ai.models where model_id not like '\\_%%'")
    shared.run("delete from polar_ai.allow_list")
    return shared


@pytest.fixture
def oss(http_server: Callable[..., ScriptedServer]) -> tuple[OssStandIn, str]:
    """An OSS endpoint with a photo, and its URL."""
    store = OssStandIn({"2024/cat 1.jpg": picture("red"), "2024/你好.png": picture("blue", form="PNG")})
    return store, http_server(store).url
