"""A photo that somebody searches with: decoded with care, kept small and in memory only, and soon forgotten."""

from __future__ import annotations

import base64
import io
import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass

from PIL import Image

from scripts.contact_sheet.photos import MAX_BYTES, Loaded, PhotoError, decode
from scripts.contact_sheet.searches import short_name
from scripts.gallery_page.trouble import Trouble

KEPT = 32
# Several models look at 336 pixels; twice that loses them nothing.
SIDE = 768
_one_at_a_time = threading.Lock()


class TooLarge(Trouble):
    """A file is larger than a photo to search with may be."""

    def __init__(self) -> None:
        """Say how large it may be."""
        super().__init__(
            "That file is too large", f"A photo to search with may have {MAX_BYTES // 1024 // 1024} MB at the most."
        )


@dataclass(frozen=True)
class Photo:
    """A photo as pixels; what else was in its file (where it was taken, by whom) is gone."""

    name: str
    key: str
    image: Image.Image

    def uri(self) -> str:
        """Return it as a data URL: what the search functions take in place of a path."""
        jpeg = io.BytesIO()
        small = self.image.copy()
        small.thumbnail((SIDE, SIDE))
        # A new picture, so that no metadata follows it into the file.
        clean = Image.new("RGB", small.size)
        clean.paste(small)
        clean.save(jpeg, "JPEG", quality=92)
        return "data:image/jpeg;base64," + base64.b64encode(jpeg.getvalue()).decode("ascii")


def photo(content: bytes, name: str) -> Photo:
    """Decode a photo.

    Raises:
        Trouble: it is none, or too large.
    """
    if len(content) > MAX_BYTES:
        raise TooLarge
    name = short_name(name)[:80] or "your photo"
    try:
        # Decoding may take half a gigabyte: never twice at once.
        with _one_at_a_time:
            image = decode(io.BytesIO(content))
    except PhotoError as error:
        raise Trouble(
            "That file cannot be searched with", f"{name}: {error}.", "Take a JPEG, PNG, WebP, AVIF, GIF or TIFF."
        ) from error
    return Photo(name, f"upload/{secrets.token_urlsafe(16)}/{name}", image)


class Photos:
    """The photos that were searched with last, under keys that cannot be guessed."""

    def __init__(self) -> None:
        """Start with none."""
        self._lock = threading.Lock()
        self._photos: OrderedDict[str, Photo] = OrderedDict()

    def keep(self, photo: Photo) -> str:
        """Keep a photo, forget the oldest, and return the key."""
        key = photo.key.split("/")[1]
        with self._lock:
            self._photos[key] = photo
            while len(self._photos) > KEPT:
                self._photos.popitem(last=False)
        return key

    def get(self, key: str) -> Photo:
        """Return a kept photo.

        Raises:
            Trouble: it is forgotten.
        """
        with self._lock:
            if key not in self._photos:
                raise Trouble(
                    "That photo is no longer here", "Photos are kept in memory, for a while.", "Drop it again."
                )
            return self._photos[key]

    def by_path(self) -> dict[str, Loaded]:
        """Return the kept photos by what stands for their path in a search."""
        with self._lock:
            return {photo.key: photo.image for photo in self._photos.values()}
