"""Running other programs, their output shown while they run."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from typing import Any


def run_shown(
    command: list[str], show: Callable[[str], None], stdin: str = "", **options: Any
) -> tuple[int, list[str]]:
    """Run a program, hand each line of its output to ``show`` at once, and return its exit code and the lines."""
    lines: list[str] = []
    options = {"stderr": subprocess.STDOUT, **options}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, errors="replace", **options
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        # A program that ends before it reads says why in its output.
        with contextlib.suppress(BrokenPipeError), process.stdin:
            process.stdin.write(stdin)
        for line in process.stdout:
            lines.append(line.rstrip())
            show(lines[-1])
    return process.returncode, lines
