"""HTTP from inside the backend: which answers count, which redirects are followed, and when to ask again.

How a request is sent, and where to, is connections.py's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from urllib3 import HTTPHeaderDict

from . import allow_list
from .connections import send
from .errors import BAD_RESPONSE, CONNECTION_LOST, TOO_LARGE, UNREACHABLE, PolarAIError
from .exchange import Answer as Answer
from .exchange import Limits as Limits
from .http_errors import status_error as status_error
from .interrupts import Operation

MAX_REDIRECTS = 5
LEAST_PAUSE_SECONDS = 0.1


def get(url: str, entries: Sequence[str], limits: Limits, operation: Operation, size_limit: int) -> bytes | None:
    """Return what ``url`` holds; None where it is larger than ``size_limit`` bytes (0: no limit).

    Follows up to five redirects, each checked against the allow-list ``entries``.
    """
    description = f"loading {allow_list.masked(url)}"
    answer = fetch(url, {}, entries, limits, operation, size_limit, description)
    if answer.status != 200:
        raise status_error(answer, description, stage="load")
    return None if answer.too_large else answer.content


def fetch(
    url: str,
    headers: Mapping[str, str],
    entries: Sequence[str],
    limits: Limits,
    operation: Operation,
    size_limit: int,
    description: str,
    own: Sequence[str] = (),
) -> Answer:
    """Return the answer to a GET, whatever its status, after up to five redirects.

    ``own`` is what the registry names, beside the allow-list. ``headers`` go to no other host than the first.
    """
    where, sent = url, headers
    for _ in range(MAX_REDIRECTS + 1):
        grant = allow_list.check_url(where, entries, own)
        answer = _tried("GET", where, None, sent, grant, limits, operation, description, size_limit)
        if answer.status not in (301, 302, 303, 307, 308) or "Location" not in answer.headers:
            return answer
        try:
            following = urljoin(where, answer.headers["Location"])
            if urlsplit(following)[:2] != urlsplit(where)[:2]:
                sent = {}
        except ValueError:
            message = f"{description}: redirected to what is no URL"
            raise PolarAIError(message, sqlstate=BAD_RESPONSE, stage="load") from None
        where = following
    raise PolarAIError(f"{description}: more than {MAX_REDIRECTS} redirects", sqlstate=BAD_RESPONSE, stage="load")


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    entries: Sequence[str],
    limits: Limits,
    operation: Operation,
    description: str,
) -> bytes:
    """Send ``body`` as JSON to a model's ``url`` and return the body of its 2xx answer.

    Raises PolarAIError for anything else.
    """
    answer = exchange(url, body, headers, entries, limits, operation, description)
    if not 200 <= answer.status < 300:
        raise status_error(answer, description, stage="request")
    return answer.content


def exchange(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    entries: Sequence[str],
    limits: Limits,
    operation: Operation,
    description: str,
) -> Answer:
    """Send ``body`` as JSON to a model's ``url`` and return the answer, whatever its status.

    The model's own URL counts as allowed, for registering it named it, unless its address is link-local.
    """
    grant = allow_list.check_url(url, entries, own=[url])
    sent = {"Content-Type": "application/json", "Accept": "application/json", **headers}
    answer = _tried("POST", url, body, sent, grant, limits, operation, description, limits.response_bytes)
    if answer.too_large:
        raise PolarAIError(
            f"{description}: the answer is larger than {limits.response_bytes / 2**20:g} MB",
            sqlstate=TOO_LARGE,
            scope="batch",
        )
    return _without_token(answer, HTTPHeaderDict(sent).get("Authorization", "").rpartition(" ")[2])


def _without_token(answer: Answer, token: str) -> Answer:
    """Return ``answer`` with the token masked: a service may repeat what it was sent, above all in its errors."""
    if len(token) < 6 or not set(token) - set("0123456789+-.eE"):
        return answer  # as short, or as much a number, as what an embedding holds
    content, headers = answer.content, dict(answer.headers)
    for spelled in (token, json.dumps(token)[1:-1], token.replace("/", "\\/")):
        content = content.replace(spelled.encode(), b"********")
        headers = {name: value.replace(spelled, "********") for name, value in headers.items()}
    return replace(answer, content=content, headers=HTTPHeaderDict(headers))


def _tried(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    grant: allow_list.Grant,
    limits: Limits,
    operation: Operation,
    description: str,
    size_limit: int,
) -> Answer:
    """Send once, and again up to ``retry_times`` where the service was not reached or is not ready.

    A service that asks to wait (429, or 503 with Retry-After) has not failed: that counts as no try, and is waited for
    as long as one request may take.
    """
    tries, patience_ends = 0, time.monotonic() + limits.timeout
    # What is only read may be asked for again whatever went wrong there.
    failing = (500, 502, 503, 504) if method == "GET" else (503,)
    while True:
        pause = limits.retry_interval * limits.backoff**tries
        try:
            answer = send(method, url, body, headers, grant, limits, operation, description, size_limit)
        except PolarAIError as error:
            if tries == limits.retry_times or error.sqlstate not in (UNREACHABLE, CONNECTION_LOST):
                raise
            tries += 1
        else:
            asked = _retry_after(answer)
            if answer.status == 429 or (answer.status == 503 and asked is not None):
                # "Come back in 0 seconds" must not become a busy loop.
                pause = max(pause if asked is None else asked, LEAST_PAUSE_SECONDS)
                if time.monotonic() + pause > patience_ends:
                    return answer
            elif answer.status not in failing or tries == limits.retry_times:
                return answer
            else:
                tries += 1
        operation.sleep(pause)
        operation.check()


def _retry_after(answer: Answer) -> float | None:
    """Return the seconds that the service asks to wait, or None where it does not say (dates are not read)."""
    try:
        return max(0.0, float(answer.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
