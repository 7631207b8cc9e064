"""The served gallery: a search box, a place to drop a photo, and the results. For this machine only."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from scripts.programs.gallery import searches, thumbnails, upload
from scripts.programs.gallery.database import Connection, Database
from scripts.programs.gallery.errors import GalleryError
from scripts.programs.gallery.guard import Guard
from scripts.programs.gallery.page import render_page
from scripts.programs.gallery.photos import MAX_BYTES, Loaded
from scripts.programs.gallery.results import Search

ADDRESS = "127.0.0.1"


class Gallery:
    """What the page's requests share: the database, the photos searched with, and how many results to show."""

    def __init__(self, database: Database, k: int) -> None:
        self.database = database
        self.k = k
        self.photos = upload.Photos()

    def app(self, key: str, cookie: str) -> Starlette:
        """Return the application, for browsers that have the key."""
        return Starlette(
            routes=[
                Route("/", self.page, methods=["GET"]),
                Route("/page.js", self.script, methods=["GET"]),
                Route("/photos", self.receive, methods=["POST"]),
            ],
            middleware=[Middleware(Guard, key=key, cookie=cookie)],
        )

    async def script(self, request: Request) -> Response:
        """Answer with the page's script."""
        return FileResponse(Path(__file__).with_name("page.js"), media_type="text/javascript")

    def page(self, request: Request) -> Response:
        """Answer with the page: the results of a search, or why there are none."""
        heading, subheading, found = "Gallery", "", []
        photos: Mapping[str, Loaded] = {}
        failure = None
        try:
            search = self.search_for(request.query_params)
            with self.database.session() as connection:
                heading, subheading = describe(connection)
                found = [search(connection)] if search else []
                photos = load_photos(connection, found, self.photos.by_path())
        except GalleryError as error:
            failure = error
        page = render_page(
            found,
            photos,
            heading,
            subheading,
            template="served.html",
            words=request.query_params.get("q", ""),
            error=failure,
            megabytes=upload.MEGABYTES,
        )
        return HTMLResponse(page, status_code=503 if failure else 200)

    def search_for(self, parameters: Mapping[str, str]) -> Callable[[Connection], Search] | None:
        """Return the search that a request's parameters ask for; None if they ask for none."""
        if key := parameters.get("photo"):
            photo = self.photos.get(key)
            return lambda connection: searches.by_photo(connection, photo, self.k)
        if (like := parameters.get("like", "")).isdecimal() and len(like) < 19:
            return lambda connection: searches.by_key(connection, int(like), self.k)
        if words := parameters.get("q", "").strip():
            return lambda connection: searches.by_words(connection, words, self.k)
        return None

    async def receive(self, request: Request) -> Response:
        """Take a photo to search with; answer with the key of its results."""
        content = bytearray()
        try:
            async for chunk in request.stream():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise upload.TooLarge
            name = request.query_params.get("name", "")
            photo = await run_in_threadpool(upload.decode_photo, bytes(content), name)
        except GalleryError as error:
            return JSONResponse(asdict(error), status_code=413 if isinstance(error, upload.TooLarge) else 422)
        return JSONResponse({"key": self.photos.add(photo)})


def load_photos(connection: Connection, found: Sequence[Search], own: Mapping[str, Loaded]) -> dict[str, Loaded]:
    """Return every photo that the searches show; ``own`` are those that were searched with."""
    shown = {path: key for search in found for path, key in search.photos().items() if path not in own}
    return {**own, **thumbnails.load(connection, shown)}


def describe(connection: Connection) -> tuple[str, str]:
    """Return the page's heading and the line below it."""
    count = searches.count(connection)
    info = connection.info
    heading = f"{count:,} {'photo' if count == 1 else 'photos'}"
    return heading, f"Database {info.dbname} at {info.host}, as {info.user}"


def serve(database: Database, k: int, port: int, announce: Callable[[str], None]) -> None:
    """Serve until interrupted; ``announce`` gets the page's address once it answers.

    Raises:
        GalleryError: the port is taken.
    """
    try:
        listener = socket.create_server((ADDRESS, port))
    except OSError as error:
        raise GalleryError(
            f"The gallery cannot listen on port {port}",
            error.strerror or "",
            "Name another:",
            "--port 0 takes a free one",
        ) from error
    with listener:
        key, port = secrets.token_urlsafe(16), listener.getsockname()[1]
        announce(f"http://{ADDRESS}:{port}/?key={key}")
        config = uvicorn.Config(
            Gallery(database, k).app(key, f"polarlens-gallery-{port}"),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
        )
        uvicorn.Server(config).run(sockets=[listener])
