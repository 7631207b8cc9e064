"""Alibaba Cloud DashScope: text and multimodal embedding, classification and generation.

The request shapes are those that the vendor's own SDK sends; model_type says which of the four it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..runtime.errors import REFUSED, PolarAIError, excerpt
from ..runtime.images import as_base64
from ..runtime.model import Model
from .results import in_order, no_result

NAME = "dashscope"
DEFAULT_LABELS = "积极,消极"  # positive, negative: the labels of the vendor's own example


def request(model: Model, items: Sequence[str | bytes]) -> dict[str, Any]:
    """Return the request body that embeds ``items``: texts, or the bytes of image files."""
    if model.type == "multimodal-embedding":
        contents = [{"image": as_base64(item)} if isinstance(item, bytes) else {"text": item} for item in items]
        return {"model": model.name, "input": {"contents": contents}, "parameters": model.parameters}
    return {"model": model.name, "input": {"texts": list(items)}, "parameters": model.parameters}


def embeddings(model: Model, response: Any, count: int) -> list[Any]:
    """Return the ``count`` embeddings of a response body in the order of the inputs, unchecked."""
    data = _output(model, response).get("embeddings")
    return in_order(model, data, count, lambda item, position: item.get("text_index", item.get("index", position)))


def question(model: Model, content: str) -> dict[str, Any]:
    """Return the request body of a generation, or of a classification by model_config.labels."""
    if model.type == "text-classification":
        labels = model.config.get("labels", DEFAULT_LABELS)
        given = ",".join(map(str, labels)) if isinstance(labels, list) else str(labels)
        asked = {"sentence": content, "labels": given, "task": "classification"}
        return {"model": model.name, "input": asked, "parameters": model.parameters}
    messages = [{"role": "user", "content": content}]
    parameters = {"result_format": "message", **model.parameters}
    return {"model": model.name, "input": {"messages": messages}, "parameters": parameters}


def answer(model: Model, response: Any) -> str:
    """Return the label of a classification, or the text of a generation."""
    output = _output(model, response)
    text = output.get("text")
    choices = output.get("choices")
    if not text and isinstance(choices, list) and choices and isinstance(choices[0], dict):
        text = (choices[0].get("message") or {}).get("content")
    if not isinstance(text, str) or not text.strip():
        raise no_result(model, "it returned no text")
    # A classification ends each label with a semicolon.
    return text.strip().rstrip(";；") if model.type == "text-classification" else text


def _output(model: Model, response: Any) -> dict[str, Any]:
    if not isinstance(response, dict):
        raise no_result(model, "its answer is not a JSON object")
    if response.get("code"):
        said = excerpt(f"{response['code']}: {response.get('message') or ''}")
        if "apikey" in str(response["code"]).lower():
            raise PolarAIError(
                f"model {model.model_id}: {said}",
                sqlstate=REFUSED,
                stage="response",
                scope="batch",
                hint="Set the token: scripts/set_token MODEL_ID, or polar_ai.ai_setmodeltoken.",
            )
        raise no_result(model, said)
    output = response.get("output")
    if not isinstance(output, dict):
        raise no_result(model, "its answer has no output")
    return output
