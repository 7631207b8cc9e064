"""The served gallery: a search box, a place to drop a photo, and the results. For this machine only."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from scripts.contact_sheet import Search
from scripts.contact_sheet.page import render_page
from scripts.contact_sheet.photos import MAX_BYTES, Loaded
from scripts.gallery_page import searches, thumbnails, upload
from scripts.gallery_page.database import Connection, Database
from scripts.gallery_page.guard import Guard
from scripts.gallery_page.trouble import Trouble

HERE = Path(__file__).parent
ADDRESS = "127.0.0.1"


class Gallery:
    """What the page's requests share: the database, the photos searched with, and how many results to show."""

    def __init__(self, database: Database, k: int) -> None:
        """Take the database and k."""
        self.database = database
        self.k = k
        self.photos = upload.Photos()

    def app(self, key: str, cookie: str) -> Starlette:
        """Return the application, for who has the key."""
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
        return FileResponse(HERE / "page.js", media_type="text/javascript")

    def page(self, request: Request) -> Response:
        """Answer with the page: what was asked for, or why there is nothing to show."""
        asked = request.query_params
        heading, where, found = "Gallery", "", []
        photos: Mapping[str, Loaded] = {}
        trouble = None
        try:
            search = self.search_for(asked)
            with self.database.session() as connection:
                heading, where = about(connection)
                found = [search(connection)] if search else []
                photos = self.load(connection, found)
        except Trouble as caught:
            trouble = caught
        html = render_page(
            found,
            photos,
            heading,
            where,
            template=HERE / "served.html",
            words=asked.get("q", ""),
            trouble=trouble,
            megabytes=MAX_BYTES // 1024 // 1024,
        )
        return HTMLResponse(html.encode("utf-8", "replace"), status_code=503 if trouble else 200)

    def search_for(self, asked: Mapping[str, str]) -> Callable[[Connection], Search] | None:
        """Return the search that a request's parameters ask for; None where they ask for none."""
        if key := asked.get("photo"):
            photo = self.photos.get(key)
            return lambda connection: searches.by_photo(connection, photo, self.k)
        if (like := asked.get("like", "")).isdecimal() and len(like) < 19:
            return lambda connection: searches.by_key(connection, int(like), self.k)
        if words := asked.get("q", "").strip():
            return lambda connection: searches.by_words(connection, words, self.k)
        return None

    def load(self, connection: Connection, found: list[Search]) -> dict[str, Loaded]:
        """Load what the searches show; photos searched with are here already."""
        own = self.photos.by_path()
        shown = {path: key for search in found for path, key in search.keys().items() if path not in own}
        return own | thumbnails.load(connection, shown)

    async def receive(self, request: Request) -> Response:
        """Take a photo to search with; answer with the key of its results."""
        content = bytearray()
        try:
            async for chunk in request.stream():
                content += chunk
                if len(content) > MAX_BYTES:
                    raise upload.TooLarge
            photo = await run_in_threadpool(upload.photo, bytes(content), request.query_params.get("name", ""))
        except Trouble as trouble:
            return JSONResponse(asdict(trouble), status_code=413 if isinstance(trouble, upload.TooLarge) else 422)
        return JSONResponse({"key": self.photos.keep(photo)})


def about(connection: Connection) -> tuple[str, str]:
    """Return the page's heading and the line below it."""
    embedded = searches.count(connection)
    info = connection.info
    heading = f"{embedded:,} {'photo' if embedded == 1 else 'photos'}"
    return heading, f"Database {info.dbname} at {info.host}, as {info.user}"


def serve(database: Database, k: int, port: int, say: Callable[[str], None]) -> None:
    """Serve until interrupted; ``say`` is told the page's address once it answers.

    Raises:
        Trouble: the port is taken.
    """
    try:
        listener = socket.create_server((ADDRESS, port))
    except OSError as error:
        raise Trouble(
            f"The gallery cannot listen on port {port}",
            error.strerror or "",
            "Name another:",
            "--port 0 takes a free one",
        ) from error
    with listener:
        key, port = secrets.token_urlsafe(16), listener.getsockname()[1]
        say(f"http://{ADDRESS}:{port}/?key={key}")
        config = uvicorn.Config(
            Gallery(database, k).app(key, f"polarlens-gallery-{port}"),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
        )
        uvicorn.Server(config).run(sockets=[listener])
