"""Merging single-item request bodies into one, and splitting the answer: batches for plain SQL transform functions.

A model declares it in model_config.batch: ``{"items": "data", "results": "data", "max": 32}``, the paths (dots between
keys) of the array that the items sit in and of the one that the results come back in, and the most items a request.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .errors import BAD_ARGUMENT, BAD_RESPONSE, PolarAIError


@dataclass(frozen=True)
class Merging:
    """How the requests of one model merge."""

    items: tuple[str, ...]
    results: tuple[str, ...]
    most: int


def declared(model_id: str, config: dict[str, Any]) -> Merging | None:
    """Return what model_config.batch says, or None where there is none: one item a request then."""
    batch = config.get("batch")
    if batch is None:
        return None
    try:
        merging = Merging(tuple(batch["items"].split(".")), tuple(batch["results"].split(".")), int(batch["max"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        merging = Merging((), (), 0)
    if merging.most < 1:
        raise PolarAIError(
            f"model {model_id}: model_config.batch cannot be read",
            sqlstate=BAD_ARGUMENT,
            hint='Write {"items": "data", "results": "data", "max": 32}.',
            scope="batch",
        )
    return merging


def groups(bodies: Sequence[Any], merging: Merging | None, most: int) -> list[list[int]]:
    """Return the positions of ``bodies`` that go into one request each, at most ``most`` together.

    Bodies go together where they are equal but for their items.
    """
    if merging is None or most <= 1:
        return [[position] for position in range(len(bodies))]
    made: list[list[int]] = []
    shell: Any = None
    for position, body in enumerate(bodies):
        rest = _without(body, merging.items)
        if rest is None:
            made.append([position])
            shell = None
        elif shell is not None and rest == shell and len(made[-1]) < min(most, merging.most):
            made[-1].append(position)
        else:
            made.append([position])
            shell = rest
    return made


def merged(bodies: Sequence[Any], merging: Merging | None) -> Any:
    """Return one body with the items of all ``bodies``."""
    if merging is None or len(bodies) == 1:
        return bodies[0]
    whole = copy.deepcopy(bodies[0])
    items = [item for body in bodies for item in _at(body, merging.items)]
    _at(whole, merging.items)[:] = items
    return whole


def split(response: Any, count: int, merging: Merging | None, model_id: str) -> list[Any]:
    """Return ``count`` responses, each with one of the results, as if every item had been asked for alone."""
    if merging is None or count == 1:
        return [response]
    results = _at(response, merging.results)
    if not isinstance(results, list) or len(results) != count:
        got = len(results) if isinstance(results, list) else "no"
        raise PolarAIError(
            f"model {model_id} returned {got} results for {count} inputs", sqlstate=BAD_RESPONSE, stage="response"
        )
    shell = _without(response, merging.results)
    answers = []
    for result in results:
        one = copy.deepcopy(shell)
        _at(one, merging.results[:-1])[merging.results[-1]] = [result]
        answers.append(one)
    return answers


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _without(body: Any, path: Sequence[str]) -> Any:
    """Return ``body`` with an empty array at ``path``; None where there is no array with one item."""
    if not isinstance(_at(body, path), list):
        return None
    rest = copy.copy(body)
    here = rest
    for key in path[:-1]:
        here[key] = copy.copy(here[key])
        here = here[key]
    here[path[-1]] = []
    return rest
