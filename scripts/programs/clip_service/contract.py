"""The shapes of clip-as-service's ``/post``: what a request may hold and what a response looks like.

Only shapes: nothing here runs a model. The quirks are the real server's, because its clients know them.
"""

from __future__ import annotations

import binascii
import mimetypes
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

MAX_ITEMS = 4096
# The fields of a document in the server's order; most stay null.
DOCUMENT = (
    *("id", "parent_id", "granularity", "adjacency", "blob", "tensor", "mime_type", "text", "weight", "uri", "tags"),
    *("offset", "location", "embedding", "modality", "evaluations", "scores", "chunks", "matches"),
)

JsonObject = dict[str, Any]


class InvalidRequestError(Exception):
    """The body has the wrong shape; ``detail`` says where, as the real server's 422 does."""

    def __init__(self, *detail: JsonObject) -> None:
        """Take the entries of the response's ``detail`` list."""
        super().__init__(detail)
        self.detail = list(detail)


class UndecodableItemError(Exception):
    """A blob is not base64 or a text not Unicode: the real server answers 500 to the whole request."""


@dataclass
class Item:
    """One text or image of a request, with what the response echoes of it."""

    id: str
    text: str | None = None
    blob: str | None = None
    uri: str | None = None
    tags: JsonObject | None = None
    image: bytes = b""  # decoded from blob

    @property
    def is_image(self) -> bool:
        """Whether the item is embedded as an image: a blob outranks a text, a text outranks a uri."""
        return bool(self.image) or (self.uri is not None and not self.text)

    @property
    def is_text(self) -> bool:
        """Whether the item is embedded as a text."""
        return not self.is_image and bool(self.text)


@dataclass
class Request:
    """A request of the right shape."""

    items: list[Item] = field(default_factory=list)
    endpoint: str = "/"
    parameters: JsonObject = field(default_factory=dict)
    started: str = field(default_factory=lambda: _now())


def parse(body: Any) -> Request:
    """Check a decoded JSON body. Raises InvalidRequestError or UndecodableItemError."""
    if not isinstance(body, dict):
        raise InvalidRequestError(_wrong(["body"], "value is not a valid dict", "dict"))
    data = body.get("data")
    if isinstance(data, dict) and "docs" in data:
        data = data["docs"]
    if data is None:
        data = []
    if not isinstance(data, list):
        raise InvalidRequestError(_wrong(["body", "data"], "value is not a valid list", "list"))
    if len(data) > MAX_ITEMS:
        raise InvalidRequestError(_wrong(["body", "data"], f"ensure this value has at most {MAX_ITEMS} items", "list"))
    endpoint = body.get("execEndpoint", "/")
    if endpoint is None:
        raise InvalidRequestError(_wrong(["body", "execEndpoint"], "none is not an allowed value", "none.not_allowed"))
    parameters = body.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise InvalidRequestError(_wrong(["body", "parameters"], "value is not a valid dict", "dict"))
    items = [_parse_item(raw, position) for position, raw in enumerate(data)]
    return Request(items, str(endpoint), parameters)


def _parse_item(raw: Any, position: int) -> Item:
    where: list[str | int] = ["body", "data", position]
    if not isinstance(raw, dict):
        raise InvalidRequestError(_wrong(where, "value is not a valid dict", "dict"))
    fields: dict[str, str | None] = {}
    for name in ("id", "text", "blob", "uri"):
        value = raw.get(name)
        if isinstance(value, (dict, list)):
            raise InvalidRequestError(_wrong(where, "str type expected", "str"))
        fields[name] = None if value is None else str(value)
    tags = raw.get("tags")
    if tags is not None and not isinstance(tags, dict):
        raise InvalidRequestError(_wrong(where, "value is not a valid dict", "dict"))
    item = Item(fields["id"] or uuid.uuid4().hex, fields["text"], fields["blob"], fields["uri"], tags)
    _decode(item)
    return item


def _decode(item: Item) -> None:
    try:
        for text in (item.id, item.text, item.uri):
            (text or "").encode()  # a lone surrogate is legal JSON but no text
        if item.blob:
            item.image = binascii.a2b_base64("".join(item.blob.split()), strict_mode=True)
    except (UnicodeError, ValueError) as error:
        raise UndecodableItemError(str(error)) from None
    if item.image:
        item.text = None


def success(request: Request, vectors: Sequence[list[float] | None]) -> JsonObject:
    """Return the response that carries a vector, or None, for every item."""
    drop = bool(request.parameters.get("drop_image_content"))
    data = [
        _document(item, vector, "text/plain" if item.is_text and vector else None, drop)
        for item, vector in zip(request.items, vectors, strict=True)
    ]
    return _response(request, None, data)


def failure(request: Request, name: str, message: str) -> JsonObject:
    """Return the response to a request of which one item failed: the whole batch is void."""
    exception = {"name": name, "args": [message], "stacks": [], "executor": "CLIPEncoder"}
    status = {"code": 1, "description": f"{name}({message!r})", "exception": exception}
    return _response(request, status, [_document(item, None, None, False) for item in request.items])


def unavailable(request: Request, reason: str) -> JsonObject:
    """Return the body of the 503 that answers until the model is loaded, or if it cannot be."""
    exception = {"name": "ModelUnavailableError", "args": [], "stacks": [], "executor": ""}
    status = {"code": 1, "description": reason, "exception": exception}
    response = _response(request, status, [_document(item, None, None, False) for item in request.items])
    response["header"]["execEndpoint"] = ""
    return {**response, "parameters": None, "routes": None}


def _response(request: Request, status: JsonObject | None, data: list[JsonObject]) -> JsonObject:
    return {
        "header": {
            "requestId": uuid.uuid4().hex,
            "status": status,
            "execEndpoint": request.endpoint,
            "targetExecutor": "",
        },
        "parameters": request.parameters,
        "routes": [
            {"executor": name, "startTime": request.started, "endTime": _now(), "status": status if own else None}
            for name, own in (("gateway", False), ("clip_t", True))
        ],
        "data": data,
    }


def _document(item: Item, vector: list[float] | None, mime_type: str | None, drop_image: bool) -> JsonObject:
    if item.uri and not mime_type:
        mime_type = mimetypes.guess_type(item.uri)[0]
    return dict.fromkeys(DOCUMENT) | {
        "id": item.id,
        "blob": None if drop_image else item.blob or None,
        "mime_type": mime_type,
        "text": item.text or None,
        "uri": item.uri,
        "tags": item.tags,
        "embedding": vector,
    }


def _wrong(where: list[str | int], message: str, kind: str) -> JsonObject:
    return {"loc": where, "msg": message, "type": f"type_error.{kind}"}


def _now() -> str:
    return datetime.now(UTC).isoformat()
