"""What a database server writes to its log."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.database import Database

_marks = itertools.count(1)


def log_of(db: Database, folder: Path) -> Callable[[], str]:
    """Return a function that reads what the server has logged since, up to the moment of the call."""
    before = {file: file.stat().st_size for file in folder.glob("*")}

    def read() -> str:
        # The log is written by a process of its own: what was logged before this mark is there once the mark is.
        mark = f"mark {next(_marks)} of the tests"
        db.run(f"do $$ begin raise log '{mark}'; end $$")
        for _ in range(200):
            text = "".join(
                file.read_bytes()[before.get(file, 0) :].decode("utf-8", "replace") for file in folder.glob("*")
            )
            if f"LOG:  {mark}" in text or f"LOG:  00000: {mark}" in text:
                return text
            time.sleep(0.05)
        raise AssertionError("the server does not write its log")

    return read
