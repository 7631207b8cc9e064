"""ResNet-50 through fastembed: images only, 2048 dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from scripts.programs.clip_service.encoder import ModelCard, Vectors
from scripts.programs.clip_service.hub import HubWeights, Part, embed

IMAGE_SIZE = 256  # of which it crops the central 224
CARD = ModelCard("resnet", 2048, None, "resnet50-onnx", "ResNet-50 (fastembed); for searches that begin with a photo")
WEIGHTS = HubWeights(
    "ResNet-50", "0.1 GB", "POLARLENS_RESNET_WEIGHTS", (Part("ImageEmbedding", "Qdrant/resnet50-onnx"),)
)


class ResNetEncoder:
    """An Encoder that is ResNet-50 without its classifier."""

    def __init__(self, cache: Path) -> None:
        """Load the model; raises ModelUnavailableError as HubWeights.load does."""
        self.card = CARD
        self.image_size = IMAGE_SIZE
        (self._images,) = WEIGHTS.load(cache)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors (n, 2048) of RGB images."""
        return embed(self._images, images)
