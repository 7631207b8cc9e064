"""What the search functions find, and what they say when they are held wrong."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.collection import COLOURED
from tests.support.project import Project


def names(rows: list[tuple[Any, ...]], column: int = 0) -> list[str]:
    return [Path(row[column]).stem for row in rows]


def found(project: Project, call: str, *parameters: Any) -> list[str]:
    return names(project.database.rows(f"select path from search.{call} order by rank", *parameters))


def key(project: Project, name: str) -> int:
    return int(project.database.value("select image_id from search.photos where path like %s", f"%/{name}.png"))


def requests(project: Project) -> int:
    return len(project.service.requests)


def test_text_to_images_with_rank_score_and_what_is_known(built: Project) -> None:
    rows = built.database.rows("select * from search.search_images('something green', k => 3)")
    assert [row[0] for row in rows] == [1, 2, 3]
    assert rows[0][2] > 0.99
    assert [row[2] for row in rows] == sorted((row[2] for row in rows), reverse=True)
    assert names(rows, 3)[:2] == ["green", "dark_green"]
    assert rows[0][4:6] == ("Field", "a green field")
    assert rows[0][9] == {"country": "nl", "season": "spring"}


def test_images_to_images_by_key_leaves_the_photo_itself_out(built: Project) -> None:
    assert found(built, "search_images_like(%s, k => 1)", key(built, "red")) == ["dark_red"]
    rows = built.database.rows("select rank from search.search_images_like(%s, k => 100)", key(built, "red"))
    assert [rank for (rank,) in rows] == list(range(1, len(COLOURED)))


def test_images_to_images_by_a_path_never_seen_before(built: Project) -> None:
    path = built.photo("new/unseen.png", (0, 0, 200))
    before = requests(built)
    assert set(found(built, "search_images_by_photo(%s, k => 2)", path)) == {"dark_blue", "blue"}
    assert requests(built) == before + 1


def test_image_to_texts_and_text_to_texts(built: Project) -> None:
    database = built.database
    best = "select content from search.{} where rank = 1"
    assert database.value(best.format("search_texts('blue')")) == "deep blue sea"
    assert database.value(best.format("search_texts_by_image(%s)"), key(built, "dark_green")).startswith("the green")
    assert database.value(best.format("search_texts_by_photo(%s)"), built.photo("new/r.png", "red")) == "a red barn"
    assert len(database.rows("select * from search.search_texts('red', k => 2, filters => '{\"not_ids\": [1]}')")) == 2


def test_near_duplicates_by_key(built: Project) -> None:
    similar = "search_images_like(%s, k => 10, min_score => 0.99)"
    assert found(built, similar, key(built, "dark_red")) == ["red"]
    assert found(built, similar, key(built, "yellow")) == []


FILTERS = [
    ('{"attributes": {"country": "nl"}}', {"red", "green"}),
    ('{"words": "snow"}', {"red", "dark_green"}),
    ('{"words": "\\"at night\\" -bus"}', {"dark_blue"}),
    ('{"taken_from": "2026-02-10", "taken_before": "2026-04-10"}', {"dark_red", "green"}),
    ('{"box": {"south": 50, "west": -1, "north": 53, "east": 5}}', {"red", "dark_red", "green"}),
    ('{"box": {"south": -20, "west": 170, "north": 0, "east": -170}}', {"blue", "dark_blue"}),
    ('{"near": {"latitude": 52.0, "longitude": 4.4, "km": 60}}', {"red", "green"}),
    ('{"near": {"latitude": 52.0, "longitude": 4.4, "km": 30}}', {"green"}),
    ('{"near": {"latitude": -16, "longitude": -179, "km": 1000}}', {"blue", "dark_blue"}),
    ('{"ids": [1, 3, 999]}', {"red", "green"}),
    ('{"ids": []}', set()),
    ('{"not_ids": [1, 2, 3, 4]}', {"blue", "dark_blue", "yellow"}),
    ('{"words": "snow", "attributes": {"country": "fi"}, "taken_from": "2026-01-01"}', {"dark_green"}),
    ("{}", set(COLOURED)),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERS)
def test_filters(built: Project, filters: str, expected: set[str]) -> None:
    for call in ("search_images", "search_images_hybrid"):
        rows = found(built, f"{call}('red', k => 10, filters => %s)", filters)
        assert set(rows) == expected, call
        assert len(rows) == len(expected), call


def test_a_filter_is_a_value_and_never_sql(built: Project) -> None:
    trap = """{"words": "x')) or true --", "path_prefix": "' or true or '%s %1$s $1"}"""
    assert built.database.rows("select * from search.search_images('red', filters => %s)", trap) == []


def test_min_score_cuts_and_does_not_bring_farther_ones(built: Project) -> None:
    all_rows = built.database.rows("select image_id, score from search.search_images('red', k => 10)")
    for least in (-1, 0.2, 0.9, 0.999):
        for filters in (None, "{}"):
            rows = built.database.rows(
                "select image_id, score from search.search_images('red', 10, %s, min_score => %s)", filters, least
            )
            assert rows == [row for row in all_rows if row[1] >= least]


def test_hybrid_finds_by_words_what_the_vector_ranks_last(built: Project) -> None:
    rows = built.database.rows(
        "select path, score, meaning_rank, words_rank from search.search_images_hybrid('red', words => 'sky', k => 2)"
    )
    by_name = dict(zip(names(rows), rows, strict=True))
    assert set(by_name) == {"red", "dark_blue"} or set(by_name) == {"dark_red", "dark_blue"}
    assert by_name["dark_blue"][3] == 1


def test_classification_with_labels_of_the_moment_uses_the_logit_scale_and_one_request(built: Project) -> None:
    before = requests(built)
    rows = built.database.rows(
        """
        select path, label, score, probability from search.classify_images(array['red', 'green', 'blue', 'red'], k => 3)
        """
    )
    assert requests(built) == before + 1
    best: dict[str, str] = {}
    total: dict[str, float] = {}
    for path, label, _, probability in rows:
        best.setdefault(Path(path).stem, label)
        total[path] = total.get(path, 0) + probability
    assert best["dark_green"] == "green"
    assert best["dark_blue"] == "blue"
    assert all(abs(sum_of_all - 1) < 1e-5 for sum_of_all in total.values())
    mine = [row for row in rows if row[0].endswith("/yellow.png")]
    weights = [math.exp(50 * (score - mine[0][2])) for _, _, score, _ in mine]
    for (_, _, _, probability), weight in zip(mine, weights, strict=True):
        assert probability == pytest.approx(weight / sum(weights), rel=1e-3)


def test_the_meal_calories_summed_for_each_photo(built: Project) -> None:
    before = requests(built)
    rows = built.database.rows(
        """
        select path, sum((attributes ->> 'calories')::integer)
        from search.classify_images_by_set('food', k => 3, min_probability => 0.3)
        group by path
        """
    )
    calories = {Path(path).stem: total for path, total in rows}
    assert calories["dark_red"] == 300
    assert calories["yellow"] in (350, 300, 50)
    assert requests(built) == before


def test_classify_a_photo_never_seen_before(built: Project) -> None:
    rows = built.database.rows(
        "select rank, label, probability from search.classify_photo(%s, array['red', 'blue'])",
        built.photo("new/b.png", "blue"),
    )
    assert [(rank, label) for rank, label, _ in rows] == [(1, "blue"), (2, "red")]
    assert rows[0][2] > 0.9


def test_searches_join_like_tables(built: Project) -> None:
    rows = built.database.rows(
        """
        select q.query, s.path, count(*) over () as n
        from (values ('red', 1), ('green', 2), ('blue', 3)) as q (query, k)
        cross join lateral search.search_images(q.query, k => q.k) as s
        inner join search.photos as p on s.image_id = p.image_id
        where p.embedding_state = 'embedded' and s.rank = 1
        order by q.k
        """
    )
    assert names(rows, 1) == ["red", "green", "blue"]


def test_the_same_vector_from_anywhere_finds_the_same(built: Project) -> None:
    database = built.database
    vector = database.value("select search.query_vector('green')::text")
    call = "select image_id, score from search.search_images_by_vector({}, k => 5) order by rank"
    expected = database.rows("select image_id, score from search.search_images('green', k => 5) order by rank")
    assert database.rows(call.format(f"'{vector}'")) == expected
    assert database.rows(call.format("%s::halfvec"), vector) == expected
    assert database.rows(call.format("%s::vector"), vector) == expected
    assert database.rows(call.format("(select search.query_vector('green'))")) == expected
    assert (
        database.rows(
            """
            with v as (select search.query_vector('green') as vector)
            select s.image_id, s.score from v cross join lateral search.search_images_by_vector(v.vector, k => 5) as s
            order by s.rank
            """
        )
        == expected
    )
    with database.connect() as connection:
        connection.execute(f"prepare p (halfvec) as {call.format('$1')}")
        for _ in range(10):
            assert connection.execute(f"execute p ('{vector}')").fetchall() == expected


ERRORS = [
    ("search_images('')", "22004", "the query is empty"),
    ("search_images('  ')", "22004", "the query is empty"),
    ("search_images(null)", "22004", "the query is empty"),
    ("search_images('red', 0)", "22023", "k is 0"),
    ("search_images('red', -1)", "22023", "k is -1"),
    ("search_images('red', null)", "22023", "k is NULL"),
    ("search_images('red', ef_search => 0)", "22023", "ef_search is 0"),
    ("search_images('red', model => 'nothing')", "42704", "there is no model nothing"),
    ("search_images('red', filters => '{\"colour\": \"red\"}')", "22023", "there is no filter colour"),
    ("search_images('red', filters => '[]')", "22023", "filters is a JSON array"),
    ("search_images('red', filters => '{\"ids\": [\"x\"]}')", "22023", 'the filter ids is ["x"], not an array of keys'),
    ("search_images('red', filters => '{\"taken_from\": \"soon\"}')", "22023", "the filter taken_from is"),
    ("search_images('red', filters => '{\"box\": {\"south\": 1}}')", "22023", "the filter box is"),
    ("search_images('red', filters => '{\"near\": 5}')", "22023", "the filter near is"),
    ("search_images_like(999)", "P0002", "photo 999 has no embedding"),
    ("search_images_like(null)", "P0002", "photo NULL has no embedding"),
    ("search_images_by_photo('')", "22004", "the photo is empty"),
    ("search_images_by_photo('/etc/passwd')", "42501", "refused to read"),
    ("search_images_by_vector(null)", "22004", "the query vector is NULL"),
    ("search_images_by_vector('[1,2,3]')", "22000", "the query vector has 3 dimensions"),
    ("search_images_by_vector('[1,2,3]', filters => '{}')", "22000", "the query vector has 3 dimensions"),
    ("search_images_by_vector('[0,0,0,0]')", "22023", "all zeros"),
    ("search_images_by_vector('[1,0,0,0]', model => 'text_embeddings')", "42704", "there is no model text_embeddings"),
    ("search_texts_by_image(999)", "P0002", "photo 999 has no embedding"),
    ("search_images_fused('red', models => array['x'])", "42704", "there is no model x"),
    ("search_images_by_vector('[1,2,3]', k => 200)", "22000", "the query vector has 3 dimensions"),
    ("search_texts_by_vector(null)", "22004", "the query vector is NULL"),
    ("search_texts_by_vector('[1,2,3]')", "22000", "the query vector has 3 dimensions"),
    ("search_texts_by_vector('[0,0,0,0]')", "22023", "all zeros"),
    ("search_texts('')", "22004", "the query is empty"),
    ("search_images_hybrid(null)", "22004", "the query is empty"),
    ("search_images_fused(' ')", "22004", "the query is empty"),
    ("search_texts_by_photo(null)", "22004", "the photo is empty"),
    ("search_images_by_photo('/nowhere/at/all.jpg')", "42501", "refused to read"),
    ("query_vector('')", "22004", "the query is empty"),
    ("query_vector('red', model => 'x')", "42704", "there is no model x"),
    ("photo_vector(null)", "22004", "the photo is empty"),
    ("classify_photo('', array['red'])", "22004", "the photo is empty"),
    ("classify_images(array[' ', null])", "22004", "there are no labels"),
    ("classify_images(array[]::text[])", "22004", "there are no labels"),
    ("classify_images_by_set('none')", "P0002", "there is no embedded label in the set none"),
]


@pytest.mark.parametrize(("call", "sqlstate", "message"), ERRORS, ids=[call for call, _, _ in ERRORS])
def test_errors_say_what_is_wrong(built: Project, call: str, sqlstate: str, message: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        built.database.rows(f"select * from search.{call}")
    assert caught.value.sqlstate == sqlstate
    assert message in (caught.value.diag.message_primary or "")


WRONG = [
    ("k", "0", "22023", "k is 0"),
    ("k", "-5", "22023", "k is -5"),
    ("k", "null", "22023", "k is NULL"),
    ("k", "10001", "22023", "k is 10001"),
    ("ef_search", "0", "22023", "ef_search is 0"),
    ("ef_search", "1001", "22023", "ef_search is 1001"),
    ("model", "'nothing'", "42704", "there is no model nothing"),
    ("models", "array['nothing']", "42704", "there is no model nothing"),
    ("filters", "'[]'", "22023", "filters is a JSON array"),
    ("filters", """'{"no": 1}'""", "22023", "there is no filter no"),
    ("filters", """'{"ids": "all"}'""", "22023", "the filter ids is"),
]
RIGHT = {
    "query": "'red'",
    "source_image_id": "1",
    "photo": "%(photo)s",
    "labels": "array['red']",
    "label_set": "'food'",
}


def test_every_search_refuses_every_wrong_argument_by_name(built: Project) -> None:
    photo = built.photo("new/wrong.png", "red")
    functions = built.database.rows(
        """
        select p.proname, p.proargnames[1:p.pronargs] from pg_proc as p
        where p.pronamespace = 'search'::regnamespace and p.proname ~ '^(search|classify)_'
        """
    )
    assert len(functions) >= 13
    refused = 0
    for function, arguments in functions:
        first = "'[1,0,0,0]'" if function.endswith("by_vector") else RIGHT[arguments[0]]
        required = [first, RIGHT["labels"]] if function == "classify_photo" else [first]
        for name, value, sqlstate, message in WRONG:
            if name in arguments:
                call = f"select * from search.{function}({', '.join(required)}, {name} => {value})"
                with pytest.raises(psycopg.Error) as caught:
                    built.database.connection.execute(call.encode(), {"photo": photo})
                assert (caught.value.sqlstate, call) == (sqlstate, call)
                assert message in (caught.value.diag.message_primary or ""), call
                refused += 1
    assert refused > 100


def test_one_search_is_one_request_and_none_when_asked_again(built: Project) -> None:
    with built.database.connect() as connection:
        for text, expected in (("a sort of red", 1), ("a sort of red", 0), ("a sort of green", 1)):
            before = requests(built)
            rows = connection.execute(
                "select s.*, now() from search.search_images(%s, k => 7) as s where s.score > 0 order by s.score desc",
                [text],
            ).fetchall()
            assert rows
            assert requests(built) == before + expected


def test_a_search_leaves_the_settings_of_the_session_alone(built: Project) -> None:
    with built.database.connect(autocommit=False) as connection:
        settings = "select current_setting('hnsw.ef_search'), current_setting('hnsw.iterative_scan')"
        connection.execute("load 'vector'")
        connection.execute("set hnsw.ef_search = 77")
        before = connection.execute(settings).fetchone()
        connection.execute("select * from search.search_images('red', k => 300, ef_search => 500)").fetchall()
        assert connection.execute(settings).fetchone() == before
