"""Locations on Azure, against Microsoft's own emulator, which verifies signatures: slow, for npm installs it."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable, Iterator

import pytest

from tests.support.azurite import ACCOUNT, CONTAINER, KEY, Azurite
from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.locations import create, picture

QUERIES = ["select polar_ai.ai_loadfile('pics:cat.jpg')", "select polar_ai.ai_listfiles('pics')"]

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not shutil.which("npm"), reason="npm installs the emulator")]
NAMES = ["cat.jpg", "a b/c+d/100%.jpg", "2024/你好 ü.jpg", "it's (1) [2] ~!*.jpg"]


@pytest.fixture(scope="module")
def azurite() -> Iterator[Azurite]:
    """The emulator, with photos."""
    server = Azurite()
    for name in NAMES:
        server.put(f"albums/{name}", picture("red"))
    yield server
    server.close()


def create_azure(db: Database, azurite: Azurite, secret: str = KEY, root: str = "albums") -> None:
    create(db, "pics", f"azblob://{CONTAINER}/{root}", secret=secret, account=ACCOUNT, endpoint=azurite.url)


@pytest.mark.parametrize("name", NAMES)
def test_an_object_is_loaded_whatever_its_name(db: Database, azurite: Azurite, name: str) -> None:
    create_azure(db, azurite)
    assert db.value("select polar_ai.ai_loadfile(%s)", f"pics:{name}") == picture("red")
    assert db.value("select polar_ai.ai_thumbnail(%s, 20)", f"pics:{name}")[:2] == b"\xff\xd8"


def test_a_listing_names_what_can_be_loaded(db: Database, azurite: Azurite) -> None:
    create_azure(db, azurite)
    rows = db.rows("select path, size, etag is not null, last_modified is not null from polar_ai.ai_listfiles('pics')")
    assert {row[0] for row in rows} == {f"pics:{name}" for name in NAMES}
    assert {row[1:] for row in rows} == {(len(picture("red")), True, True)}
    assert db.value("select ok from polar_ai.ai_testlocation('pics')")


@pytest.mark.parametrize("query", QUERIES)
def test_a_wrong_key_is_said_and_not_shown(
    db: Database, azurite: Azurite, failure: Callable[..., Failure], query: str
) -> None:
    wrong = base64.b64encode(b"another key").decode()
    create_azure(db, azurite, secret=wrong)
    found = failure(db, query)
    assert found.sqlstate == "28000"
    assert "the store refused the credentials" in found.message
    for text in (wrong, KEY, "SharedKey", "Parts {", "Backtrace"):
        assert text not in found.everything


def test_what_is_not_there_is_said(db: Database, azurite: Azurite, failure: Callable[..., Failure]) -> None:
    create_azure(db, azurite)
    found = failure(db, "select polar_ai.ai_loadfile('pics:none.jpg')")
    assert (found.sqlstate, "there is no such object" in found.message) == ("58P01", True)
    db.run("select polar_ai.ai_alterlocation('pics', url => 'azblob://nowhere')")
    for query in QUERIES:
        found = failure(db, query)
        assert (found.sqlstate, "there is no such container" in found.message) == ("58P01", True), found.message
