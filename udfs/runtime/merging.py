"""Merging single-item request bodies into one, and splitting the answer: batches for plain SQL transform functions.

A model declares it in model_config.batch: ``{"items": "data", "results": "data", "max": 32}``: the paths (dots between
keys) of the array that holds the items and of the one that holds the results, and the most items in a request.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .errors import BAD_ARGUMENT, BAD_RESPONSE, PolarAIError

# The position of a body, and its response as JSON or its error.
Response = tuple[int, str | PolarAIError]


@dataclass(frozen=True)
class Merging:
    """How the requests of one model merge."""

    items: tuple[str, ...]
    results: tuple[str, ...]
    most: int


def declared(model_id: str, config: dict[str, Any]) -> Merging | None:
    """Return what model_config.batch says; None, for one item a request, if it says nothing."""
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


def works(
    model_id: str, bodies: Sequence[Any], merging: Merging | None, most: int, ask: Callable[[Any], Any]
) -> list[Callable[[], list[Response]]]:
    """Return the work on request bodies, one request's worth each. ``ask`` sends a body and returns the response."""

    def work(group: list[int]) -> list[Response]:
        try:
            response = ask(merged([bodies[position] for position in group], merging))
            responses = [json.dumps(one) for one in split(response, len(group), merging, model_id)]
        except PolarAIError as error:
            if error.scope == "batch":
                raise
            return [(position, error) for position in group]
        return list(zip(group, responses, strict=True))

    return [partial(work, group) for group in groups(bodies, merging, most)]


def groups(bodies: Sequence[Any], merging: Merging | None, most: int) -> list[list[int]]:
    """Return the positions of ``bodies`` that go into one request each, at most ``most`` together.

    Bodies go together where they are equal but for their items.
    """
    if merging is None or most <= 1:
        return [[position] for position in range(len(bodies))]
    groups: list[list[int]] = []
    shell: Any = None
    for position, body in enumerate(bodies):
        rest = _without(body, merging.items)
        if rest is not None and rest == shell and len(groups[-1]) < min(most, merging.most):
            groups[-1].append(position)
        else:
            groups.append([position])
            shell = rest
    return groups


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
    responses = []
    for result in results:
        one = copy.deepcopy(shell)
        _at(one, merging.results[:-1])[merging.results[-1]] = [result]
        responses.append(one)
    return responses


def _at(value: Any, path: Sequence[str]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _without(body: Any, path: Sequence[str]) -> Any:
    """Return ``body`` with an empty array at ``path``; None if there is no array."""
    if not isinstance(_at(body, path), list):
        return None
    rest = copy.copy(body)
    parent = rest
    for key in path[:-1]:
        parent[key] = copy.copy(parent[key])
        parent = parent[key]
    parent[path[-1]] = []
    return rest
