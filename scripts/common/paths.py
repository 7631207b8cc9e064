"""The checkout, and the folder of what the local programs keep: outside the checkout, one for each checkout.

A checkout may lie where only root can read, and the embedded database server must not run as root; so
nothing that the server needs may lie inside it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from platformdirs import user_state_path

CHECKOUT = Path(__file__).resolve().parents[2]


def state_home() -> Path:
    """Return this checkout's state folder; it may not exist yet.

    ``POLARLENS_HOME`` names it outright. Otherwise it lies in ``/var/lib/polarlens`` for root and in the user's
    folder for state elsewhere (``~/.local/state/polarlens`` on Linux); two checkouts never share one.
    """
    named = os.environ.get("POLARLENS_HOME")
    if named:
        return Path(named).absolute()
    base = Path("/var/lib/polarlens") if os.geteuid() == 0 else user_state_path("polarlens", appauthor=False)
    digest = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]
    return base / f"{CHECKOUT.name}-{digest}"
