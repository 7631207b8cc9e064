"""clip-as-service: ``POST /post`` with ``{"data": [{"text": …} | {"blob": base64}]}``.

Success is not HTTP 200: it is header.status null or code 0, and a numeric embedding for every item. One
bad image voids its whole batch, so a failed batch is worth asking again in halves.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

from ..runtime.errors import BAD_RESPONSE, PolarAIError, excerpt
from ..runtime.model import Model

NAME = "clip-as-service"


def request(model: Model, items: Sequence[str | bytes]) -> dict[str, Any]:
    """Return the request body that embeds ``items``: texts, or the bytes of image files."""
    data = [
        {"blob": base64.b64encode(item).decode("ascii")} if isinstance(item, bytes) else {"text": item}
        for item in items
    ]
    # Without drop_image_content every blob comes back in the answer.
    return {"data": data, "execEndpoint": "/", "parameters": {"drop_image_content": True}}


def body(model: Model, items: Sequence[str | bytes]) -> bytes:
    """Return request()'s body as JSON. Base64 needs no escaping, and looking for it takes longer than encoding it."""
    data = b",".join(
        b'{"blob":"' + base64.b64encode(item) + b'"}'
        if isinstance(item, bytes)
        else b'{"text":' + json.dumps(item).encode() + b"}"
        for item in items
    )
    return b'{"data":[' + data + b'],"execEndpoint":"/","parameters":{"drop_image_content":true}}'


def embeddings(model: Model, response: Any, count: int) -> list[Any]:
    """Return the ``count`` embeddings of a response body in order, unchecked; None where one is missing."""
    if not isinstance(response, dict):
        raise _bad(model, "its answer is not a JSON object")
    header = response.get("header")
    status = header.get("status") if isinstance(header, dict) else None
    if isinstance(status, dict) and status.get("code") not in (None, 0):
        raise _bad(model, excerpt(_said(status)) or f"status code {status['code']}")
    data = response.get("data")
    if not isinstance(data, list) or len(data) != count:
        got = len(data) if isinstance(data, list) else "no"
        raise _bad(model, f"it returned {got} results for {count} inputs")
    return [item.get("embedding") if isinstance(item, dict) else None for item in data]


def _said(status: dict[str, Any]) -> str:
    """Return the service's own words for what failed: its exception, without the stack."""
    exception = status.get("exception")
    if isinstance(exception, dict) and exception.get("args"):
        return f"{exception.get('name', 'error')}: {exception['args'][0]}"
    return str(status.get("description") or "")


def _bad(model: Model, what: str) -> PolarAIError:
    return PolarAIError(f"model {model.model_id} could not embed: {what}", sqlstate=BAD_RESPONSE, stage="response")
