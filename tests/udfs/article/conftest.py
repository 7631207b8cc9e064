"""The article's photos, in an open folder, and the services that embed them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clip_service import Launcher, starter_models
from tests.support.drawings import DRAWINGS
from tests.udfs.article.statements import FIRST


@pytest.fixture(scope="module")
def folder(open_folder: Path) -> Path:
    """The photos: drawings that every classifier knows, under the names that the article uses."""
    folder = open_folder / "article"
    for name, number in [*((path, None) for path in [FIRST]), *((f"{name}.jpg", name) for name in DRAWINGS)]:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        DRAWINGS[number or "balloon"]().save(content, "JPEG", quality=92)
        file.write_bytes(content.getvalue())
    for step in [folder, *folder.rglob("*")]:
        step.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def starter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the local CLIP service with its starter model."""
    home = tmp_path_factory.mktemp("clip")
    (home / "models").symlink_to(starter_models())
    launcher = Launcher(home, {})
    try:
        yield launcher.started("--model", "starter").url
    finally:
        launcher("stop")
