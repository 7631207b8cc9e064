"""Embeddings as a model returns them: checked before anybody relies on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .errors import BAD_RESPONSE, PolarAIError

# What PostgreSQL's real and pgvector's vector can hold.
LARGEST = 3.4028234e38
SMALLEST = 1.1754944e-38


class Embedding(list[float]):
    """A checked embedding, and ``literal``: the same as text, which pgvector reads as it stands."""

    literal: str = ""


def literals(answer: bytes) -> list[str]:
    """Return the arrays named "embedding" of a JSON text, in order, as the service wrote them.

    Writing 512 numbers out again would take longer than everything else that is done with them.
    """
    found = []
    at = answer.find(b'"embedding"')
    while at >= 0:
        colon = at + len(b'"embedding"')
        start = answer.find(b"[", colon)
        if start < 0:
            break
        end = start
        if answer[colon:start].strip() == b":":
            end = answer.find(b"]", start)
            found.append(answer[start : end + 1].decode("ascii", "replace"))
        at = answer.find(b'"embedding"', max(end, colon))
    return found


def checked(value: Any, dimension: int | None) -> list[float]:
    """Return ``value`` as a list of finite floats, not all zero, ``dimension`` long where that is known.

    They fit 32 bits: what is too small for that becomes 0, and what is too large an error.
    A wrong dimension is the model's fault and so the whole batch's; anything else is the item's.
    """
    if value is None:
        raise _bad("the model returned no embedding for this input")
    if not isinstance(value, list) or not value:
        raise _bad(f"the model returned {_kind(value)} instead of an embedding")
    if dimension is not None and len(value) != dimension:
        raise PolarAIError(
            f"the model returned an embedding of {len(value)} dimensions, not {dimension}",
            sqlstate=BAD_RESPONSE,
            hint="Another model seems to answer at this URL. Register it under an id of its own, or alter"
            " the registered dimension (model_config) and refresh.",
            stage="response",
            scope="batch",
        )
    try:
        if any(isinstance(number, bool) for number in value):
            raise TypeError
        norm = math.hypot(*value)
    except (TypeError, OverflowError):
        raise _bad("the model returned an embedding with something else than numbers in it") from None
    if not math.isfinite(norm):
        raise _bad("the model returned an embedding with NaN or infinity in it")
    if max(map(abs, value)) > LARGEST:
        raise _bad("the model returned an embedding with numbers too large for 32 bits")
    if norm < 1e-12:
        raise _bad("the model returned an embedding of zeros")
    return [float(number) if abs(number) >= SMALLEST else 0.0 for number in value]


def unit(vector: Sequence[float]) -> list[float]:
    """Return ``vector`` scaled to length 1, as cosine search wants it."""
    norm = math.hypot(*vector)
    return [value / norm for value in vector]


def _kind(value: Any) -> str:
    return "an empty array" if value == [] else f"a JSON {type(value).__name__}"


def _bad(message: str) -> PolarAIError:
    return PolarAIError(message, sqlstate=BAD_RESPONSE, stage="response")
