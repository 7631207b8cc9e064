"""dbt runs as an ordinary member of polar_ai_user, and readers search what it built."""

from __future__ import annotations

from tests.support.database import new_role
from tests.support.project import Project
from tests.support.reader import connect_reader


def test_an_ordinary_role_builds_and_a_reader_searches(project: Project) -> None:
    database = project.database
    name = database.env["PGDATABASE"]
    with new_role(database, "login password 'secret' in role polar_ai_user") as builder:
        database.run(f"grant create on database {name} to {builder}")
        project.stage(*(project.photo(f"{colour}.png", colour) for colour in ("red", "green", "blue")))
        database.dbt("run", PGUSER=builder, PGPASSWORD="secret")
        owner = database.value("select proowner::regrole::text from pg_proc where proname = 'query_vector'")
        assert owner == builder
        for reader in connect_reader(database):
            rows = reader.execute("select path from search.search_images('green', k => 1)").fetchall()
            assert rows[0][0].endswith("/green.png")
            assert reader.execute("select count(*) from search.photos").fetchone() == (3,)
            assert reader.execute("select * from search.classify_images(array['red', 'blue'])").fetchall()
