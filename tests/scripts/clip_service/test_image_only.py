"""Models that embed images only, each beside the first service as a second one of the same checkout."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.scripts.clip_service.tiny import save_colours
from tests.support.clip_service import Launcher, Service
from tests.support.drawings import DRAWINGS, blob, encoded

RED = {"blob": blob(Image.new("RGB", (300, 200), "red"))}
# As ResNet-50's own configuration: the central 224 of a picture whose shorter side is 256.
PREPROCESSOR = {
    "crop_pct": 0.875,
    "do_normalize": True,
    "do_resize": True,
    "image_mean": [0.0, 0.0, 0.0],
    "image_std": [1.0, 1.0, 1.0],
    "image_processor_type": "ConvNextFeatureExtractor",
    "resample": 3,
    "size": {"shortest_edge": 224},
}


def weights(folder: Path, dimension: int = 2048) -> str:
    """Make a network in the hub's layout that sees colours; the real weights lie on a hub that no test depends on."""
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    save_colours(folder / "model.onnx", dimension)
    return str(folder)


@contextmanager
def beside(home: Path, model: str, **environment: str) -> Iterator[tuple[Launcher, Service]]:
    """Run an image-only model as a service of its own name."""
    launch = Launcher(home, environment)
    done = launch("start", "--name", model, "--model", model)
    assert done.returncode == 0, done.stdout + done.stderr
    try:
        yield launch, Service(launch("url", "--name", model).stdout.strip())
    finally:
        assert "Stopped" in launch("stop", "--name", model).stdout


def assert_texts_are_refused(second: Service, model: str) -> None:
    """A text voids its request, as any item that fails does: no picture silently gets nothing."""
    answer = second.post(RED, {"text": "red"}).json()
    status = answer["header"]["status"]
    assert (status["code"], status["exception"]["name"]) == (1, "TextsRefusedError")
    assert f"the model {model} embeds images only, and item 2 of 2 is a text" in status["exception"]["args"][0]
    assert [document["embedding"] for document in answer["data"]] == [None, None]


def test_resnet_is_served_beside_the_first_model(service: Service, clip_home: Path, tmp_path: Path) -> None:
    own = {"POLARLENS_RESNET_WEIGHTS": weights(tmp_path)}
    first = (clip_home / "clip_service.json").read_text()
    with beside(clip_home, "resnet", **own) as (launch, second):
        info = second.get("/info").json()
        told = (info["model"], info["dimension"], info["modality"], info["logit_scale"])
        assert told == ("resnet", 2048, ["image"], None)
        pictures = [{"blob": blob(Image.new("RGB", (300, 200), colour))} for colour in ("red", "lime", "blue")]
        assert second.vectors(*pictures, {}) == [*np.eye(3, 2048).tolist(), None]
        assert_texts_are_refused(second, "resnet")
        # Either is found by its name, and neither knows of the other.
        assert second.url != service.url == launch("url").stdout.strip()
        assert len(service.vectors({"text": "red"}, RED)[0]) == 384
        assert "already running" in launch("start", "--name", "resnet", "--model", "resnet").stdout
        assert json.loads((clip_home / "clip_service.resnet.json").read_text())["url"] == second.url
    assert launch("status", "--name", "resnet").returncode == 3
    assert "start --name resnet" in launch("url", "--name", "resnet").stderr
    assert launch("status").returncode == 0
    assert (clip_home / "clip_service.json").read_text() == first


def test_efficientnet_knows_a_picture_again_and_needs_no_download(service: Service, clip_home: Path) -> None:
    with beside(clip_home, "efficientnet") as (_, second):
        info = second.get("/info").json()
        assert (info["model"], info["dimension"], info["modality"]) == ("efficientnet", 1280, ["image"])
        variants = [
            base64.b64encode(encoded(draw().resize((333, 333)), "JPEG", quality=50)).decode()
            for draw in DRAWINGS.values()
        ]
        items = [{"blob": blob(draw())} for draw in DRAWINGS.values()] + [{"blob": variant} for variant in variants]
        vectors = np.array(second.vectors(*items))
        assert vectors.shape == (12, 1280)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
        scores = vectors[:6] @ vectors[6:].T
        assert scores.argmax(axis=1).tolist() == list(range(6))
        assert scores.diagonal().min() > 0.8 > scores[~np.eye(6, dtype=bool)].max()
        assert_texts_are_refused(second, "efficientnet")


def test_weights_of_another_model_are_refused(launcher: Callable[..., Launcher], tmp_path: Path) -> None:
    done = launcher(POLARLENS_RESNET_WEIGHTS=weights(tmp_path, dimension=1000))("start", "--model", "resnet")
    assert done.returncode == 1
    assert "not those of resnet: they give 1000 dimensions, and it has 2048" in done.stderr


def test_resnet_without_a_hub_says_what_to_do(launcher: Callable[..., Launcher]) -> None:
    done = launcher()("start", "--model", "resnet")
    assert done.returncode == 1
    assert "ResNet-50's weights are not on this machine and the model hub does not answer" in done.stderr
    assert "--model efficientnet" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_name_that_is_none_is_refused(launcher: Callable[..., Launcher]) -> None:
    launch = launcher()
    done = launch("start", "--name", "../mine")
    assert done.returncode == 2
    assert "'../mine' is no name" in done.stderr
