"""A small TensorFlow.js graph with every operator kind that the NSFW network has, and what it is.

`expected` computes it in NumPy as TensorFlow defines the operators, slowly and one by one.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Tensor = npt.NDArray[np.float64]
CHANNELS, CLASSES = 6, 5


def said(*values: str) -> list[str]:
    return [base64.b64encode(value.encode()).decode() for value in values]


def ints(*values: int) -> dict[str, Any]:
    return {"list": {"i": [str(value) for value in values]}}


def convolution(name: str, op: str, inputs: list[str], stride: int, clipped: bool) -> dict:
    fused = said("BiasAdd", "Relu6") if clipped else said("BiasAdd")
    return {
        "name": name,
        "op": op,
        "input": inputs,
        "attr": {
            "strides": ints(1, stride, stride, 1),
            "dilations": ints(1, 1, 1, 1),
            "padding": {"s": said("SAME")[0]},
            "data_format": {"s": said("NHWC")[0]},
            "fused_ops": {"list": {"s": fused}},
        },
    }


def tiny_nodes(side: int) -> list[dict[str, Any]]:
    """The graph for pictures of so many pixels on each side, an even number."""
    constants = [{"name": name, "op": "Const", "attr": {}} for name in tiny_shapes(side)]
    shape = {"shape": {"dim": [{"size": str(size)} for size in (-1, side, side, 3)]}}
    nodes = [
        {"name": "input", "op": "Placeholder", "attr": {"shape": shape}},
        {"name": "scaled", "op": "Mul", "input": ["two", "input"], "attr": {}},
        {"name": "centred", "op": "Sub", "input": ["scaled", "one"], "attr": {}},
        convolution("stem", "_FusedConv2D", ["centred", "stem/w", "stem/b"], 2, True),
        convolution("deep", "FusedDepthwiseConv2dNative", ["stem", "deep/w", "deep/b"], 1, True),
        convolution("back", "_FusedConv2D", ["deep", "back/w", "back/b"], 1, False),
        {"name": "added", "op": "AddV2", "input": ["stem", "back"], "attr": {}},
        {
            "name": "mean",
            "op": "AvgPool",
            "input": ["added"],
            "attr": {
                "ksize": ints(1, side // 2, side // 2, 1),
                "strides": ints(1, 1, 1, 1),
                "padding": {"s": said("VALID")[0]},
                "data_format": {"s": said("NHWC")[0]},
            },
        },
        {
            "name": "flat",
            "op": "Squeeze",
            "input": ["mean"],
            "attr": {"squeeze_dims": ints(1, 2)},
        },
        {
            "name": "dense",
            "op": "_FusedMatMul",
            "input": ["flat", "dense/w", "dense/b"],
            "attr": {
                "transpose_a": {"b": False},
                "transpose_b": {"b": False},
                "fused_ops": {"list": {"s": said("BiasAdd")}},
            },
        },
        {"name": "soft", "op": "Softmax", "input": ["dense"], "attr": {}},
        {"name": "Identity", "op": "Identity", "input": ["soft"], "attr": {}},
    ]
    return [*reversed(constants), *reversed(nodes)]  # files give no order that one may rely on


def tiny_shapes(side: int) -> dict[str, list[int]]:
    """The constants, by name."""
    del side
    return {
        "two": [],
        "one": [],
        "stem/w": [3, 3, 3, CHANNELS],
        "stem/b": [CHANNELS],
        "deep/w": [3, 3, CHANNELS, 1],
        "deep/b": [CHANNELS],
        "back/w": [1, 1, CHANNELS, CHANNELS],
        "back/b": [CHANNELS],
        "dense/w": [CHANNELS, CLASSES],
        "dense/b": [CLASSES],
    }


def tiny_weights(side: int) -> tuple[list[dict[str, Any]], bytes]:
    """A weights manifest, quantised as in the package, and the bytes of its shards."""
    random = np.random.default_rng(5)
    specs, shards = [], b""
    for name, shape in tiny_shapes(side).items():
        low, scale = {"two": (2.0, 1.0), "one": (1.0, 1.0)}.get(name, (-1.25, 0.0101))
        count = int(np.prod(shape))
        steps = random.integers(0, 256, count, np.uint8) if shape else np.zeros(1, np.uint8)
        quantised = {"min": low, "scale": scale, "dtype": "uint8"}
        specs.append({"name": name, "shape": shape, "dtype": "float32", "quantization": quantised})
        shards += steps.tobytes()
    return [
        {"paths": ["one"], "weights": specs[:4]},
        {"paths": ["two"], "weights": specs[4:]},
    ], shards


def expected(weights: Mapping[str, npt.NDArray[np.float32]], pixels: Tensor) -> Tensor:
    """What TensorFlow would answer for `[frames, side, side, 3]`."""
    stem = relu6(conv(2 * pixels - 1, weights["stem/w"], 2) + weights["stem/b"])
    deep = relu6(depthwise(stem, weights["deep/w"]) + weights["deep/b"])
    added = stem + conv(deep, weights["back/w"], 1) + weights["back/b"]
    dense = added.mean(axis=(1, 2)) @ weights["dense/w"] + weights["dense/b"]
    powers = np.exp(dense - dense.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def relu6(values: Tensor) -> Tensor:
    return np.clip(values, 0, 6)


def windows(values: Tensor, size: int, stride: int) -> Tensor:
    """`[frames, rows, columns, size, size, channels]`, padded to the same size."""
    rows = -(-values.shape[1] // stride)
    missing = max(0, (rows - 1) * stride + size - values.shape[1])
    pad = (missing // 2, missing - missing // 2)
    padded = np.pad(values, ((0, 0), pad, pad, (0, 0)))
    view = np.lib.stride_tricks.sliding_window_view(padded, (size, size), (1, 2))
    return view[:, ::stride, ::stride].transpose(0, 1, 2, 4, 5, 3)


def conv(values: Tensor, kernel: npt.NDArray[np.float32], stride: int) -> Tensor:
    return np.einsum("frcyxi,yxio->frco", windows(values, kernel.shape[0], stride), kernel)


def depthwise(values: Tensor, kernel: npt.NDArray[np.float32]) -> Tensor:
    return np.einsum("frcyxi,yxi->frci", windows(values, kernel.shape[0], 1), kernel[..., 0])
