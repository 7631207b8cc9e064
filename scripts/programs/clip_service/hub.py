"""Models that fastembed runs: their weights come from the model hub, once, or from a folder on this machine."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import requests
from PIL import Image

from scripts.programs.clip_service.encoder import THREADS, ModelCard, ModelUnavailableError, Vectors, unit

PROBE_SECONDS = 3
log = logging.getLogger("polarlens.clip")


class Part(NamedTuple):
    """One network of a model: fastembed's class for it, its name on the hub, its folder among weights at hand."""

    kind: Literal["ImageEmbedding", "TextEmbedding"]
    name: str
    folder: str = ""


@dataclass(frozen=True)
class HubModel:
    """A model, the size of its weights, and where they may lie already."""

    card: ModelCard
    image_size: int
    owner: str
    size: str
    variable: str  # the environment variable that may name a folder with them, in the hub's own layout
    parts: tuple[Part, ...]

    def load(self, cache: Path) -> list[Any]:
        """Return fastembed's model for each part, downloading into ``cache`` what is not at hand.

        Raises ModelUnavailableError if the weights cannot be had, or are none.
        """
        own = self._own_folder()
        if not self.is_at_hand(cache):
            if not self._hub_answers():
                raise ModelUnavailableError(
                    f"{self.owner}'s weights are not on this machine and the model hub does not answer"
                )
            log.info("Downloading %s's weights (%s) to %s", self.owner, self.size, _cache_folder(cache))
        try:
            import fastembed

            return [
                getattr(fastembed, part.kind)(
                    part.name,
                    str(_cache_folder(cache)),
                    THREADS,
                    specific_model_path=str(own / part.folder) if own else None,
                )
                for part in self.parts
            ]
        except Exception as error:  # fastembed lets through whatever its download and ONNX Runtime raise
            source = str(own) if own else "the model hub"
            raise ModelUnavailableError(f"Could not load {self.owner}'s weights from {source}: {error}") from error

    def is_at_hand(self, cache: Path) -> bool:
        """Tell whether the weights are on this machine already."""
        if self._own_folder():
            return True
        from huggingface_hub import try_to_load_from_cache

        place = _cache_folder(cache)
        found = (try_to_load_from_cache(part.name, "model.onnx", cache_dir=place) for part in self.parts)
        return all(isinstance(path, str) for path in found)

    def _own_folder(self) -> Path | None:
        named = os.environ.get(self.variable)
        return Path(named).absolute() if named else None

    def _hub_answers(self) -> bool:
        """Tell within seconds whether the hub can be reached: its own client would retry for minutes."""
        if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
            return False
        hub = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
        url = f"{hub.rstrip('/')}/{self.parts[0].name}/resolve/main/preprocessor_config.json"
        answers: list[bool] = []

        def probe() -> None:
            with contextlib.suppress(requests.RequestException):
                answers.append(requests.head(url, timeout=PROBE_SECONDS, allow_redirects=True).ok)

        # The time limit of a request does not cover looking up the name, which alone can take half a minute.
        thread = threading.Thread(target=probe, daemon=True)
        thread.start()
        thread.join(PROBE_SECONDS + 1)
        return answers == [True]


CLIP = HubModel(
    # The logit scale is exp of the temperature that OpenAI's ViT-B/32 was trained to.
    ModelCard("clip", 512, 100.0, "ViT-B-32-openai", "OpenAI's CLIP ViT-B/32 (fastembed)"),
    224,
    "CLIP",
    "0.6 GB",
    "POLARLENS_CLIP_WEIGHTS",
    (
        Part("ImageEmbedding", "Qdrant/clip-ViT-B-32-vision", "vision"),
        Part("TextEmbedding", "Qdrant/clip-ViT-B-32-text", "text"),
    ),
)
RESNET = HubModel(
    ModelCard("resnet", 2048, None, "resnet50-onnx", "ResNet-50 (fastembed); for searches that begin with a photo"),
    256,  # of which it crops the central 224
    "ResNet-50",
    "0.1 GB",
    "POLARLENS_RESNET_WEIGHTS",
    (Part("ImageEmbedding", "Qdrant/resnet50-onnx"),),
)


class ImageHubEncoder:
    """An Encoder that is one of fastembed's models."""

    def __init__(self, model: HubModel, cache: Path) -> None:
        """Load the model; raises ModelUnavailableError as HubModel.load does."""
        self.card, self.image_size = model.card, model.image_size
        self._images, *self._texts = model.load(cache)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors of RGB images."""
        return _embed(self._images, images)


class HubEncoder(ImageHubEncoder):
    """A TextEncoder that is one of fastembed's models."""

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors of texts; CLIP cuts a text after 77 tokens."""
        return _embed(self._texts[0], texts)


def _embed(model: Any, inputs: Sequence[Any]) -> Vectors:
    return unit(np.stack(list(model.embed(list(inputs)))))


def _cache_folder(cache: Path) -> Path:
    """Return where fastembed keeps its downloads: FASTEMBED_CACHE_PATH if set, else under ``cache``."""
    return Path(os.environ.get("FASTEMBED_CACHE_PATH") or cache / "fastembed")
