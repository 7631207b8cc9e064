"""What a model is to the service: a name, a space, and two functions into that space."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
from PIL import Image

Vectors = npt.NDArray[np.float32]

THREADS = os.cpu_count() or 1


class ModelUnavailableError(Exception):
    """The model cannot be loaded; the message says what was tried and what to do next."""


@dataclass(frozen=True)
class ModelCard:
    """What a client needs to know of the space that the vectors lie in."""

    model: str
    dimension: int
    # softmax(logit_scale * cosine) over candidate texts gives calibrated probabilities; None where there are no texts.
    logit_scale: float | None
    version: str  # vectors of different versions must not be compared
    description: str


class TextsRefusedError(Exception):
    """A text was sent to a model that embeds images only."""


class Encoder(Protocol):
    """Images into a space of unit vectors, so that any two compare by cosine."""

    card: ModelCard
    image_size: int  # pixels: the shorter side that an image needs to have

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors (n, dimension) of n RGB images of any size."""


@runtime_checkable
class TextEncoder(Encoder, Protocol):
    """Texts as well, into the same space."""

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors (n, dimension) of n texts; what exceeds the context is cut silently."""


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    """Return the rows of ``vectors`` (n, dimension) scaled to length one."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
