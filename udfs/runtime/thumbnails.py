"""Small pictures of photos, several at a time: most of the work is waiting for a store, and decoding."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from . import images, local_files
from .errors import PolarAIError
from .interrupts import Operation, Poll, run_many
from .loading import Reach, check_picture
from .locations import masked
from .slots import Slots

IN_FLIGHT = 8
Made = bytes | PolarAIError


def made(
    paths: Sequence[str], size: int, limit: int, reach: Reach, operation: Operation, poll: Poll
) -> Iterator[tuple[int, Made]]:
    """Yield (position, a JPEG of at most ``size`` pixels on its longer side, or why there is none) as they are made.

    No more than ``limit`` bytes are loaded for one.
    """
    # A decoded photo may take half a gigabyte.
    decodes = Slots((os.cpu_count() or 2) + 2)

    def one(path: str) -> Made:
        try:
            check_picture(path)
            content = reach.load(path, operation, limit)
            if content is None:
                raise local_files.too_large(masked(path), limit)
            with decodes.held(operation):
                return images.thumbnail(content, size, masked(path))
        except PolarAIError as error:
            return error

    yield from run_many((partial(one, path) for path in paths), operation, poll, IN_FLIGHT)
