"""The HTTP service: listens at once, answers 503 until its model is loaded in the background."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from scripts.programs.clip_service import choice, contract, inference
from scripts.programs.clip_service.encoder import Encoder, ModelUnavailableError, TextEncoder, TextsRefusedError

MAX_BODY_BYTES = 64 * 1024 * 1024
# The real server drops idle connections after about this long too, and clients are used to it.
KEEP_ALIVE_SECONDS = 5

log = logging.getLogger("polarlens.clip")


class Service:
    """The model, or why there is none yet."""

    def __init__(self, name: choice.ModelName, cache: Path, on_ready: Callable[[dict[str, Any]], None]) -> None:
        """``on_ready`` is called once, with what /info then says, when the model is loaded."""
        self._name = name
        self._cache = cache
        self._on_ready = on_ready
        self.encoder: Encoder | None = None
        self.state = "loading"
        self.reason = f"the model ({name}) is being loaded"

    def load(self) -> None:
        """Load the model; blocks."""
        try:
            encoder, self.reason = choice.load(self._name, self._cache)
            _try_out(encoder)
        except Exception as error:
            # Whatever it was, the service has to say so to its clients rather than die unheard.
            if isinstance(error, ImportError):
                error = ModelUnavailableError(f"{error}. Run scripts/quickstart, or: pip install -e '.[local]'")
            if not isinstance(error, ModelUnavailableError):
                log.exception("The model (%s) could not be loaded", self._name)
            self.state, self.reason = "failed", str(error)
            log.error("The model (%s) could not be loaded: %s", self._name, error)
            return
        log.info("model %s: %s (%s)", encoder.card.model, self.reason, encoder.card.description)
        self.encoder = encoder
        # Clients that wait for "ready" read the record next.
        self._on_ready(self.info())
        self.state = "ready"

    def info(self) -> dict[str, Any]:
        """Return what GET /info answers."""
        card = {**asdict(self.encoder.card), "image_size": self.encoder.image_size} if self.encoder else {}
        status = {"state": self.state, "reason": self.reason, "pid": os.getpid()}
        modality = ["text", "image"] if isinstance(self.encoder, TextEncoder) else ["image"]
        return {**card, "modality": modality if self.encoder else [], **status}

    async def post(self, request: Request) -> Response:
        """Answer POST /post."""
        try:
            parsed = contract.parse(await _json(request))
            if self.encoder is None:
                return _answer(contract.unavailable(parsed, self.reason), 503)
            vectors = await inference.embed(self.encoder, parsed.items)
        except contract.InvalidRequestError as error:
            return _answer({"detail": error.detail}, 422)
        except contract.UndecodableItemError:
            return PlainTextResponse("Internal Server Error", 500)
        except (OSError, Image.DecompressionBombError, TextsRefusedError) as error:
            return _answer(contract.failure(parsed, type(error).__name__, str(error)))
        return _answer(contract.success(parsed, vectors))

    async def dry_run(self, _: Request) -> Response:
        """Answer GET /dry_run: always 200, the body's code says whether the model is there."""
        description = "" if self.encoder else self.reason
        return _answer({"code": 0 if self.encoder else 1, "description": description, "exception": None})


def _try_out(encoder: Encoder) -> None:
    """Embed something: the first run allocates, which no client should wait for, and shows what the weights are."""
    vectors = encoder.encode_images([Image.new("RGB", (encoder.image_size, encoder.image_size))])
    if isinstance(encoder, TextEncoder):
        encoder.encode_texts(["ready?"])
    if vectors.shape[1] != encoder.card.dimension:
        raise ModelUnavailableError(
            f"The weights are not those of {encoder.card.model}: they give {vectors.shape[1]} dimensions, "
            f"and it has {encoder.card.dimension}."
        )


async def _json(request: Request) -> Any:
    """Return the decoded body; raises HTTPException or InvalidRequestError as the real server would."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY_BYTES:
                raise HTTPException(413, f"The request is larger than {MAX_BODY_BYTES} bytes; send fewer items")
    except ClientDisconnect:
        raise HTTPException(400, "There was an error parsing the body") from None
    if not body:
        raise contract.InvalidRequestError({"loc": ["body"], "msg": "field required", "type": "value_error.missing"})
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and kind != "application/json" and not kind.endswith("+json"):
        return None  # not an object, hence refused as the wrong shape
    try:
        return json.loads(body.decode())
    except UnicodeDecodeError:
        raise HTTPException(400, "There was an error parsing the body") from None
    except json.JSONDecodeError as error:
        raise contract.InvalidRequestError(
            {
                "type": "json_invalid",
                "loc": ["body", error.pos],
                "msg": "JSON decode error",
                "input": {},
                "ctx": {"error": error.msg},
            }
        ) from None
    except RecursionError:
        raise HTTPException(400, "There was an error parsing the body") from None


def _answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    # orjson writes vectors ten times as fast as the standard library.
    return Response(orjson.dumps(body), status, headers, media_type="application/json")


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _answer({"detail": error.detail}, error.status_code, error.headers)


def application(service: Service) -> Starlette:
    """Return the ASGI application; it begins to load the model when it starts up."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        # A daemon, so that stopping the service does not wait for a download.
        threading.Thread(target=service.load, name="load", daemon=True).start()
        yield

    async def root(_: Request) -> Response:
        return _answer({})

    async def info(_: Request) -> Response:
        return _answer(service.info())

    return Starlette(
        routes=[
            Route("/", root),
            Route("/info", info),
            Route("/dry_run", service.dry_run),
            Route("/post", service.post, methods=["POST"]),
        ],
        exception_handlers={HTTPException: _http_error},
        lifespan=lifespan,
    )


def serve(service: Service, host: str, port: int) -> None:
    """Serve until SIGINT or SIGTERM."""
    uvicorn.run(
        application(service),
        host=host,
        port=port,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=5,
        access_log=False,
        log_level="warning",
    )
