"""Left-overs of killed runs on a server that several runs share."""

from __future__ import annotations

from tests.support.database import PREFIX, connect, drop_database
from tests.support.server import drop_left_overs


def test_what_a_killed_run_left_is_dropped_and_what_a_living_one_uses_stays(server: dict[str, str]) -> None:
    dead, living = "polarlens_test_dead", "polarlens_test_living"
    own = f"{PREFIX}_own"  # of a worker that is not connected just now
    with connect(server) as maintenance, connect(server, application_name=living):
        try:
            for run in (dead, living, own):
                maintenance.execute(f"create database {run}_1 template template0".encode())
                maintenance.execute(f"create role {run}_role_1".encode())
            drop_left_overs(maintenance)
            for names in ("datname from pg_database", "rolname from pg_roles"):
                found = {name for (name,) in maintenance.execute(f"select {names}".encode())}
                runs = {name.removesuffix("_1").removesuffix("_role") for name in found}
                assert runs & {dead, living, own} == {living, own}
        finally:
            for run in (living, own):
                drop_database(maintenance, f"{run}_1")
                maintenance.execute(f"drop role if exists {run}_role_1".encode())
