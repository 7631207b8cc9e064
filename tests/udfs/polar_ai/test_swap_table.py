"""Two tables that stand in one view, swapped at the same time."""

from __future__ import annotations

import threading
import time

from tests.support.database import Database


def test_a_swap_waits_for_another_before_it_locks_anything(database: Database) -> None:
    """Else each would hold its own table and wait for the other's, which the view on both makes it read."""
    for name in ("one", "other"):
        database.run(f"create table public.{name} (n integer); create table public.{name}__next (n integer)")
        database.run(f"insert into public.{name}__next values (1)")
    database.run("create view public.both_tables as select n from public.one union all select n from public.other")

    def swap_the_other() -> None:
        with database.connect(application_name="second swap") as second:
            second.execute("select polarlens._swap_table('public.other', 'public.other__next')")

    thread = threading.Thread(target=swap_the_other)
    with database.connect(autocommit=False) as first:
        first.execute("select polarlens._swap_table('public.one', 'public.one__next')")
        thread.start()
        waiting = "select wait_event from pg_stat_activity where application_name = 'second swap'"
        deadline = time.monotonic() + 10
        while not (found := database.rows(waiting)) or found[0][0] is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert found == [("advisory",)]
        exclusive = (
            "select count(*) from pg_locks where mode = 'AccessExclusiveLock' and relation = 'public.other'::regclass"
        )
        assert database.value(exclusive) == 0
        first.commit()
    thread.join(10)
    assert database.value("select count(*) from public.both_tables") == 2
