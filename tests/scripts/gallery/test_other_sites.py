"""What another site in the same browser can do to the served gallery: nothing."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
import requests

from scripts.programs.gallery.photos import MAX_BYTES
from tests.scripts.gallery.program import Served, Visit
from tests.support.http_server import Reply, ScriptedServer

EVIL = "http://evil.example"


def own(gallery: Served) -> dict[str, str]:
    """Return the headers of the page's own requests."""
    return {"Origin": gallery.url.rstrip("/"), "Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:8765"},
        {"Host": ""},
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
    ids=str,
)
def test_requests_of_others_are_refused(gallery: Served, headers: dict[str, str]) -> None:
    for path in ("", "?q=red", "page.js"):
        answer = requests.get(gallery.url + path, headers=headers, cookies=gallery.cookies, timeout=10)
        assert (answer.status_code, answer.text) == (403, "This page answers its own requests only.\n")


def test_a_link_that_somebody_follows_is_answered(gallery: Served) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    for url in (gallery.url, gallery.url.replace("127.0.0.1", "localhost")):
        answer = requests.get(f"{url}?q=red", headers=headers, cookies=gallery.cookies, timeout=10)
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "changes",
    [{"Origin": EVIL}, {"Origin": "http://127.0.0.1:1"}, {"Origin": "null"}, {"Origin": None},
     {"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example", "Origin": EVIL}],
    ids=str,
)  # fmt: skip
def test_photos_of_others_are_refused(gallery: Served, changes: dict[str, str | None]) -> None:
    answer = requests.post(
        f"{gallery.url}photos", data=b"x", headers={**own(gallery), **changes}, cookies=gallery.cookies, timeout=10
    )
    assert answer.status_code == 403


def test_a_photo_is_taken_up_to_a_size(gallery: Served) -> None:
    at = f"{gallery.url}photos?name=x"
    assert (
        requests.post(at, data=b"x" * MAX_BYTES, headers=own(gallery), cookies=gallery.cookies, timeout=20).status_code
        == 422
    )
    # In chunks, without a length that could be looked at first.
    for body in (b"x" * (MAX_BYTES + 1), iter([b"x" * 2**20] * 25)):
        answer = requests.post(at, data=body, headers=own(gallery), cookies=gallery.cookies, timeout=20)
        assert (answer.status_code, answer.json()["title"]) == (413, "That file is too large")


def test_nothing_else_is_served(gallery: Served) -> None:
    for path in ("photos", "served.html", "../__main__.py", "docs", "photos/x"):
        assert requests.get(gallery.url + path, cookies=gallery.cookies, timeout=10).status_code in (404, 405)


def test_answers_say_what_a_browser_must_not_do(gallery: Served) -> None:
    headers = requests.get(gallery.url, cookies=gallery.cookies, timeout=10).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "form-action 'self'" in policy
    assert "script-src 'self';" in policy and "http" not in policy
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    assert "server" not in headers


def test_another_sites_page_gets_nothing(
    gallery: Served, visit: Callable[..., Visit], http_server: Callable[..., ScriptedServer]
) -> None:
    """A real page of another origin tries a fetch, a form's post, a frame and a script."""
    visit(gallery)  # the browser has the key: it is not what keeps the other page out
    attack = f"""<!doctype html><iframe src="{gallery.url}?q=red"></iframe><script src="{gallery.url}page.js"></script>
        <script>
        const ask = (path, options) => fetch("{gallery.url}" + path, options).then((answer) => answer.text());
        const tries = [
            ask("?q=red"),
            ask("photos", {{method: "POST", body: "x"}}),
            ask("photos", {{method: "POST", body: "x", mode: "no-cors"}}),
        ];
        Promise.allSettled(tries).then((all) => document.title = "done " + all.map((one) => one.value || "").join(""));
        </script>"""
    site = http_server(lambda request: Reply(body=attack, headers={"Content-Type": "text/html"}))
    here = visit(site.url)
    here.page.wait_for_function("document.title.startsWith('done')")
    assert here.page.title().strip() == "done"
    own_host = urlsplit(gallery.url).netloc
    answers = [request.response() for request in here.requests if urlsplit(request.url).netloc == own_host]
    assert len(answers) >= 5
    assert {answer.status for answer in answers if answer} == {403}
    # What it asked for is what this test is about.
    here.requests.clear()


def test_other_users_of_the_machine_do_not_have_the_key(gallery: Served) -> None:
    name = next(iter(gallery.cookies))
    for cookies in ({}, {name: ""}, {name: gallery.key[:-1]}, {name: "é".encode().decode("latin-1")}):
        for path in ("", "?q=red", "page.js", f"?key={gallery.key[:-1]}"):
            answer = requests.get(gallery.url + path, cookies=cookies, timeout=10)
            assert (answer.status_code, answer.text[:16]) == (403, "Open the address")
    answer = requests.post(f"{gallery.url}photos", data=b"x", headers=own(gallery), timeout=10)
    assert answer.status_code == 403
    assert requests.get(f"{gallery.url}page.js?key={gallery.key}", timeout=10).status_code == 403
