"""What can be known of scripts/docker without an engine: that it parses, what it opens, and where secrets go."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose

from scripts.common.paths import CHECKOUT
from scripts.programs.local_postgres import packages

DOCKER = CHECKOUT / "scripts" / "docker"
# What Compose itself fills in before it parses.
TEXT = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (DOCKER / "compose.yaml").read_text("utf-8"))
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
STANDING = {name: service for name, service in SERVICES.items() if "profiles" not in service}


def test_it_is_valid_by_the_compose_specification() -> None:
    parsed = PyCompose.from_yaml(TEXT)
    parsed.validate()
    assert set(parsed.services) == {"postgres", "clip", "store", "tools"}


def test_the_specification_is_a_judge_that_says_no() -> None:
    with pytest.raises(ValueError, match="token_key"):
        PyCompose.from_yaml(TEXT.replace("  token_key: {file", "  other_key: {file")).validate()
    with pytest.raises(ValueError):
        PyCompose.from_yaml(TEXT.replace("127.0.0.1:5432:5432", "127.0.0.1:many"))


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), port


@pytest.mark.parametrize("name", STANDING)
def test_every_service_says_whether_it_is_well_and_comes_back(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["ports"]


def test_what_is_to_last_lies_in_volumes() -> None:
    named = {
        volume.split(":")[0] for service in STANDING.values() for volume in service["volumes"] if volume[0].isalpha()
    }
    assert named == set(COMPOSE["volumes"])
    assert "database:/var/lib/postgresql/data" in SERVICES["postgres"]["volumes"]


def test_secrets_are_files_made_by_make_secrets_and_never_committed(tmp_path: Path) -> None:
    script = tmp_path / "make_secrets"
    script.write_bytes((DOCKER / "make_secrets").read_bytes())
    run = ["bash", str(script)]
    assert subprocess.run(run, capture_output=True, check=True).stdout
    folder = tmp_path / "secrets"
    made = {file.name: file.read_text() for file in folder.iterdir()}
    assert {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()} == set(made)
    assert folder.stat().st_mode & 0o077 == 0
    assert len(set(made.values())) == len(made) and all(len(value) >= 48 for value in made.values())
    store = yaml.safe_load(made["store.json"])["identities"][0]["credentials"][0]
    assert store["secretKey"] == made["store_secret"]
    # Again: what is there stays.
    subprocess.run(run, capture_output=True, check=True)
    assert {file.name: file.read_text() for file in folder.iterdir()} == made
    ignored = subprocess.run(
        ["git", "check-ignore", "scripts/docker/secrets/token_key", "scripts/docker/photos/a.jpg"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    # A checkout without git's folder has nothing to commit.
    assert len(ignored.stdout.split()) == 2 or not (CHECKOUT / ".git").exists()


def test_no_secret_stands_in_the_files() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            assert "PASSWORD" not in name or str(value).startswith("/run/secrets/"), name
    for secret in COMPOSE["secrets"].values():
        assert set(secret) == {"file"}


@pytest.mark.parametrize("file", sorted(DOCKER.glob("*.Dockerfile")), ids=lambda file: file.name)
def test_a_dockerfile_passes_its_linter_and_copies_what_there_is(file: Path) -> None:
    # DL3008, DL3013: an image is built for today's packages, security fixes included.
    linted = subprocess.run(
        [str(Path(sys.executable).parent / "hadolint"), "--ignore=DL3008", "--ignore=DL3013", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert linted.returncode == 0, linted.stdout + linted.stderr
    copied = [name for line in re.findall(r"^COPY (.*)$", file.read_text(), re.M) for name in line.split()[:-1]]
    assert copied
    for name in copied:
        assert (CHECKOUT / name).exists(), name
    ignore = file.with_name(file.name + ".dockerignore").read_text().split("\n")
    assert ignore.count("*") == 1
    for name in copied:
        assert f"!{name}" in ignore, name
    if "!scripts" in ignore:
        # The last rule that fits counts.
        assert ignore.index("scripts/docker/secrets") > ignore.index("!scripts")


def test_the_image_has_the_packages_that_the_runtime_imports() -> None:
    text = (DOCKER / "postgres.Dockerfile").read_text()
    for name in ("postgresql-17-pgvector", "postgresql-plpython3-17", "python3-pil"):
        assert name in text
    for name in set(packages.NAMES) - {"Pillow"}:
        assert f"python3-{name} " in text or f'"{name}>=' in text, name
    bound = re.search(r'"(opendal[^"]*)"', (CHECKOUT / "pyproject.toml").read_text())
    assert bound and f'"{bound[1]}"' in text
    assert SERVICES["postgres"]["volumes"][0].endswith("/data"), "postgres:18 and later want another place"


def environment(folder: Path, script: str, *program: str) -> dict[str, str]:
    """Run a script that ends in another program; return the variables that one has."""
    done = subprocess.run(
        ["sh", "-c", script, "postgres", *program],
        env={"PATH": f"{DOCKER}:{os.defpath}", "SECRETS_FOLDER": str(folder), "POSTGRES_PASSWORD": "of the superuser"},
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


def test_secrets_named_like_variables_become_variables_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "POLARLENS_TOKEN_KEY").write_text("a key = with 'every' $kind")
    (tmp_path / "postgres_password").write_text("of the superuser")
    wrapper = re.search(r"printf '(#!/bin/sh.*?)'", (DOCKER / "postgres.Dockerfile").read_text())
    assert wrapper
    script = wrapper[1].replace("\\n", "\n").replace("/usr/lib/postgresql/17/bin/postgres", "env")
    found = environment(tmp_path, script)
    assert found["POLARLENS_TOKEN_KEY"] == "a key = with 'every' $kind"
    # The superuser's password must not be there for a token named env:POSTGRES_PASSWORD.
    assert "of the superuser" not in found.values()


def test_without_secrets_the_program_just_runs(tmp_path: Path) -> None:
    assert "PATH" in environment(tmp_path / "none", 'exec with_secrets "$@"', "env")
