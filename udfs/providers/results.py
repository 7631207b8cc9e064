"""What adapters share: results that say by index which input they are of, and the error where they cannot be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..runtime.errors import BAD_RESPONSE, PolarAIError
from ..runtime.model import Model


def in_order(model: Model, data: Any, count: int, index: Callable[[dict[str, Any], int], Any]) -> list[Any]:
    """Return the ``count`` embeddings in ``data`` in the order of the inputs, unchecked.

    ``index(item, position)`` tells which input an item is of.
    """
    if not isinstance(data, list) or len(data) != count or not all(isinstance(item, dict) for item in data):
        got = len(data) if isinstance(data, list) else "no"
        raise no_result(model, f"it returned {got} results for {count} inputs")
    order = [index(item, position) for position, item in enumerate(data)]
    if not all(isinstance(at, int) for at in order) or sorted(order) != list(range(count)):
        raise no_result(model, "the indexes of its results are not those of the inputs")
    return [item.get("embedding") for _, item in sorted(zip(order, data, strict=True), key=lambda pair: pair[0])]


def no_result(model: Model, what: str) -> PolarAIError:
    """Return the error of an answer that is not what was agreed."""
    return PolarAIError(f"model {model.model_id} gave no result: {what}", sqlstate=BAD_RESPONSE, stage="response")
