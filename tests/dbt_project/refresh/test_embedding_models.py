"""What an embedding model's config can ask for, each on a real run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.database import new_role
from tests.support.embedding_project import model, write_project
from tests.support.http_server import Reply
from tests.support.project import Project

PHOTOS = "polarlens.image_paths"
IMAGES: dict[str, Any] = {"key": "image_id", "input": "path", "model": "embedding/clip_image"}


def run(project: Project, folder: Path, *arguments: str, check: bool = True, **models: str) -> str:
    return project.database.dbt("run", *arguments, cwd=write_project(folder, **models), check=check).stdout


def test_several_models_side_by_side_each_with_its_storage_and_input(project: Project, tmp_path: Path) -> None:
    project.stage(*(project.photo(f"{c}.png", c) for c in ("red", "green", "blue")))
    db = project.database
    db.run(
        """
        create table polarlens.reviews as
        select * from (values
            (1, 'green', 'a lawn', null::bytea), (2, null, 'blue sky', null), (3, '  ', 'no colour', null)
        ) as v (id, title, body, picture)
        """
    )
    db.run("update polarlens.reviews set picture = polar_ai.ai_loadfile(%s)", str(project.folder / "blue.png"))
    output = run(
        project,
        tmp_path,
        halves=model(PHOTOS, **IMAGES),
        wholes=model(PHOTOS, **IMAGES, storage="vector", index={"distance": "ip", "m": 8, "ef_construction": 32}),
        bits=model(PHOTOS, **IMAGES, storage="bit"),
        reviews=model("polarlens.reviews", key="id", input=["title", "body"], model="embedding/clip_text"),
        pictures=model("polarlens.reviews", key="id", input="picture", model="embedding/clip_image"),
    )
    assert output.count("3 embedded, 0 unchanged, 0 removed, 0 failed") == 5
    types = dict(
        db.rows(
            """
            select c.relname, format_type(a.atttypid, a.atttypmod)
            from pg_attribute as a inner join pg_class as c on a.attrelid = c.oid
            where c.relnamespace = 'search'::regnamespace and a.attname = 'embedding' and c.relkind = 'r'
            """
        )
    )
    assert types == {
        "halves": "halfvec(4)",
        "wholes": "vector(4)",
        "bits": "bit(4)",
        "reviews": "halfvec(4)",
        "pictures": "halfvec(4)",
    }
    definitions = " ".join(row[0] for row in db.rows("select indexdef from pg_indexes where schemaname = 'search'"))
    assert "vector_ip_ops) WITH (m='8', ef_construction='32')" in definitions
    assert "bit_hamming_ops" in definitions
    # Two columns are one text: the title's colour decides, and a missing or blank title is left out.
    green, blue = db.rows("select embedding::text from search.reviews where id in (1, 2) order by id")
    assert db.value("select (%s::vector <=> '[0, 0.627, 0, 0.1]') < 0.001", green[0])
    assert db.value("select (%s::vector <=> '[0, 0, 1, 0.1]') < 0.001", blue[0])
    sent = [item["text"] for request in project.service.requests for item in request.json()["data"] if "text" in item]
    assert set(sent) == {"green\na lawn", "blue sky", "no colour"}
    # The picture in the three rows is the same: it was asked for once.
    assert db.value("select count(distinct embedding) from search.pictures") == 1
    assert "(2 took the embedding of an identical input)" in output


def test_identical_inputs_are_asked_once_within_a_run_and_across_runs(project: Project, tmp_path: Path) -> None:
    db = project.database
    db.run("insert into polarlens.texts (content) select 'red ' || (n % 2) from generate_series(1, 10) as n")
    texts = model("polarlens.texts", key="text_id", input="content", model="embedding/clip_text", batch_size=2)
    project.register("other", input="text", dimension=4)
    assert "10 embedded" in run(project, tmp_path, texts=texts)
    asked = project.clip.items
    assert asked == 2 + 1  # and one for the dimension
    db.run("insert into polarlens.texts (content) values ('red 1')")
    db.run("update polarlens.texts set content = 'red 0' where text_id = 1")
    assert "2 embedded, 9 unchanged, 0 removed, 0 failed (2 took" in run(project, tmp_path, texts=texts)
    assert project.clip.items == asked
    assert db.value("select count(distinct embedding) from search.texts") == 1
    # A bad one that comes twice fails twice, and is asked once.
    db.run("insert into polarlens.texts (content) values (' '), (' ')")
    assert "0 embedded, 11 unchanged, 0 removed, 2 failed" in run(project, tmp_path, texts=texts)
    errors = db.rows("select source_key, stage, attempts from polarlens.embedding_errors order by 1")
    assert errors == [("12", "load", 1), ("13", "load", 1)]


def test_index_options_change_without_an_outage_and_storage_without_a_call(project: Project, tmp_path: Path) -> None:
    project.stage(*(project.photo(f"{c}.png", c) for c in ("red", "green", "blue")))
    db = project.database
    run(project, tmp_path, photos=model(PHOTOS, **IMAGES))
    with new_role(db) as reader:
        db.run(f"grant select on search.photos to {reader}")
        db.run("create view public.over as select image_id, embedding from search.photos")
        db.run("comment on view public.over is 'a dashboard''s'")
        db.run(f"grant select on public.over to {reader}")
        db.run("create materialized view public.above as select image_id from public.over")
        db.run("create index above_id on public.above (image_id)")
        asked = project.clip.items
        table = db.value("select 'search.photos'::regclass::oid")
        output = run(project, tmp_path, photos=model(PHOTOS, **IMAGES, index={"m": 24, "ef_construction": 100}))
        assert "building the HNSW index (halfvec_cosine_ops, m=24, ef_construction=100" in output
        definitions = db.rows("select indexdef from pg_indexes where tablename = 'photos' and indexdef like '%%hnsw%%'")
        assert len(definitions) == 1 and "m='24'" in definitions[0][0] and " photos__hnsw " in definitions[0][0]
        assert db.value("select 'search.photos'::regclass::oid") == table
        # An index that a killed build left behind is cleared away.
        output = run(project, tmp_path, photos=model(PHOTOS, **IMAGES, storage="vector"))
        assert "storage changes from halfvec to vector; no model is called for it" in output
        assert project.clip.items == asked
        assert db.value("select pg_typeof(embedding)::text from search.photos limit 1") == "vector"
        # What depends on the table is there as before.
        assert db.value("select count(*) from public.over") == 3 and db.value("select count(*) from public.above") == 3
        assert db.value("select obj_description('public.over'::regclass)") == "a dashboard's"
        for relation in ("search.photos", "public.over"):
            assert db.value("select has_table_privilege(%s, %s, 'select')", reader, relation)
        assert db.value("select to_regclass('public.above_id') is not null")


def test_a_source_that_is_suddenly_empty_keeps_its_embeddings_until_told(project: Project, tmp_path: Path) -> None:
    db = project.database
    db.run("insert into polarlens.texts (content) select 'red ' || n from generate_series(1, 150) as n")
    texts = model("polarlens.texts", key="text_id", input="content", model="embedding/clip_text")
    run(project, tmp_path, texts=texts)
    db.run("delete from polarlens.texts where text_id > 20")
    failed = run(project, tmp_path, check=False, texts=texts)
    assert "130 of 150 embeddings have lost their source" in failed and "allow_removal: true" in failed
    assert db.value("select count(*) from search.texts") == 150
    assert db.value("select status from polarlens.refresh_status") == "failed"
    allowed = run(project, tmp_path, "--vars", "{allow_removal: true}", texts=texts)
    assert "0 embedded, 20 unchanged, 130 removed, 0 failed" in allowed


def test_a_share_of_errors_may_be_too_much_and_a_full_refresh_may_be_told_to_discard(
    project: Project, tmp_path: Path
) -> None:
    project.stage(*(project.photo(f"{n}.png", "red") for n in range(3)), str(project.folder / "gone.png"))
    lenient = model(PHOTOS, **IMAGES, error_policy=0.25)
    assert "3 embedded, 0 unchanged, 0 removed, 1 failed" in run(project, tmp_path, photos=lenient)
    failed = run(project, tmp_path, check=False, photos=model(PHOTOS, **IMAGES, error_policy=0.2))
    assert "1 of 4 could not be embedded, and error_policy is 0.2" in failed
    asked = project.clip.items
    arguments = ("--full-refresh", "--vars", "{discard_embeddings: true}")
    assert "3 embedded" in run(project, tmp_path, *arguments, photos=lenient)
    assert project.clip.items > asked
    assert project.database.value("select count(*) from search.photos") == 3


def test_a_model_that_changes_meanwhile_voids_the_batch(project: Project, tmp_path: Path) -> None:
    project.stage(*(project.photo(f"{n}.png", "red") for n in range(8)))
    db = project.database
    seen: list[int] = []

    def alter_at_the_fourth(_: object) -> Reply | None:
        seen.append(1)
        if len(seen) == 4:
            with db.connect() as other:
                other.execute("select polar_ai.ai_altermodel('embedding/clip_image', model_name => 'other')")
        return None

    project.clip.intercept = alter_at_the_fourth
    photos = model(PHOTOS, **IMAGES, batch_size=4, requests_in_flight=1)
    failed = run(project, tmp_path, check=False, photos=photos)
    assert "changed while it was embedding" in failed
    kept = db.value("select count(*) from search.photos")
    assert kept < 8
    assert db.value("select count(distinct model_fingerprint) from search.photos") <= 1
    assert "8 embedded" in run(project, tmp_path, photos=photos)
    assert (
        db.rows("select model_fingerprint = (polar_ai._model('embedding/clip_image')).fingerprint from search.photos")
        == [(True,)] * 8
    )


def test_another_session_watches(project: Project, tmp_path: Path) -> None:
    project.stage(*(project.photo(f"{n}.png", "red") for n in range(6)))
    seen: list[tuple[Any, ...]] = []

    def look(_: object) -> None:
        with project.database.connect() as other:
            other.execute("set role polar_ai_user")
            row = other.execute("select status, phase, done, total from polarlens.refresh_status").fetchone()
            seen.append(row or ())

    project.clip.intercept = look
    run(project, tmp_path, photos=model(PHOTOS, **IMAGES, batch_size=4, requests_in_flight=1))
    assert ("running", "embedding", 4, 6) in seen, seen
    state = project.database.rows("select status, phase, done, total, embedded from polarlens.refresh_status")
    assert state == [("succeeded", "done", 6, 6, 6)]
    # One whose session is gone is told apart from one that works.
    project.database.run("update polarlens.refresh_runs set status = 'running', backend_pid = 0")
    assert project.database.value("select status from polarlens.refresh_status") == "died"


def test_more_sources_than_jinja_counts_to(project: Project, tmp_path: Path) -> None:
    db = project.database
    db.run("create table polarlens.many as select n, 'red ' || n as body from generate_series(1, 100001) as n")
    project.register("declared", input="text", dimension=4)
    project.clip.intercept = lambda _: Reply(401, "token expired")
    many = model("polarlens.many", key="n", input="body", model="embedding/clip_declared")
    failed = run(project, tmp_path, check=False, many=many)
    assert "HTTP status 401" in failed and "Range too big" not in failed


def test_a_config_may_stand_under_meta_as_dbt_2_wants_it(project: Project, tmp_path: Path) -> None:
    project.database.run("insert into polarlens.texts (content) values ('red')")
    meta = {"key": "text_id", "input": "content", "model": "embedding/clip_text", "storage": "vector"}
    assert "1 embedded, 0 unchanged" in run(project, tmp_path, texts=model("polarlens.texts", meta=meta))
    assert project.database.value("select pg_typeof(embedding)::text from search.texts") == "vector"
