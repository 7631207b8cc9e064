"""The models of the local CLIP service in the registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import psycopg


def register_models(
    connection: psycopg.Connection[Any], service: dict[str, Any], say: Callable[[str], None] = lambda line: None
) -> None:
    """Register the CLIP service's two models, or bring their registration up to date."""
    for kind in ("text", "image"):
        config = {
            "author_type": "token",
            "token": "",
            "input": kind,
            "dimension": service["dimension"],
            "logit_scale": service["logit_scale"],
            # Vectors of different versions must not be compared: part of what makes the model's fingerprint.
            "version": service["version"],
        }
        if kind == "image":
            config["image_size"] = service["image_size"]
        values = {
            "model_id": f"embedding/clip_{kind}",
            "model_url": service["url"],
            "model_provider": "clip-as-service",
            "model_type": "embedding",
            "model_name": service["model"],
            "model_config": json.dumps(config),
        }
        arguments = ", ".join(f"{name} => %({name})s" for name in values)
        row = connection.execute(f"select created from polar_ai.ai_createmodel({arguments})", values).fetchone()
        if row is None or not row["created"]:
            connection.execute(f"select polar_ai.ai_altermodel({arguments})", values)
        say(f"{values['model_id']}: {service['model']}, {service['dimension']} dimensions, at {service['url']}")
