"""The command line of scripts/clip_service."""

from __future__ import annotations

import argparse
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

# The other modules import heavy libraries; `start` on a running service answers at once.
from scripts.common.errors import exit_status
from scripts.common.paths import state_home
from scripts.programs.clip_service import lifecycle

NOT_RUNNING = 3
MODELS = ("auto", "clip", "starter", "resnet", "efficientnet")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def main() -> int:
    """Run one command; return the exit status."""
    arguments = _parser().parse_args()
    return int(arguments.command(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/clip_service", description="A local CLIP service.")
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--name", type=_name, default="", help="the service meant, where there are several")
    listening = argparse.ArgumentParser(add_help=False)
    listening.add_argument(
        "--model",
        choices=MODELS,
        default="auto",
        help="auto: clip if its weights can be had, else starter; resnet and efficientnet embed images only",
    )
    listening.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    listening.add_argument("--port", type=int, help="default: the last one if free, else any free one")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, command, text, parents in (
        ("start", _start, "start it in the background and wait until it is ready", [named, listening]),
        ("run", _run, "run it in the foreground", [named, listening]),
        ("status", _status, f"tell whether it runs (exit 0) or not (exit {NOT_RUNNING})", [named]),
        ("stop", _stop, "stop it", [named]),
        ("url", _url, "print the address that clients post to", [named]),
        ("figures", _figures, "measure the running service's retrieval quality and speed", [named]),
    ):
        sub = commands.add_parser(name, help=text, description=text, parents=parents)
        sub.set_defaults(command=command)
        if name == "figures":
            text = "photos named after what they show (default: the demo photos)"
            sub.add_argument("folder", nargs="?", type=Path, help=text)
    return parser


def _name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9_-]{0,40}", name):
        raise argparse.ArgumentTypeError(f"{name!r} is no name: it may consist of a-z, 0-9, - and _")
    return name


def _start(arguments: argparse.Namespace) -> int:
    clip = lifecycle.service(arguments.name)
    with clip.exclusively():
        if found := lifecycle.running(clip):
            same_model = arguments.model in ("auto", found.get("model"))
            same_place = arguments.port in (None, found["port"]) and arguments.host == found["host"]
            if found["state"] == "ready" and same_model and same_place:
                print("The CLIP service is already running.")
                return _describe(found)
            print(f"Restarting the CLIP service that runs {found.get('model')} at {found['url']} ...", flush=True)
        clip.stop()
        if arguments.host not in LOOPBACK:
            print(f"Note: {arguments.host} may be reachable from other machines; the service asks for no password.")
        print(f"Starting the CLIP service (model: {arguments.model}) ...", flush=True)
        _describe(lifecycle.start(clip, arguments.name, arguments.model, arguments.host, arguments.port))
        print(f"  log      {clip.log_file}")
    return 0


def _run(arguments: argparse.Namespace) -> int:
    from scripts.programs.clip_service import server

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    clip = lifecycle.service(arguments.name)
    port = lifecycle.choose_port(clip, arguments.host, arguments.port)
    url = lifecycle.post_url(arguments.host, port)

    def record(report: dict[str, Any]) -> None:
        facts = {name: report[name] for name in ("model", "dimension", "logit_scale", "version", "image_size")}
        clip.record(os.getpid(), host=arguments.host, port=port, url=url, **facts)
        print(f"Ready: model {report['model']} at {url}", flush=True)

    server.serve(server.Service(arguments.model, state_home() / "models", record), arguments.host, port)
    return 0


def _status(arguments: argparse.Namespace) -> int:
    found = lifecycle.running(lifecycle.service(arguments.name))
    return _describe(found) if found else _not_running(arguments)


def _stop(arguments: argparse.Namespace) -> int:
    clip = lifecycle.service(arguments.name)
    with clip.exclusively():
        print("Stopped the CLIP service." if clip.stop() else "The CLIP service was not running.")
    return 0


def _url(arguments: argparse.Namespace) -> int:
    found = lifecycle.running(lifecycle.service(arguments.name))
    if not found:
        return _not_running(arguments)
    print(found["url"])
    return 0


def _figures(arguments: argparse.Namespace) -> int:
    found = lifecycle.running(lifecycle.service(arguments.name))
    if not found:
        return _not_running(arguments)
    from scripts.programs.clip_service import figures

    folder = arguments.folder or state_home() / "photos"
    return figures.report(found, folder.absolute(), state_home() / "clip_figures.json")


def _not_running(arguments: argparse.Namespace) -> int:
    option = f" --name {arguments.name}" if arguments.name else ""
    print(f"The CLIP service is not running. Start it: scripts/clip_service start{option}", file=sys.stderr)
    return NOT_RUNNING


def _describe(found: dict[str, Any]) -> int:
    print(f"  model    {found['model']} ({found['dimension']} dimensions): {found['reason']}")
    print(f"           {found['description']}")
    print(f"  url      {found['url']}")
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
