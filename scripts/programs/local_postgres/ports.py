"""Free TCP ports on loopback."""

from __future__ import annotations

import random
import socket

# Below the ports that the kernel gives to outgoing connections, which would take ours while stopped.
RANGE = range(20000, 30000)


def is_free(port: int) -> bool:
    """Whether a server could listen on that loopback port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose(remembered: int | None) -> int:
    """Return the remembered port if it is still free, another free one otherwise."""
    if remembered and is_free(remembered):
        return remembered
    # Random, so that servers of several checkouts rarely meet; a collision is only tried again.
    return next(port for port in iter(lambda: random.choice(RANGE), None) if is_free(port))  # noqa: S311
