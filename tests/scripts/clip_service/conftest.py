"""One server process for all tests of the service; those that stop and start have their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.clip_service import Launcher, Service, starter_models


@pytest.fixture(scope="session")
def clip_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clip")


@pytest.fixture(scope="session")
def service(clip_home: Path) -> Iterator[Service]:
    """The starter model."""
    (clip_home / "models").symlink_to(starter_models())
    launcher = Launcher(clip_home, {})
    yield launcher.started("--model", "starter")
    assert launcher("stop").returncode == 0


@pytest.fixture(scope="session")
def models(service: Service, clip_home: Path) -> Path:
    """What a first start has built, for those that come later."""
    return clip_home / "models"


@pytest.fixture
def launcher(tmp_path: Path) -> Iterator[Callable[..., Launcher]]:
    """Make a launcher with a state folder of its own (and the models already built, if given)."""
    made: list[Launcher] = []

    def make(models: Path | None = None, **environment: str) -> Launcher:
        home = tmp_path / f"home{len(made)}"
        home.mkdir()
        if models:
            (home / "models").symlink_to(models)
        made.append(Launcher(home, environment))
        return made[-1]

    yield make
    for one in made:
        one("stop")
