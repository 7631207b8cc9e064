"""Photos on their way to a model, or to a thumbnail: what they take is what is in flight, however many there are."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Callable

from PIL import Image

from tests.support.clip import ColourClip
from tests.support.database import Database
from tests.support.http_server import Reply, Request, ScriptedServer
from tests.support.locations import create, picture
from tests.support.memory import most_memory, reads_memory


@reads_memory
def test_memory_is_bounded_by_what_is_in_flight(db: Database, http_server: Callable[..., ScriptedServer]) -> None:
    # No JPEG, so that each is decoded whole: 12 MB of pixels, three times that while it is made smaller.
    out = io.BytesIO()
    Image.new("RGB", (2000, 2000), "red").save(out, "PNG", compress_level=1)
    create(db, "web", http_server(lambda request: Reply(body=out.getvalue())).url)
    config = json.dumps({"input": "image", "batch_size": 1, "dimension": 4})
    query = "select polar_ai.ai_createmodel('m', %s, 'clip-as-service', 'embedding', 'n', %s)"
    db.run(query, http_server(ColourClip()).url + "/post", config)
    embedded = "select count(embedding) from polarlens._embed('m', %s, %s)"

    def most(photos: int, in_flight: int) -> int:
        with most_memory(db) as seen:
            assert db.value(embedded, [f"web:{n}.png" for n in range(photos)], in_flight) == photos
        return seen[0]

    # A thread keeps for its next photo what its last one took: all of them have to have had one.
    few = most(40, 4)
    many = most(120, 4)
    print(f"4 in flight: {few} MB for 40 photos, {many} MB for 120")
    # The eighty more would be 960 MB.
    assert many - few < 240


def test_thumbnails_are_made_side_by_side(db: Database, http_server: Callable[..., ScriptedServer]) -> None:
    lock, here, most = threading.Lock(), 0, 0

    def slowly(request: Request) -> Reply:
        nonlocal here, most
        with lock:
            here += 1
            most = max(most, here)
        time.sleep(0.1)
        with lock:
            here -= 1
        if request.path.endswith("/7.jpg"):
            return Reply(body=b"<!doctype html>")
        return Reply(body=picture("red", (480, 320)))

    create(db, "web", http_server(slowly).url)
    paths = [f"web:{n}.jpg" for n in range(1, 25)] + ["web:25.mp4"]
    made = db.rows("select item, content, error ->> 'message' from polarlens._thumbnails(%s, 120) order by item", paths)
    assert [item for item, *_ in made] == list(range(1, 26))
    # One photo's error is not the others'.
    assert {item: error for item, _, error in made if error}.keys() == {7, 25}
    assert {Image.open(io.BytesIO(content)).size for _, content, error in made if not error} == {(120, 80)}
    assert 4 <= most <= 8
    assert (
        db.rows("select * from polarlens._thumbnails('{}', 120)")
        == db.rows("select * from polarlens._thumbnails(null, 1)")
        == []
    )
