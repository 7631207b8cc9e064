"""The packages that the pages and the images name are in the distribution's own index."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scripts.common.paths import CHECKOUT

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DOCKERFILE = CHECKOUT / "scripts" / "docker" / "postgres.Dockerfile"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("apt-get") or not KEYRING.exists(), reason="needs Debian's apt")
def test_debian_has_the_images_packages_and_a_pgvector_that_is_new_enough(tmp_path: Path) -> None:
    """Asks apt for trixie's index, in folders of its own: the machine's is left alone."""
    for name in ("state/lists/partial", "cache/archives/partial", "etc"):
        (tmp_path / name).mkdir(parents=True)
    sources = tmp_path / "etc" / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] http://deb.debian.org/debian trixie main\n")
    options = [f"Dir::State={tmp_path}/state", f"Dir::Cache={tmp_path}/cache", f"Dir::Etc::sourcelist={sources}"]
    options += [f"Dir::State::status={tmp_path}/status", "Dir::Etc::sourceparts=-", "APT::Sandbox::User=root"]
    (tmp_path / "status").touch()
    apt = [part for option in options for part in ("-o", option)]
    subprocess.run(["apt-get", *apt, "update"], capture_output=True, check=True)

    packages = re.findall(r"^ +((?:postgresql|python3)-[\w-]+) \\$", DOCKERFILE.read_text(), re.M)
    assert len(packages) >= 5
    said = subprocess.run(["apt-cache", *apt, "policy", *packages], capture_output=True, text=True, check=True).stdout
    found = dict(re.findall(r"^(\S+):\n.*\n  Candidate: (\S+)", said, re.M))
    assert set(found) == set(packages)
    version = [int(part) for part in re.findall(r"\d+", found["postgresql-17-pgvector"])[:2]]
    assert version >= [0, 8]
