"""Superset's process and its metadata."""

from __future__ import annotations

import hashlib
import json
import os
import urllib.error
import urllib.request
from pathlib import Path

from scripts.common.errors import UserError
from scripts.common.programs import run_shown
from scripts.common.service import Service, free_port
from scripts.programs.superset.home import ASSETS, home, secret

HOST = "127.0.0.1"
DASHBOARD = "/superset/dashboard/photo-search/"
START_SECONDS = 180
HERE = Path(__file__).parent


def service() -> Service:
    """Return Superset as a background program."""
    return Service("Superset", home(), "superset")


def url() -> str | None:
    """Return the dashboard's address if Superset runs, or None."""
    superset = service()
    return f"http://{HOST}:{superset.state()['port']}{DASHBOARD}" if superset.process() else None


def is_prepared(address: str) -> bool:
    """Tell whether the metadata and the configuration are those of these files and this address."""
    stamp = home() / "prepared"
    return stamp.exists() and stamp.read_text("utf-8") == _fingerprint(address)


def prepare(bin_folder: Path, address: str) -> None:
    """Bring the metadata up to date.

    Raises:
        UserError: a step failed.
    """
    (home() / "prepared").unlink(missing_ok=True)
    secret("secret_key")
    given = {"address": address, "password": secret("admin_password"), "assets": str(ASSETS)}
    superset = service()
    with superset.log_file.open("ab", buffering=0) as log:

        def show(line: str) -> None:
            # Libraries print, too; the lines of prepare.py are indented.
            if line.startswith("  "):
                print(line, flush=True)
            else:
                log.write(f"{line}\n".encode())

        command = [str(bin_folder / "python"), "-P", str(HERE / "prepare.py")]
        code, _ = run_shown(command, show, stdin=json.dumps(given), stderr=log, cwd="/", env=_env())
    if code != 0:
        raise UserError(f"Superset's metadata could not be brought up to date.\n{superset.log_tail()}")
    (home() / "prepared").write_text(_fingerprint(address), "utf-8")


def start(bin_folder: Path) -> None:
    """Start Superset and wait until it answers.

    Raises:
        UserError: it does not; it is not left running then.
    """
    superset = service()
    port = free_port(superset.state().get("port"))
    command = [str(bin_folder / "gunicorn"), "superset.app:create_app()", "--bind", f"{HOST}:{port}"]
    command += ["--worker-class", "gthread", "--workers", "1", "--threads", "8", "--timeout", "120"]
    process = superset.start(command, _env())
    superset.record(process.pid, port=port)
    superset.wait_until_ready(process, lambda: _answers(port), START_SECONDS)


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _env() -> dict[str, str]:
    # Everybody who uses Superset is a search reader: the variables of the person who started it stay away.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "PYTHON", "DBT_"))}
    return env | {
        "SUPERSET_HOME": str(home()),
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "FLASK_APP": "superset.app:create_app()",
        "PYTHONUNBUFFERED": "1",
    }


def _fingerprint(address: str) -> str:
    digest = hashlib.sha256(address.encode())
    own = [HERE / name for name in ("prepare.py", "superset_config.py", "requirements.txt")]
    for file in [*own, *sorted(ASSETS.rglob("*.yaml"))]:
        digest.update(file.read_bytes())
    # Deleted secrets are made again, and so is deleted metadata.
    for name in ("secret_key", "admin_password"):
        digest.update(secret(name).encode())
    return digest.hexdigest() if (home() / "superset.db").exists() else "no metadata yet"
