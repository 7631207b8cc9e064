"""Which answers count, which redirects are followed, and when a request is sent again. See transport.py for sending."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from urllib3 import HTTPHeaderDict

from ..errors import BAD_RESPONSE, CONNECTION_LOST, TOO_LARGE, UNREACHABLE, PolarAIError
from ..interrupts import Operation
from . import transport
from .errors import status_error
from .request import Answer, Limits, Request

MAX_REDIRECTS = 5
MIN_PAUSE_SECONDS = 0.1


def get(
    request: Request,
    limits: Limits,
    operation: Operation,
    refusal: Callable[[Answer, Request], PolarAIError] = status_error,
) -> bytes | None:
    """Return the file at a URL; None if it is larger than the request's limit. Raise ``refusal`` unless it is a 200."""
    answer = fetch(request, limits, operation)
    if answer.status != 200:
        raise refusal(answer, request)
    return None if answer.too_large else answer.content


def fetch(request: Request, limits: Limits, operation: Operation) -> Answer:
    """Return the answer to a GET, whatever its status, after up to five redirects.

    Each redirect is checked as the first URL was. Headers go to no other host than the first.
    """
    for _ in range(MAX_REDIRECTS + 1):
        answer = send(request, limits, operation)
        if answer.status not in (301, 302, 303, 307, 308) or "Location" not in answer.headers:
            return answer
        try:
            target = urljoin(request.url, answer.headers["Location"])
            headers = request.headers if urlsplit(target)[:2] == urlsplit(request.url)[:2] else {}
        except ValueError:
            raise _redirect_error(request, "redirected to what is no URL") from None
        request = replace(request, url=target, headers=headers)
    raise _redirect_error(request, f"more than {MAX_REDIRECTS} redirects")


def post(request: Request, limits: Limits, operation: Operation) -> bytes:
    """Return the body of a model's answer; raise PolarAIError unless its status is 2xx."""
    answer = ask(request, limits, operation)
    if not 200 <= answer.status < 300:
        raise status_error(answer, request)
    return answer.content


def ask(request: Request, limits: Limits, operation: Operation) -> Answer:
    """Return a model's answer, whatever its status, without the token that was sent."""
    answer = send(request, limits, operation)
    if answer.too_large:
        raise PolarAIError(
            f"{request.description}: the answer is larger than {request.size_limit / 2**20:g} MB",
            sqlstate=TOO_LARGE,
            scope="batch",
        )
    return _without_token(answer, HTTPHeaderDict(request.headers).get("Authorization", "").rpartition(" ")[2])


def send(request: Request, limits: Limits, operation: Operation) -> Answer:
    """Send once, and again up to ``retry_times`` if the service was not reached or is not ready.

    A service that asks to wait (429, or 503 with Retry-After) has not failed: that is no try, and is waited for as
    long as one request may take.
    """
    tries, patience_ends = 0, time.monotonic() + limits.timeout
    # Reading changes nothing, and may be repeated after any fault of the server.
    failing = (500, 502, 503, 504) if request.method == "GET" else (503,)
    while True:
        pause = limits.retry_interval * limits.backoff**tries
        try:
            answer = transport.send(request, limits, operation)
        except PolarAIError as error:
            if tries == limits.retry_times or error.sqlstate not in (UNREACHABLE, CONNECTION_LOST):
                raise
            tries += 1
        else:
            asked = _retry_after(answer)
            if answer.status == 429 or (answer.status == 503 and asked is not None):
                # "Come back in 0 seconds" must not become a busy loop.
                pause = max(pause if asked is None else asked, MIN_PAUSE_SECONDS)
                if time.monotonic() + pause > patience_ends:
                    return answer
            elif answer.status not in failing or tries == limits.retry_times:
                return answer
            else:
                tries += 1
        operation.sleep(pause)
        operation.check()


def _retry_after(answer: Answer) -> float | None:
    """Return the seconds that the service asks to wait, fractions too; None if it does not say (dates are not read)."""
    try:
        return max(0.0, float(answer.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None


def _without_token(answer: Answer, token: str) -> Answer:
    """Return ``answer`` with the token masked: a service may repeat what it was sent, above all in its errors."""
    if len(token) < 6 or not set(token) - set("0123456789+-.eE"):
        return answer  # too short, or too much like a number of an embedding
    content, headers = answer.content, dict(answer.headers)
    for spelled in (token, json.dumps(token)[1:-1], token.replace("/", "\\/")):
        content = content.replace(spelled.encode(), b"********")
        headers = {name: value.replace(spelled, "********") for name, value in headers.items()}
    return replace(answer, content=content, headers=HTTPHeaderDict(headers))


def _redirect_error(request: Request, reason: str) -> PolarAIError:
    return PolarAIError(f"{request.description}: {reason}", sqlstate=BAD_RESPONSE, stage="load")
