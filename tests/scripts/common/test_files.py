"""Files and folders appear whole or not at all; errors name the action, the place and the way out."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from scripts.common.errors import UserError, exit_status, explaining
from scripts.common.files import new_folder, write_whole


def test_a_file_is_replaced_in_one_step_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "file"
    write_whole(file, "one")
    write_whole(file, b"two", 0o644)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("two", 0o644)
    with pytest.raises(UnicodeEncodeError):
        write_whole(file, "\ud800")
    assert [(path.name, path.read_text()) for path in file.parent.iterdir()] == [("file", "two")]


def test_a_folder_that_fails_vanishes_and_a_left_one_is_made_again(tmp_path: Path) -> None:
    final = tmp_path / "made"
    (tmp_path / "made.unfinished" / "old").mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt), new_folder(final) as folder:
        assert not list(folder.iterdir())
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())
    with new_folder(final) as folder:
        (folder / "file").touch()
    assert [path.name for path in final.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "no space left"), (errno.EACCES, "yours to read and write"), (errno.EIO, "Check that folder")],
)
def test_an_error_of_the_system_names_action_place_and_advice(tmp_path: Path, number: int, advice: str) -> None:
    with (
        pytest.raises(UserError, match=f"(?s)While unpacking: .*{tmp_path}.*") as raised,
        explaining("unpacking", tmp_path),
    ):
        raise OSError(number, os.strerror(number))
    assert advice in str(raised.value) and "POLARLENS_HOME" in str(raised.value)


def test_a_program_prints_what_it_failed_with(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> int:
        raise UserError("No photo.\nName a folder that has some.")

    assert exit_status(fail) == 1
    assert capsys.readouterr().err == "No photo.\nName a folder that has some.\n"
    assert exit_status(lambda: 3) == 3
