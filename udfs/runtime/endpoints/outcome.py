"""Outcomes as SQL gets them: a value or an error, never an exception.

An error raised in PL/Python would carry a Python traceback to the client. The SQL function around the endpoint raises
the error instead. Endpoints are written as functions that raise, and take a Session; the decorators here give them
their SQL side, which takes PL/Python's ``plpy``, or another Database.
"""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from ..database import Database, Session, session_of
from ..errors import INTERNAL, PolarAIError, printable

P = ParamSpec("P")
T = TypeVar("T")
Error = str | None  # as JSON: message, sqlstate, hint, detail, stage
Row = tuple[int, T | None, Error]


def value(work: Callable[Concatenate[Session, P], T]) -> Callable[Concatenate[Database, P], tuple[T | None, Error]]:
    """Make an endpoint that returns (the value, None) or (None, the error)."""

    @wraps(work)
    def endpoint(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> tuple[T | None, Error]:
        return outcome(database, lambda: work(session_of(database), *args, **kwargs))

    return endpoint


def rows(
    work: Callable[Concatenate[Session, P], Iterator[tuple[int, T | PolarAIError]]],
) -> Callable[Concatenate[Database, P], Iterator[Row[T]]]:
    """Make an endpoint that yields (position from 1, value, error) for what ``work`` yields by position from 0.

    A fault that ``work`` raises is the last row, at position 0.
    """

    @wraps(work)
    def endpoint(database: Database, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[Row[T]]:
        for item, error in stream(database, lambda: work(session_of(database), *args, **kwargs)):
            if item is None:
                yield 0, None, error
            elif isinstance(item[1], PolarAIError):
                yield item[0] + 1, None, as_json(item[1])
            else:
                yield item[0] + 1, item[1], None

    return endpoint


def stream(database: Database, begin: Callable[[], Iterator[T]]) -> Iterator[tuple[T | None, Error]]:
    """Yield (item, None) as the items of ``begin()`` come; at a fault, (None, the error) as the last."""
    items, error = outcome(database, begin)
    while items is not None:
        item, error = outcome(database, lambda: next(items, None))
        if item is None:
            break
        yield item, None
    if error is not None:
        yield None, error


def outcome(database: Database, work: Callable[[], T]) -> tuple[T | None, Error]:
    """Return (the result of ``work``, None), or (None, the error)."""
    try:
        return work(), None
    except PolarAIError as error:
        return None, as_json(error)
    except database.SPIError as error:
        # A cancel or statement_timeout, raised by the poll: passed on under its own SQLSTATE.
        sqlstate = getattr(error, "sqlstate", INTERNAL)
        return None, json.dumps({"message": printable(str(error)), "sqlstate": sqlstate})
    except Exception as error:
        # A defect of ours. Its place helps; the data stays out.
        frame = traceback.extract_tb(error.__traceback__)[-1]
        message = f"internal error: {type(error).__name__} in {frame.name}, line {frame.lineno}: {error}"
        return None, json.dumps({"message": printable(message), "sqlstate": INTERNAL})


def as_json(error: PolarAIError) -> str:
    """Return an error as polarlens._raise reads it."""
    return json.dumps(error.as_dict())
