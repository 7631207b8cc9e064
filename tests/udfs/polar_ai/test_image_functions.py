from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from tests.support.database import Database
from tests.support.failure import Failure
from tests.support.pictures import decoded, picture

Fails = Callable[..., Failure]


def test_an_image_is_resized(db: Database) -> None:
    resized = decoded(db.value("select polar_ai.ai_resizeimage(%s, 20, 0)", picture(40, 20)))
    assert (resized.format, resized.size) == ("JPEG", (20, 10))


def test_arguments_have_their_documented_names(db: Database) -> None:
    content = picture(40, 20)
    assert db.value("select polar_ai.ai_resizeimage(image => %s, width => 0, height => 5)", content)
    assert db.value("select polar_ai.ai_imageasbase64(image => %s, mime_type => false)", content)
    assert db.value("select polar_ai.AI_ImageFromBase64(image => 'aGVsbG8=')") == b"hello"


def test_base64_goes_both_ways(db: Database) -> None:
    content = picture(file_format="PNG")
    text = db.value("select polar_ai.ai_imageasbase64(%s)", content)
    assert text == "data:image/png;base64," + base64.b64encode(content).decode()
    assert db.value("select polar_ai.ai_imagefrombase64(%s)", text) == content
    assert db.value("select polar_ai.ai_imageasbase64(%s, false)", content) == base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "call",
    [
        "ai_resizeimage(null, 10, 10)",
        "ai_resizeimage('\\x00', null, 10)",
        "ai_resizeimage('\\x00', 10, null)",
        "ai_imageasbase64(null)",
        "ai_imageasbase64('\\x00', null)",
        "ai_imagefrombase64(null)",
    ],
)
def test_null_gives_null(db: Database, call: str) -> None:
    assert db.value(f"select polar_ai.{call}") is None


FAULTS = {
    "not an image": ("ai_resizeimage('\\x68656c6c6f', 10, 10)", "22P03", "not an image", None),
    "empty": ("ai_resizeimage('', 10, 10)", "22P03", "empty", None),
    "no size": ("ai_resizeimage('\\x00', 0, 0)", "22023", "no width", "above 0"),
    "huge": ("ai_resizeimage('\\x00', 2147483647, 1)", "54000", "too large", None),
    "base64 of no image": ("ai_imageasbase64('\\x68656c6c6f')", "22P03", "not an image", None),
    "no base64": ("ai_imagefrombase64('!!!!')", "22P03", "not valid base64", None),
}


@pytest.mark.parametrize(("call", "sqlstate", "said", "hint"), FAULTS.values(), ids=FAULTS)
def test_faults_are_errors_for_people(
    db: Database, failure: Fails, call: str, sqlstate: str, said: str, hint: str | None
) -> None:
    error = failure(db, f"select polar_ai.{call}")
    assert error.sqlstate == sqlstate and said in error.message
    assert hint is None or hint in str(error.hint)


def test_after_an_error_the_session_goes_on(db: Database, failure: Fails) -> None:
    failure(db, "select polar_ai.ai_imageasbase64('\\x00')")
    assert db.value("select polar_ai.ai_imagefrombase64('aGVsbG8=')") == b"hello"
