"""What a model is to the service: a name, a space, and two functions into that space."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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
    logit_scale: float  # softmax(logit_scale * cosine) over candidate texts gives calibrated probabilities
    version: str  # vectors of different versions must not be compared
    description: str


class Encoder(Protocol):
    """Text and images into one space of unit vectors, so that any two compare by cosine."""

    card: ModelCard
    image_size: int  # pixels: the shorter side that an image needs to have

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors (n, dimension) of n texts; what exceeds the context is cut silently."""

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors (n, dimension) of n RGB images of any size."""


def unit(vectors: npt.NDArray[np.floating]) -> Vectors:
    """Return the rows of ``vectors`` (n, dimension) scaled to length one."""
    norms = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(norms, 1e-12), dtype=np.float32)
