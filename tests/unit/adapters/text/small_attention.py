"""Two attention layers of random weights, quantised as training quantises the real network.

It knows nothing; it is for what engines do to numbers.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from training.transformer.per_token import scale_each_token

VOCABULARY, WIDTH, LABELS, TOKEN_KINDS = 200, 64, 6, 3
LAYERS = 2


def write_small_attention(folder: Path) -> Path:
    """Write the network in int8, with a scale a token, and return its path."""
    full, small = folder / "full.onnx", folder / "small.onnx"
    chooser = np.random.default_rng(7)

    def random(*shape: int) -> np.ndarray:
        return chooser.normal(0, shape[-2] ** -0.5, shape).astype(np.float32)

    square = [f"{part}{layer}" for layer in range(LAYERS) for part in ("query", "key", "value")]
    constants = {
        "embeddings": random(VOCABULARY, WIDTH) * 8,
        "label_head": random(WIDTH, LABELS),
        "token_head": random(WIDTH, TOKEN_KINDS),
        **{name: random(WIDTH, WIDTH) for name in square},
        "one": np.array(1, np.float32),
        "far_below": np.array(-1e4, np.float32),
        "scale": np.array(WIDTH**-0.5, np.float32),
        "second": np.array([1], np.int64),
        "third": np.array([2], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["embeddings", "ids"], ["x0"]),
        helper.make_node("Cast", ["mask"], ["there"], to=TensorProto.FLOAT),
        helper.make_node("Sub", ["one", "there"], ["absent"]),
        helper.make_node("Mul", ["absent", "far_below"], ["penalty"]),
        helper.make_node("Unsqueeze", ["penalty", "second"], ["key_penalty"]),
        helper.make_node("Unsqueeze", ["penalty", "third"], ["row_penalty"]),
        *(node for layer in range(LAYERS) for node in attention(layer)),
        helper.make_node("Add", [f"x{LAYERS}", "row_penalty"], ["kept"]),
        helper.make_node("ReduceMax", ["kept", "second"], ["pooled"], keepdims=0),
        helper.make_node("MatMul", ["pooled", "label_head"], ["labels"]),
        helper.make_node("MatMul", [f"x{LAYERS}", "token_head"], ["tokens"]),
    ]
    graph = helper.make_graph(
        nodes,
        "attention",
        [helper.make_tensor_value_info(name, TensorProto.INT64, "rw") for name in ("ids", "mask")],
        [
            helper.make_tensor_value_info("labels", TensorProto.FLOAT, ["r", LABELS]),
            helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["r", "w", TOKEN_KINDS]),
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), full)
    quantize_dynamic(full, small, per_channel=True, weight_type=QuantType.QInt8)
    network = onnx.load(small)
    scale_each_token(network)
    onnx.save(network, small)
    return small


def attention(layer: int) -> Iterator[onnx.NodeProto]:
    """Yield one layer from ``x{layer}`` to the next: attention, and what it is added to."""

    def name(part: str) -> str:
        return f"{part}_{layer}"

    for part in ("query", "key", "value"):
        yield helper.make_node("MatMul", [f"x{layer}", f"{part}{layer}"], [name(part)])
    yield helper.make_node("Transpose", [name("key")], [name("keys")], perm=[0, 2, 1])
    yield helper.make_node("MatMul", [name("query"), name("keys")], [name("likeness")])
    yield helper.make_node("Mul", [name("likeness"), "scale"], [name("scaled")])
    yield helper.make_node("Add", [name("scaled"), "key_penalty"], [name("masked")])
    yield helper.make_node("Softmax", [name("masked")], [name("weights")], axis=-1)
    yield helper.make_node("MatMul", [name("weights"), name("value")], [name("mixed")])
    yield helper.make_node("Add", [f"x{layer}", name("mixed")], [f"x{layer + 1}"])
