"""The command line of the local CLIP service; scripts/clip_service runs it."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from scripts.common.paths import state_home

# What `start` on a running service has to import is all that is imported here: it answers at once.
from scripts.programs.clip_service import lifecycle
from scripts.programs.clip_service.state import Place, State

NOT_RUNNING = 3
MODELS = ("auto", "clip", "starter", "resnet", "efficientnet")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def main() -> int:
    """Run one command; return the exit status."""
    arguments = _parser().parse_args()
    try:
        return int(arguments.command(arguments))
    except lifecycle.LifecycleError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="clip_service", description="A local CLIP service.")
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", dest="place", type=_place, default=Place(), help="of several services, the one meant")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, text in (
        ("start", _start, "start it in the background and wait until it is ready"),
        ("run", _run, "run it in the foreground"),
    ):
        sub = commands.add_parser(name, help=text, description=text, parents=[named])
        sub.add_argument(
            "--model",
            choices=MODELS,
            default="auto",
            help="auto: clip if it can be had, else starter; resnet and efficientnet embed images only",
        )
        sub.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        sub.add_argument("--port", type=int, help="default: the last one if free, else any free one")
        sub.set_defaults(command=command)
    for name, simple, text in (
        ("status", _status, f"say whether it runs (exit 0) or not (exit {NOT_RUNNING})"),
        ("stop", _stop, "stop it"),
        ("url", _url, "print the address that clients post to"),
    ):
        commands.add_parser(name, help=text, description=text, parents=[named]).set_defaults(command=simple)
    figures = commands.add_parser(
        "figures", help="measure the running service's retrieval quality and speed", parents=[named]
    )
    figures.add_argument(
        "folder", nargs="?", type=Path, help="photos named after what they show (default: the demo photos)"
    )
    figures.set_defaults(command=_figures)
    return parser


def _place(name: str) -> Place:
    if not re.fullmatch(r"[a-z0-9_-]{1,40}", name):
        raise argparse.ArgumentTypeError(f"{name!r} is no name: it may consist of a-z, 0-9, - and _")
    return Place(name)


def _start(arguments: argparse.Namespace) -> int:
    place: Place = arguments.place
    with lifecycle.exclusively(place):
        found = lifecycle.running(place)
        if found:
            recorded, account = found
            same_model = arguments.model in ("auto", account.get("model"))
            same_place = arguments.port in (None, recorded.port) and arguments.host == recorded.host
            if account["state"] == "ready" and same_model and same_place:
                print("The CLIP service is already running.")
                _describe(account, recorded.url)
                return 0
            print(f"Restarting the CLIP service that runs {account.get('model')} at {recorded.url} ...", flush=True)
            lifecycle.stop(place)
        if arguments.host not in LOOPBACK:
            print(f"Note: {arguments.host} may be reachable from other machines; the service asks for no password.")
        print(f"Starting the CLIP service (model: {arguments.model}) ...", flush=True)
        account = lifecycle.start(place, arguments.model, arguments.host, arguments.port)
        recorded_now = place.read()
        assert recorded_now is not None, "a ready service has recorded itself"
        _describe(account, recorded_now.url)
        print(f"  log      {place.log_file}")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from scripts.programs.clip_service import server

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    place: Place = arguments.place
    port = arguments.port or lifecycle.free_port(place, arguments.host)
    url = lifecycle.post_url(arguments.host, port)

    def record(account: dict[str, Any]) -> None:
        card = {name: account[name] for name in ("model", "dimension", "logit_scale", "version")}
        encoder = service.encoder
        place.write(
            State(os.getpid(), arguments.host, port, url, image_size=encoder.image_size if encoder else 0, **card)
        )
        print(f"Ready: model {account['model']} at {url}", flush=True)

    service = server.Service(arguments.model, state_home() / "models", record)
    server.serve(service, arguments.host, port)
    recorded = place.read()
    if recorded and recorded.pid == os.getpid():
        place.write(replace(recorded, pid=None))
    return 0


def _status(arguments: argparse.Namespace) -> int:
    found = lifecycle.running(arguments.place)
    if not found:
        return _say_not_running(arguments.place)
    _describe(found[1], found[0].url)
    return 0


def _stop(arguments: argparse.Namespace) -> int:
    with lifecycle.exclusively(arguments.place):
        stopped = lifecycle.stop(arguments.place)
        print("Stopped the CLIP service." if stopped else "The CLIP service was not running.")
    return 0


def _url(arguments: argparse.Namespace) -> int:
    found = lifecycle.running(arguments.place)
    if not found:
        return _say_not_running(arguments.place)
    print(found[0].url)
    return 0


def _figures(arguments: argparse.Namespace) -> int:
    found = lifecycle.running(arguments.place)
    if not found:
        return _say_not_running(arguments.place)
    from scripts.programs.clip_service import figures

    folder = arguments.folder or state_home() / "photos"
    return figures.report(found[0], folder.absolute(), state_home() / "clip_figures.json")


def _say_not_running(place: Place) -> int:
    print(f"The CLIP service is not running. Start it: scripts/clip_service start{place.option}", file=sys.stderr)
    return NOT_RUNNING


def _describe(account: dict[str, Any], url: str) -> None:
    print(f"  model    {account['model']} ({account['dimension']} dimensions): {account['reason']}")
    print(f"           {account['description']}")
    print(f"  url      {url}")


if __name__ == "__main__":
    sys.exit(main())
