"""Real CLIP ViT-B/32 through fastembed; its weights (about 0.6 GB) come from the model hub, once."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import requests
from PIL import Image

from scripts.clip.encoder import THREADS, ModelCard, ModelUnavailableError, Vectors, unit

TEXT_MODEL = "Qdrant/clip-ViT-B-32-text"
VISION_MODEL = "Qdrant/clip-ViT-B-32-vision"
DIMENSION = 512
IMAGE_SIZE = 224
# exp of the temperature that OpenAI's ViT-B/32 was trained to.
LOGIT_SCALE = 100.0
PROBE_SECONDS = 3
WEIGHTS_VARIABLE = "POLARLENS_CLIP_WEIGHTS"
CARD = ModelCard("clip", DIMENSION, LOGIT_SCALE, "ViT-B-32-openai", "OpenAI's CLIP ViT-B/32 (fastembed)")


class VitEncoder:
    """An Encoder that is CLIP itself."""

    def __init__(self, cache: Path) -> None:
        """Load the model, downloading its weights into ``cache`` if they are not there.

        The environment variable POLARLENS_CLIP_WEIGHTS may name a folder that holds them already, as
        ``text/`` and ``vision/`` in the hub's layout. Raises ModelUnavailableError if they cannot be had.
        """
        self.card = CARD
        self.image_size = IMAGE_SIZE
        folder = own_weights()
        try:
            from fastembed import ImageEmbedding, TextEmbedding

            place = str(cache_folder(cache))
            self._texts = TextEmbedding(
                TEXT_MODEL, place, THREADS, specific_model_path=str(folder / "text") if folder else None
            )
            self._images = ImageEmbedding(
                VISION_MODEL, place, THREADS, specific_model_path=str(folder / "vision") if folder else None
            )
        except Exception as error:  # fastembed lets through whatever its download and ONNX Runtime raise
            source = str(folder) if folder else "the model hub"
            raise ModelUnavailableError(
                f"Could not load CLIP's weights from {source}: {error}. "
                "Use --model starter, which needs no download, or try again with a connection."
            ) from error

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors (n, 512); a text is cut after 77 tokens."""
        return unit(np.stack(list(self._texts.embed(list(texts)))))

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors (n, 512) of RGB images."""
        return unit(np.stack(list(self._images.embed(list(images)))))


def own_weights() -> Path | None:
    """Return the folder that POLARLENS_CLIP_WEIGHTS names, or None."""
    named = os.environ.get(WEIGHTS_VARIABLE)
    return Path(named).absolute() if named else None


def cache_folder(cache: Path) -> Path:
    """Return where fastembed keeps its downloads: FASTEMBED_CACHE_PATH if set, else under ``cache``."""
    return Path(os.environ.get("FASTEMBED_CACHE_PATH") or cache / "fastembed")


def is_at_hand(cache: Path) -> bool:
    """Tell whether the weights are on this machine already."""
    if own_weights():
        return True
    from huggingface_hub import try_to_load_from_cache

    place = cache_folder(cache)
    found = (try_to_load_from_cache(name, "model.onnx", cache_dir=place) for name in (TEXT_MODEL, VISION_MODEL))
    return all(isinstance(path, str) for path in found)


def hub_answers() -> bool:
    """Tell within seconds whether the model hub can be reached: its own client would retry for minutes."""
    if os.environ.get("HF_HUB_OFFLINE", "").lower() in ("1", "true", "yes", "on"):
        return False
    hub = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    url = f"{hub.rstrip('/')}/{VISION_MODEL}/resolve/main/preprocessor_config.json"
    answers: list[bool] = []

    def probe() -> None:
        with contextlib.suppress(requests.RequestException):
            answers.append(requests.head(url, timeout=PROBE_SECONDS, allow_redirects=True).ok)

    # The time limit of a request does not cover looking up the name, which alone can take half a minute.
    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    thread.join(PROBE_SECONDS + 1)
    return answers == [True]
