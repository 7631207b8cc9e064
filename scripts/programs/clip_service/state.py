"""What is remembered of a service between commands: one JSON file that only its owner can read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from scripts.common.paths import state_home


@dataclass(frozen=True)
class State:
    """The service as it last ran; ``pid`` is None once it has stopped."""

    pid: int | None
    host: str
    port: int
    url: str
    model: str
    dimension: int
    logit_scale: float | None
    version: str
    image_size: int  # pixels: the shorter side that an image needs to have


@dataclass(frozen=True)
class Place:
    """Where one of this checkout's services keeps its files: the only one has no name, others beside it have."""

    name: str = ""

    @property
    def option(self) -> str:
        """What a command line needs to mean this service."""
        return f" --name {self.name}" if self.name else ""

    @property
    def state_file(self) -> Path:
        """Where the state is kept."""
        return self._file("json")

    @property
    def log_file(self) -> Path:
        """Where a service started in the background writes its log."""
        return self._file("log")

    @property
    def lock_file(self) -> Path:
        """What a start or a stop locks."""
        return self._file("lock")

    def read(self) -> State | None:
        """Return the recorded state, or None if there is none that can be read."""
        try:
            return State(**json.loads(self.state_file.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, state: State) -> None:
        """Replace the recorded state in one step, readable by its owner only."""
        path = self.state_file
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=path.parent, delete=False) as file:  # created with mode 600
            json.dump(asdict(state), file, indent=2)
            file.write("\n")
        os.replace(file.name, path)  # noqa: PTH105

    def _file(self, suffix: str) -> Path:
        return state_home() / ".".join(["clip_service", *filter(None, [self.name]), suffix])
