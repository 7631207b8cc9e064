"""The README, followed from top to bottom by somebody at a terminal: every block runs, every command is known to."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.common.paths import CHECKOUT, state_home
from tests.support import s3_server
from tests.support.pages import Block, Terminal, blocks, commands, run_sql
from tests.support.s3_server import S3Server

README = CHECKOUT / "README.md"
BLOCKS = blocks(README)

# What the reader has of their own, and what a test puts in its place.
SECRET = "PHOTOS_SECRET"
# What is said in passing and run at the end, in this order: as written, or with something of the test's own put in.
IN_PASSING = {
    "scripts/clip_service start --model auto|clip|starter": "scripts/clip_service start --model starter",
    "scripts/clip_service figures": None,
    "scripts/load_photos FOLDER": "scripts/load_photos $POLARLENS_HOME/photos",
    "scripts/set_token MODEL_ID": "echo token | scripts/set_token embedding/clip_text",
    "dbt docs generate": "(cd dbt_project && dbt docs generate)",
    "alembic upgrade head --sql": None,
    "alembic downgrade base": None,
    "alembic upgrade head": None,
    "scripts/clip_service stop": None,
    "scripts/local_postgres.py stop": None,
    "scripts/local_postgres.py destroy": "scripts/local_postgres.py destroy --yes",
}
# These are run by other tests: where, and what is to be found there.
ELSEWHERE = {
    "dbt run --vars '{distributed: citus}'": (
        "tests/dbt_project/citus/test_citus.py",
        '("--vars", "{distributed: citus}")',
    ),
    "scripts/test": (".ci/run", "scripts/test"),  # runs this
    'scripts/quickstart ~/Pictures --query "a birthday cake"': ("tests/end_to_end/test_quickstart.py", '"--query"'),
    "scripts/test -m slow": ("scripts/test", "-m slow"),  # half an hour
    # Take minutes, and are no tests.
    "scripts/bench search": ("scripts/programs/bench/search.py", "def run"),
    "scripts/bench refresh": ("scripts/programs/bench/refresh.py", "def run"),
    "scripts/bench sizing": ("tests/scripts/bench/test_sizing.py", '"sizing"'),  # a minute: with -m slow
    "scripts/clip_service start --name second --model efficientnet": (
        "tests/end_to_end/test_second_model.py",
        '"--name", "second", "--model", "efficientnet"',
    ),
    "scripts/gallery --serve": ("tests/scripts/gallery/program.py", '"--serve"'),
    # Installs Superset, which takes minutes.
    "scripts/superset start": ("tests/scripts/superset/test_dashboard.py", '"start"'),
    "scripts/superset stop": ("tests/scripts/superset/conftest.py", '"stop"'),
    "dbt deps": ("tests/dbt_project/package/test_package.py", '"deps"'),
    "dbt build --selector embeddings": ("tests/dbt_project/test_project.py", '"build", "--selector", "embeddings"'),
    "dbt source freshness": ("tests/dbt_project/test_project.py", '"source", "freshness"'),
    # Serving never ends.
    "dbt docs generate && dbt docs serve": ("tests/end_to_end/test_readme.py", "dbt docs generate"),
    "dbt run --vars '{image_locations: [pics]}'": (
        "tests/dbt_project/refresh/test_stored_photos.py",
        "image_locations",
    ),
}


@pytest.fixture(scope="module")
def s3() -> Iterator[S3Server]:
    server = S3Server()
    photo = (CHECKOUT / "scripts" / "programs" / "gallery" / "contact_sheet.jpg").read_bytes()
    server.put({"originals/2024/cat.jpg": photo})
    yield server
    server.close()


@pytest.fixture(scope="module")
def terminal(open_folder: Path) -> Iterator[Terminal]:
    home = open_folder / "readme"
    home.mkdir(mode=0o755)
    # The server's programs need not be unpacked once more.
    (state_home() / "programs").mkdir(parents=True, exist_ok=True)
    (home / "programs").symlink_to(state_home() / "programs")
    env = {SECRET: s3_server.SECRET_KEY, "POLARLENS_SERVER_ENV": SECRET, "POLARLENS_HOME": str(home)}
    made = Terminal(CHECKOUT, **env, DBT_TARGET_PATH=str(home / "dbt"), DBT_LOG_PATH=str(home / "dbt"))
    yield made
    Terminal(CHECKOUT, **env).run("scripts/clip_service stop; scripts/local_postgres.py destroy --yes")


def shell(block: Block, terminal: Terminal) -> str:
    """Run a block of shell commands, with what is not for a test taken out."""
    # It is what runs this test; and the model that needs no download is chosen outright.
    text = re.sub(r"^scripts/test .*\n", "", block.text, flags=re.M)
    return terminal.run(re.sub(r"^scripts/quickstart ", "scripts/quickstart --model starter ", text, flags=re.M))


def sql(block: Block, terminal: Terminal, s3: S3Server) -> list[int]:
    """Run a block of SQL; return how many rows each statement brought."""
    options = {"endpoint": s3.url, "access_key_id": s3_server.ACCESS_KEY}
    text = block.text.replace("s3://holiday-photos/originals", f"s3://{s3_server.BUCKET}/originals")
    text = text.replace('{"region": "eu-west-1", "access_key_id": "AKIA…"}', json.dumps(options))
    assert "AKIA…" not in text
    with terminal.connect() as connection:
        return [len(run_sql(connection, statement)) for statement in Block("sql", text).statements()]


def as_model(block: Block, terminal: Terminal, folder: Path) -> str:
    """Run a block that is a dbt model in a copy of the project."""
    shutil.copytree(CHECKOUT / "dbt_project", folder, ignore=shutil.ignore_patterns("target", "logs"))
    (folder / "models" / "from_the_readme.sql").write_text(block.text)
    return terminal.run(f"(cd {folder} && dbt run --select from_the_readme)")


def assert_is_part_of_the_project_notes(block: Block) -> None:
    """Compare with the project that tests/dbt_project/package runs: its lines, but for the package's place and k."""
    notes = CHECKOUT / "tests" / "dbt_project" / "package" / "notes"
    files = (file.read_text("utf-8") for file in notes.rglob("*") if file.is_file())
    there = re.sub(r"k=\d+", "k=10", "\n".join(files))
    lines = [line for line in block.text.splitlines() if line and not re.match(r"--|  - local:", line)]
    assert lines
    for line in lines:
        assert line in there, line


@pytest.mark.timeout(900)
def test_every_block_runs_in_order(terminal: Terminal, s3: S3Server, tmp_path: Path) -> None:
    ran = 0
    for block in BLOCKS:
        if block.language == "sh":
            assert shell(block, terminal) is not None
        elif "models/note_embeddings.sql" in block.text or block.language == "yaml":
            assert_is_part_of_the_project_notes(block)
        elif "{{" in block.text:
            assert "Completed successfully" in as_model(block, terminal, tmp_path / "dbt_project")
        else:
            counts = sql(block, terminal, s3)
            assert any(counts), f"nothing came of {block.text}"
        ran += 1
    assert ran == len(BLOCKS) >= 9
    assert {block.language for block in BLOCKS} == {"sh", "sql", "yaml"}


@pytest.mark.timeout(300)
def test_the_commands_in_its_sentences_run(terminal: Terminal) -> None:
    """After its blocks, in the same terminal."""
    terminal.folder = CHECKOUT
    for command, instead in IN_PASSING.items():
        assert command in commands(README), f"the README no longer says {command}"
        terminal.run(instead or command)


def test_every_command_in_its_sentences_is_run_by_a_test() -> None:
    in_blocks = "\n".join(block.text for block in BLOCKS)
    named = [command for command in commands(README) if command not in in_blocks]
    assert named
    for command in named:
        assert command in {**IN_PASSING, **ELSEWHERE}, f"no test is known to run `{command}`: add one, and name it here"
    for command, (file, evidence) in ELSEWHERE.items():
        assert evidence in (CHECKOUT / file).read_text("utf-8"), f"{file} does not run {command}"


def test_it_stays_short_and_its_links_lead_somewhere() -> None:
    text = README.read_text("utf-8")
    assert len(text.splitlines()) < 300
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert len(targets) >= 2
    for target in targets:
        assert (CHECKOUT / target).exists(), target


def test_the_folders_and_programs_that_it_names_are_there() -> None:
    text = README.read_text("utf-8")
    for name in re.findall(r"`((?:scripts|alembic|udfs|dbt_project|tests)/[\w./]*)", text):
        assert (CHECKOUT / name).exists(), name
