"""The notebook, run from its first cell to its last."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from PIL import Image

from scripts.common.paths import CHECKOUT
from tests.support.project import Project

NOTEBOOK = CHECKOUT / "scripts" / "examples" / "photo_search.ipynb"


@pytest.fixture(scope="module")
def ran(reader_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The outputs of every code cell, run by a search reader."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**reader_env, "MPLCONFIGDIR": str(tmp_path_factory.mktemp("matplotlib"))}.items():
            patch.setenv(name, value)
        NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    return [cell["outputs"] for cell in notebook.cells if cell["cell_type"] == "code"]


def printed(outputs: Any) -> str:
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


def figure(outputs: Any) -> Image.Image:
    (png,) = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    return Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")


def expected(built: Project, call: str, *parameters: object) -> str:
    rows = built.database.rows(f"select rank, score, path from search.{call} order by rank", *parameters)
    assert len(rows) == 5
    return "".join(f"{rank:>3}  {score:.3f}  {path}\n" for rank, score, path in rows)


def test_it_is_stored_without_outputs() -> None:
    stored = json.loads(NOTEBOOK.read_text("utf-8"))
    assert not [cell for cell in stored["cells"] if cell.get("outputs") or cell.get("execution_count")]
    nbformat.validate(stored)


def test_it_says_how_much_is_embedded(ran: list[Any]) -> None:
    (output,) = ran[0]
    assert output["data"]["text/plain"] == "{'embedded': 7, 'pending': 0, 'failed': 0}"


def test_text_to_images(ran: list[Any], built: Project) -> None:
    assert printed(ran[2]) == expected(built, "search_images('white truck in a snow day', k => 5)")


def test_text_to_images_with_a_filter(ran: list[Any], built: Project) -> None:
    assert printed(ran[3]) == expected(built, "search_images('black car in the night', k => 5)")


def test_image_to_images(ran: list[Any], built: Project) -> None:
    ((best, path),) = built.database.rows("select image_id, path from search.search_images('an animal', k => 1)")
    assert printed(ran[4]) == f"like {path}:\n" + expected(built, "search_images_like(%s, k => 5)", best)


def test_the_photos_are_drawn_in_their_order(ran: list[Any]) -> None:
    for outputs in (ran[2], ran[3], ran[4]):
        drawn = figure(outputs)
        names = [Path(line.split()[-1]).stem for line in printed(outputs).splitlines() if line[:3].strip().isdigit()]
        for place, name in enumerate(names):
            colour = drawn.getpixel((int(drawn.width * (place + 0.5) / len(names)), int(drawn.height * 0.55)))
            assert isinstance(colour, tuple)
            wanted = {"red": (255, 0, 0), "dark_red": (180, 0, 0), "green": (0, 160, 0), "dark_green": (0, 90, 0),
                      "blue": (0, 0, 255), "dark_blue": (0, 0, 150), "yellow": (255, 255, 0)}[name]  # fmt: skip
            assert all(abs(seen - meant) < 25 for seen, meant in zip(colour, wanted, strict=True)), (name, colour)
