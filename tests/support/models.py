"""Registered models that answer as a test says."""

from __future__ import annotations

import json
from typing import Any

from tests.support.database import Database
from tests.support.http_server import Reply, Request

NOT_BUILT_IN = "model_id !~ '^_'"


def register(db: Database, url: str, model_id: str = "clip", **config: Any) -> None:
    """Register a model that speaks clip-as-service's protocol."""
    db.run(
        "select polar_ai.ai_createmodel(%s, %s, 'clip-as-service', model_config => %s)",
        model_id,
        url,
        json.dumps(config),
    )


def register_with_functions(
    db: Database, url: str, model_id: str = "echo", headers: bool = False, **config: Any
) -> None:
    """Register a model with transform functions: body {"model", "input"}, result in "result"."""
    db.run(
        """
        create or replace function public.in_fn(model text, content text) returns jsonb
        language sql return jsonb_build_object('model', model, 'input', content);
        create or replace function public.out_fn(model_id text, response jsonb) returns jsonb
        language sql return response -> 'result';
        create or replace function public.headers_fn(model_id text) returns jsonb
        language sql return current_setting('test.headers')::jsonb;
        """
    )
    db.run(
        "select polar_ai.ai_createmodel(%s, %s, model_name => 'echo-1', model_config => %s,"
        " model_headers_fn => case when %s then 'public.headers_fn'::regproc end::regprocedure,"
        " model_in_transform_fn => 'public.in_fn'::regproc, model_out_transform_fn => 'public.out_fn'::regproc)",
        model_id,
        url,
        json.dumps(config),
        headers,
    )


def lengths(request: Request) -> Reply:
    """Answer as clip-as-service: every item's embedding is [its length, 1]."""
    items = request.json()["data"]
    return Reply(body={"data": [{"embedding": [len(item.get("text") or item.get("blob")), 1]} for item in items]})


def echo(request: Request) -> Reply:
    """Answer {"result": [the input's length, 1]}."""
    return Reply(body={"result": [len(request.json()["input"]), 1]})
