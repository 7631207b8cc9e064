"""Small pictures of photos, several at a time: most of the work is waiting for a store, and decoding."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial

from .. import images
from ..errors import PolarAIError
from ..interrupts import Operation, Poll, Slots, run_many
from ..paths import masked
from .loading import load_picture
from .resolve import Reach

IN_FLIGHT = 8


def thumbnails(paths: Sequence[str], size: int, reach: Reach, poll: Poll) -> Iterator[tuple[int, bytes | PolarAIError]]:
    """Yield (position, a JPEG of at most ``size`` pixels on its longer side, or its error) as they are finished."""
    operation = Operation()
    # A decoded photo may take half a gigabyte.
    decodes = Slots((os.cpu_count() or 2) + 2)

    def work(path: str) -> bytes | PolarAIError:
        try:
            content = load_picture(path, reach, operation)
            with decodes.held(operation):
                return images.thumbnail(content, size, masked(path))
        except PolarAIError as error:
            return error

    yield from run_many((partial(work, path) for path in paths), operation, poll, IN_FLIGHT)
