"""The wire contract of clip-as-service, case by case, as a client meets it."""

from __future__ import annotations

import base64
import gzip
import http.server
import io
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.clip_service import Service
from tests.support.drawings import DRAWINGS, blob, png

PICTURE = DRAWINGS["envelope"]()
BLOB = blob(PICTURE)
DATA_URI = f"data:image/png;base64,{BLOB}"
DOCUMENT_FIELDS = [
    *("id", "parent_id", "granularity", "adjacency", "blob", "tensor", "mime_type", "text", "weight", "uri"),
    *("tags", "offset", "location", "embedding", "modality", "evaluations", "scores", "chunks", "matches"),
]
JSON = {"Content-Type": "application/json"}


def test_response_has_the_real_servers_shape(service: Service) -> None:
    answer = service.post({"id": "mine", "text": "a cat", "tags": {"k": "v"}}, execEndpoint="/encode").json()
    assert list(answer) == ["header", "parameters", "routes", "data"]
    assert list(answer["header"]) == ["requestId", "status", "execEndpoint", "targetExecutor"]
    assert (answer["header"]["status"], answer["header"]["execEndpoint"]) == (None, "/encode")
    assert [list(route) for route in answer["routes"]] == [["executor", "startTime", "endTime", "status"]] * 2
    (document,) = answer["data"]
    assert list(document) == DOCUMENT_FIELDS
    told = {name: document[name] for name in ("id", "text", "mime_type", "tags", "blob")}
    assert told == {"id": "mine", "text": "a cat", "mime_type": "text/plain", "tags": {"k": "v"}, "blob": None}
    assert len(document["embedding"]) == service.get("/info").json()["dimension"]


def test_mixed_batch_keeps_order_and_ids(service: Service) -> None:
    items = [
        {"id": "a", "text": "a cat"},
        {"id": "b", "blob": BLOB},
        {"id": "c", "uri": DATA_URI},
        {"id": "d", "text": "dog"},
    ]
    data = service.post(*items).json()["data"]
    assert [document["id"] for document in data] == ["a", "b", "c", "d"]
    assert all(document["embedding"] for document in data)
    assert data[1]["embedding"] == data[2]["embedding"]
    assert (data[1]["blob"], data[2]["uri"], data[2]["mime_type"]) == (BLOB, DATA_URI, "image/png")


def test_drop_image_content_echoes_no_blob(service: Service) -> None:
    answer = service.post({"blob": BLOB}, parameters={"drop_image_content": True}).json()
    assert answer["data"][0]["blob"] is None
    assert answer["parameters"] == {"drop_image_content": True}


@pytest.mark.parametrize("item", [{}, {"text": ""}, {"text": None}, {"blob": ""}, {"txt": "unknown field"}])
def test_empty_item_has_no_vector_and_spoils_no_neighbour(service: Service, item: dict[str, Any]) -> None:
    data = service.post({"text": "a"}, item, {"text": "b"}).json()["data"]
    assert [document["embedding"] is None for document in data] == [False, True, False]


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": []}])
def test_no_items(service: Service, body: dict[str, Any]) -> None:
    answer = service.post_raw(json.dumps(body).encode(), **JSON)
    assert (answer.status_code, answer.json()["data"], answer.json()["header"]["status"]) == (200, [], None)


def test_of_duplicate_ids_the_last_gets_the_vector(service: Service) -> None:
    data = service.post({"id": "same", "text": "a"}, {"id": "same", "text": "b"}).json()["data"]
    assert [document["embedding"] is None for document in data] == [True, False]
    assert [document["text"] for document in data] == ["a", "b"]


def test_blob_outranks_text_and_text_outranks_uri(service: Service) -> None:
    image, cat = service.vectors({"blob": BLOB}, {"text": "a cat"})
    with_blob, with_uri = service.post({"text": "a cat", "blob": BLOB}, {"text": "a cat", "uri": DATA_URI}).json()[
        "data"
    ]
    assert with_blob["embedding"] == pytest.approx(image, abs=1e-5)
    assert with_blob["text"] is None
    assert with_uri["embedding"] == pytest.approx(cat, abs=1e-5)


@pytest.mark.parametrize(
    ("item", "name"),
    [
        ({"blob": base64.b64encode(b"this is no image").decode()}, "UnidentifiedImageError"),
        ({"blob": base64.b64encode(png(PICTURE)[:900]).decode()}, "OSError"),
        ({"uri": "/etc/hostname"}, "FileNotFoundError"),
        ({"uri": "file:///etc/hostname"}, "FileNotFoundError"),
        ({"uri": "ftp://x/y.png"}, "FileNotFoundError"),
        ({"uri": "http://127.0.0.1:9/x.png"}, "ConnectionError"),
        ({"uri": "data:image/png;base64,abc"}, "OSError"),
    ],
)
def test_one_bad_image_voids_the_batch(service: Service, item: dict[str, str], name: str) -> None:
    answer = service.post({"id": "ok", "text": "fine"}, {"blob": BLOB}, item)
    status = answer.json()["header"]["status"]
    assert (answer.status_code, status["code"], status["exception"]["name"]) == (200, 1, name)
    assert status["description"].startswith(name)
    assert [document["embedding"] for document in answer.json()["data"]] == [None, None, None]
    assert answer.json()["data"][0]["text"] == "fine"


def test_too_many_pixels_are_refused_undecoded(service: Service) -> None:
    side = 15_000
    bomb = io.BytesIO()
    Image.new("1", (side, side)).save(bomb, "PNG")
    status = service.post({"blob": base64.b64encode(bomb.getvalue()).decode()}).json()["header"]["status"]
    assert (status["code"], status["exception"]["name"]) == (1, "DecompressionBombError")


@pytest.mark.parametrize(
    "item",
    [
        {"blob": "!!!! not base64 ####"},
        {"blob": "abc"},
        {"blob": DATA_URI},
        {"blob": BLOB.rstrip("=") if BLOB.endswith("=") else BLOB + "A"},
        {"blob": base64.urlsafe_b64encode(b"\xff\xef\xbe").decode()},
        {"text": "\ud800"},
    ],
)
def test_undecodable_item_is_a_500(service: Service, item: dict[str, str]) -> None:
    answer = service.post({"text": "ok"}, item)
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert answer.headers["content-type"].startswith("text/plain")


def test_base64_may_hold_line_breaks(service: Service) -> None:
    lines = base64.encodebytes(png(PICTURE)).decode()
    assert service.vectors({"blob": lines}) == service.vectors({"blob": BLOB})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"data":[',
        b'[{"text":"x"}]',
        b'{"data":"hello"}',
        b'{"data":{"text":"x"}}',
        b'{"data":["x"]}',
        b'{"data":[{"text":["a"]}]}',
        b'{"data":[{"text":"x"}],"execEndpoint":null}',
        b'{"data":[{"text":"x"}],"parameters":[1]}',
        json.dumps({"data": [{}] * 4097}).encode(),
    ],
)
def test_wrong_shape_is_a_422(service: Service, body: bytes) -> None:
    answer = service.post_raw(body, **JSON)
    assert answer.status_code == 422
    assert all({"loc", "msg", "type"} <= set(entry) for entry in answer.json()["detail"])


def test_content_type_decides_whether_it_is_json(service: Service) -> None:
    body = b'{"data":[{"text":"x"}]}'
    assert service.post_raw(body).status_code == 200
    assert service.post_raw(body, **{"Content-Type": "application/json; charset=utf-8"}).status_code == 200
    assert service.post_raw(body, **{"Content-Type": "text/plain"}).status_code == 422


@pytest.mark.parametrize("body", [b'{"data":[{"text":"\xff\xfe"}]}', gzip.compress(b'{"data":[]}', mtime=0)])
def test_body_that_is_not_utf8_is_a_400(service: Service, body: bytes) -> None:
    answer = service.post_raw(body, **JSON)
    assert (answer.status_code, answer.json()) == (400, {"detail": "There was an error parsing the body"})


def test_deep_nesting_is_refused(service: Service) -> None:
    assert service.post_raw(b'{"data":' + b"[" * 200_000, **JSON).status_code in (400, 422)
    assert service.get("/dry_run").json()["code"] == 0


def test_text_may_be_a_number_or_unusual(service: Service) -> None:
    data = service.post({"text": 5}, {"text": "żółw 猫 😀"}, {"text": "a\x00b"}, {"text": "   "}).json()["data"]
    assert data[0]["text"] == "5"
    assert all(document["embedding"] for document in data)


def test_docs_form(service: Service) -> None:
    answer = service.post_raw(b'{"data":{"docs":[{"text":"hi"}]}}', **JSON)
    assert len(answer.json()["data"]) == 1


def test_other_addresses(service: Service) -> None:
    assert (service.get("/").status_code, service.get("/").json()) == (200, {})
    assert service.get("/dry_run").json() == {"code": 0, "description": "", "exception": None}
    assert (service.get("/post").status_code, service.get("/post").json()) == (405, {"detail": "Method Not Allowed"})
    assert (service.get("/encode").status_code, service.get("/encode").json()) == (404, {"detail": "Not Found"})
    assert service.get("/post/").status_code == 307


def test_body_has_a_bound(service: Service) -> None:
    answer = service.post_raw(b" " * (65 * 1024 * 1024), **JSON)
    assert answer.status_code == 413


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """A web server with one picture, one redirect to a file and one endless answer."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/elsewhere":
                self.send_response(302)
                self.send_header("Location", "file:///etc/hostname")
                self.end_headers()
                return
            self.send_response(200 if self.path in ("/picture.png", "/endless") else 404)
            self.end_headers()
            try:
                self.wfile.write(png(PICTURE))
                while self.path == "/endless":
                    self.wfile.write(bytes(1024 * 1024))
            except OSError:
                pass  # the client has seen enough

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_uri_is_fetched_within_bounds(service: Service, web: str) -> None:
    assert service.vectors({"uri": f"{web}/picture.png"}) == service.vectors({"blob": BLOB})
    for path in ("/missing.png", "/endless", "/elsewhere"):
        assert service.post({"uri": web + path}).json()["header"]["status"]["code"] == 1
