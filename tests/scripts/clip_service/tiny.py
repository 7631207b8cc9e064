"""Networks of a few weights in the model hub's own layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.helper import make_tensor_value_info


def save(
    path: Path,
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    weights: dict[str, object],
    dimension: int = 512,
) -> None:
    """Save a network from ``inputs`` to ``out`` (n, dimension)."""
    outputs = [make_tensor_value_info("out", TensorProto.FLOAT, ["n", dimension])]
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def save_colours(path: Path, dimension: int) -> None:
    """Save a vision network that puts the mean of red, green and blue into the first three dimensions."""
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["mean", "projection"], ["out"]),
    ]
    pixels = [make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["n", 3, 224, 224])]
    save(path, nodes, pixels, {"projection": np.eye(3, dimension, dtype=np.float32)}, dimension)
