"""Run one benchmark: scripts/bench NAME [ARGUMENT]…

A benchmark is a module with ``add_arguments(parser)`` and ``run(options)``, which prints tables and returns figures.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from scripts.common.errors import exit_status

NAMES = ("refresh", "search", "sizing", "storage", "unchanged")


def main() -> int:
    """Run the benchmark that the command line names, and keep its figures if --json is given."""
    name, *arguments = sys.argv[1:] or [""]
    if name not in NAMES:
        print(f"usage: scripts/bench NAME [ARGUMENT]…, with NAME one of {', '.join(NAMES)}", file=sys.stderr)
        return 2
    benchmark = importlib.import_module(f"scripts.programs.bench.{name}")
    parser = argparse.ArgumentParser(
        prog=f"scripts/bench {name}",
        description=benchmark.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    benchmark.add_arguments(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    options = parser.parse_args(arguments)
    figures = benchmark.run(options)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(exit_status(main))
