from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from udfs import install
from udfs.runtime import importer
from udfs.sql_text import literal_sql


def loader_body() -> str:
    (loader,) = (script for script in install.statements() if "$polarlens$" in script)
    return loader.split("$polarlens$")[1]


def test_the_loader_carries_every_module_to_the_letter() -> None:
    space: dict[str, object] = {"GD": {}}
    exec(loader_body().rpartition("try:\n    GD[")[0], space)
    assert space["MODULES"] == install.python_modules()
    assert {
        "runtime.http",
        "runtime.http.policy",
    } <= install.python_modules().keys() and "runtime.importer" not in install.python_modules()


def test_the_loader_needs_no_checkout(tmp_path: Path) -> None:
    program = f"GD = {{}}\n{loader_body()}\nentry = GD[{install.runtime_key()!r}]\nprint(entry.embed, entry.__file__)"
    done = subprocess.run(
        # Through a pipe: it is longer than an argument may be.
        [sys.executable, "-"],
        input=program.replace("entry.__file__", "getattr(entry, '__file__', None)"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "function embed" in done.stdout and done.stdout.strip().endswith("None")


def test_two_versions_live_side_by_side_in_one_process() -> None:
    for package, value in (("side_by_side_1", 1), ("side_by_side_2", 2)):
        sources = {"runtime": "", "runtime.other": f"VALUE = {value}", "runtime.endpoints": "from .other import VALUE"}
        assert value == importer.load(package, sources).VALUE
        assert value == importer.load(package, sources).VALUE
    assert sum(isinstance(finder, importer.SourceFinder) for finder in sys.meta_path) == 2


def test_a_module_that_is_missing_is_an_import_error() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"incomplete\.runtime\.gone"):
        importer.load("incomplete", {"runtime": "", "runtime.endpoints": "import incomplete.runtime.gone"})


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copytree(install.HERE, tmp_path / "udfs", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def hash_of(folder: Path, name: str = "code_hash") -> str:
    program = f"from udfs import install; print(install.{name}())"
    return subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.parametrize(
    ("file", "key_changes"),
    [("runtime/vectors.py", True), ("providers/clip_as_service.py", True), ("refresh/_raise.sql", False)],
)
def test_the_hash_changes_with_every_file(copied: Path, file: str, key_changes: bool) -> None:
    assert hash_of(copied) == install.code_hash()
    comment = "\n# changed\n" if file.endswith(".py") else "\n-- changed\n"
    with (copied / "udfs" / file).open("a") as text:
        text.write(comment)

    assert hash_of(copied) != install.code_hash()
    assert (hash_of(copied, "runtime_key") != install.runtime_key()) is key_changes


def test_the_hash_changes_with_the_importer(copied: Path) -> None:
    with (copied / "udfs" / "runtime" / "importer.py").open("a") as text:
        text.write("\n# changed\n")
    assert hash_of(copied) != install.code_hash()


def test_no_placeholder_is_left_and_every_function_is_qualified() -> None:
    for script in install.statements():
        assert "@runtime@" not in script
        for name in re.findall(r"^create or replace (?:function|view) (\S+)", script, re.MULTILINE):
            assert name.startswith(("polar_ai.", "polarlens."))


@pytest.mark.parametrize(
    "sql",
    [
        "select 'a:b', x::text, array[1:2], '{\"a\": 1}', ':name', '::'",
        r"select '\:name', '\\:x', E'\\', '\d+', 'c:\path\:file'",
        r"select '^(https?://[^/]+|file:///.*)$', '[[:space:]]', '\', ':a:b', '\::x'",
        "select '100%', '%s', '%%', '%(name)s'",
    ],
)
def test_literal_sql_reaches_the_server_to_the_letter(sql: str) -> None:
    compiled = literal_sql(sql).compile(dialect=postgresql.psycopg.dialect())  # type: ignore[no-untyped-call]
    assert compiled.params == {}
    assert str(compiled).replace("%%", "%") == sql


def test_literal_sql_takes_everything_that_is_installed() -> None:
    for script in install.statements():
        compiled = literal_sql(script).compile(dialect=postgresql.psycopg.dialect())  # type: ignore[no-untyped-call]
        assert isinstance(compiled, sa.Compiled)
        assert compiled.params == {} and str(compiled).replace("%%", "%") == script.replace("%%", "%")
