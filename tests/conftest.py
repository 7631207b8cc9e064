"""What every test may use: an open folder, servers that answer as a test says, a browser; the database is a plugin.

Nothing here touches a server of the user's: libpq's variables are removed before anything runs.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.support.browser import running_chromium
from tests.support.http_server import ScriptedServer
from tests.support.raw_server import Behaviour, RawServer

# The modules of tests/support that define fixtures.
pytest_plugins = (
    "tests.support.locations",
    "tests.support.reader",
    "tests.support.searched",
    "tests.support.server",
    "tests.support.site",
)

HERE = Path(__file__).parent

for name in [name for name in os.environ if name.startswith("PG")]:
    del os.environ[name]


def pytest_report_header() -> str:
    """Say which interpreter runs, as the embedded server is particular about it."""
    return f"polarlens: {sys.executable}, as user id {os.geteuid()}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders whose tests take longest: every worker waits for a long file that begins last."""
    first = ("end_to_end", "dbt_project")
    places = {folder: place for place, folder in enumerate(first)}
    items.sort(key=lambda item: places.get(item.path.relative_to(HERE).parts[0], len(first)))


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A temporary folder that every user may enter: as root, the server runs as another one."""
    folder = Path(tempfile.mkdtemp(prefix="polarlens-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def http_server() -> Iterator[Callable[..., ScriptedServer]]:
    """Start real HTTP servers that answer as a test says: http_server(handler)."""
    started: list[ScriptedServer] = []

    def start(*arguments: object, **named: object) -> ScriptedServer:
        started.append(ScriptedServer(*arguments, **named))  # type: ignore[arg-type]
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture
def raw_server() -> Iterator[Callable[[Behaviour], RawServer]]:
    """Start TCP servers that behave as a test says."""
    started: list[RawServer] = []

    def start(behaviour: Behaviour) -> RawServer:
        started.append(RawServer(behaviour))
        return started[-1]

    yield start
    for one in started:
        one.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium, for pages."""
    with running_chromium() as started:
        yield started
