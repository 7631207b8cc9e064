"""What is remembered of the service between commands: one JSON file that only its owner can read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from scripts.home import state_home


@dataclass(frozen=True)
class State:
    """The service as it last ran; ``pid`` is None once it has stopped."""

    pid: int | None
    host: str
    port: int
    url: str
    model: str
    dimension: int
    logit_scale: float
    version: str
    image_size: int  # pixels: the shorter side that an image needs to have


def state_file() -> Path:
    """Return where the state is kept."""
    return state_home() / "clip_service.json"


def log_file() -> Path:
    """Return where a service started in the background writes its log."""
    return state_home() / "clip_service.log"


def read() -> State | None:
    """Return the recorded state, or None if there is none that can be read."""
    try:
        return State(**json.loads(state_file().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def write(state: State) -> None:
    """Replace the recorded state in one step, readable by its owner only."""
    path = state_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # created with mode 600
        json.dump(asdict(state), file, indent=2)
        file.write("\n")
    os.replace(file.name, path)  # noqa: PTH105
