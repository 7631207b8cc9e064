"""The same photo in every colour mode and orientation, as a real model sees it: the local service's starter model."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from scripts.clip.pictures import decode
from scripts.clip.starter import StarterEncoder
from scripts.home import CHECKOUT
from tests.bad_inputs import corpus
from udfs.runtime.images import for_model

# Two colours are another picture, and so is one whose transparent part shows white.
NOT_THE_SAME = ("1.png", "palette-transparent.png")
# Of a picture without colours, the original without colours is the original.
GREY = ("grey.jpg", "l.png", "la.png", "sixteen-bit.png")

Embed = Callable[[bytes], npt.NDArray[np.float32]]


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Image.Image]:
    """A few real photographs: the demonstration's."""
    folder = tmp_path_factory.mktemp("demo")
    subprocess.run([sys.executable, CHECKOUT / "scripts" / "demo_photos.py", folder], check=True)
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".jpg", ".jpeg", ".png"))
    opened = [Image.open(path).convert("RGB") for path in paths]
    return [image.resize((640, 480)) for image in opened if image.width > image.height >= 480][:5]


@pytest.fixture(scope="module")
def embed(tmp_path_factory: pytest.TempPathFactory) -> Embed:
    """What comes of a file's bytes: reduced by the runtime, decoded and embedded by the service."""
    encoder = StarterEncoder(tmp_path_factory.mktemp("starter"))
    return lambda content: encoder.encode_images([decode(for_model(content, 224, "a photo"), encoder.image_size)])[0]


@pytest.mark.slow
def test_the_same_photo_in_every_mode_lands_in_the_same_place(
    photos: list[Image.Image], embed: Embed, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(photos) == 5
    worst: dict[str, float] = {}
    for photo in photos:
        monkeypatch.setattr(corpus, "scene", photo.copy)
        original = embed(corpus.encoded(photo, "PNG"))
        grey = embed(corpus.encoded(photo.convert("L").convert("RGB"), "PNG"))
        for name, content in [*corpus.modes(), *corpus.rotations()]:
            found = float(embed(content) @ (grey if name in GREY else original))
            worst[name] = min(worst.get(name, 1.0), found)
    print("\nlowest cosine of five photos to the original")
    for name, cosine in sorted(worst.items(), key=lambda entry: entry[1]):
        print(f"  {cosine:.4f}  {name}")
    assert {name: cosine for name, cosine in worst.items() if cosine < 0.99 and name not in NOT_THE_SAME} == {}
