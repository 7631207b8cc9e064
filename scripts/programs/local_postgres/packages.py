"""The Python packages that PL/Python functions import, in a folder of the server's own."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

from scripts.common.errors import NO_SPACE, UserError, explaining, indented, no_space
from scripts.common.files import new_folder
from scripts.common.paths import CHECKOUT

NAMES = ("Pillow", "urllib3", "certifi", "opendal")
ACTION = "installing the server's Python packages"


def requirements() -> list[str]:
    """Return what the database host needs, with the bounds that pyproject.toml gives."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    declared: dict[str, str] = {}
    for requirement in [*project["dependencies"], *(item for extra in extras for item in extra)]:
        name = re.match(r"[\w.-]+", requirement)
        if name:
            declared.setdefault(name[0].lower(), requirement)
    return [declared.get(name.lower(), name) for name in NAMES]


def folder_name(version: str) -> str:
    """Return the name of the folder for today's list of packages, for that version of Python."""
    text = "\n".join([platform.machine(), *requirements()])
    return f"pylib-{version}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def is_current(folder: str) -> bool:
    """Tell whether that folder's packages are those that pyproject.toml lists today."""
    return folder == folder_name(folder.removeprefix("pylib-").partition("-")[0])


def install_packages(programs: Path, version: str, lock: int, say: Callable[[str], None]) -> Path:
    """Return the folder with the packages; install them if this list of them is not there yet.

    Raises:
        UserError: pip is missing or failed.
    """
    wanted = requirements()
    final = programs / folder_name(version)
    if final.is_dir():
        return final
    say(f"Installing {', '.join(NAMES)} for PL/Python ...")
    with explaining(ACTION, programs), new_folder(final) as unfinished:
        # The wheels are chosen for the server's Python, not for the one that runs pip.
        options = ["--python-version", version, "--implementation", "cp", "--only-binary=:all:"]
        options += ["--no-compile", "--target", str(unfinished)]
        options += ["--quiet", "--no-input", "--disable-pip-version-check", "--root-user-action=ignore"]
        ran = subprocess.run(
            [sys.executable, "-m", "pip", "install", *options, *wanted],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            pass_fds=(lock,),
            env={name: value for name, value in os.environ.items() if name not in ("PIP_USER", "PIP_PREFIX")},
        )
        if NO_SPACE in ran.stdout:
            raise no_space(ACTION, programs)
        if ran.returncode != 0:
            raise UserError(
                f"pip could not install {', '.join(wanted)} for the database server:\n{indented(ran.stdout, 8)}\n"
                "Check the network (pip's own settings such as PIP_INDEX_URL count) and start again."
            )
        installed = sorted(path.name.removesuffix(".dist-info") for path in unfinished.glob("*.dist-info"))
        (unfinished / "installed.txt").write_text("\n".join(installed) + "\n", "utf-8")
    return final
