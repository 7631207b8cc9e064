"""Errors of stores in words for a person. Their texts hold requests and answers: little of them is shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from .. import http
from ..errors import (
    BAD_ARGUMENT,
    BAD_RESPONSE,
    CONNECTION_LOST,
    INTERNAL,
    IO_ERROR,
    NOT_ALLOWED,
    NOT_FOUND,
    OVERLOADED,
    REFUSED,
    UNREACHABLE,
    PolarAIError,
    excerpt,
)
from ..http import Answer, Request

T = TypeVar("T")

# What a store's own error codes mean, for a person.
_CODES = {
    "NoSuchKey": (NOT_FOUND, "there is no such object"),
    "NoSuchBucket": (NOT_FOUND, "there is no such bucket"),
    "BlobNotFound": (NOT_FOUND, "there is no such object"),
    "ContainerNotFound": (NOT_FOUND, "there is no such container"),
    "InvalidAccessKeyId": (REFUSED, "the store does not know the access key id"),
    "SignatureDoesNotMatch": (REFUSED, "the secret is not that of the access key id"),
    "AuthenticationFailed": (REFUSED, "the store refused the credentials"),
    "AuthorizationFailure": (REFUSED, "the store refused the credentials"),
    "RequestTimeTooSkewed": (REFUSED, "this server's clock is wrong"),
    "ExpiredToken": (REFUSED, "the credentials have expired"),
    "SecurityTokenExpired": (REFUSED, "the credentials have expired"),
    "AccessDenied": (REFUSED, "the store denies access"),
    "PermanentRedirect": (BAD_ARGUMENT, "the bucket is in another region"),
    "AuthorizationHeaderMalformed": (BAD_ARGUMENT, "the bucket is in another region"),
    "SlowDown": (OVERLOADED, "the store asks to slow down"),
}
_HINTS = {
    REFUSED: "Look at the location's credentials: select * from polar_ai.ai_testlocation('name');",
    BAD_ARGUMENT: "Look at the location's endpoint and region: select * from polar_ai.ai_listlocations();",
}


def translate_errors(work: Callable[[], T], description: str) -> T:
    """Do ``work`` with opendal; raise its errors as ours."""
    try:
        return work()
    except PolarAIError:
        raise
    except Exception as error:
        raise _store_error(error, description) from None


def status_error(answer: Answer, request: Request) -> PolarAIError:
    """Return what a store's refusal means; of its answer, only the code and the message of its XML are shown."""
    text = answer.content.decode("utf-8", "replace")
    code = _field(text, "Code")
    if code in _CODES:
        return _coded(code, text, f"{request.description}: HTTP status {answer.status}")
    return http.status_error(answer, request)


def _coded(code: str, text: str, doing: str) -> PolarAIError:
    sqlstate, meaning = _CODES[code]
    message = _field(text, "Message")
    elsewhere = _field(text, "Endpoint") or _field(text, "Region")
    detail = " ".join(part for part in (f"The store said: {code}.", message, elsewhere and f"({elsewhere})") if part)
    batch = sqlstate in (OVERLOADED, BAD_ARGUMENT) or (sqlstate == REFUSED and code != "AccessDenied")
    return PolarAIError(
        f"{doing} ({meaning})",
        sqlstate=sqlstate,
        detail=detail,
        hint=_HINTS.get(sqlstate),
        stage="load",
        scope="batch" if batch else "item",
    )


def _field(text: str, name: str) -> str:
    """Return an element of a store's error: XML as it was sent, or as opendal prints it."""
    match = re.search(rf"<{name}>([^<]*)</{name}>", text) or re.search(rf'\b{name.lower()}: "([^"]*)"', text)
    # Other elements may hold a secret: the string that a signature should have been made of.
    return excerpt(match[1]) if match else ""


def _store_error(error: Exception, description: str) -> PolarAIError:
    text = str(error)
    code = _field(text, "Code")
    status = re.search(r"\bstatus: (\d{3})\b", text)
    if code in _CODES:
        return _coded(code, text, description + (f": HTTP status {status[1]}" if status else ":"))
    # A file's reading wraps the library's error in an OSError, and its kind is in the text alone.
    named = re.match(r"(\w+) \((?:permanent|temporary|persistent)\)", text)
    kind = named[1] if named else type(error).__name__
    sqlstate, meaning = {
        "NotFound": (NOT_FOUND, "there is no such object, bucket or folder"),
        "PermissionDenied": (REFUSED, "the store denies access"),
        "RateLimited": (OVERLOADED, "the store asks to slow down"),
        "ConfigInvalid": (BAD_ARGUMENT, "the location's settings or credentials are malformed"),
        "Unsupported": (BAD_ARGUMENT, "the store cannot do that"),
        "IsADirectory": (BAD_ARGUMENT, "it is a folder"),
    }.get(kind, (IO_ERROR, "the store failed"))
    if "failed to load signing credential" in text or "loading credential" in text:
        sqlstate, meaning = REFUSED, "there are no credentials where they were looked for"
    elif "error sending request" in text or "timeout" in text.lower() or "timed out" in text.lower():
        connected = "(Connect)" not in text
        sqlstate = CONNECTION_LOST if connected else UNREACHABLE
        meaning = "no complete answer in time, or the connection broke" if connected else "the store cannot be reached"
    elif status and status[1].startswith("5"):
        sqlstate, meaning = (OVERLOADED if status[1] == "503" else BAD_RESPONSE), f"HTTP status {status[1]}"
    elif kind not in ("NotFound", "PermissionDenied") and "Error" in kind and not kind.startswith("Opendal"):
        sqlstate, meaning = INTERNAL, kind
    return PolarAIError(
        f"{description}: {meaning}",
        sqlstate=sqlstate,
        hint=_HINTS.get(sqlstate),
        stage="load",
        scope="item" if sqlstate in (NOT_FOUND, NOT_ALLOWED) else "batch",
    )
