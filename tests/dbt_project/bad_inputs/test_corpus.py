"""A corpus of inputs through a real refresh: each good one embedded, each bad one explained to a person."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.corpus import TEXTS, Case, cases, modes, rotations
from tests.support.embedding_project import model, write_project
from tests.support.project import Project
from udfs.runtime.images import for_model

IMAGES = model("polarlens.image_paths", key="image_id", input="path", model="embedding/clip_image")
WORDS = model("public.words", key="name", input="content", model="embedding/clip_text")


def written(folder: Path) -> list[tuple[Case, str]]:
    """Write the corpus; return each case with the path to stage."""
    staged = []
    for case in cases(folder):
        path = folder / case.name
        if case.content is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.parent.chmod(0o755)
            path.write_bytes(case.content)
            path.chmod(0o644)
        staged.append((case, case.path or str(path)))
    return staged


def test_every_good_input_is_embedded_and_every_bad_one_is_explained(
    project: Project,
    tmp_path: Path,
) -> None:
    staged = written(project.folder)
    db = project.database
    project.stage(*(path for _, path in staged))
    db.run("create table public.words (name text, content text)")
    for name, (content, _) in TEXTS.items():
        db.run("insert into public.words values (%s, %s)", name, content)
    assert len(staged) + len(TEXTS) >= 150

    output = db.dbt("run", cwd=write_project(tmp_path, photos=IMAGES, words=WORDS)).stdout
    embedded = {
        path for (path,) in db.rows("select path from polarlens.image_paths join search.photos using (image_id)")
    }
    embedded |= {name for (name,) in db.rows("select name from search.words")}
    errors: dict[str, tuple[str, str]] = {}
    for path, stage, message in db.rows(
        "select path, stage, message from polarlens.image_paths join polarlens.embedding_errors"
        " on image_id::text = source_key and relation = 'search.photos'"
    ):
        errors[path] = (stage, message)
    for name, stage, message in db.rows(
        "select source_key, stage, message from polarlens.embedding_errors where relation = 'search.words'"
    ):
        errors[name] = (stage, message)

    expected = [(path, case.kind, case.error) for case, path in staged]
    expected += [(name, "texts", error) for name, (_, error) in TEXTS.items()]
    wrong = []
    for path, kind, error in expected:
        said = errors.get(path, ("", ""))[1]
        if (error is None) != (path in embedded) or (error is not None and not re.search(error, said)):
            wrong.append((kind, path[-80:], error, said))
        # A message is for a person: no traceback, no class of ours, no memory address.
        assert not re.search(r"Traceback|<[a-z_]+\.|0x[0-9a-f]{6}|internal error", said), said
    table = Counter((kind, path in embedded) for path, kind, _ in expected)
    print(f"\n{'inputs':<14} {'embedded':>9} {'explained':>10}")
    for kind in dict.fromkeys(kind for _, kind, _ in expected):
        print(f"{kind:<14} {table[kind, True]:>9} {table[kind, False]:>10}")
    for path, (stage, message) in sorted(errors.items()):
        print(f"  {stage:<8} {Path(path).name[:40]!r:<44} {message.replace(str(project.folder), '')[:110]}")
    assert wrong == []
    assert output.count("0 unchanged, 0 removed") == 2


@pytest.fixture(scope="module")
def seen() -> Callable[[bytes], list[float]]:
    """Return what a model sees of a picture: its middle square, small, as one vector."""
    import io

    from PIL import Image, ImageOps

    def vector(content: bytes) -> list[float]:
        image = Image.open(io.BytesIO(for_model(content, 224, "a photo"))).convert("L")
        return [float(value) for value in ImageOps.fit(image, (24, 24)).tobytes()]

    return vector


def cosine(one: list[float], other: list[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return float(dot / (sum(a * a for a in one) * sum(b * b for b in other)) ** 0.5)


# A bitmap of two colours is another picture, and transparency shows white below.
NOT_THE_SAME = ("1.png", "palette-transparent.png")
SAME: list[Any] = [
    pytest.param(content, id=name) for name, content in [*modes(), *rotations()] if name not in NOT_THE_SAME
]


@pytest.mark.parametrize("content", SAME)
def test_the_same_photo_in_another_mode_or_orientation_is_the_same_to_a_model(
    content: bytes, seen: Callable[[bytes], list[float]]
) -> None:
    original = next(content for name, content in modes() if name == "rgb.png")
    assert cosine(seen(content), seen(original)) > 0.99
