"""What `dbt run` does to the table of embeddings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from scripts.common.paths import CHECKOUT
from scripts.programs.bench.search_data import BUILD_INDEX
from tests.support.http_server import Reply
from tests.support.project import Project

# Where nothing else of the project is looked at.
RUN = ("run", "--select", "+image_embeddings")


def embedded(project: Project) -> dict[str, str]:
    """Return each embedded photo's name and the transaction that wrote its row."""
    rows = project.database.rows(
        """
        select s.path, e.xmin::text
        from search_internal.image_embeddings as e
        inner join search_internal.stg_image_paths as s on e.image_id = s.image_id
        """
    )
    return {Path(path).name: xmin for path, xmin in rows}


def test_a_first_run_embeds_everything_builds_the_index_and_makes_it_searchable(project: Project) -> None:
    project.stage(*(project.photo(f"{colour}.png", colour) for colour in ("red", "green", "blue", "yellow")))
    output = project.database.dbt("run").stdout
    assert "4 embedded, 0 unchanged, 0 removed, 0 failed" in output
    assert "4 of 4" in output
    indexes = project.database.rows("select indexdef from pg_indexes where tablename = 'image_embeddings'")
    as_built = BUILD_INDEX.split(" using ")[1].strip()
    assert any(as_built in definition.replace("WITH", "with") for (definition,) in indexes)
    found = project.database.rows("select rank, path, score from search.search_images('something green', k => 4)")
    assert [rank for rank, _, _ in found] == [1, 2, 3, 4]
    assert found[0][1].endswith("/green.png")
    assert found[0][2] > 0.99
    assert [score for _, _, score in found] == sorted((score for _, _, score in found), reverse=True)
    norms = project.database.rows(
        "select distinct round(l2_norm(embedding)::numeric, 2) from search_internal.image_embeddings"
    )
    assert norms == [(1,)]


def test_a_second_run_asks_the_model_nothing_and_rewrites_nothing(project: Project) -> None:
    project.stage(*(project.photo(f"{n}.png", "red") for n in range(3)))
    project.database.dbt(*RUN)
    before, asked = embedded(project), project.clip.items
    output = project.database.dbt(*RUN).stdout
    assert "0 embedded, 3 unchanged, 0 removed, 0 failed" in output
    assert project.clip.items == asked
    assert embedded(project) == before


def test_only_what_changed_is_embedded_and_what_is_gone_is_removed(project: Project) -> None:
    project.stage(*(project.photo(f"{n}.png", "red") for n in range(4)))
    project.database.dbt(*RUN)
    before, asked = embedded(project), project.clip.items
    project.photo("1.png", "blue")
    project.database.run("update polarlens.image_paths set source_version = '2' where path like '%%/1.png'")
    project.database.run("delete from polarlens.image_paths where path like '%%/3.png'")
    project.stage(project.photo("new.png", "yellow"))
    output = project.database.dbt(*RUN).stdout
    assert "2 embedded, 2 unchanged, 1 removed, 0 failed" in output
    assert project.clip.items == asked + 2
    after = embedded(project)
    assert set(after) == {"0.png", "1.png", "2.png", "new.png"}
    assert after["0.png"] == before["0.png"]
    assert after["1.png"] != before["1.png"]
    assert project.database.rows("select path from search.search_images('blue', 1)")[0][0].endswith("/1.png")


def test_a_bad_photo_is_recorded_and_its_neighbours_are_embedded(project: Project) -> None:
    good = [project.photo(f"{n}.png", "red") for n in range(5)]
    text = project.folder / "text.jpg"
    text.write_text("this is no photo")
    text.chmod(0o644)
    cut = project.folder / "cut.jpg"
    cut.write_bytes(Path(project.photo("whole.jpg", "green")).read_bytes()[:200])
    cut.chmod(0o644)
    project.stage(*good, str(text), str(cut), str(project.folder / "missing.jpg"), "/etc/passwd")
    output = project.database.dbt("run").stdout
    assert "5 embedded, 0 unchanged, 0 removed, 4 failed" in output
    errors = project.errors()
    assert set(errors) == {"text.jpg", "cut.jpg", "missing.jpg", "passwd"}
    assert "not an image" in errors["text.jpg"]
    assert "damaged" in errors["cut.jpg"] or "truncated" in errors["cut.jpg"]
    assert "no file" in errors["missing.jpg"]
    assert "not below an allowed folder" in errors["passwd"]
    states = project.database.rows("select embedding_state, count(*) from search.photos group by 1 order by 1")
    assert states == [("embedded", 5), ("failed", 4)]


def test_a_failed_photo_waits_for_its_next_attempt_and_success_clears_its_error(project: Project) -> None:
    path = str(project.folder / "late.png")
    project.stage(path, project.photo("good.png", "red"))
    project.database.dbt(*RUN)
    assert set(project.errors()) == {"late.png"}
    project.photo("late.png", "blue")
    output = project.database.dbt(*RUN).stdout
    assert "0 embedded, 1 unchanged, 0 removed, 1 failed" in output
    project.database.run("update polarlens.embedding_errors set next_attempt_at = now()")
    output = project.database.dbt(*RUN).stdout
    assert "1 embedded, 1 unchanged, 0 removed, 0 failed" in output
    assert project.errors() == {}


def test_a_service_that_goes_down_stops_the_run_with_the_cause_and_the_next_run_goes_on(project: Project) -> None:
    project.stage(*(project.photo(f"{n}.png", "red") for n in range(6)))
    requests = []

    def refuse_after_two(_: object) -> Reply | None:
        requests.append(1)
        # One to learn the dimension, and two batches.
        return None if len(requests) <= 3 else Reply(401, "token expired")

    project.clip.intercept = refuse_after_two
    failed = project.database.dbt(*RUN, "--vars", "{batch_size: 4}", check=False)
    assert failed.returncode != 0
    assert "HTTP status 401 (not authorised)" in failed.stdout
    assert "Traceback" not in failed.stdout
    assert len(embedded(project)) == 4
    assert project.errors() == {}
    status, message = project.database.rows(
        "select status, message from polarlens.refresh_runs where relation = 'search_internal.image_embeddings'"
    )[0]
    assert status == "failed"
    assert "401" in message
    project.clip.intercept = lambda _: None
    asked = project.clip.items
    project.database.dbt(*RUN, "--vars", "{batch_size: 4}")
    assert len(embedded(project)) == 6
    assert project.clip.items == asked + 2


def test_a_changed_model_is_built_beside_the_old_one_and_swapped_in(project: Project) -> None:
    project.stage(*(project.photo(f"{colour}.png", colour) for colour in ("red", "green", "blue")))
    project.database.dbt(*RUN)
    project.clip.dimension = 7
    for kind in ("text", "image"):
        project.database.run("select polar_ai.ai_altermodel(%s, model_name => 'seven')", f"embedding/clip_{kind}")
    half_way: list[int] = []

    def look(_: object) -> None:
        with project.database.connect() as other:
            row = other.execute(
                "select count(*), min(vector_dims(embedding)) from search_internal.image_embeddings"
            ).fetchone()
            half_way.extend(row or ())

    project.clip.intercept = look
    output = project.database.dbt(*RUN).stdout
    assert half_way[:2] == [3, 4]
    assert "3 embedded" in output
    dimensions = project.database.rows("select distinct vector_dims(embedding) from search_internal.image_embeddings")
    assert dimensions == [(7,)]
    assert project.database.value("select count(*) from pg_class where relname like '%%\\_\\_next%%'") == 0
    assert project.database.rows("select path from search.search_images('blue', 1)")[0][0].endswith("/blue.png")
    assert "0 embedded, 3 unchanged" in project.database.dbt(*RUN).stdout


def test_a_full_refresh_throws_no_embedding_away(project: Project) -> None:
    project.stage(*(project.photo(f"{n}.png", "red") for n in range(3)))
    project.database.dbt(*RUN)
    before, asked = embedded(project), project.clip.items
    project.database.dbt(*RUN, "--full-refresh")
    assert embedded(project) == before
    assert project.clip.items == asked


def test_a_killed_run_costs_at_most_its_last_batch(project: Project) -> None:
    project.stage(*(project.photo(f"{n}.png", "red") for n in range(12)))

    def slowly(_: object) -> None:
        time.sleep(0.3)

    project.clip.intercept = slowly
    dbt = subprocess.Popen(
        [str(Path(sys.executable).parent / "dbt"), *RUN, "--vars", "{batch_size: 2}"],
        cwd=CHECKOUT / "dbt_project",
        env={**os.environ, **project.database.env, "DBT_TARGET_PATH": str(project.folder / "target")},
        stdout=subprocess.DEVNULL,
    )
    while project.clip.items < 6 and dbt.poll() is None:
        time.sleep(0.05)
    dbt.send_signal(signal.SIGKILL)
    dbt.wait()
    project.clip.intercept = lambda _: None
    deadline = time.monotonic() + 20
    while (output := project.database.dbt(*RUN, "--vars", "{batch_size: 2}", check=False).stdout) and (
        "another refresh" in output and time.monotonic() < deadline
    ):
        time.sleep(0.5)
    assert len(embedded(project)) == 12
    # The batch under way is asked again; and one photo was asked before, for the dimension.
    assert project.clip.items <= 12 + 2 + 1
    killed = project.database.rows(
        """
        select status, message from polarlens.refresh_runs
        where relation = 'search_internal.image_embeddings'
        order by run_id
        """
    )[0]
    assert killed[0] == "failed"
    assert "killed" in killed[1]


def test_of_two_refreshes_at_once_one_works_and_the_other_says_so(project: Project) -> None:
    project.stage(project.photo("0.png", "red"))
    relation = "search_internal.image_embeddings"
    with project.database.connect() as other:
        other.execute("select pg_advisory_lock(polarlens._refresh_lock_key(%s))", [relation])
        second = project.database.dbt(*RUN, check=False)
    assert second.returncode != 0
    assert f"another refresh of {relation} is running" in second.stdout
    assert project.clip.items == 0


def test_a_key_that_is_not_unique_is_an_error_that_names_it(project: Project, tmp_path: Path) -> None:
    project.stage(project.photo("0.png", "red"))
    project.database.run("create schema search")
    project.database.run(
        """
        create table polarlens.twice as
        select p.* from polarlens.image_paths as p, generate_series(1, 2)
        """
    )
    project.database.run("alter table polarlens.image_paths rename to image_paths_once")
    project.database.run("alter table polarlens.twice rename to image_paths")
    failed = project.database.dbt(*RUN, check=False)
    assert failed.returncode != 0
    assert "the key image_id is not unique" in failed.stdout
