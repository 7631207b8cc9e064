"""What a file is, by its name or by its first bytes: in errors, for files that are no pictures."""

from __future__ import annotations

from .errors import BAD_IMAGE, PolarAIError

# By name, and not by the system's list of types: each server has another one, or none.
VIDEOS, SOUNDS = (
    frozenset(endings.split())
    for endings in (
        "3g2 3gp asf avi flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv qt vob webm wmv",
        "aac ac3 aif aiff amr flac m4a m4b mid midi mka mp2 mp3 oga ogg opus wav wma",
    )
)
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
# MPEG streams, transport streams and FLV have no container's name in them.
_VIDEO_HEADS = (b"\x1aE\xdf\xa3", b"\0\0\1\xba", b"\0\0\1\xb3", b"FLV")
_SOUND_HEADS = (b"ID3", b"OggS", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1")
_PAGE_HEADS = (b"<!doctype html", b"<html", b"<?xml", b"<svg")


def check_name(path: str, name: str) -> None:
    """Raise BAD_IMAGE where the name of ``path`` says video or audio: it need not be loaded first.

    ``name`` is how the error may show the path.
    """
    ending = (path.partition("?")[0] if "://" in path else path).rpartition(".")[2].lower()
    if ending in VIDEOS or ending in SOUNDS:
        raise PolarAIError(
            f"{name} is {'a video' if ending in VIDEOS else 'audio'}: only pictures can be embedded or shown",
            sqlstate=BAD_IMAGE,
            hint="Extract frames with another tool, and load those.",
            stage="load",
        )


def describe(content: bytes) -> str:
    """Return what ``content``, which is no picture, seems to be: half a sentence for an error."""
    head = content[:16]
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return "it is HEIC or AVIF, which this server's Pillow cannot read; the package pillow-heif adds HEIC"
    container = head[8:12] if head[:4] == b"RIFF" else b""
    if head.startswith(_SOUND_HEADS) or head[4:12] in (b"ftypM4A ", b"ftypM4B ") or container == b"WAVE":
        return "it looks like audio: only pictures are read"
    if head[4:8] in (b"ftyp", b"moov") or head.startswith(_VIDEO_HEADS) or container == b"AVI ":
        return "it looks like a video: only pictures are read"
    if head.startswith(b"%PDF-"):
        return "it looks like a PDF"
    if content[:200].lstrip().lower().startswith(_PAGE_HEADS):
        return "it looks like a web page or XML"
    return "its first bytes are " + head[:8].hex(" ")
