"""OpenAI-compatible ``/v1/embeddings`` and ``/v1/chat/completions``: what vLLM, Ollama, infinity and others speak.

The registered URL is the whole endpoint. Images go as data URLs with ``"modality": "image"``, as infinity reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..runtime.errors import excerpt
from ..runtime.images import as_base64
from ..runtime.model import Model
from .results import in_order, no_result

NAME = "openai"


def request(model: Model, items: Sequence[str | bytes]) -> dict[str, Any]:
    """Return the request body that embeds ``items``: texts, or the bytes of image files."""
    body: dict[str, Any] = {
        "model": model.name,
        "input": [as_base64(item) if isinstance(item, bytes) else item for item in items],
        "encoding_format": "float",
        **model.parameters,
    }
    return {**body, "modality": "image"} if model.input == "image" else body


def embeddings(model: Model, response: Any, count: int) -> list[Any]:
    """Return the ``count`` embeddings of a response body in the order of its ``index``, unchecked."""
    data = _checked(model, response).get("data")
    return in_order(model, data, count, lambda item, position: item.get("index", position))


def question(model: Model, content: str) -> dict[str, Any]:
    """Return the request body of a text generation."""
    return {"model": model.name, "messages": [{"role": "user", "content": content}], **model.parameters}


def answer(model: Model, response: Any) -> str:
    """Return the text of a generation."""
    try:
        text = _checked(model, response)["choices"][0]["message"]["content"]
    except (LookupError, TypeError):
        text = None
    if not isinstance(text, str) or not text:
        raise no_result(model, "it returned no text")
    return text


def _checked(model: Model, response: Any) -> dict[str, Any]:
    if not isinstance(response, dict):
        raise no_result(model, "its answer is not a JSON object")
    error = response.get("error")
    if error:
        raise no_result(model, excerpt(str(error.get("message") if isinstance(error, dict) else error)))
    return response
