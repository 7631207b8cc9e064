"""Searches and their ranked results, as pages and pictures show them."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True)
class Result:
    """One photo that a search found; ``path`` is a local path, a file:// or an http(s):// URL.

    ``key`` is its key in the database, for pages that can search for more like it.
    """

    rank: int
    path: str
    score: float
    key: int | None = None


@dataclass(frozen=True)
class Search:
    """One search: its words or its photo, the SQL that ran, and what it found (or why nothing: ``nothing``).

    ``query_image`` is the path of the photo searched with, and ``query_key`` its key where the database has one.
    """

    title: str
    sql: str
    results: list[Result] = field(default_factory=list)
    query_image: str | None = None
    query_key: int | None = None
    nothing: str = "No photos found"

    def photos(self) -> dict[str, int | None]:
        """Return the photos that this search shows, each path with its key."""
        keys = {result.path: result.key for result in self.results}
        return {self.query_image: self.query_key, **keys} if self.query_image else keys


def printable(text: str) -> str:
    """Return ``text`` on one line, without what cannot be shown (control characters, lone surrogates)."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def short_name(path: str) -> str:
    """Return the file name at the end of a path or URL."""
    if "://" in path:
        path = unquote(urlsplit(path).path) or path
    return printable(path.rstrip("/").rsplit("/", 1)[-1]) or printable(path)
