"""Real CLIP ViT-B/32 through fastembed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from scripts.programs.clip_service.encoder import ModelCard, Vectors
from scripts.programs.clip_service.hub import HubWeights, Part, embed

IMAGE_SIZE = 224
# exp of the temperature that OpenAI's ViT-B/32 was trained to.
LOGIT_SCALE = 100.0
CARD = ModelCard("clip", 512, LOGIT_SCALE, "ViT-B-32-openai", "OpenAI's CLIP ViT-B/32 (fastembed)")
WEIGHTS = HubWeights(
    "CLIP",
    "0.6 GB",
    "POLARLENS_CLIP_WEIGHTS",
    (
        Part("ImageEmbedding", "Qdrant/clip-ViT-B-32-vision", "vision"),
        Part("TextEmbedding", "Qdrant/clip-ViT-B-32-text", "text"),
    ),
)


class VitEncoder:
    """A TextEncoder that is CLIP itself."""

    def __init__(self, cache: Path) -> None:
        """Load the model; raises ModelUnavailableError as HubWeights.load does."""
        self.card = CARD
        self.image_size = IMAGE_SIZE
        self._images, self._texts = WEIGHTS.load(cache)

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors (n, 512); a text is cut after 77 tokens."""
        return embed(self._texts, texts)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors (n, 512) of RGB images."""
        return embed(self._images, images)
