"""Starting, finding and stopping the service, and choosing its model."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image

from scripts.common.paths import CHECKOUT
from scripts.programs.clip_service.encoder import ModelCard, Vectors
from scripts.programs.clip_service.server import Service
from tests.support.clip_service import Launcher

Make = Callable[..., Launcher]


def test_start_is_idempotent_and_stop_ends_it(launcher: Make, models: Path) -> None:
    launch = launcher(models)
    first = launch.started()
    state = json.loads((launch.home / "clip_service.json").read_text())
    assert stat.S_IMODE((launch.home / "clip_service.json").stat().st_mode) == 0o600
    assert (state["model"], state["dimension"], state["logit_scale"]) == ("starter", 384, 15.0)
    assert state["url"] == first.url == f"http://127.0.0.1:{state['port']}/post"

    began = time.monotonic()
    again = launch("start", "--model", "starter")
    assert time.monotonic() - began < 2  # 0.1 s on an idle machine
    assert "already running" in again.stdout
    assert json.loads((launch.home / "clip_service.json").read_text())["pid"] == state["pid"]
    assert launch("status").returncode == 0

    assert "Stopped" in launch("stop").stdout
    assert launch("status").returncode == 3
    assert launch("url").returncode == 3
    assert "not running" in launch("stop").stdout
    assert launch.started().url == first.url  # the port is remembered


def test_service_that_was_killed_is_noticed(launcher: Make, models: Path) -> None:
    launch = launcher(models)
    launch.started()
    os.kill(json.loads((launch.home / "clip_service.json").read_text())["pid"], signal.SIGKILL)
    time.sleep(0.3)
    assert launch("status").returncode == 3
    launch.started()


def test_taken_port_is_said_plainly(launcher: Make, models: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = launcher(models)("start", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "address already in use" in done.stderr
    assert "Traceback" not in done.stderr


def test_before_the_model_is_loaded_it_answers_503(launcher: Make) -> None:
    launch = launcher()  # no models built yet: loading takes a while
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    command = [str(CHECKOUT / "scripts" / "clip_service"), "run", "--model", "starter", "--port", str(port)]
    with subprocess.Popen(
        command, env=launch.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            answer = _post_until_listening(f"http://127.0.0.1:{port}")
            assert answer.status_code == 503
            header = answer.json()["header"]
            assert (header["status"]["code"], header["execEndpoint"]) == (1, "")
            assert answer.json()["data"][0]["text"] == "ready?"
            assert answer.json()["data"][0]["embedding"] is None
            assert requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 200
            assert requests.get(f"http://127.0.0.1:{port}/dry_run", timeout=5).json()["code"] == 1
            assert requests.get(f"http://127.0.0.1:{port}/info", timeout=5).json()["state"] == "loading"
        finally:
            process.kill()


def _post_until_listening(url: str) -> requests.Response:
    deadline = time.monotonic() + 30
    while True:
        try:
            return requests.post(f"{url}/post", json={"data": [{"text": "ready?"}]}, timeout=5)
        except requests.ConnectionError:
            assert time.monotonic() < deadline, "the service never listened"
            time.sleep(0.05)


@pytest.mark.parametrize("environment", [{}, {"HF_HUB_OFFLINE": "1"}])
def test_without_a_hub_auto_is_starter_at_once(launcher: Make, models: Path, environment: dict[str, str]) -> None:
    began = time.monotonic()
    done = launcher(models, **environment)("start")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - began < 15
    assert "the model hub does not answer" in done.stdout
    assert "weaker than CLIP" in done.stdout


def test_it_is_recorded_before_it_says_that_it_is_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for it reads the record next."""

    class Blank:
        card = ModelCard("blank", 2, None, "1", "Sees nothing.")
        image_size = 8

        def encode_images(self, images: list[Image.Image]) -> Vectors:
            return np.ones((len(images), 2), dtype=np.float32)

    monkeypatch.setattr("scripts.programs.clip_service.choice.load", lambda name, cache: (Blank(), "for a test"))
    states = []
    service = Service("starter", tmp_path, lambda report: states.append((report["model"], service.state)))
    service.load()
    assert (states, service.state) == ([("blank", "loading")], "ready")


def test_clip_without_a_hub_says_what_to_do(launcher: Make) -> None:
    done = launcher()("start", "--model", "clip")
    assert done.returncode == 1
    assert "--model starter" in done.stderr
    assert "Traceback" not in done.stderr


def test_launcher_without_an_environment_says_what_to_do(launcher: Make) -> None:
    launch = launcher(POLARLENS_PYTHON="/nowhere/python")
    done = launch("status")
    assert done.returncode == 1
    assert "scripts/quickstart" in done.stderr
