"""Photos of one colour, and odd ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Paint = Callable[..., str]


@pytest.fixture
def paint(tmp_path: Path) -> Paint:
    """Make a photo of one colour and return its path."""

    def make(name: str, colour: str = "red", size: tuple[int, int] = (500, 400)) -> str:
        path = tmp_path / name
        Image.new("RGB", size, colour).save(path)
        return str(path)

    return make
