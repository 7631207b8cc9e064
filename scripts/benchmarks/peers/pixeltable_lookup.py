"""The embedding function of pixeltable.py, in a module of its own, as pixeltable wants it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

folder = Path(sys.argv[1])
os.environ["PIXELTABLE_HOME"] = str(folder / "pixeltable")
# pixeltable.py beside this bears the name of the package.
here = Path(__file__).resolve().parent
sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != here]
import pixeltable as engine  # type: ignore[import-not-found]  # noqa: E402

sys.path.append(str(here))
STORED = {"v": np.load(folder / "vectors.npy", mmap_mode="r"), "q": np.load(folder / "queries.npy", mmap_mode="r")}
VECTOR = engine.Array[(STORED["v"].shape[1],), engine.Float]


def looked_up(name: str) -> Any:
    """Return the vector that is called ``v 17`` or ``q 17``."""
    kind, _, position = name.partition(" ")
    return np.array(STORED[kind][int(position)], dtype=np.float32)


looked_up.__annotations__ = {"name": str, "return": VECTOR}
looked_up = engine.udf(looked_up)
