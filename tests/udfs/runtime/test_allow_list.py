from __future__ import annotations

from collections.abc import Sequence

import pytest
import requests
import urllib3

from udfs.runtime.errors import PolarAIError
from udfs.runtime.http import allow_list
from udfs.runtime.paths import masked


def check_url(url: str, entries: list[str], own: Sequence[str] = ()) -> allow_list.Grant:
    return allow_list.AllowList(tuple(entries), tuple(own)).grant(url)


ALLOWED = [
    ("https://*", "https://example.com/a.jpg", False),
    ("https://*", "https://example.com:8443/a.jpg", False),
    ("https://*", "https://127.0.0.1/a.jpg", False),
    ("https://*.example.com", "https://photos.example.com/a.jpg", False),
    ("https://photos.example.com", "https://photos.example.com/a.jpg", True),
    ("https://photos.example.com", "https://PHOTOS.example.com.:443/a.jpg", True),
    ("https://photos.example.com/2024/", "https://photos.example.com/2024/a.jpg", True),
    ("https://photos.example.com/2024", "https://photos.example.com/2024", True),
    ("http://127.0.0.1:9000", "http://127.0.0.1:9000/x?y=1#z", True),
    ("http://[::1]:9000", "http://[::1]:9000/x", True),
]


@pytest.mark.parametrize(("entry", "url", "special"), ALLOWED)
def test_an_entry_allows_what_it_names(entry: str, url: str, special: bool) -> None:
    assert check_url(url, [entry]).special is special


REFUSED = [
    ("https://*", "http://example.com/"),
    ("https://*.example.com", "https://example.com/"),
    ("https://*.example.com", "https://badexample.com/"),
    ("https://*.example.com", "https://a.example.com.evil.net/"),
    ("https://*.example.com", "https://a.example.com:8443/"),
    ("https://photos.example.com", "https://photos.example.com:8443/"),
    ("https://photos.example.com", "https://photos.example.com@evil.net/"),
    ("https://photos.example.com", "https://evil.net/photos.example.com"),
    ("https://photos.example.com/2024", "https://photos.example.com/2024-private"),
    ("https://photos.example.com/2024", "https://photos.example.com/2024/../private"),
    ("https://photos.example.com/2024", "https://photos.example.com/2024/%2e%2E/private"),
    ("https://photos.example.com/2024", "https://photos.example.com/2024/..%2fprivate"),
    ("https://photos.example.com/2024", "https://photos.example.com/2024/%2e%2e%5Cprivate"),
    ("http://127.0.0.1:9000", "http://127.0.0.1:9001/"),
    ("file:///photos", "https://photos/"),
]


@pytest.mark.parametrize(("entry", "url"), REFUSED)
def test_what_no_entry_names_is_refused_with_the_way_to_allow_it(entry: str, url: str) -> None:
    with pytest.raises(PolarAIError, match="refused to reach") as error:
        check_url(url, [entry])
    assert error.value.sqlstate == "42501"
    assert "polar_ai.ai_allow('http" in str(error.value.hint)


def test_nothing_is_allowed_by_an_empty_list() -> None:
    with pytest.raises(PolarAIError, match="not on the allow-list"):
        check_url("https://example.com/", [])


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/x",
        "oss://bucket/x",
        "photos/cat.jpg",
        "http:///x",
        "http://",
        "",
        "https://[::1/x",
        "https://example.com:0/",
        "https://example.com:99999/",
        "https://example.com:x/",
        "https://exa mple.com/",
        "https://example.com/\r\nHost: evil.net",
        "\thttps://example.com/",
        "https://example.com/\x00",
    ],
)
def test_what_is_no_url_is_an_argument_error(url: str) -> None:
    with pytest.raises(PolarAIError) as error:
        check_url(url, ["https://*", "http://*"])
    assert error.value.sqlstate == "22023"


@pytest.mark.parametrize("url", ["http://127.0.0.1:6379\\@allowed.com/", "http://allowed.com\\.evil.net/"])
def test_a_backslash_cannot_make_two_readers_see_two_hosts(url: str) -> None:
    with pytest.raises(PolarAIError) as error:
        check_url(url, ["http://allowed.com", "http://*"])
    assert error.value.sqlstate == "22023"


@pytest.mark.parametrize(
    "url",
    [
        "http://allowed.com/@evil.net/",
        "http://user@allowed.com:80/",
        "http://allowed.com?@evil.net/",
        "http://allowed.com#@evil.net/",
        "http://allowed.com;@evil.net/",
        "http://evil.net:80@allowed.com/",
        "http://allowed.com:80#evil.net",
        "http://allowed.com%2f@evil.net/",
        "http://allowed。com/",
        "http://ⓐllowed.com/",
        "http://allowed.com／@evil.net/",
    ],
)
def test_whoever_is_judged_is_whoever_is_connected_to(url: str) -> None:
    try:
        check_url(url, ["http://allowed.com"])
    except PolarAIError:
        return
    assert urllib3.util.parse_url(str(requests.Request("GET", url).prepare().url)).host == "allowed.com"


@pytest.mark.parametrize("entry", ["http://[bad", "http://example.com:99999", "http://example.com:x", "nonsense", ""])
def test_an_entry_that_cannot_be_read_allows_nothing_and_disturbs_nobody(entry: str) -> None:
    assert check_url("http://example.com/", [entry, "http://example.com"]).special
    with pytest.raises(PolarAIError, match="not on the allow-list"):
        check_url("http://example.com/", [entry])


def test_a_models_own_url_is_allowed_to_the_letter() -> None:
    url = "http://127.0.0.1:51000/post?a=b"
    assert check_url(url, [], own=[url]).special
    with pytest.raises(PolarAIError):
        check_url("http://127.0.0.1:51000/other", [], own=[url])


@pytest.mark.parametrize(
    ("address", "special"),
    [
        ("8.8.8.8", False),
        ("2606:4700:4700::1111", False),
        ("::ffff:8.8.8.8", False),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("10.0.0.1", True),
        ("172.16.0.1", True),
        ("192.168.1.1", True),
        ("169.254.169.254", True),
        ("100.64.0.1", True),
        ("0.0.0.0", True),
        ("224.0.0.1", True),
        ("255.255.255.255", True),
        ("198.18.0.1", True),
        ("240.0.0.1", True),
        ("::", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("fec0::1", True),
        ("fd00:ec2::254", True),
        ("ff02::1", True),
        ("::ffff:127.0.0.1", True),
        ("::127.0.0.1", True),
        ("64:ff9b::7f00:1", True),
        ("64:ff9b::808:808", False),
        ("64:ff9b:1::1", True),
        ("2002:7f00:1::", True),
        ("2001:0:0:0:0:0:80ff:fffe", True),
    ],
)
def test_only_public_unicast_addresses_are_not_special(address: str, special: bool) -> None:
    assert allow_list.is_special(address) is special


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@example.com/a.jpg?sig=secret#secret", "https://example.com/a.jpg"),
        ("oss://id:secret@endpoint/bucket/a.jpg", "oss://endpoint/bucket/a.jpg"),
        ("oss://id:secret@[endpoint]/bucket/a.jpg", "(malformed URL)"),
        ("a.jpg?sig=secret", "a.jpg"),
    ],
)
def test_a_masked_url_shows_no_credentials(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_a_masked_url_is_short() -> None:
    assert len(masked("https://example.com/" + "x" * 5000)) == 300


@pytest.mark.parametrize(
    "url",
    [
        "oss://id:sec/ret@endpoint/bucket/a.jpg",
        "http:/user:sec/ret@example.com/",
        "https:user:sec/ret@example.com",
        "http://user:sec/ret@example.com/",
        "https://user:sec ret@example.com/",
        "https://user:sec\\ret@example.com/",
    ],
)
def test_no_error_about_a_url_shows_its_credentials(url: str) -> None:
    with pytest.raises(PolarAIError) as error:
        check_url(url, ["https://*"])
    shown = f"{error.value.message} {error.value.hint} {error.value.detail}"
    assert "sec" not in shown and "ret@" not in shown
