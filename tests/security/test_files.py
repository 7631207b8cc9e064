"""Reading a file of the database server that no entry of the allow-list opens."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.security.house import SECRETS, House

Allow = Callable[[str], None]
LOAD = "select polar_ai.ai_loadfile(%s)"

# {open} is an allowed folder, {closed} its neighbour, {data} the server's own. No refusal may tell what exists.
PATHS = {
    "a system file": "/etc/passwd",
    "as a URL": "file:///etc/passwd",
    "as a URL with a host": "file://localhost/etc/passwd",
    "as a URL of another host": "file://127.0.0.1/etc/passwd",
    "as a URL in capitals": "FILE:///etc/passwd",
    "as a URL in mixed case": "FiLe:/etc/passwd",
    "with two slashes": "//etc/passwd",
    "with a colon": "file:etc/passwd",
    "dots": "{open}/../../../../../etc/passwd",
    "dots in a URL": "file://{open}/../closed/key.pem",
    "encoded dots": "file://{open}/%2e%2e/closed/key.pem",
    "doubly encoded dots": "file://{open}/%252e%252e/closed/key.pem",
    "encoded slashes": "file://{open}%2f..%2fclosed%2fkey.pem",
    "encoded slashes in a path": "{open}/..%2fclosed%2fkey.pem",
    "overlong dots": "file://{open}/%c0%ae%c0%ae/closed/key.pem",
    "backslashes": "{open}\\..\\closed\\key.pem",
    "a neighbour with the same beginning": "{open}-and-more/key.pem",
    "the folder's parent": "{open}/..",
    "NUL in a URL": "file:///etc/passwd%00{open}/a.jpg",
    "NUL after the folder": "file://{open}/%00/../../etc/passwd",
    "a query": "file:///etc/passwd?{open}/a.jpg",
    "a line break": "file:///etc/\npasswd",
    "a tabulator in the scheme": "fi\tle:///etc/passwd",
    "a symbolic link": "{open}/link.jpg",
    "a link to a folder": "{open}/folder/key.pem",
    "a link to a link": "{open}/link-to-link.jpg",
    "a link through the process": "{open}/process/environ",
    "a link in a circle": "{open}/circle",
    "the neighbour": "{closed}/key.pem",
    "what is not there": "{closed}/nothing",
    "the server's environment": "/proc/self/environ",
    "the server's memory": "/proc/self/mem",
    "the server's working folder": "/proc/self/cwd/PG_VERSION",
    "the postmaster's environment": "/proc/1/environ",
    "the passwords' file": "{data}/global/1260",
    "the server's settings": "{data}/postgresql.conf",
    "the access rules": "{data}/pg_hba.conf",
    "the server's password": "{data}/../password",
    "a device": "/dev/zero",
    "a home folder": "~/.pgpass",
    "a variable": "$HOME/.pgpass",
    "a relative path": "postgresql.conf",
    "an empty path": "file://",
    "the root": "/",
}
# What is refused though its very folder is allowed.
NEVER = {
    "the server's environment": "/proc/self/environ",
    "the environment by another way": "{open}/process/environ",
    "the environment of a task": "/proc/thread-self/environ",
    "the server's memory": "/proc/self/mem",
    "the tokens' table": "{data}/{secrets}",
    "the passwords' table": "{data}/global/1260",
    "the server's log of changes": "{data}/pg_wal/000000010000000000000001",
    "the server's settings": "{data}/postgresql.conf",
    "the data through the process": "/proc/self/cwd/postgresql.conf",
    "the kernel's settings": "/sys/kernel/notes",
    "a device": "/dev/zero",
}


@pytest.fixture(scope="module")
def places(house: House, open_folder: Path) -> dict[str, str]:
    """An allowed folder full of traps, and its neighbour with a key in it."""
    opened, closed = open_folder / "attack" / "open", open_folder / "attack" / "closed"
    for folder in (opened, closed, opened.with_name("open-and-more")):
        folder.mkdir(parents=True)
        folder.chmod(0o755)
        (folder / "key.pem").write_text(SECRETS["a key file's content"])
    opened.parent.chmod(0o755)
    (opened / "key.pem").unlink()
    (opened / "link.jpg").symlink_to(closed / "key.pem")
    (opened / "link-to-link.jpg").symlink_to(opened / "link.jpg")
    (opened / "folder").symlink_to(closed)
    (opened / "process").symlink_to("/proc/self")
    (opened / "circle").symlink_to(opened / "circle")
    os.mkfifo(opened / "pipe")
    (opened / "pipe").chmod(0o666)
    (opened / "socket.jpg").symlink_to("/dev/null")
    secrets = house.db.value("select pg_relation_filepath('polar_ai.model_secrets')")
    return {"open": str(opened), "closed": str(closed), "data": str(house.data), "secrets": secrets}


@pytest.mark.parametrize("role", ["caller", "admin"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_a_file_is_not_read(house: House, allowed: Allow, places: dict[str, str], role: str, path: str) -> None:
    allowed(f"file://{places['open']}")
    seen = house.attack(role, LOAD, parameters=(path.format(**places),))
    # 58P01: below the open folder, and not there. 58030: cannot be opened.
    assert seen.sqlstate in ("42501", "22023", "58P01", "58030"), seen.text
    assert seen.sqlstate not in ("58P01", "58030") or path.startswith(("{open}", "file://{open}"))


@pytest.mark.parametrize("path", NEVER.values(), ids=NEVER)
def test_the_servers_own_files_are_read_under_no_entry(
    house: House, allowed: Allow, places: dict[str, str], path: str
) -> None:
    allowed("file:///")
    seen = house.attack("admin", LOAD, parameters=(path.format(**places),))
    assert seen.sqlstate == "42501", seen.text[:300]


@pytest.mark.parametrize("name", ["pipe", "socket.jpg", "circle", "."])
def test_what_is_no_file_does_not_hang_the_server(
    house: House, allowed: Allow, places: dict[str, str], name: str
) -> None:
    allowed(f"file://{places['open']}")
    seen = house.attack("caller", "set statement_timeout = '5s'", LOAD, parameters=(f"{places['open']}/{name}",))
    assert seen.sqlstate in ("22023", "42501", "58030")


@pytest.mark.parametrize("existing", ["key.pem", "no-such-key.pem"])
def test_a_refusal_does_not_tell_what_exists(
    house: House, allowed: Allow, places: dict[str, str], existing: str
) -> None:
    allowed(f"file://{places['open']}")
    seen = house.attack("caller", LOAD, parameters=(f"{places['closed']}/{existing}",))
    assert seen.sqlstate == "42501" and seen.said[0].endswith("it is not below an allowed folder")


@pytest.mark.parametrize("entry", ["file:///a\nb", "file:///%", "file:///%00", "file:///../../nowhere"])
def test_an_odd_entry_opens_nothing_and_disturbs_nobody(
    house: House, allowed: Allow, places: dict[str, str], entry: str
) -> None:
    allowed(entry)
    seen = house.attack("caller", LOAD, parameters=(f"{places['closed']}/key.pem",))
    assert seen.sqlstate == "42501"
