"""What a path means: a file of the server, a URL, a picture in the path itself, or an object of a location."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from ..errors import NOT_ALLOWED, NOT_FOUND, PolarAIError
from ..http import AllowList, Limits
from ..paths import in_location, is_oss_url, local_path, masked
from .files import Folders, folders
from .locations import Location, check_below, from_oss_url


@dataclass(frozen=True)
class Source:
    """Where a picture is. ``path`` is a path in the location; without a location a URL or a file's path."""

    kind: str  # data, file, http, or a kind of store: s3, oss, gcs, azblob
    path: str
    name: str  # for errors
    location: Location | None = None


@dataclass(frozen=True)
class Reach:
    """What a statement may load, and within which bounds: plain values, for worker threads too."""

    allow_list: AllowList
    limits: Limits
    locations: Mapping[str, Location | None]  # None: not granted
    oss_endpoint: str | None = None

    @cached_property
    def folders(self) -> Folders:
        """The folders of the database server that the allow-list opens."""
        return folders(self.allow_list.entries)

    def location(self, name: str, path: str) -> Location:
        """Return a location by its name; raise if there is none, or if it is not granted. ``path`` is for errors."""
        if name not in self.locations:
            raise PolarAIError(
                f"cannot load {masked(path)}: there is no location {name}",
                sqlstate=NOT_FOUND,
                hint="select name from polar_ai.ai_listlocations(); lists them.",
                stage="load",
            )
        location = self.locations[name]
        if location is None:
            raise PolarAIError(
                f"permission denied for location {name}",
                sqlstate=NOT_ALLOWED,
                hint=f"An administrator can grant it: select polar_ai.ai_grantlocation('{name}', 'role');",
                stage="load",
            )
        return location

    def resolve(self, path: str) -> Source:
        """Return where ``path`` leads; raise if it names no location, one that is not granted, or a way out of one."""
        if parts := in_location(path):
            location, below = self.location(parts[0], path), parts[1]
        elif is_oss_url(path):
            location, below = from_oss_url(path, self.oss_endpoint, self.allow_list.entries)
        elif path[:5].lower() == "data:":
            return Source("data", path, "the image")
        elif (local := local_path(path)) is not None:
            return Source("file", local, masked(path))
        else:
            return Source("http", path, masked(path))
        check_below(location, below)
        return Source(location.kind, below, location.path(below), location)
