"""Loading what a path names: a file of the server, a URL, an object of a location, or of an oss:// URL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from . import allow_list, http, images, local_files, storage
from .errors import BAD_ARGUMENT, BAD_IMAGE, NOT_ALLOWED, PolarAIError
from .interrupts import Operation
from .locations import Location, check_below, in_url, masked, name_of, unknown


@dataclass(frozen=True)
class Reach:
    """What a statement may load, read once in the backend's thread for the workers."""

    entries: list[str]
    limits: http.Limits
    locations: Mapping[str, Location | None]
    oss_endpoint: str | None = None

    @cached_property
    def folders(self) -> local_files.Folders:
        """The folders of the database server that the entries open."""
        return local_files.folders(self.entries)

    def load(self, path: str, operation: Operation, size: int) -> bytes | None:
        """Return what ``path`` names; None where it is larger than ``size`` bytes."""
        found = self.place(path)
        if found is None:
            if path[:5].lower() == "data:":
                content = images.from_base64(path)
                return None if size and len(content) > size else content
            local = local_files.path_of(path)
            if local is not None:
                return local_files.read(local, self.folders, size)
            return http.get(path, self.entries, self.limits, operation, size)
        location, below = found
        if location.kind == "file":
            return _read_file(location, below, size)
        if location.kind == "http":
            return storage.read_web(location, below, self.entries, self.limits, operation, size)
        return storage.read(location, below, self.entries, self.limits, operation, size)

    def url(self, path: str, seconds: int, operation: Operation) -> str:
        """Return a URL that shows what ``path`` names for ``seconds``."""
        found = self.place(path)
        kind = found[0].kind if found else ("file" if local_files.path_of(path) else "http")
        if kind == "file":
            raise _not_signed(path, "a file of the database server has no URL", "Show it with polar_ai.ai_thumbnail.")
        if found is None:
            if masked(path) != path:
                raise _not_signed(path, "it is signed already, or holds credentials", None)
            allow_list.parse_url(path)
            return path
        location, below = found
        if kind == "http":
            if location.secret:
                raise _not_signed(path, "a web server signs no URLs", "Show it with polar_ai.ai_thumbnail.")
            return storage.web_url(location, below)
        if kind == "azblob" and location.credentials != "none":
            # The library's SAS would let its holder write and delete, and a stored SAS is the secret itself.
            raise _not_signed(
                path, "Azure's URLs cannot be limited to reading here", "Show it with polar_ai.ai_thumbnail."
            )
        return storage.signed(location, below, seconds, operation, self.limits)[0]

    def place(self, path: str) -> tuple[Location, str] | None:
        """Return the location that ``path`` is in and the path below it; None for URLs and folders."""
        direct = in_url(path, self.oss_endpoint, self.entries)
        if direct:
            return direct
        named = name_of(path)
        if named is None:
            return None
        return self.location(named[0], path), named[1]

    def location(self, name: str, path: str) -> Location:
        """Return a location by its name, or raise: there is none, or it is not granted."""
        if name not in self.locations:
            raise unknown(name, path)
        location = self.locations[name]
        if location is None:
            raise PolarAIError(
                f"permission denied for location {name}",
                sqlstate=NOT_ALLOWED,
                hint=f"An administrator can grant it: select polar_ai.ai_grantlocation('{name}', 'role');",
                stage="load",
            )
        return location


# By name, and not by the system's list of types: each server has another one, or none.
VIDEOS, SOUNDS = (
    frozenset(endings.split())
    for endings in (
        "3g2 3gp asf avi flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv qt vob webm wmv",
        "aac ac3 aif aiff amr flac m4a m4b mid midi mka mp2 mp3 oga ogg opus wav wma",
    )
)


def check_picture(path: str) -> None:
    """Raise where the name alone says that this is a film or a sound: it need not be loaded first."""
    name = path.partition("?")[0] if "://" in path else path
    ending = name.rpartition(".")[2].lower()
    if ending in VIDEOS or ending in SOUNDS:
        raise PolarAIError(
            f"{masked(path)} is {'a video' if ending in VIDEOS else 'audio'}: only pictures can be embedded or shown",
            sqlstate=BAD_IMAGE,
            hint="Extract frames with another tool, and load those.",
            stage="load",
        )


def _not_signed(path: str, why: str, hint: str | None) -> PolarAIError:
    return PolarAIError(f"cannot sign a URL for {masked(path)}: {why}", sqlstate=BAD_ARGUMENT, hint=hint, stage="load")


def _read_file(location: Location, below: str, size: int) -> bytes | None:
    check_below(location, below)
    root = "/" + location.root
    return local_files.read(f"{root.rstrip('/')}/{below}", local_files.folders([root]), size)
