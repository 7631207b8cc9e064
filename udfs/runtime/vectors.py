"""Embeddings as a model returns them: checked before anybody relies on them."""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from typing import Any

from .errors import BAD_RESPONSE, PolarAIError

# What PostgreSQL's real and pgvector's vector can hold.
LARGEST = 3.4028234e38
SMALLEST = 1.1754944e-38


class Embedding(list[float]):
    """An embedding, and ``literal``: the same as text, which pgvector reads as it stands."""

    literal: str = ""


def cut(answer: bytes) -> tuple[bytes, dict[str, Embedding]]:
    """Return a JSON text with its plain embeddings cut out, and these by what stands in their place.

    A parser would make the whole answer into objects, and the embeddings would be written out again for pgvector:
    together that takes longer than everything else that is done with them. What is not plainly an array of
    numbers named "embedding" stays where it is.
    """
    found: dict[str, Embedding] = {}
    parts: list[bytes] = []
    copied = 0
    at = answer.find(_NAME)
    while at >= 0:
        colon = at + len(_NAME)
        start = answer.find(b"[", colon, colon + 8)
        end = answer.find(b"]", start)
        embedding = None
        if 0 <= start < end and answer[colon:start].strip() == b":" and answer[at - 1 : at] != b"\\":
            embedding = _plain(answer[start : end + 1])
        if embedding is not None:
            mark = f"{_MARK}{len(found)}"
            found[mark] = embedding
            parts += [answer[copied:start], b'"', mark.encode(), b'"']
            copied = end + 1
        at = answer.find(_NAME, copied if embedding is not None else colon)
    return b"".join([*parts, answer[copied:]]), found


def _plain(array: bytes) -> Embedding | None:
    """Return the numbers of a JSON array that holds nothing else, or None."""
    if array[1:-1].translate(None, b"0123456789+-.eE, "):
        return None
    try:
        embedding = Embedding(map(float, array[1:-1].split(b",")))
    except ValueError:
        return None
    embedding.literal = array.decode("ascii")
    return embedding


_NAME = b'"embedding"'
# No service can know it.
_MARK = f"cut {secrets.token_hex(16)} "


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
        # An Embedding was made of numbers.
        if not isinstance(value, Embedding) and any(isinstance(number, bool) for number in value):
            raise TypeError
        norm = math.hypot(*value)
    except (TypeError, OverflowError):
        raise _bad("the model returned an embedding with something else than numbers in it") from None
    if not math.isfinite(norm):
        raise _bad("the model returned an embedding with NaN or infinity in it")
    if max(value) > LARGEST or min(value) < -LARGEST:
        raise _bad("the model returned an embedding with numbers too large for 32 bits")
    if norm < 1e-12:
        raise _bad("the model returned an embedding of zeros")
    # Zeros are as good as any (rectified features are full of them).
    if isinstance(value, Embedding) and min(map(abs, filter(None, value))) >= SMALLEST:
        return value
    return [float(number) if abs(number) >= SMALLEST else 0.0 for number in value]


def unit(vector: Sequence[float]) -> list[float]:
    """Return ``vector`` scaled to length 1, as cosine search wants it."""
    norm = math.hypot(*vector)
    return [value / norm for value in vector]


def _kind(value: Any) -> str:
    return "an empty array" if value == [] else f"a JSON {type(value).__name__}"


def _bad(message: str) -> PolarAIError:
    return PolarAIError(message, sqlstate=BAD_RESPONSE, stage="response")
