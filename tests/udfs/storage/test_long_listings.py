"""Listings of more keys than anybody wants to hold: they stream, and end where nobody wants more."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.locations import create
from tests.support.memory import most_memory, reads_memory

Serves = Callable[..., ScriptedServer]
PAGE = 1000


class Bucket:
    """The handler of an S3 bucket that has ``keys`` objects without holding one."""

    def __init__(self, keys: int, refusing_from: int | None = None) -> None:
        self.keys = keys
        self.refusing_from = refusing_from

    def __call__(self, request: Request) -> Reply:
        first = int(request.path.partition("continuation-token=")[2].partition("&")[0] or 0)
        if self.refusing_from is not None and first >= self.refusing_from:
            return Reply(403)
        rows = "".join(
            f"<Contents><Key>k/{n:09}.jpg</Key><LastModified>2026-01-02T03:04:05Z</LastModified>"
            f'<ETag>"{n:032}"</ETag><Size>{n}</Size></Contents>'
            for n in range(first, min(first + PAGE, self.keys))
        )
        more = first + PAGE < self.keys
        following = f"<NextContinuationToken>{first + PAGE}</NextContinuationToken>" if more else ""
        truncated = f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        return Reply(body=f"<ListBucketResult>{truncated}{following}{rows}</ListBucketResult>")


def open_bucket(db: Database, http_server: Serves, bucket: Bucket) -> ScriptedServer:
    server = http_server(bucket)
    create(db, "many", "s3://bucket", endpoint=server.url)
    return server


@reads_memory
@pytest.mark.parametrize("keys", [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_long_listing_needs_no_more_memory_than_a_short_one(db: Database, http_server: Serves, keys: int) -> None:
    bucket = Bucket(10_000)
    open_bucket(db, http_server, bucket)
    listed = "create temporary table listed as select * from polar_ai.ai_listfiles('many')"
    with most_memory(db) as short:
        db.run(listed)
    db.run("drop table listed")
    bucket.keys = keys
    with most_memory(db) as long:
        db.run(listed)
    assert db.value("select count(distinct path) from listed") == keys
    db.run("drop table listed")
    print(f"{keys} keys: {long[0]} MB, against {short[0]} MB for 10000")
    assert long[0] - short[0] < 30


def test_a_limit_ends_the_listing(db: Database, http_server: Serves) -> None:
    server = open_bucket(db, http_server, Bucket(200_000))
    assert len(db.rows("select path from polar_ai.ai_listfiles('many', pattern => 'jpg$') limit 10")) == 10
    asked = len(server.requests)
    # What was read ahead: a handful more than what waits to be taken.
    assert asked < 10
    assert db.value("select exists (select from polar_ai.ai_listfiles('many'))")
    assert len(server.requests) < asked + 10


@pytest.mark.parametrize(
    "condition", ["true", "f.path like '%%9.jpg'", "f.size > 10", "f.etag is not null", "random() < 2"]
)
@pytest.mark.parametrize("select", ["f.path", "count(*)", "1"])
def test_no_condition_makes_a_listing_that_broke_off_look_whole(
    db: Database, http_server: Serves, failure: Callable[..., Failure], condition: str, select: str
) -> None:
    open_bucket(db, http_server, Bucket(5_000, refusing_from=2_000))
    found = failure(db, f"select {select} from polar_ai.ai_listfiles('many') as f where {condition}")
    assert (found.sqlstate, found.message) == ("28000", "listing the location many: the store denies access")


def test_listings_of_several_places_at_once(db: Database, http_server: Serves) -> None:
    open_bucket(db, http_server, Bucket(1_500))
    create(db, "few", "s3://bucket", endpoint=http_server(Bucket(3)).url)
    query = (
        "select l.name, count(*) from (values ('many'), ('few')) as l (name), polar_ai.ai_listfiles(l.name) group by 1"
    )
    assert sorted(db.rows(query)) == [("few", 3), ("many", 1_500)]
