"""OpenAI-compatible ``/v1/embeddings`` and ``/v1/chat/completions``: what vLLM, Ollama, infinity and others speak.

The registered URL is the whole endpoint. Images go as data URLs with ``"modality": "image"``, as infinity reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..runtime.errors import BAD_RESPONSE, PolarAIError, excerpt
from ..runtime.images import as_base64
from ..runtime.model import Model

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
    if not isinstance(data, list) or len(data) != count or not all(isinstance(item, dict) for item in data):
        got = len(data) if isinstance(data, list) else "no"
        raise _bad(model, f"it returned {got} results for {count} inputs")
    order = [item.get("index", position) for position, item in enumerate(data)]
    if not all(isinstance(at, int) for at in order) or sorted(order) != list(range(count)):
        raise _bad(model, "the indexes of its results are not those of the inputs")
    return [item.get("embedding") for _, item in sorted(zip(order, data, strict=True), key=lambda pair: pair[0])]


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
        raise _bad(model, "it returned no text")
    return text


def _checked(model: Model, response: Any) -> dict[str, Any]:
    if not isinstance(response, dict):
        raise _bad(model, "its answer is not a JSON object")
    error = response.get("error")
    if error:
        raise _bad(model, excerpt(str(error.get("message") if isinstance(error, dict) else error)))
    return response


def _bad(model: Model, what: str) -> PolarAIError:
    return PolarAIError(f"model {model.model_id} gave no result: {what}", sqlstate=BAD_RESPONSE, stage="response")
