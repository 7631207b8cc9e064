"""The embedded PostgreSQL server: start, stop and ask about it.

    scripts/local_postgres.py start      start it (the first time: unpack, install, create)
    scripts/local_postgres.py env        print libpq's variables: eval "$(scripts/local_postgres.py env)"
    scripts/local_postgres.py psql …     run the server's own psql in its database
    scripts/local_postgres.py status     exit code 0 when it runs, 3 when it does not
    scripts/local_postgres.py stop       stop it
    scripts/local_postgres.py destroy    stop it and delete its data (--yes: without asking)
    scripts/local_postgres.py path NAME  print the folder: sharedir, bindir, libdir, data, log or pylib

Environment:
    POLARLENS_HOME        the folder to keep everything in
    POLARLENS_PYTHON      the interpreter to run this with, if not the checkout's .venv
    POLARLENS_SERVER_ENV  NAME1,NAME2: variables to hand to the server, for secrets given as env:NAME
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from scripts.common.errors import exit_status
from scripts.common.paths import state_home
from scripts.programs.local_postgres.server import LocalPostgres

NOT_RUNNING = 3
PLACES = ("sharedir", "bindir", "libdir", "data", "log", "pylib")


def main() -> int:
    """Run one command and return its exit code."""
    arguments = parse()
    server = LocalPostgres(state_home(), say=lambda line: print(line, file=sys.stderr, flush=True))
    match arguments.command:
        case "start":
            return start(server)
        case "stop":
            print("Stopped." if server.stop() else "It was not running.")
        case "status":
            return status(server)
        case "env":
            return env(server)
        case "path":
            print(server.places()[arguments.name])
        case "psql":
            return psql(server, arguments.arguments)
        case _:
            return destroy(server, arguments.yes)
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    lines = (__doc__ or "").splitlines()
    parser = argparse.ArgumentParser(
        prog="scripts/local_postgres.py",
        description=lines[0],
        epilog="\n".join(lines[2:]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in ("start", "stop", "status", "env"):
        commands.add_parser(name)
    commands.add_parser("path").add_argument("name", choices=PLACES)
    # What follows is psql's; `add_help` would take -h from it.
    commands.add_parser("psql", add_help=False, prefix_chars="\0").add_argument("arguments", nargs="*")
    commands.add_parser("destroy").add_argument("--yes", action="store_true", help="do not ask")
    return parser.parse_args()


def start(server: LocalPostgres) -> int:
    """Start the server and say where it listens."""
    before = server.running()
    connection = server.start()
    verb = "was already running" if before else "is running"
    print(
        f"PostgreSQL {verb} on {connection['PGHOST']}, port {connection['PGPORT']}, "
        f"database {connection['PGDATABASE']}.\n"
        'Connect with: eval "$(scripts/local_postgres.py env)"'
    )
    return 0


def status(server: LocalPostgres) -> int:
    """Say whether the server runs, and where its files are."""
    process = server.running()
    if process is None:
        print("Not running. Start it with scripts/local_postgres.py start")
    else:
        print("Running." if process.ready else "Starting.")
        print(f"port:    {process.port}\npid:     {process.pid}")
    for name, value in server.facts().items():
        print(f"{name + ':':8} {value}")
    return 0 if process else NOT_RUNNING


def env(server: LocalPostgres) -> int:
    """Print the export lines for a shell to evaluate."""
    if server.running() is None:
        print("The server is not running. Start it with scripts/local_postgres.py start", file=sys.stderr)
        return NOT_RUNNING
    for name, value in server.env().items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def psql(server: LocalPostgres, arguments: list[str]) -> int:
    """Become the server's own psql, connected to its database."""
    connection, places = server.env(), server.places()
    # Its libpq is beside it, not where the system looks.
    os.environ.update(connection, LD_LIBRARY_PATH=str(places["libdir"]))
    program = str(places["bindir"] / "psql")
    os.execv(program, [program, *arguments])  # noqa: S606 - no shell is wanted


def destroy(server: LocalPostgres, sure: bool) -> int:
    """Delete the data once the user has agreed."""
    if not sure and not sys.stdin.isatty():
        print("This deletes all data of the server: say --yes if you mean it.", file=sys.stderr)
        return 1
    if not sure:
        answer = input(f"Delete all data in {server.cluster.folder}? Type yes: ")
        if answer.strip().lower() != "yes":
            print("Nothing was deleted.")
            return 1
    server.destroy()
    print(f"Deleted. The unpacked programs stay in {server.programs}, for the next start.")
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
