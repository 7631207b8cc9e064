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
    from superset.app import create_app

    with create_app().app_context():
        import flask_migrate

        _say("its tables")
        flask_migrate.upgrade()
        _say("its roles and its administrator")
        _roles(given["password"])
        _say("the dashboard")
        _assets(Path(given["assets"]), given["address"])


def _say(what: str) -> None:
    # Superset's own output goes to the log.
    print(f"  {what}", flush=True)


def _roles(password: str) -> None:
    from superset import appbuilder, security_manager

    # As `superset init` does.
    appbuilder.add_permissions(update_perms=True)
    security_manager.sync_role_definitions()
    user = security_manager.find_user(ADMIN)
    if user is None:
        role = security_manager.find_role("Admin")
        security_manager.add_user(ADMIN, "Photo", "search", "admin@localhost.invalid", role, password)
    else:
        security_manager.reset_password(user.id, password)


def _assets(folder: Path, address: str) -> None:
    import yaml
    from flask import g
    from superset import security_manager
    from superset.commands.importers.v1.assets import ImportAssetsCommand

    contents = {str(file.relative_to(folder)): file.read_text("utf-8") for file in sorted(folder.rglob("*.yaml"))}
    for name in contents:
        if name == "metadata.yaml":
            # A dashboard's bundle for people who import it; imported as assets, it overwrites what an older one left.
            contents[name] = _changed(yaml, contents[name], type="assets")
        elif name.startswith("databases/"):
            contents[name] = _changed(yaml, contents[name], sqlalchemy_uri=address)
    g.user = security_manager.find_user(ADMIN)
    ImportAssetsCommand(contents).run()


def _changed(yaml: Any, text: str, **values: str) -> str:
    return str(yaml.safe_dump(yaml.safe_load(text) | values))


if __name__ == "__main__":
    main()
