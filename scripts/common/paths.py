"""Where the local programs keep their state: outside the checkout, one folder per checkout.

The checkout may lie where only root can read, while the embedded database server has to run as an
unprivileged user; so nothing that the server needs may live inside it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def state_home() -> Path:
    """Return this checkout's state folder (not created here).

    ``POLARLENS_HOME`` names it outright. Otherwise it lies under ``/var/lib/polarlens`` for root and
    under ``${XDG_STATE_HOME:-~/.local/state}/polarlens`` for everybody else, and is named after the
    checkout, so that two clones never share a server.
    """
    named = os.environ.get("POLARLENS_HOME")
    if named:
        return Path(named).absolute()
    if os.geteuid() == 0:
        base = Path("/var/lib")
    else:
        base = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    digest = hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:8]
    return base / "polarlens" / f"{CHECKOUT.name}-{digest}"
