"""Answers recorded from clip-server 0.8.3; long embeddings and texts were cut in them."""

from __future__ import annotations

import json
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from tests.support.http_server import Reply

FOLDER = Path(__file__).parent / "samples"
DIMENSION = 512


def sample(name: str) -> Reply:
    """Return a recorded answer, its embeddings filled up to their length again."""
    recorded = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    body = recorded["response"]
    if isinstance(body, dict):
        for item in body.get("data") or []:
            if item.get("embedding"):
                item["embedding"] = filled(item["embedding"])
        return Reply(recorded["status"], body, {"Content-Type": "application/json"})
    return Reply(recorded["status"], body, {"Content-Type": "text/plain; charset=utf-8"})


def filled(cut: list[Any]) -> list[float]:
    """Return an embedding of full length that begins as the recorded one."""
    return list(islice(cycle(number for number in cut if not isinstance(number, str)), DIMENSION))


def answer(embeddings: list[Any]) -> dict[str, Any]:
    """Return a body as the service writes it, with these embeddings."""
    body = sample("ok_text_1").body
    assert isinstance(body, dict)
    item = body["data"][0]
    body["data"] = [{**item, "embedding": embedding} for embedding in embeddings]
    return body
