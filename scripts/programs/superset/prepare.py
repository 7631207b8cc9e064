"""Brings Superset's metadata up to date: its tables, its administrator, our assets. Run by Superset's own Python.

Reads {"address", "password", "assets"} as JSON from its input, so that no secret is on a command line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ADMIN = "admin"


def main() -> None:
    """Do every step; each can be done again."""
    given = json.load(sys.stdin)
    password = f"--password={given['password']}"
    who = [f"--username={ADMIN}", "--firstname=Photo", "--lastname=search", "--email=admin@localhost.invalid"]
    _say("its tables")
    _superset("db", "upgrade")
    _say("its roles and its administrator")
    _superset("init")
    # Does nothing where the administrator exists; the password may have changed since.
    _superset("fab", "create-admin", *who, password)
    _superset("fab", "reset-password", f"--username={ADMIN}", password)
    _say("the dashboard")
    _assets(Path(given["assets"]), given["address"])


def _say(step: str) -> None:
    # Superset's own output goes to the log.
    print(f"  {step}", flush=True)


def _superset(*arguments: str) -> None:
    """Run a command of Superset's own, in this process."""
    from superset.cli.main import superset

    superset.main(arguments, standalone_mode=False)


def _assets(folder: Path, address: str) -> None:
    import yaml
    from flask import g
    from superset.app import create_app

    contents = {str(file.relative_to(folder)): file.read_text("utf-8") for file in sorted(folder.rglob("*.yaml"))}
    for name in contents:
        if name == "metadata.yaml":
            # A dashboard's bundle for people who import it; imported as assets, it overwrites what an older one left.
            contents[name] = _changed(yaml, contents[name], type="assets")
        elif name.startswith("databases/"):
            contents[name] = _changed(yaml, contents[name], sqlalchemy_uri=address)
    with create_app().app_context():
        from superset import security_manager
        from superset.commands.importers.v1.assets import ImportAssetsCommand

        g.user = security_manager.find_user(ADMIN)
        ImportAssetsCommand(contents).run()


def _changed(yaml: Any, text: str, **values: str) -> str:
    return str(yaml.safe_dump(yaml.safe_load(text) | values))


if __name__ == "__main__":
    main()
