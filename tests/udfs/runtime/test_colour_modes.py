"""The same photo in every colour mode and orientation, as a real model sees it: the local service's starter model."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from scripts.programs import demo_photos
from scripts.programs.clip_service.pictures import decode
from scripts.programs.clip_service.starter import StarterEncoder
from tests.support import corpus
from tests.support.pictures import encoded
from udfs.runtime.images import for_model

# Two colours are another picture, and so is one whose transparent part shows white.
NOT_THE_SAME = ("1.png", "palette-transparent.png")
# Of a picture without colours, the original without colours is the original.
# Of things that the model knows: what it makes of anything else hangs by a thread.
PHOTOS = ("chelsea.png", "coffee.png", "faust_github.jpg", "flower.jpg", "china.jpg")
GREY = ("grey.jpg", "l.png", "la.png", "sixteen-bit.png")

Embed = Callable[[bytes], npt.NDArray[np.float32]]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Image.Image]:
    """A few real photographs: the demonstration's."""
    folder = tmp_path_factory.mktemp("demo")
    demo_photos.fetch(folder)
    return [Image.open(next(folder.rglob(name))).convert("RGB").resize((640, 480)) for name in PHOTOS]


@pytest.fixture(scope="module")
def embed(tmp_path_factory: pytest.TempPathFactory) -> Embed:
    """What comes of a file's bytes: reduced by the runtime, decoded and embedded by the service."""
    encoder = StarterEncoder(tmp_path_factory.mktemp("starter"))
    side = encoder.image_size

    def embedded(content: bytes) -> npt.NDArray[np.float32]:
        vectors = encoder.encode_images([decode(for_model(content, side, "a photo"), side)])
        return np.asarray(vectors[0], dtype=np.float32)

    return embedded


def saved_well(image: Image.Image, file_format: str, **options: Any) -> bytes:
    """Save at a quality that loses little: what lossy formats lose by default is another question."""
    lossy = {"quality": 95} if file_format in ("JPEG", "WEBP") else {}
    return encoded(image, file_format, **lossy | options)


@pytest.mark.slow
def test_the_same_photo_in_every_mode_lands_in_the_same_place(
    photos: list[Image.Image], embed: Embed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "encoded", saved_well)
    worst: dict[str, float] = {}
    for photo in photos:
        monkeypatch.setattr(corpus, "scene", photo.copy)
        original = embed(encoded(photo, "PNG"))
        grey = embed(encoded(photo.convert("L").convert("RGB"), "PNG"))
        for name, content in [*corpus.modes(), *corpus.rotations()]:
            expected = grey if name in GREY else original
            with Image.open(io.BytesIO(content)) as image:
                if image.mode == "P":  # of 256 colours: to be seen as they are
                    expected = embed(encoded(image.convert("RGB"), "PNG"))
            found = float(embed(content) @ expected)
            worst[name] = min(worst.get(name, 1.0), found)
    print("\nlowest cosine of five photos to the original")
    for name, cosine in sorted(worst.items(), key=lambda entry: entry[1]):
        print(f"  {cosine:.4f}  {name}")
    assert {name: cosine for name, cosine in worst.items() if cosine < 0.99 and name not in NOT_THE_SAME} == {}
