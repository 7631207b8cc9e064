"""What the starter model knows, through the service: one space for texts and images."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from tests.support.clip_service import Launcher, Service
from tests.support.drawings import DRAWINGS, blob, encoded

IMAGES = [{"blob": blob(draw())} for draw in DRAWINGS.values()]
TEXTS = [{"text": f"a picture of a {name.replace('_', ' ')}"} for name in DRAWINGS]


def test_vectors_are_unit_vectors(service: Service) -> None:
    vectors = np.array(service.vectors(*IMAGES, *TEXTS))
    assert vectors.shape == (12, 384)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


def test_every_drawing_and_its_name_find_each_other(service: Service) -> None:
    images, texts = np.array(service.vectors(*IMAGES)), np.array(service.vectors(*TEXTS))
    scores = texts @ images.T
    assert scores.argmax(axis=1).tolist() == list(range(6))
    assert scores.argmax(axis=0).tolist() == list(range(6))


def test_images_and_texts_compare_among_themselves(service: Service) -> None:
    clock = DRAWINGS["clock"]()
    variant = base64.b64encode(encoded(clock.resize((333, 333)), "JPEG", quality=60)).decode()
    images = np.array(service.vectors(*IMAGES, {"blob": variant}))
    assert (images[:6] @ images[6]).argmax() == list(DRAWINGS).index("clock")
    cat, kitten, truck = np.array(service.vectors({"text": "a cat"}, {"text": "a kitten"}, {"text": "a lorry"}))
    assert cat @ kitten > cat @ truck + 0.2


def test_logit_scale_makes_probabilities(service: Service) -> None:
    """Sure between unlike things, in two minds between like ones."""
    scale = service.get("/info").json()["logit_scale"]
    (clock,) = np.array(service.vectors({"blob": blob(DRAWINGS["clock"]())}))

    def probabilities(*names: str) -> list[float]:
        texts = np.array(service.vectors(*({"text": f"a picture of {name}"} for name in names)))
        likelihoods = np.exp(scale * texts @ clock)
        return list(likelihoods / likelihoods.sum())

    assert probabilities("a clock", "a zebra", "a fire engine")[0] > 0.95
    assert max(probabilities("a wall clock", "an alarm clock", "a round watch")) < 0.95


def test_alone_or_in_a_batch_the_vector_is_the_same(service: Service) -> None:
    together = service.vectors(*TEXTS, *IMAGES, {"text": "a much longer sentence " * 20})
    for item, vector in zip([*TEXTS, *IMAGES], together, strict=False):
        assert service.vectors(item)[0] == pytest.approx(vector, abs=2e-5)


def test_long_text_is_cut_silently(service: Service) -> None:
    cut, longer = service.vectors({"text": "word " * 254}, {"text": "word " * 5000})
    assert longer == pytest.approx(cut, abs=2e-5)


def test_info_says_what_a_registry_needs(service: Service) -> None:
    info = service.get("/info").json()
    assert (info["model"], info["dimension"], info["modality"]) == ("starter", 384, ["text", "image"])
    assert info["version"].startswith("1-")
    assert "weaker than CLIP" in info["description"]


def test_figures_measure_the_service(service: Service, clip_home: Path, tmp_path: Path) -> None:
    for name, draw in DRAWINGS.items():
        draw().save(tmp_path / f"{name}.png")
    done = Launcher(clip_home, {})("figures", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "name -> photo" in done.stdout
    report = (clip_home / "clip_figures.json").read_text()
    assert '"R@1": 1.0' in report
