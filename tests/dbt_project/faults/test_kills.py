"""Whatever is killed, at whatever moment: after one clean run the table is that of an undisturbed run."""

from __future__ import annotations

import os
import random
import time

import pytest

from tests.dbt_project.faults.refresh import BATCH, KILLS, TEXTS, Refresh

# The first seconds are dbt's start; what is of interest comes after.
MOMENTS = random.Random(int(os.environ.get("POLARLENS_SEED", "1")))


@pytest.fixture(scope="module")
def undisturbed(refresh: Refresh) -> list[tuple[object, ...]]:
    refresh.clean()
    rows = refresh.rows()
    assert len(rows) == TEXTS
    assert refresh.clip.items == TEXTS
    return rows


def disturbed(refresh: Refresh, what: str, seconds: float) -> int:
    """Kill ``what`` some time after the first call to the model; return how many calls were repeated."""
    refresh.forget()
    process = refresh.start()
    deadline = time.monotonic() + 60
    while refresh.clip.items == 0 and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(seconds)
    KILLS[what](refresh, process)
    process.communicate(timeout=120)
    refresh.clean()
    return refresh.clip.items - TEXTS


@pytest.mark.parametrize("what", list(KILLS))
def test_a_kill_costs_at_most_one_batch_of_calls(
    refresh: Refresh, undisturbed: list[tuple[object, ...]], what: str
) -> None:
    repeated = disturbed(refresh, what, MOMENTS.uniform(0, 0.6))
    print(f"killed {what}: {repeated} of {TEXTS} calls repeated")
    assert refresh.rows() == undisturbed
    assert 0 <= repeated <= BATCH


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_hundred_random_kills(refresh: Refresh, undisturbed: list[tuple[object, ...]]) -> None:
    figures: dict[str, list[int]] = {what: [] for what in KILLS}
    for number in range(100):
        what = list(KILLS)[number % len(KILLS)]
        figures[what].append(disturbed(refresh, what, MOMENTS.uniform(0, 1.2)))
        assert refresh.rows() == undisturbed, f"kill {number} ({what})"
    for what, repeated in figures.items():
        print(
            f"{what:>8}: {len(repeated)} kills, calls repeated: {sum(repeated) / len(repeated):.1f} on average, "
            f"{max(repeated)} at most (a batch is {BATCH})"
        )
        assert max(repeated) <= BATCH
