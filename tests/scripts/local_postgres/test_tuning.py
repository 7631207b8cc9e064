"""Settings for machines of any size."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.programs.local_postgres import tuning

GB = 1 << 30


@pytest.mark.parametrize("memory", [GB // 2, 4 * GB, 24 * GB, 512 * GB])
@pytest.mark.parametrize("cores", [1, 2, 64])
def test_shares_fit_into_the_machine(memory: int, cores: int) -> None:
    fitted = tuning.settings(memory, cores, shared_memory=memory // 2)
    megabytes = {name: int(value[:-2]) for name, value in fitted.items() if value.endswith("MB")}
    assert megabytes["shared_buffers"] + megabytes["maintenance_work_mem"] <= memory / tuning.MB / 2
    workers = [int(fitted[f"max_parallel_{kind}"]) for kind in ("maintenance_workers", "workers")]
    assert max(workers) <= int(fitted["max_worker_processes"])


def test_small_shared_memory_is_not_used() -> None:
    assert tuning.settings(8 * GB, 4, 64 * tuning.MB)["dynamic_shared_memory_type"] == "sysv"
    assert tuning.settings(8 * GB, 4, 4 * GB)["dynamic_shared_memory_type"] == "posix"


def test_container_limits_count(tmp_path: Path) -> None:
    assert tuning.memory_bytes(16 * GB, tmp_path) == 16 * GB
    (tmp_path / "memory.max").write_text("max\n")
    assert tuning.memory_bytes(16 * GB, tmp_path) == 16 * GB
    (tmp_path / "memory.max").write_text(f"{2 * GB}\n")
    assert tuning.memory_bytes(16 * GB, tmp_path) == 2 * GB
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    assert tuning.processors(tmp_path) == 1
