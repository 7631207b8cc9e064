"""The article's photos, in an open folder, and the services that embed them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clip_service import Launcher, starter_models
from tests.support.drawings import DRAWINGS

ARTICLE = Path(__file__).with_name("article.sql")
FIRST = "test_data/bdd100k/images/10k/train/0004a4c0-d4dff0ad.jpg"
# Where the rest of the photos come in, with ids that the searches name.
OTHERS = dict(enumerate(sorted(DRAWINGS), 5560))


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


def statements(service: str, folder: Path, dimension: int) -> list[str]:
    """Return the article's statements, its placeholders filled in."""
    text = ARTICLE.read_text("utf-8")
    for name, value in {"service": service, "folder": str(folder), "dimension": str(dimension)}.items():
        text = text.replace("{" + name + "}", value)
    found, quoted = [""], ""
    for line in text.splitlines():
        for quote in ("$$", "$function$"):
            if line.count(quote) == 1:
                quoted = "" if quoted else quote
        found[-1] += line + "\n"
        if not quoted and line.rstrip().endswith(";"):
            found.append("")
    return [statement.strip() for statement in found if statement.strip()]
