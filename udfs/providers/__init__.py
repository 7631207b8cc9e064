"""Request and response adapters for model services: one module a wire contract."""

from __future__ import annotations

from types import ModuleType

from . import clip_as_service, dashscope, openai

# By the name that a model is registered with (model_provider).
PROVIDERS: dict[str, ModuleType] = {module.NAME: module for module in (clip_as_service, openai, dashscope)}
