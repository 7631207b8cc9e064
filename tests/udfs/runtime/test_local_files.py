from __future__ import annotations

import os
from pathlib import Path

import pytest

from udfs.runtime.errors import PolarAIError
from udfs.runtime.paths import local_path
from udfs.runtime.sources import files


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "cat.jpg").write_bytes(b"cat")
    (tmp_path / "secret.txt").write_bytes(b"secret")
    return folder


def refusal(path: str, *entries: str) -> PolarAIError:
    with pytest.raises(PolarAIError) as error:
        files.read(path, files.folders(entries), 0)
    return error.value


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/a/b.jpg", "/a/b.jpg"),
        ("/a/100%25.jpg", "/a/100%25.jpg"),
        ("file:///a/b%20c.jpg", "/a/b c.jpg"),
        ("FILE:///a/b.jpg", "/a/b.jpg"),
        ("file://localhost/localhost/b.jpg", "/localhost/b.jpg"),
        ("file:///a/what?.jpg#1", "/a/what?.jpg#1"),
        ("file:///a/%E4%BD%A0.jpg", "/a/你.jpg"),
        ("file:///a/%E9.jpg", "/a/\udce9.jpg"),
        ("http://example.com/a.jpg", None),
        ("a.jpg", None),
        ("", None),
    ],
)
def test_a_path_is_read_from_its_url(url: str, path: str | None) -> None:
    assert local_path(url) == path


@pytest.mark.parametrize("url", ["file://host/a.jpg", "file:a.jpg", "file://"])
def test_a_file_url_of_another_shape_says_how_to_write_it(url: str) -> None:
    with pytest.raises(PolarAIError, match=r"file:///folder/photo\.jpg"):
        local_path(url)


@pytest.mark.parametrize("entry", ["file://{photos}", "file://{photos}/", "file://{photos}/cat.jpg", "file:///"])
def test_a_file_below_an_allowed_folder_is_read(photos: Path, entry: str) -> None:
    assert files.read(f"{photos}/cat.jpg", files.folders(["https://*", entry.format(photos=photos)]), 0) == b"cat"


@pytest.mark.parametrize(
    "name", ["../secret.txt", "../photos-private/x", "link.jpg", "linked/secret.txt", "../missing"]
)
def test_nothing_outside_the_allowed_folders_is_read(photos: Path, name: str) -> None:
    (photos.parent / "photos-private").mkdir()
    (photos.parent / "photos-private" / "x").write_bytes(b"secret")
    (photos / "link.jpg").symlink_to(photos.parent / "secret.txt")
    (photos / "linked").symlink_to(photos.parent)

    error = refusal(f"{photos}/{name}", f"file://{photos}")

    assert error.sqlstate == "42501"
    assert "ai_allow('file:///folder')" in str(error.hint)


def test_a_refusal_is_the_same_whether_the_file_exists(photos: Path) -> None:
    there, missing = f"{photos.parent}/secret.txt", f"{photos.parent}/missing.txt"
    assert refusal(there, f"file://{photos}").message == refusal(missing, f"file://{photos}").message.replace(
        "missing", "secret"
    )


def test_an_allowed_folder_may_itself_be_a_link(photos: Path) -> None:
    (photos.parent / "alias").symlink_to(photos)
    assert files.read(f"{photos}/cat.jpg", files.folders([f"file://{photos.parent}/alias"]), 0) == b"cat"


def test_a_missing_file_is_told_apart(photos: Path) -> None:
    assert refusal(f"{photos}/dog.jpg", f"file://{photos}").sqlstate == "58P01"


def test_what_is_no_regular_file_is_refused_at_once_and_leaks_no_descriptor(photos: Path) -> None:
    os.mkfifo(photos / "pipe")
    (photos / "null").symlink_to("/dev/null")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        for path in (str(photos), f"{photos}/pipe"):
            error = refusal(path, f"file://{photos}")
            assert (error.sqlstate, error.message) == ("22023", f"{path} is not a regular file")
    assert refusal("/dev/null", "file:///dev").sqlstate == "42501"  # devices are opened by no entry
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_path_through_a_file_is_an_input_error(photos: Path) -> None:
    assert refusal(f"{photos}/cat.jpg/x", f"file://{photos}").sqlstate == "58030"


@pytest.mark.parametrize(("limit", "content"), [(2, None), (3, b"cat"), (0, b"cat")])
def test_a_file_over_the_limit_is_none(photos: Path, limit: int, content: bytes | None) -> None:
    assert files.read(f"{photos}/cat.jpg", files.folders([f"file://{photos}"]), limit) == content


def test_a_nul_character_is_an_argument_error(photos: Path) -> None:
    assert refusal(f"{photos}/cat.jpg\0", f"file://{photos}").sqlstate == "22023"


def test_an_entry_with_a_nul_character_disturbs_nobody(photos: Path) -> None:
    entries = ["file:///a%00b", f"file://{photos}"]
    assert files.read(f"{photos}/cat.jpg", files.folders(entries), 0) == b"cat"


def test_file_names_that_are_not_utf8_can_be_read(photos: Path) -> None:
    Path(os.fsdecode(os.fsencode(photos) + b"/\xe9.jpg")).write_bytes(b"latin")
    path = local_path(f"file://{photos}/%E9.jpg")
    assert path is not None and files.read(path, files.folders([f"file://{photos}"]), 0) == b"latin"


def test_an_unreadable_name_can_be_told_to_the_database(photos: Path) -> None:
    path = local_path(f"file://{photos}/%E9.jpg")
    assert path is not None
    message = refusal(path, f"file://{photos}").as_dict()["message"]
    assert message.encode("utf-8").endswith(b"/?.jpg")


def test_where_there_is_no_o_path_names_are_judged(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "O_PATH", raising=False)
    (photos / "link.jpg").symlink_to(photos.parent / "secret.txt")
    os.mkfifo(photos / "pipe")
    assert files.read(f"{photos}/cat.jpg", files.folders([f"file://{photos}"]), 0) == b"cat"
    assert refusal(f"{photos}/link.jpg", f"file://{photos}").sqlstate == "42501"
    assert refusal(f"{photos}/pipe", f"file://{photos}").sqlstate == "22023"
