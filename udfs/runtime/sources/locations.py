"""Named places of photos: what a location's URL and options mean, checked.

A location is a store, a bucket and a prefix. ``photos:2024/cat.jpg`` is the object 2024/cat.jpg of the location photos.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import BAD_ARGUMENT, PolarAIError
from ..http.allow_list import parse_url
from ..paths import KINDS, RESERVED, STORES, local_path, masked

# The options of each kind of place.
OPTIONS = {
    "s3": ("endpoint", "region", "addressing", "credentials", "access_key_id"),
    "oss": ("endpoint", "addressing", "credentials", "access_key_id"),
    "gcs": ("endpoint", "credentials"),
    "azblob": ("endpoint", "account", "credentials"),
    "http": (),
    "file": (),
}
# Kinds of store that are read through signed URLs.
SIGNED = ("s3", "oss")
_NAME = re.compile(r"[a-z][a-z0-9_-]{1,62}")
_DEFAULT_OSS = "https://oss-cn-hangzhou.aliyuncs.com"


@dataclass(frozen=True)
class Location:
    """One row of polar_ai.locations, with its secret; or what an oss:// URL with a key in it says."""

    name: str
    url: str
    options: dict[str, Any] = field(default_factory=dict)
    secret: str | None = field(default=None, repr=False)
    registered: bool = True

    @property
    def kind(self) -> str:
        """The kind of store: s3, oss, gcs, azblob, http or file."""
        return KINDS[urlsplit(self.url).scheme.lower()]

    @property
    def bucket(self) -> str:
        """The bucket, or Azure's container."""
        return urlsplit(self.url).netloc

    @property
    def root(self) -> str:
        """The prefix that every path is below, without slashes around it."""
        return unquote(urlsplit(self.url).path).strip("/")

    @property
    def endpoint(self) -> str | None:
        """Where the store answers, with its scheme; None for the store's own default."""
        given = self.options.get("endpoint")
        if not given:
            return {"oss": _DEFAULT_OSS, "azblob": f"https://{self.options.get('account')}.blob.core.windows.net"}.get(
                self.kind
            )
        return given if "://" in given else f"https://{given}"

    @property
    def reached(self) -> str:
        """The URL whose host is connected to first, of a store."""
        region = self.options.get("region")
        amazon = f"https://s3.{region}.amazonaws.com" if region else "https://s3.amazonaws.com"
        return self.endpoint or {"s3": amazon, "gcs": "https://storage.googleapis.com"}[self.kind]

    @property
    def credentials(self) -> str:
        """Where the credentials come from: secret, instance (the machine's own identity) or none."""
        return self.options.get("credentials") or ("secret" if self.secret else "none")

    @property
    def path_style(self) -> bool:
        """Whether the bucket is part of the path and not of the host's name: so where the host is an address."""
        given = self.options.get("addressing")
        if given:
            return bool(given == "path")
        host = urlsplit(self.endpoint or "").hostname or ""
        own = bool(re.fullmatch(r"[\d.]+|.*:.*|localhost", host))
        return own or (self.kind == "s3" and bool(self.options.get("endpoint")))

    def path(self, below: str) -> str:
        """Return how SQL calls what lies at ``below``."""
        return f"{self.name}:{below}" if self.registered else f"{self.url}/{below}"


def check_below(location: Location, below: str) -> None:
    """Raise unless ``below`` is a path in a location: it must neither leave it nor be read in two ways."""
    parts = below.split("/")
    if not below or "\0" in below or any(part in (".", "..") for part in parts):
        raise PolarAIError(
            f"cannot load {location.path(below)}: a path in a location has a name, and no . or .. in it",
            sqlstate=BAD_ARGUMENT,
            stage="load",
        )
    if location.kind in STORES.values() and ("" in parts[:-1] or below != below.strip()):
        raise PolarAIError(
            f"cannot load {location.path(below)}: object names with // or with space around them are not supported",
            sqlstate=BAD_ARGUMENT,
            stage="load",
        )


def validate(location: Location) -> None:
    """Raise BAD_ARGUMENT, saying why, if ``location`` makes no sense."""
    name = location.name
    if not _NAME.fullmatch(name or "") or name in RESERVED:
        raise _wrong(
            f"{name!r} cannot name a location",
            "A name has 2 to 63 lower-case letters, digits, _ and -, begins with a letter, and is no URL scheme.",
        )
    try:
        parts = urlsplit(location.url)
        kind = KINDS.get(parts.scheme.lower())
    except ValueError:
        kind = None
    forms = "Write s3://bucket/prefix, oss://…, gcs://…, azblob://…, https://host/prefix or file:///folder."
    if kind is None:
        raise _wrong(f"location {name}: its URL names no store that is known", forms)
    if "@" in parts.netloc:
        raise _wrong(
            f"location {name}: its URL holds credentials",
            "Give the key's name as the option access_key_id, and the key itself as secret => …",
        )
    if parts.query or parts.fragment:
        raise _wrong(f"location {name}: its URL has a query or a fragment", forms)
    if kind == "file":
        if local_path(location.url) is None or not parts.path.startswith("/"):
            raise _wrong(f"location {name}: a folder is written file:///folder", forms)
    elif kind == "http":
        parse_url(location.url)
    elif not parts.netloc or ":" in parts.netloc:
        raise _wrong(f"location {name}: its URL names no bucket", forms)
    if any(part in (".", "..") for part in parts.path.split("/")):
        raise _wrong(f"location {name}: its URL has . or .. in it", forms)
    _check_options(location, kind)


def _check_options(location: Location, kind: str) -> None:
    name, options = location.name, location.options
    known = OPTIONS[kind]
    for option, value in options.items():
        if option not in known:
            # Without its value: it may be a secret that belongs elsewhere.
            said = f"Its options are {', '.join(known)}." if known else "It has no options."
            raise _wrong(f"location {name}: {kind} has no option {option!r}", f"{said} Secrets go to secret => …")
        if not isinstance(value, str) or not value:
            raise _wrong(f"location {name}: the option {option} is not a text", None)
    if "endpoint" in options:
        parse_url(location.endpoint or "")
    if options.get("addressing", "path") not in ("path", "virtual"):
        raise _wrong(f"location {name}: addressing is path or virtual, not {options['addressing']!r}", None)
    if options.get("credentials", "none") not in ("secret", "instance", "none"):
        raise _wrong(f"location {name}: credentials is secret, instance or none", None)
    if kind == "s3" and not options.get("endpoint") and not options.get("region"):
        raise _wrong(f"location {name}: Amazon S3 needs the option region", "For another S3, give endpoint.")
    if kind == "azblob" and not options.get("account"):
        raise _wrong(f"location {name}: azblob needs the option account", None)
    if location.credentials == "secret":
        if not location.secret:
            raise _wrong(f"location {name}: credentials is secret, but there is none", "Give secret => …")
        if kind in ("s3", "oss") and not options.get("access_key_id"):
            raise _wrong(f"location {name}: a secret needs the option access_key_id beside it", None)
    if location.secret and kind == "file":
        raise _wrong(f"location {name}: a folder takes no secret", None)


def from_oss_url(url: str, default_endpoint: str | None, entries: Sequence[str]) -> tuple[Location, str]:
    """Return the unnamed location of ``oss://key:secret@endpoint/bucket/path``, and the path in it.

    Kept for statements that were written for PolarDB. A location keeps its secret out of SQL.
    """
    keys, at, rest = url[6:].partition("@")
    key, colon, secret = keys.partition(":")
    endpoint, _, path = rest.partition("/")
    bucket, _, below = path.partition("/")
    if not (at and colon and key and secret and bucket and below):
        raise _wrong(
            f"cannot load {masked(url)}: it is written oss://key:secret@endpoint/bucket/path (or @/bucket/path)",
            "A location keeps the secret out of SQL: see polar_ai.ai_createlocation.",
        )
    endpoint = endpoint or default_endpoint or _DEFAULT_OSS
    if "://" not in endpoint:
        # Plain HTTP only if an administrator allowed just that.
        plain = f"http://{endpoint}"
        endpoint = plain if plain in (entry.rstrip("/") for entry in entries) else f"https://{endpoint}"
    options = {"endpoint": endpoint, "access_key_id": unquote(key)}
    return Location("oss", f"oss://{bucket}", options, unquote(secret), registered=False), below


def _wrong(message: str, hint: str | None) -> PolarAIError:
    return PolarAIError(message, sqlstate=BAD_ARGUMENT, hint=hint, stage="load")
