"""Commands and programs have the same names, and a command runs from any folder and through a link."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.common.paths import CHECKOUT

SCRIPTS = CHECKOUT / "scripts"
PROGRAMS = sorted(path.stem for path in (SCRIPTS / "programs").iterdir() if not path.name.startswith(("_", ".")))


def command(program: str) -> Path:
    return next(path for path in (SCRIPTS / program, SCRIPTS / f"{program}.py") if path.exists())


def test_every_wrapper_runs_the_program_of_its_name() -> None:
    wrappers = [path for path in SCRIPTS.iterdir() if path.is_file() and '/run" ' in path.read_text("utf-8")]
    assert {path.name for path in wrappers} == set(PROGRAMS) - {"local_postgres"}
    for path in wrappers:
        assert f'/run" {path.name} "$@"' in path.read_text("utf-8")


@pytest.mark.parametrize("program", sorted(set(PROGRAMS) - {"quickstart"}))
def test_a_command_helps_from_any_folder_and_through_a_link(program: str, tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(command(program))
    # Would be imported in place of the standard library's.
    (tmp_path / "argparse.py").write_text("raise SystemExit('imported from the current folder')")
    done = subprocess.run(
        [str(link), "--help"],
        cwd=tmp_path,
        env={**os.environ, "POLARLENS_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr and "current folder" not in done.stderr
    assert f"usage: scripts/{command(program).name} " in done.stdout + done.stderr
