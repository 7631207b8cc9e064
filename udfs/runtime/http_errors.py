"""Why there is no answer, or a refusal, in words for a person. The library's own text may hold credentials."""

from __future__ import annotations

import time

import urllib3
from urllib3.exceptions import ConnectTimeoutError, LocationValueError, NameResolutionError, NewConnectionError

from . import allow_list
from .errors import (
    BAD_ARGUMENT,
    BAD_RESPONSE,
    CONNECTION_LOST,
    NOT_FOUND,
    OVERLOADED,
    REFUSED,
    UNREACHABLE,
    PolarAIError,
    excerpt,
)
from .exchange import Answer, Exchange, Limits


def transport_error(error: Exception, exchange: Exchange, url: str, limits: Limits) -> PolarAIError:
    """Say in a person's words why there is no answer. The library's own text may hold credentials."""
    stage = "load" if exchange.description.startswith("loading") else "request"
    origin = allow_list.masked(url)
    if isinstance(error, LocationValueError):
        return PolarAIError(
            f"{exchange.description}: the URL {origin} is malformed", sqlstate=BAD_ARGUMENT, stage=stage, scope="batch"
        )
    if isinstance(error, UnicodeError) or (isinstance(error, ValueError) and "header" in str(error).lower()):
        return PolarAIError(
            f"{exchange.description}: a request header holds characters that HTTP cannot send",
            sqlstate=BAD_ARGUMENT,
            hint="Look at the model's token (a line break at its end?) and at its model_headers_fn.",
            stage=stage,
            scope="batch",
        )
    timed_out = (
        isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError) or time.monotonic() >= exchange.deadline
    )
    if timed_out and not _not_reached(error):
        return PolarAIError(
            f"{exchange.description}: no complete answer within {limits.timeout:g} s",
            sqlstate=CONNECTION_LOST,
            hint="Raise polar.ai.http_timeout_msec, or look at the service.",
            stage=stage,
            scope="batch",
        )
    if _not_reached(error):
        return PolarAIError(
            f"{exchange.description}: cannot connect to {origin} ({_reason(error)})",
            sqlstate=UNREACHABLE,
            hint="Is the service running, and does its URL name the right host and port?",
            stage=stage,
            scope="batch",
        )
    return PolarAIError(
        f"{exchange.description}: the connection broke ({_reason(error)})",
        sqlstate=CONNECTION_LOST,
        stage=stage,
        scope="batch",
    )


def _not_reached(error: BaseException) -> bool:
    wanted = (
        NewConnectionError,
        NameResolutionError,
        ConnectTimeoutError,
        urllib3.exceptions.SSLError,
    )
    return any(isinstance(cause, wanted) for cause in _causes(error))


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return ``error`` and what lies under it: urllib3 keeps causes in several places."""
    found: list[BaseException] = []
    # What an error of ours was about is over: this one only came up while that one was dealt with.
    while error is not None and error not in found and not isinstance(error, PolarAIError):
        found.append(error)
        inner = getattr(error, "reason", None) or next(
            (arg for arg in error.args if isinstance(arg, BaseException)), None
        )
        error = inner if isinstance(inner, BaseException) else (error.__cause__ or error.__context__)
    return found


def _reason(error: BaseException) -> str:
    for cause in reversed(_causes(error)):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    names = [type(cause).__name__ for cause in _causes(error)]
    return {
        "RemoteDisconnected": "closed by the service without an answer",
        "IncompleteRead": "closed by the service in the middle of its answer",
        "ConnectTimeoutError": "no connection in time",
        "BadStatusLine": "its answer is not HTTP",
    }.get(names[-1], names[-1])


def status_error(answer: Answer, description: str, stage: str) -> PolarAIError:
    """Return what a service's refusal means, for a person."""
    said = excerpt(answer.content.decode("utf-8", "replace"))
    message = f"{description}: HTTP status {answer.status}"
    detail = f"The service said: {said}" if said and stage == "request" else None
    if answer.status in (401, 403):
        return PolarAIError(
            f"{message} (not authorised)",
            sqlstate=REFUSED,
            detail=detail,
            hint="Check the token: select polar_ai.ai_setmodeltoken(model_id, token);" if stage == "request" else None,
            stage=stage,
            scope="batch" if stage == "request" else "item",
        )
    if answer.status == 404 and stage == "load":
        return PolarAIError(message, sqlstate=NOT_FOUND, stage=stage)
    if answer.status in (408, 425, 429, 502, 503, 504):
        return PolarAIError(
            message,
            sqlstate=OVERLOADED,
            detail=detail,
            hint="The service is overloaded or not ready; try again later.",
            stage=stage,
            scope="batch",
        )
    # 400, 413, 422 and 500 are what services answer to input they cannot take: worth a look item by item.
    about_input = stage == "load" or answer.status in (400, 413, 415, 422, 500)
    return PolarAIError(
        message, sqlstate=BAD_RESPONSE, detail=detail, stage=stage, scope="item" if about_input else "batch"
    )
