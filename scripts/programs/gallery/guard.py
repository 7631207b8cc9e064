"""Keeps others out of a page that is served on this machine.

Requests that other sites make in the same browser (by scripts, frames, forms or host names) are recognised by their
headers. Other users of the machine can reach the port, but do not have the key that is in the printed address.
"""

from __future__ import annotations

from secrets import compare_digest

from starlette.datastructures import Headers
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp

# The page carries everything that it shows; its one script comes from here.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
HOSTS = ("127.0.0.1", "localhost")


class Guard(BaseHTTPMiddleware):
    """Answers only the page's own requests, from browsers that have ``key`` in ``cookie``."""

    def __init__(self, app: ASGIApp, key: str, cookie: str) -> None:
        super().__init__(app)
        self.key = key
        self.cookie = cookie

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        """Let a request through, or refuse it."""
        response = self.refusal(request) or await call_next(request)
        response.headers.update(HEADERS)
        return response

    def refusal(self, request: Request) -> Response | None:
        """Return what to answer in the application's place; None if the application may answer."""
        if not is_own(request.method, request.headers):
            return PlainTextResponse("This page answers its own requests only.\n", status_code=403)
        if self.is_key(request.cookies.get(self.cookie)):
            return None
        if request.url.path == "/" and self.is_key(request.query_params.get("key")):
            # The key leaves the address, where it could be read over a shoulder.
            response = RedirectResponse("./", status_code=303)
            response.set_cookie(self.cookie, self.key, httponly=True, samesite="strict")
            return response
        return PlainTextResponse(
            "Open the address that scripts/gallery has printed: the key is in it.\n", status_code=403
        )

    def is_key(self, key: str | None) -> bool:
        """Compare in constant time."""
        return key is not None and compare_digest(key.encode(), self.key.encode())


def is_own(method: str, headers: Headers) -> bool:
    """Tell whether a request comes from the page itself, or is a link to it that somebody follows."""
    host = headers.get("host", "")
    # Any other name has been made to mean this machine (DNS rebinding).
    if host.partition(":")[0] not in HOSTS:
        return False
    origin = headers.get("origin")
    if origin != f"http://{host}" and (origin is not None or method not in ("GET", "HEAD")):
        return False
    if headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return True
    followed = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")) == ("navigate", "document")
    return method == "GET" and followed
