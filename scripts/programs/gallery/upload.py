"""Photos to search with: decoded with care, kept small and in memory only, and soon forgotten."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass

from PIL import Image

from scripts.programs.gallery.errors import GalleryError
from scripts.programs.gallery.photos import MAX_BYTES, Loaded, PhotoError, data_url, decode
from scripts.programs.gallery.results import short_name

MEGABYTES = MAX_BYTES // 1024 // 1024
KEPT = 32
# Twice the 336 pixels that several models look at.
SIDE = 768
_one_at_a_time = threading.Lock()


class TooLarge(GalleryError):
    """A file is larger than a photo to search with may be."""

    def __init__(self) -> None:
        super().__init__("That file is too large", f"A photo to search with may have {MEGABYTES} MB at the most.")


@dataclass(frozen=True)
class Photo:
    """A photo as pixels, and what stands for its path in a search."""

    name: str
    path: str
    image: Image.Image

    def data_url(self) -> str:
        """Return it as what the search functions take in place of a path."""
        small = self.image.copy()
        small.thumbnail((SIDE, SIDE))
        return data_url(small, quality=92)


def decode_photo(content: bytes, name: str) -> Photo:
    """Decode a photo to search with.

    Raises:
        GalleryError: it is none, or too large.
    """
    if len(content) > MAX_BYTES:
        raise TooLarge
    name = short_name(name)[:80] or "your photo"
    try:
        # Decoding may take half a gigabyte: never twice at once.
        with _one_at_a_time:
            image = decode(content)
    except PhotoError as error:
        raise GalleryError(
            "That file cannot be searched with", f"{name}: {error}.", "Take a JPEG, PNG, WebP, AVIF, GIF or TIFF."
        ) from error
    return Photo(name, f"upload/{secrets.token_urlsafe(16)}/{name}", image)


class Photos:
    """The photos that were searched with last, under keys that cannot be guessed.

    Only the server's event loop adds to it; its threads read.
    """

    def __init__(self) -> None:
        self._photos: dict[str, Photo] = {}

    def add(self, photo: Photo) -> str:
        """Keep a photo, forget the oldest, and return the key."""
        key = photo.path.split("/")[1]
        self._photos = dict([*self._photos.items(), (key, photo)][-KEPT:])
        return key

    def get(self, key: str) -> Photo:
        """Return a kept photo.

        Raises:
            GalleryError: it is forgotten.
        """
        if photo := self._photos.get(key):
            return photo
        raise GalleryError("That photo is no longer here", "Photos are kept in memory, for a while.", "Drop it again.")

    def by_path(self) -> dict[str, Loaded]:
        """Return the kept photos by what stands for their path in a search."""
        return {photo.path: photo.image for photo in self._photos.values()}
