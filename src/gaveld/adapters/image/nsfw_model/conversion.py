"""Turns a TensorFlow.js graph with quantised weights into an ONNX model that computes the same.

It knows the operator kinds of the one network that Gavel serves, at the settings that it uses;
anything else is refused by name, never approximated.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gaveld.adapters.image.nsfw_model.onnx_file import OnnxGraph

INPUT: Final = "pixels"
OUTPUT: Final = "classes"

Tensor = npt.NDArray[np.float32]
Node = Mapping[str, Any]

_UNQUANTISED_BYTES: Final = 4
_KERNEL_AXES: Final = {"conv": (3, 2, 0, 1), "depthwise": (2, 3, 0, 1)}
_ACTIVATIONS: Final = (["BiasAdd"], ["BiasAdd", "Relu6"])


class ConversionError(ValueError):
    """The graph has something that is not known how to be converted."""


def weights_from(manifest: Sequence[Mapping[str, Any]], data: bytes) -> dict[str, Tensor]:
    """Return the tensors of a weights manifest by name, dequantised as TensorFlow.js does it.

    ``data`` is all binary shards, one after the other. Raises ``ConversionError`` if it is not as
    long as the manifest says, or in another form than 8-bit quantised or plain float32.
    """
    tensors: dict[str, Tensor] = {}
    position = 0
    for spec in (spec for group in manifest for spec in group["weights"]):
        count = int(np.prod(spec["shape"], dtype=np.int64))
        quantised = spec.get("quantization")
        if spec["dtype"] != "float32" or (quantised and quantised["dtype"] != "uint8"):
            raise ConversionError(f"weights of {spec['name']} are in an unknown form")
        size = count if quantised else _UNQUANTISED_BYTES * count
        raw = data[position : position + size]
        position += size
        if len(raw) != size:
            raise ConversionError("the weights end too early")
        if quantised:
            steps = np.frombuffer(raw, np.uint8).astype(np.float64)
            values = (steps * quantised["scale"] + quantised["min"]).astype(np.float32)
        else:
            values = np.frombuffer(raw, "<f4").astype(np.float32)
        tensors[spec["name"]] = values.reshape(spec["shape"])
    if position != len(data):
        raise ConversionError(f"{len(data) - position} bytes of weights belong to no tensor")
    return tensors


def onnx_from(nodes: Sequence[Node], weights: Mapping[str, Tensor], producer: str) -> bytes:
    """Return an ONNX model with the input ``pixels`` and the output ``classes``.

    ``nodes`` are a TensorFlow graph's: one Placeholder ``[any, height, width, channels]`` and one
    Identity, which is the result. The input stays so laid out; inside, channels come first.
    Raises ``ConversionError`` for what it does not know.
    """
    return _Conversion(nodes, weights).run(producer)


class _Conversion:
    def __init__(self, nodes: Sequence[Node], weights: Mapping[str, Tensor]) -> None:
        self._nodes = {node["name"]: node for node in nodes}
        self._weights = weights
        self._channels_first: set[str] = set()
        self._kinds: dict[str, Callable[[Node], None]] = {
            "Placeholder": self._placeholder,
            "Mul": self._with_scalar,
            "Sub": self._with_scalar,
            "_FusedConv2D": self._convolution,
            "FusedDepthwiseConv2dNative": self._convolution,
            "AddV2": self._sum,
            "AvgPool": self._average,
            "Squeeze": self._squeeze,
            "_FusedMatMul": self._dense,
            "Softmax": self._softmax,
            "Identity": self._identity,
        }
        (placeholder,) = (node for node in nodes if node["op"] == "Placeholder")
        (self._result,) = (node for node in nodes if node["op"] == "Identity")
        shape = placeholder["attr"]["shape"]["shape"]["dim"]
        height, width, channels = (int(size["size"]) for size in shape[1:])
        self._graph = OnnxGraph(
            "gavel",
            (INPUT, ("frames", height, width, channels)),
            (OUTPUT, ("frames", "classes")),
        )

    def run(self, producer: str) -> bytes:
        self._graph.constant("zero", np.array(0, np.float32))
        self._graph.constant("six", np.array(6, np.float32))
        for node in self._in_order():
            if node["op"] not in self._kinds:
                raise ConversionError(f"operator {node['op']} is not known")
            self._kinds[node["op"]](node)
        return self._graph.to_bytes(producer)

    def _in_order(self) -> Iterator[Node]:
        """Yield what the result needs, each node after its inputs; constants are left out."""
        done: set[str] = set()
        waiting = [self._result["name"]]
        while waiting:
            node = self._nodes[waiting[-1]]
            open_inputs = [
                name
                for name in node.get("input", ())
                if name not in done and self._nodes[name]["op"] != "Const"
            ]
            if open_inputs:
                waiting.extend(open_inputs)
                continue
            waiting.pop()
            if node["name"] not in done:
                done.add(node["name"])
                yield node

    def _constant(self, name: str) -> Tensor:
        if name not in self._weights:
            raise ConversionError(f"{name} should be a constant")
        return self._weights[name]

    def _placeholder(self, node: Node) -> None:
        self._graph.node("Transpose", [INPUT], node["name"], {"perm": [0, 3, 1, 2]})
        self._channels_first.add(node["name"])

    def _with_scalar(self, node: Node) -> None:
        for name in node["input"]:
            if name in self._weights:
                if self._weights[name].ndim:
                    raise ConversionError(f"{node['name']} has a constant that is no scalar")
                self._graph.constant(name, self._weights[name])
            else:
                self._carry(node, name)
        self._graph.node(node["op"], node["input"], node["name"])

    def _convolution(self, node: Node) -> None:
        source, kernel, bias = self._image_inputs(node)
        kind = "conv" if node["op"] == "_FusedConv2D" else "depthwise"
        values = self._constant(kernel)
        if kind == "depthwise" and values.shape[3] != 1:
            raise ConversionError(f"{node['name']} has several filters a channel")
        if _ints(node, "dilations") != [1, 1, 1, 1] or _text(node, "padding") != "SAME":
            raise ConversionError(f"{node['name']} is dilated or not padded to the same size")
        activations = [_decoded(name) for name in node["attr"]["fused_ops"]["list"]["s"]]
        if activations not in _ACTIVATIONS:
            raise ConversionError(f"{node['name']} is fused with {activations}")
        self._graph.constant(kernel, values.transpose(_KERNEL_AXES[kind]))
        self._graph.constant(bias, self._constant(bias))
        clipped = activations[-1] == "Relu6"
        summed = f"{node['name']}/unclipped" if clipped else node["name"]
        strides = _ints(node, "strides")[1:3]
        groups = values.shape[2] if kind == "depthwise" else 1
        attributes = {"auto_pad": "SAME_UPPER", "strides": strides, "group": groups}
        self._graph.node("Conv", [source, kernel, bias], summed, attributes)
        if clipped:
            self._graph.node("Clip", [summed, "zero", "six"], node["name"])

    def _sum(self, node: Node) -> None:
        for name in node["input"]:
            self._carry(node, name)
        self._graph.node("Add", node["input"], node["name"])

    def _average(self, node: Node) -> None:
        (source,) = self._image_inputs(node)
        if _text(node, "padding") != "VALID":
            raise ConversionError(f"{node['name']} is padded")
        size, strides = _ints(node, "ksize")[1:3], _ints(node, "strides")[1:3]
        attributes = {"kernel_shape": size, "strides": strides}
        self._graph.node("AveragePool", [source], node["name"], attributes)

    def _squeeze(self, node: Node) -> None:
        source = node["input"][0]
        if source not in self._channels_first or _ints(node, "squeeze_dims") != [1, 2]:
            raise ConversionError(f"{node['name']} takes away other axes than height and width")
        axes = f"{node['name']}/axes"
        self._graph.constant(axes, np.array([2, 3], np.int64))
        self._graph.node("Squeeze", [source, axes], node["name"])

    def _dense(self, node: Node) -> None:
        source, kernel, bias = node["input"]
        fused = [_decoded(name) for name in node["attr"]["fused_ops"]["list"]["s"]]
        transposed = any(node["attr"][name]["b"] for name in ("transpose_a", "transpose_b"))
        if fused != ["BiasAdd"] or transposed or source in self._channels_first:
            raise ConversionError(f"{node['name']} is no plain product with a bias")
        self._graph.constant(kernel, self._constant(kernel))
        self._graph.constant(bias, self._constant(bias))
        self._graph.node("Gemm", [source, kernel, bias], node["name"])

    def _softmax(self, node: Node) -> None:
        self._graph.node("Softmax", node["input"], node["name"], {"axis": 1})

    def _identity(self, node: Node) -> None:
        self._graph.node("Identity", node["input"], OUTPUT)

    def _image_inputs(self, node: Node) -> Sequence[str]:
        inputs: Sequence[str] = node["input"]
        if _text(node, "data_format") != "NHWC" or inputs[0] not in self._channels_first:
            raise ConversionError(f"{node['name']} has no picture with the channels last")
        self._channels_first.add(node["name"])
        return inputs

    def _carry(self, node: Node, source: str) -> None:
        """Note that a node's result is laid out as what it comes from."""
        if source in self._channels_first:
            self._channels_first.add(node["name"])


def _ints(node: Node, attribute: str) -> list[int]:
    return [int(value) for value in node["attr"][attribute]["list"]["i"]]


def _text(node: Node, attribute: str) -> str:
    return _decoded(node["attr"][attribute]["s"])


def _decoded(text: str) -> str:
    return base64.b64decode(text).decode()
