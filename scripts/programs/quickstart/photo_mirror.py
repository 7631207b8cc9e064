"""Photos where the database server's user can read them.

As root, the embedded server runs as an unprivileged user. A folder that only root can read is mirrored
into the state folder; a folder that the server can read is used as it is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from scripts.programs.load_photos import photos_below
from scripts.programs.local_postgres import server_user
from scripts.programs.local_postgres.cluster import Cluster


def readable_folder(folder: Path, home: Path, say: Callable[[str], None]) -> Path:
    """Return ``folder``, or its copy below ``home`` where the embedded server of ``home`` cannot read it.

    The copy is brought up to date: new and changed photos are copied, those that are gone are removed.
    """
    user = server_user.choose(Cluster(home / "cluster").data, say)
    if user.is_us:
        return folder
    closed = user.run(["find", "-L", str(folder), "!", "-readable", "-print", "-quit"], {"PATH": os.defpath}, Path("/"))
    if closed.returncode == 0 and not closed.stdout.strip():
        return folder
    name = f"{folder.name}-{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
    mirror = home / "mirrored_photos" / name
    say(f"the server's user {user.name} cannot read all of {folder}: copying its photos to {mirror}")
    mirror.mkdir(parents=True, exist_ok=True)
    wanted = set()
    for path, _ in photos_below(folder):
        copy = mirror / Path(path).relative_to(folder)
        wanted.add(copy)
        status = Path(path).stat()
        if copy.exists() and (copy.stat().st_size, copy.stat().st_mtime_ns) == (
            status.st_size,
            status.st_mtime_ns,
        ):
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, copy)
        copy.chmod(0o644)
    for path, _ in list(photos_below(mirror)):
        if Path(path) not in wanted:
            Path(path).unlink()
    for step in (mirror.parent, mirror, *(path for path in mirror.rglob("*") if path.is_dir())):
        step.chmod(0o755)
    return mirror
