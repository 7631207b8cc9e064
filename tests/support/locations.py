"""Stores of the tests' own, and locations that point at them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import pytest
from PIL import Image

from tests.support import oss_server, s3_server
from tests.support.clip import COLOURS
from tests.support.database import Database
from tests.support.s3_server import S3Server


def picture(colour: str, size: tuple[int, int] = (48, 32), form: str = "JPEG") -> bytes:
    """Return a picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, COLOURS[colour]).save(out, form)
    return out.getvalue()


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """An S3-compatible server that verifies signatures."""
    server = S3Server()
    yield server
    server.close()


def create(db: Database, name: str, url: str, secret: str | None = None, **options: str) -> bool:
    """Create a location."""
    query = "select polar_ai.ai_createlocation(%s, %s, %s, %s)"
    return bool(db.value(query, name, url, json.dumps(options), secret))


def create_s3(db: Database, s3: S3Server, prefix: str, name: str = "pics", **options: str) -> None:
    """Create a location in the S3 server, with the right key unless ``options`` have another."""
    options = {"endpoint": s3.url, "access_key_id": s3_server.ACCESS_KEY, "secret": s3_server.SECRET_KEY, **options}
    create(db, name, f"s3://{s3_server.BUCKET}/{prefix}", **options)


def create_oss(db: Database, url: str, name: str = "pics", **options: str) -> None:
    """Create a location in the OSS stand-in."""
    options = {"endpoint": url, "access_key_id": oss_server.ACCESS_KEY, "secret": oss_server.SECRET_KEY, **options}
    create(db, name, f"oss://{oss_server.BUCKET}/2024", **options)
