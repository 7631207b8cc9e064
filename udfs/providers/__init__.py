"""Request and response adapters for model services: one module a wire contract."""

from __future__ import annotations

from ..runtime.embedding import Provider
from . import clip_as_service

# By the name that a model is registered with (model_provider).
PROVIDERS: dict[str, Provider] = {clip_as_service.NAME: clip_as_service}
