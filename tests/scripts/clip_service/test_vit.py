"""CLIP through fastembed, on networks of a few weights in the hub's own layout.

What these cannot show is CLIP's quality and the download itself: the real weights lie on a model hub that a
test must not depend on. What they run is the real loading, tokenizing, preprocessing and pooling code.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.helper import make_tensor_value_info
from PIL import Image
from tokenizers import Tokenizer, models, pre_tokenizers

from tests.scripts.clip_service.tiny import save, save_colours
from tests.support.clip_service import Launcher
from tests.support.drawings import blob

WORDS = ["[PAD]", "[UNK]", "red", "green", "blue"]


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A text model that sums word vectors and a vision model that projects the mean colour, in one space."""
    colours = np.zeros((3, 512), dtype=np.float32)
    colours[[0, 1, 2], [0, 1, 2]] = 1
    text, vision = tmp_path / "text", tmp_path / "vision"
    text.mkdir()
    vision.mkdir()

    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(text / "tokenizer.json"))
    (text / "config.json").write_text(json.dumps({"pad_token_id": 0}))
    (text / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 77, "pad_token": "[PAD]"}))
    (text / "special_tokens_map.json").write_text(json.dumps({"pad_token": "[PAD]"}))
    table = np.concatenate([np.full((2, 512), 1e-3, np.float32), colours])
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"]),
        helper.make_node("ReduceSum", ["words", "axis"], ["out"], keepdims=0),
    ]
    ids = [make_tensor_value_info("input_ids", TensorProto.INT64, ["n", "l"])]
    save(text / "model.onnx", nodes, ids, {"table": table, "axis": np.array([1])})

    preprocessor = {
        "do_resize": True,
        "size": {"shortest_edge": 224},
        "do_center_crop": True,
        "crop_size": {"height": 224, "width": 224},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": [0.0, 0.0, 0.0],
        "image_std": [1.0, 1.0, 1.0],
        "resample": 3,
        "do_convert_rgb": True,
        "image_processor_type": "CLIPImageProcessor",
    }
    (vision / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    save_colours(vision / "model.onnx", 512)
    return tmp_path


def test_clip_is_served_from_weights_at_hand(launcher: Callable[..., Launcher], weights: Path) -> None:
    launch = launcher(POLARLENS_CLIP_WEIGHTS=str(weights))
    service = launch.started("--model", "auto")
    info = service.get("/info").json()
    assert (info["model"], info["dimension"], info["logit_scale"]) == ("clip", 512, 100.0)
    assert info["reason"] == "CLIP's weights are on this machine"

    names = ("red", "green", "blue")
    pure = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
    pictures = [{"blob": blob(Image.new("RGB", (300, 200), pure[name]))} for name in names]
    vectors = np.array(service.vectors(*({"text": name} for name in names), *pictures))
    assert vectors.shape == (6, 512)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert (vectors[:3] @ vectors[3:].T).argmax(axis=1).tolist() == [0, 1, 2]
    cut, longer = service.vectors({"text": "red " * 77}, {"text": "red " * 77 + "blue " * 500})
    assert longer == pytest.approx(cut, abs=1e-6)


def test_damaged_weights_leave_auto_with_the_starter(
    launcher: Callable[..., Launcher], weights: Path, request: pytest.FixtureRequest
) -> None:
    (weights / "vision" / "model.onnx").write_bytes(b"not a network")
    launch = launcher(request.getfixturevalue("models"), POLARLENS_CLIP_WEIGHTS=str(weights))
    done = launch("start")
    assert done.returncode == 0, done.stderr
    assert "model    starter" in done.stdout
    assert "Could not load CLIP's weights" in done.stdout
    refused = launch("start", "--model", "clip")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
