"""The server's settings, fitted to this machine's memory and processors."""

from __future__ import annotations

import math
import os
from pathlib import Path

import psutil

MB = 1 << 20
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - the mount's size is looked at, nothing is written
CGROUPS = Path("/sys/fs/cgroup")  # psutil knows the machine's limits, not a container's

FIXED = {
    # No socket file: its path would have to fit in 107 bytes. Loopback with a password is enough.
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_compression": "lz4",
    "default_toast_compression": "lz4",
    "checkpoint_timeout": "15min",
    "max_wal_size": "4GB",
    # Local disks are solid state nowadays.
    "random_page_cost": "1.1",
    # Compiling costs more than it saves in short searches.
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # One file a weekday, overwritten a week later.
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_messages": "warning",
    # Statements carry secrets (a model's token is an argument of the call that registers it), so no
    # statement's text goes into the log: neither those that fail, nor, in the details and contexts
    # that `terse` leaves out, the rows and inner statements they failed on. Clients still get it all.
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


def memory_bytes(machine: int, cgroups: Path = CGROUPS) -> int:
    """Return the memory of this machine, or of the container we are in if that has less."""
    total = machine
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        limit = cgroups / name
        if limit.is_file() and (text := limit.read_text().strip()).isdigit():
            total = min(total, int(text))
    return total


def processors(cgroups: Path = CGROUPS) -> int:
    """Return how many processors we may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = cgroups / "cpu.max"
    if limit.is_file():
        quota, _, period = limit.read_text().partition(" ")
        if quota.isdigit():
            count = min(count, math.ceil(int(quota) / int(period)))
    return max(count, 1)


def shared_memory_bytes() -> int:
    """Return the size of the machine's shared memory file system; 0 if there is none."""
    try:
        seen = os.statvfs(SHARED_MEMORY)
    except OSError:
        return 0
    return seen.f_frsize * seen.f_blocks


def fitted() -> dict[str, str]:
    """Return the settings for this machine."""
    return settings(memory_bytes(psutil.virtual_memory().total), processors(), shared_memory_bytes())


def settings(memory: int, cores: int, shared_memory: int) -> dict[str, str]:
    """Return the settings for that much memory and that many processors.

    Modest shares: the model service and the user's own programs run on the same machine.
    """

    def share(part: int, least: int, most: int) -> int:
        return max(least, min(most, memory // part // MB))

    maintenance = share(16, 64, 2048)
    return FIXED | {
        "shared_buffers": f"{share(8, 64, 2048)}MB",
        "effective_cache_size": f"{share(2, 128, 1 << 20)}MB",
        "work_mem": f"{share(512, 4, 64)}MB",
        # An HNSW graph is built many times faster while it fits in here. Not more: a parallel build
        # takes all of it at once ...
        "maintenance_work_mem": f"{maintenance}MB",
        "autovacuum_work_mem": f"{share(64, 32, 512)}MB",
        "max_parallel_maintenance_workers": str(max(cores - 1, 1)),
        "max_parallel_workers": str(max(cores, 2)),
        "max_parallel_workers_per_gather": str(max(cores // 2, 1)),
        "max_worker_processes": str(max(cores + 4, 8)),
        # ... from shared memory, of which containers offer 64 MB by default.
        "dynamic_shared_memory_type": "posix" if shared_memory > 2 * maintenance * MB else "sysv",
    }
