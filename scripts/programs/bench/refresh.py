"""How near `dbt run` comes to the speed of the model, beside other ways to do the same.

    scripts/bench refresh [--service stand-in|local] [--per-second 300 1000 3000] [--images 1000 …] [--arms abcde]

(a) an ideal client that posts ready-made batches from memory, (b) dbt run, (c) the article's row-at-a-time UPDATE,
(d) a good engineer's script, (e) pixeltable's embedding index: on the same photos, service and machine, in one run.
Ratios to (a) come first. Rates are of the embedding itself; dbt's start and the build of the HNSW index are
reported apart. The stand-in (stand_in.py) stands for a GPU of a set speed; `local` is the real local model.
"""

from __future__ import annotations

import argparse
import contextlib
from typing import Any

import psutil
import requests

from scripts.common.paths import state_home
from scripts.programs.bench import database, refresh_arms
from scripts.programs.bench.photos import photos
from scripts.programs.bench.services import local_model, stand_in
from scripts.programs.bench.usage import watched

ARMS = {
    "a": ("ideal client", refresh_arms.ideal),
    "b": ("dbt run", refresh_arms.dbt_run),
    "c": ("row-at-a-time UPDATE", refresh_arms.update_row_by_row),
    "d": ("engineer's script", refresh_arms.script),
    "e": ("pixeltable", refresh_arms.pixeltable),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("--service", choices=["stand-in", "local"], default="stand-in")
    parser.add_argument("--model", default="auto", help="of the local service: auto, clip or starter")
    parser.add_argument("--per-second", type=float, nargs="+", default=[300, 1000, 3000])
    parser.add_argument("--images", type=int, nargs="+", default=[1000])
    parser.add_argument("--size", default="640x480", help="of the photos, in pixels")
    parser.add_argument("--arms", default="abcde")


def run(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure every number of photos with every service."""
    width, height = (int(side) for side in options.size.split("x"))
    database.use("bench_refresh")
    rows: list[dict[str, Any]] = []
    for images in options.images:
        paths = photos(state_home() / "bench" / "photos", images, (width, height))
        if options.service == "local":
            with local_model(options.model) as url:
                rows += measure(f"local {options.model}", url, paths, options.arms)
            continue
        for per_second in options.per_second:
            with stand_in(per_second, 512) as url:
                rows += measure(f"stand-in {per_second:g}/s", url, paths, options.arms)
    return rows


def measure(service: str, url: str, paths: list[str], arms: str) -> list[dict[str, Any]]:
    """Run the arms one after the other, print a line of the table for each, and return the figures."""
    with database.connect("postgres") as connection:
        postmaster = psutil.Process(connection.info.backend_pid).parent()
    assert postmaster is not None
    rows: list[dict[str, Any]] = []
    ideal_rate = 0.0
    for arm in arms:
        name, work = ARMS[arm]
        if arm != "a":
            refresh_arms.create_database(url, paths, question(url, "GET", "/info").get("dimension", 512))
        if arm == "b":
            # Measure what a user's second run of the day costs: the project is parsed already.
            database.dbt("parse")
        question(url, "POST", "/reset")
        with watched({"client": psutil.Process(), "database": postmaster}) as usage:
            figures = work(url, paths)
        rate = figures.get("per_second", 0.0)
        if arm == "a":
            ideal_rate = rate
        row = {"service": service, "images": len(paths), "arm": arm, "name": name} | figures
        row["ratio"] = rate / ideal_rate if ideal_rate and rate else None
        row["service_says"] = question(url, "GET", "/stats")
        row["cores"] = {tree: round(cores, 2) for tree, cores in usage.cores.items()}
        row["peak_mb"] = {tree: round(megabytes) for tree, megabytes in usage.peak_mb.items()}
        rows.append(row)
        print(line(row), flush=True)
    return rows


def question(url: str, method: str, path: str) -> dict[str, Any]:
    """Ask a service about itself; return nothing if it does not know the question."""
    with contextlib.suppress(requests.RequestException):
        answer: dict[str, Any] = requests.request(method, url.replace("/post", path), timeout=10).json()
        return answer
    return {}


def line(row: dict[str, Any]) -> str:
    """Return one line of the table."""
    ratio = f"{row['ratio']:.2f}" if row["ratio"] else "-"
    rate = f"{row['per_second']:.1f}/s" if "per_second" in row else row["failed"][:60]
    cores = " + ".join(f"{value:.2f} {name}" for name, value in row["cores"].items())
    memory = " + ".join(f"{value} {name}" for name, value in row["peak_mb"].items())
    return (
        f"{ratio:>5}  ({row['arm']}) {row['name']:<21} {row['service']:<16} {row['images']:>7}  {rate:>9}"
        f"   cores {cores}   MB {memory}"
    )
