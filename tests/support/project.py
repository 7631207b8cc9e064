"""A database, a stand-in for the model service and a folder of photos: what `dbt run` needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from tests.support.clip import COLOURS, ColourClip
from tests.support.database import Database
from tests.support.http_server import ScriptedServer


@dataclass
class Project:
    """Everything that a refresh needs."""

    database: Database
    clip: ColourClip
    service: ScriptedServer
    folder: Path

    def photo(self, name: str, colour: str | tuple[int, int, int], **options: Any) -> str:
        """Save a photo of one colour and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (48, 32), COLOURS.get(colour, colour)).save(path, **options)  # type: ignore[arg-type]
        path.chmod(0o644)
        return str(path)

    def stage(self, *paths: str, version: str = "1") -> None:
        """Load paths into the staging table."""
        for path in paths:
            self.database.run("insert into polarlens.image_paths (path, source_version) values (%s, %s)", path, version)

    def register(self, kind: str, **config: Any) -> None:
        """Register the service as the text or the image model."""
        self.database.run(
            "select polar_ai.ai_createmodel(%s, %s, 'clip-as-service', 'embedding', 'colours', %s)",
            f"embedding/clip_{kind}",
            self.service.url + "/post",
            json.dumps({"author_type": "token", "token": "", "input": kind, **config}),
        )

    def errors(self) -> dict[str, str]:
        """Return the recorded messages by file name."""
        rows = self.database.rows("select input, message from polarlens.embedding_errors")
        return {Path(path).name: message for path, message in rows}


def new_project(database: Database, clip: ColourClip, service: ScriptedServer, open_folder: Path) -> Project:
    """Register both models, and make a folder for photos that may be read."""
    folder = open_folder / f"photos-{database.env['PGDATABASE']}"
    folder.mkdir()
    folder.chmod(0o755)
    made = Project(database, clip, service, folder)
    made.register("text")
    made.register("image")
    database.run("select polar_ai.ai_allow(%s)", f"file://{folder}")
    return made
