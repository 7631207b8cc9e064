"""The command line of scripts/superset."""

from __future__ import annotations

import argparse
import sys

from scripts.common.errors import exit_status
from scripts.programs.superset import server
from scripts.programs.superset.home import home
from scripts.programs.superset.install import install
from scripts.programs.superset.reader import ROLE, connect_reader

NOT_RUNNING = 3


def main() -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(
        prog="scripts/superset",
        description="Apache Superset on this machine, with a dashboard on the searches.",
        epilog="The database: of PGHOST, PGPORT, PGUSER, PGPASSWORD and PGDATABASE, or else the embedded server.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, text in (
        ("start", _start, "install it the first time, import the dashboard, start it in the background"),
        ("stop", _stop, "stop it"),
        ("status", _status, f"tell whether it runs (exit 0) or not (exit {NOT_RUNNING})"),
        ("url", _url, "print the dashboard's address"),
    ):
        commands.add_parser(name, help=text, description=text).set_defaults(command=command)
    arguments = parser.parse_args()
    return int(arguments.command())


def _start() -> int:
    superset = server.service()
    with superset.exclusively():
        address = connect_reader()
        bin_folder = install()
        prepared = server.is_prepared(address)
        if superset.process() and prepared:
            print("Superset is already running.")
            return _describe()
        if superset.stop():
            print("Restarting Superset: the database, the dashboard or its configuration changed.")
        if not prepared:
            print("Preparing Superset:", flush=True)
            server.prepare(bin_folder, address)
        print("Starting Superset ...", flush=True)
        server.start(bin_folder)
        return _describe()


def _stop() -> int:
    superset = server.service()
    with superset.exclusively():
        print("Stopped Superset." if superset.stop() else "Superset was not running.")
    return 0


def _status() -> int:
    if server.url() is None:
        return _not_running()
    print("Superset is running.")
    return _describe()


def _url() -> int:
    address = server.url()
    if address is None:
        return _not_running()
    print(address)
    return 0


def _describe() -> int:
    print(f"  dashboard  {server.url()}")
    print(f"  log in as  admin, with the password in {home() / 'admin_password'}")
    print(f"  searches   as {ROLE}, a member of polarlens_reader")
    print(f"  log        {server.service().log_file}")
    return 0


def _not_running() -> int:
    print("Superset is not running. Start it: scripts/superset start", file=sys.stderr)
    return NOT_RUNNING


if __name__ == "__main__":
    sys.exit(exit_status(main))
