"""EfficientNet-Lite2 as an ONNX graph, built from the pretrained torch weights.

The Lite variants (Tan et al.) are MBConv blocks without squeeze-and-excite and with ReLU6 in place of
swish. The weights were trained with TensorFlow, hence its SAME padding (ONNX's SAME_UPPER) and its
batch-norm epsilon.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from scripts.programs.clip_service.torch_stream import StateDict

IMAGE_SIZE = 260
CLASSES = 1000
FEATURES = 1280  # the Lite variants' head, however wide the rest is
DEPTH_COEFFICIENT = 1.2
BATCH_NORM_EPSILON = 1e-3
PIXEL_MEAN, PIXEL_SCALE = 127.0, 128.0
OPSET = 17


class _Stage(NamedTuple):
    """One row of the EfficientNet-B0 table; channel counts come from the weights themselves."""

    blocks: int
    stride: int
    expand: bool


_STAGES = (
    _Stage(1, 1, expand=False),
    _Stage(2, 2, expand=True),
    _Stage(2, 2, expand=True),
    _Stage(3, 2, expand=True),
    _Stage(3, 1, expand=True),
    _Stage(4, 2, expand=True),
    _Stage(1, 1, expand=True),
)


def block_strides() -> list[tuple[int, bool]]:
    """Return (stride, expands) for every MBConv block; the first and the last stage are never deepened."""
    blocks: list[tuple[int, bool]] = []
    for index, stage in enumerate(_STAGES):
        deepened = index not in (0, len(_STAGES) - 1)
        count = math.ceil(stage.blocks * DEPTH_COEFFICIENT) if deepened else stage.blocks
        blocks += [(stage.stride if first == 0 else 1, stage.expand) for first in range(count)]
    return blocks


class _Graph:
    """The nodes and weights collected so far; every method adds a layer and returns its output's name."""

    def __init__(self, weights: StateDict) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray[Any, Any]) -> str:
        self.initializers.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        output = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def conv(self, source: str, conv: str, norm: str, stride: int = 1, depthwise: bool = False) -> str:
        """Add a convolution with its batch-norm folded into its weights."""
        kernel = self.weights[f"{conv}.weight"]
        variance = self.weights[f"{norm}.running_var"] + BATCH_NORM_EPSILON
        scale = self.weights[f"{norm}.weight"] / np.sqrt(variance)
        bias = self.weights[f"{norm}.bias"] - self.weights[f"{norm}.running_mean"] * scale
        return self.node(
            "Conv",
            source,
            self.constant(f"{conv}.weight", kernel * scale[:, None, None, None]),
            self.constant(f"{conv}.bias", bias),
            strides=[stride, stride],
            group=kernel.shape[0] if depthwise else 1,
            auto_pad="SAME_UPPER",
        )

    def relu6(self, source: str) -> str:
        return self.node("Clip", source, "zero", "six")


def build_onnx(weights: StateDict) -> bytes:
    """Return the network as an ONNX file: uint8 RGB ``pixels`` (n, 260, 260, 3) to two outputs.

    They are ``features`` (n, 1280), the last layer but one, and the ``logits`` (n, 1000) of ImageNet's classes.
    """
    graph = _Graph(weights)
    graph.constant("zero", np.array(0.0))
    graph.constant("six", np.array(6.0))
    pixels = graph.node("Cast", "pixels", to=TensorProto.FLOAT)
    pixels = graph.node("Transpose", pixels, perm=[0, 3, 1, 2])
    pixels = graph.node("Sub", pixels, graph.constant("mean", np.array(PIXEL_MEAN)))
    x = graph.node("Div", pixels, graph.constant("scale", np.array(PIXEL_SCALE)))

    x = graph.relu6(graph.conv(x, "_conv_stem", "_bn0", stride=2))
    for index, (stride, expand) in enumerate(block_strides()):
        x = _mbconv(graph, x, f"_blocks.{index}", stride, expand)
    x = graph.relu6(graph.conv(x, "_conv_head", "_bn1"))
    pooled = graph.node("GlobalAveragePool", x)
    graph.nodes.append(helper.make_node("Flatten", [pooled], ["features"]))
    weight = graph.constant("_fc.weight", weights["_fc.weight"])
    bias = graph.constant("_fc.bias", weights["_fc.bias"])
    graph.nodes.append(helper.make_node("Gemm", ["features", weight, bias], ["logits"], transB=1))

    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "efficientnet-lite2",
            [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", IMAGE_SIZE, IMAGE_SIZE, 3])],
            [
                helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES]),
                helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", FEATURES]),
            ],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=8,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _mbconv(graph: _Graph, source: str, name: str, stride: int, expand: bool) -> str:
    """Add one inverted-residual block; it adds its input back where the shapes agree."""
    x = source
    if expand:
        x = graph.relu6(graph.conv(x, f"{name}._expand_conv", f"{name}._bn0"))
    first = f"{name}._expand_conv" if expand else f"{name}._depthwise_conv"
    x = graph.relu6(graph.conv(x, f"{name}._depthwise_conv", f"{name}._bn1", stride, depthwise=True))
    x = graph.conv(x, f"{name}._project_conv", f"{name}._bn2")
    # A depthwise kernel is (channels, 1, k, k), a pointwise one (out, in, 1, 1).
    channels_in = graph.weights[f"{first}.weight"].shape[1 if expand else 0]
    channels_out = graph.weights[f"{name}._project_conv.weight"].shape[0]
    return graph.node("Add", x, source) if stride == 1 and channels_in == channels_out else x
