"""Using up the server: its memory with images and answers, its time with services that never end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.security.bombs import ANSWERS, IMAGES, packed, png
from tests.security.house import House
from tests.support.http_server import Reply, ScriptedServer
from tests.support.raw_server import SLOW, SLOW_NAMES, Behaviour, RawServer

Allow = Callable[[str], None]


class Session:
    """A session whose memory is watched: its peak, in megabytes above what it had with everything loaded."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.connection = house.connect("caller")
        self.connection.execute("select polar_ai.ai_modelcachelists()")
        self.before = self.peak()

    def peak(self) -> float:
        status = Path(f"/proc/{self.connection.info.backend_pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    @property
    def grown(self) -> float:
        return self.peak() - self.before

    def run(self, statement: str, *parameters: object) -> str | None:
        """Run a statement and return its SQLSTATE, or None where it succeeded."""
        try:
            self.connection.execute(statement.encode(), parameters)
        except psycopg.Error as error:
            self.house.check_silent(str(error))
            assert "Traceback" not in str(error) and error.sqlstate != "XX000", error
            return error.sqlstate
        return None


@pytest.fixture
def session(house: House) -> Iterator[Session]:
    made = Session(house)
    yield made
    # Whatever it was: the backend lives, and answers.
    assert made.connection.execute("select 1").fetchone() == (1,)
    made.connection.close()


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_an_image_that_unpacks_to_too_much_is_refused(session: Session, image: Callable[[], bytes]) -> None:
    content = image()
    assert len(content) < 3 * 2**20
    for statement in (
        "select polar_ai.ai_resizeimage(%s, 224, 0)",
        "select polar_ai.ai_imageasbase64(polar_ai.ai_resizeimage(%s, 0, 16))",
    ):
        assert session.run(statement, content) in ("54000", "22P03")
    assert session.grown < 150


@pytest.mark.parametrize("colour", [(2, 8), (3, 8), (3, 1), (4, 8), (6, 8), (0, 16)], ids=str)
def test_the_largest_images_take_little_more_than_their_pixels(session: Session, colour: tuple[int, int]) -> None:
    pixels = 6000 * 6000
    assert session.run("select polar_ai.ai_resizeimage(%s, 224, 0)", png(6000, 6000, *colour)) is None
    assert session.grown < 5 * pixels / 2**20 + 60


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 2**20, b"\xff\xd8\xff" + b"\xff" * 2**20, b"GIF89a", b"RIFF\xff\xff\xff\x7fWEBP"]
)
def test_what_is_no_image_costs_nothing(session: Session, content: bytes) -> None:
    assert session.run("select polar_ai.ai_resizeimage(%s, 10, 10)", content) == "22P03"
    assert session.grown < 60


@pytest.mark.parametrize("size", ["32768, 1", "32767, 32767", "2147483647, 2147483647", "0, 0", "-1, -2147483648"])
def test_no_size_is_made_that_is_too_large(session: Session, size: str) -> None:
    assert session.run(f"select polar_ai.ai_resizeimage(%s, {size})", png(4, 4)) in ("54000", "22023")
    assert session.grown < 60


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip", "br", "zstd"])
def test_an_answer_that_unpacks_to_too_much_is_broken_off(
    house: House, session: Session, allowed: Allow, http_server: Callable[..., ScriptedServer], encoding: str
) -> None:
    bomb = packed(2**28)
    server = http_server(lambda request: Reply(body=bomb, headers={"Content-Encoding": encoding}))
    allowed(server.url)
    state = session.run("select polar_ai.ai_loadfile(%s, 20)", server.url)
    assert state in (None, "08006", "08P01", "54000")
    assert session.grown < 150


@pytest.mark.parametrize("behaviour", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("model", [False, True], ids=["loaded", "a model's"])
def test_an_answer_without_end_ends(
    house: House,
    session: Session,
    allowed: Allow,
    raw_server: Callable[[Behaviour], RawServer],
    behaviour: Behaviour,
    model: bool,
) -> None:
    server = raw_server(behaviour)
    session.run("set polar.ai.http_timeout_msec = 1500")
    started = time.monotonic()
    if model:
        house.db.run("select polar_ai.ai_createmodel('endless', %s, 'clip-as-service')", server.url)
        state = session.run("select polar_ai.ai_callmodel('endless', 'x'::text)")
        house.db.run("select polar_ai.ai_dropmodel('endless')")
        assert state
    else:
        allowed(server.url)
        session.run("select polar_ai.ai_loadfile(%s, 20)", server.url)
    assert time.monotonic() - started < 6
    assert session.grown < (250 if model else 100)


@pytest.mark.parametrize("behaviour", SLOW, ids=SLOW_NAMES)
def test_a_service_that_trickles_keeps_nobody(
    session: Session, allowed: Allow, raw_server: Callable[[Behaviour], RawServer], behaviour: Behaviour
) -> None:
    server = raw_server(behaviour)
    allowed(server.url)
    session.run("set polar.ai.http_timeout_msec = 500")
    started = time.monotonic()
    assert session.run("select polar_ai.ai_loadfile(%s)", server.url) == "08006"
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("in_flight", ["1000000", "2147483647", "-1", "0", "null"])
def test_no_number_of_requests_at_once_starts_that_many_threads(house: House, session: Session, in_flight: str) -> None:
    session.run(f"select polar_ai.ai_callmodels('open', array_fill('x'::text, array[500]), {in_flight})")
    tasks = list(Path(f"/proc/{session.connection.info.backend_pid}/task").iterdir())
    assert len(tasks) <= 70
    assert session.grown < 100


@pytest.mark.parametrize(
    "answer",
    [
        "[" * 10**6,
        '{"data":' * 10**5,
        '{"data": [' + "[]," * 10**6 + "[]]}",
        '{"data": [{"embedding": [' + "1," * 10**6 + "1]}]}",
    ],
    ids=["open brackets", "open objects", "many arrays", "a long embedding"],
)
def test_json_of_a_model_does_not_blow_up(
    house: House, session: Session, http_server: Callable[..., ScriptedServer], answer: str
) -> None:
    server = http_server(lambda request: Reply(body=answer))
    house.db.run("select polar_ai.ai_createmodel('deep', %s, 'clip-as-service')", server.url)
    session.run("select cardinality(polar_ai.ai_embedding('deep', 'x'))")
    house.db.run("select polar_ai.ai_dropmodel('deep')")
    assert session.grown < 300
