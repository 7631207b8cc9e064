"""Photos to embed: many files cut from the demonstration's real photographs."""

from __future__ import annotations

import random
from pathlib import Path

from PIL import Image

from scripts.programs import demo_photos

DISTINCT = 200


def photos(folder: Path, count: int, size: tuple[int, int]) -> list[str]:
    """Return the paths of ``count`` JPEG files of ``size``, made once: DISTINCT pictures, the rest their links."""
    kept = folder / f"{size[0]}x{size[1]}"
    kept.mkdir(parents=True, exist_ok=True)
    originals = [kept / f"original-{n}.jpg" for n in range(DISTINCT)]
    if not all(path.exists() for path in originals):
        sources = sorted(demo_photos.fetch(folder / "demo"))
        draw = random.Random(1)  # noqa: S311 - the same pictures every time
        for path in originals:
            _crop(draw.choice(sources), size, draw).save(path, quality=88)
            path.chmod(0o644)
    paths = []
    for n in range(count):
        path = kept / f"{n // 1000:03d}" / f"{n}.jpg"
        if n % 1000 == 0:
            path.parent.mkdir(exist_ok=True)
        if not path.exists():
            path.hardlink_to(originals[n % DISTINCT])
        paths.append(str(path))
    return paths


def _crop(source: Path, size: tuple[int, int], draw: random.Random) -> Image.Image:
    with Image.open(source) as opened:
        image = opened.convert("RGB")
    share = draw.uniform(0.5, 1.0)
    width = min(image.width * share, image.height * share * size[0] / size[1])
    height = width * size[1] / size[0]
    left, top = draw.uniform(0, image.width - width), draw.uniform(0, image.height - height)
    return image.resize(size, Image.Resampling.LANCZOS, (left, top, left + width, top + height))
