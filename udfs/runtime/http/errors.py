"""Errors of HTTP in words for a person. The library's own texts may hold credentials, and are not shown."""

from __future__ import annotations

import urllib3
from urllib3.exceptions import ConnectTimeoutError, LocationValueError, NameResolutionError, NewConnectionError

from ..errors import (
    BAD_ARGUMENT,
    BAD_RESPONSE,
    CONNECTION_LOST,
    NOT_FOUND,
    OVERLOADED,
    REFUSED,
    UNREACHABLE,
    PolarAIError,
    Scope,
    excerpt,
)
from ..paths import masked
from .request import Answer, Request

_NOT_REACHED = (NewConnectionError, NameResolutionError, ConnectTimeoutError, urllib3.exceptions.SSLError)


def transport_error(error: Exception, request: Request, timeout: float, late: bool) -> PolarAIError:
    """Return why there is no answer. ``late`` says whether the time for one, ``timeout`` seconds, is over."""
    sqlstate, reason, hint = _explained(error, request, timeout, late)
    message = f"{request.description}: {reason}"
    return PolarAIError(message, sqlstate=sqlstate, hint=hint, stage=request.stage, scope="batch")


def _explained(error: Exception, request: Request, timeout: float, late: bool) -> tuple[str, str, str | None]:
    """Return (SQLSTATE, reason, hint)."""
    origin = masked(request.url)
    if isinstance(error, LocationValueError):
        return BAD_ARGUMENT, f"the URL {origin} is malformed", None
    if isinstance(error, UnicodeError) or (isinstance(error, ValueError) and "header" in str(error).lower()):
        hint = "Look at the model's token (a line break at its end?) and at its model_headers_fn."
        return BAD_ARGUMENT, "a request header holds characters that HTTP cannot send", hint
    causes = _causes(error)
    if any(isinstance(cause, _NOT_REACHED) for cause in causes):
        hint = "Is the service running, and does its URL name the right host and port?"
        return UNREACHABLE, f"cannot connect to {origin} ({_reason(causes)})", hint
    if late or isinstance(error, urllib3.exceptions.TimeoutError | TimeoutError):
        hint = "Raise polar.ai.http_timeout_msec, or look at the service."
        return CONNECTION_LOST, f"no complete answer within {timeout:g} s", hint
    return CONNECTION_LOST, f"the connection broke ({_reason(causes)})", None


def _causes(error: BaseException | None) -> list[BaseException]:
    """Return ``error`` and the errors under it: urllib3 keeps causes in several places."""
    causes: list[BaseException] = []
    # Stop at our own errors: deeper causes were raised while handling one already reported.
    while error is not None and error not in causes and not isinstance(error, PolarAIError):
        causes.append(error)
        inner = getattr(error, "reason", None) or next(
            (arg for arg in error.args if isinstance(arg, BaseException)), None
        )
        error = inner if isinstance(inner, BaseException) else (error.__cause__ or error.__context__)
    return causes


def _reason(causes: list[BaseException]) -> str:
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    name = type(causes[-1]).__name__
    return {
        "RemoteDisconnected": "closed by the service without an answer",
        "IncompleteRead": "closed by the service in the middle of its answer",
        "ConnectTimeoutError": "no connection in time",
        "BadStatusLine": "its answer is not HTTP",
    }.get(name, name)


def status_error(answer: Answer, request: Request) -> PolarAIError:
    """Return the error of an answer whose status is not success."""
    loading = request.stage == "load"
    message = f"{request.description}: HTTP status {answer.status}"
    text = excerpt(answer.content.decode("utf-8", "replace"))
    # A file's answer may be a page of somebody else's; a model's is about what it was asked.
    detail = f"The service said: {text}" if text and not loading else None
    hint: str | None = None
    scope: Scope = "batch"
    if answer.status in (401, 403):
        sqlstate, message = REFUSED, f"{message} (not authorised)"
        if loading:
            scope = "item"
        else:
            hint = "Check the token: select polar_ai.ai_setmodeltoken(model_id, token);"
    elif answer.status == 404 and loading:
        sqlstate, scope = NOT_FOUND, "item"
    elif answer.status in (408, 425, 429, 502, 503, 504):
        sqlstate, hint = OVERLOADED, "The service is overloaded or not ready; try again later."
    else:
        sqlstate = BAD_RESPONSE
        # Services answer 400, 413, 415, 422 and 500 to input that they cannot take: worth a look item by item.
        if loading or answer.status in (400, 413, 415, 422, 500):
            scope = "item"
    return PolarAIError(message, sqlstate=sqlstate, hint=hint, detail=detail, stage=request.stage, scope=scope)
