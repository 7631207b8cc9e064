"""Thumbnails: so many a run, made again when photos change, gone with them, and no run fails for one of them."""

from __future__ import annotations

import base64
import io
import json

from PIL import Image

from tests.support.project import Project

COLOURS = ("red", "green", "blue")


def test_thumbnails_follow_the_photos(project: Project) -> None:
    database = project.database
    project.stage(*(project.photo(f"{name}.png", colour) for name, colour in zip("abc", COLOURS, strict=True)))
    run(project, thumbnails_per_run=2)
    assert set(made(project)) == {"b.png", "c.png"}, "the newest first, and no more than were asked for"
    first = picture(made(project)["c.png"][0])
    assert first.format == "JPEG" and first.size == (48, 32)

    project.photo("c.png", "yellow")
    database.run("update polarlens.image_paths set source_version = '2' where path like '%/c.png'")
    database.run("delete from polarlens.image_paths where path like '%/a.png'")
    (project.folder / "b.png").unlink()
    project.stage(project.photo("d.png", "green"))
    run(project, thumbnail_size=24)
    found = made(project)
    assert set(found) == {"b.png", "c.png", "d.png"}
    assert found["b.png"][0] is None and "there is no file" in str(found["b.png"][1])
    changed = picture(found["c.png"][0])
    assert changed.size == (24, 16)
    assert all(abs(a - b) < 12 for a, b in zip(changed.getpixel((5, 5)), (255, 255, 0), strict=True))

    before = database.rows("select image_id, xmin::text from search.thumbnails order by 1")
    run(project, thumbnail_size=24)
    assert database.rows("select image_id, xmin::text from search.thumbnails order by 1") == before


def run(project: Project, **variables: int) -> None:
    project.database.dbt("run", "--select", "+thumbnails", "--vars", json.dumps(variables))


def made(project: Project) -> dict[str, tuple[str | None, str | None]]:
    rows = project.database.rows(
        "select substring(path from '[^/]+$'), data_url, error_message "
        "from search.thumbnails join search_internal.stg_image_paths using (image_id)"
    )
    return {name: (url, message) for name, url, message in rows}


def picture(url: str | None) -> Image.Image:
    assert url is not None
    head, _, content = url.partition(",")
    assert head == "data:image/jpeg;base64" and "\n" not in content
    return Image.open(io.BytesIO(base64.b64decode(content)))
