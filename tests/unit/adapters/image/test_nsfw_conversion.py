"""The conversion computes what the graph does, and refuses what it does not know."""

import copy

import numpy as np
import onnx
import onnxruntime
import pytest

from gaveld.adapters.image.nsfw_model.conversion import (
    INPUT,
    OUTPUT,
    ConversionError,
    onnx_from,
    weights_from,
)
from tests.unit.adapters.image.tiny_graph import (
    CHANNELS,
    CLASSES,
    expected,
    ints,
    said,
    tiny_nodes,
    tiny_weights,
)

SIDE = 10
KINDS = {"Transpose", "Mul", "Sub", "Conv", "Clip", "Add", "AveragePool", "Squeeze", "Gemm"}


@pytest.fixture(scope="module")
def weights():
    return weights_from(*tiny_weights(SIDE))


def run(model: bytes, pixels) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run([OUTPUT], {INPUT: pixels})[0]


@pytest.mark.parametrize("frames", [1, 3])
def test_the_model_computes_what_the_graph_says(weights, frames):
    """Law: every operator, stride and padding means what TensorFlow means by it."""
    pixels = np.random.default_rng(1).random((frames, SIDE, SIDE, 3), np.float32)
    answer = run(onnx_from(tiny_nodes(SIDE), weights, "test"), pixels)
    wanted = expected(weights, pixels.astype(np.float64))
    assert answer.shape == (frames, CLASSES)
    assert np.abs(answer - wanted).max() < 1e-5
    assert wanted.std() > 0.01, "the classes differ, so that this compares something"


def test_the_file_is_what_onnx_says_it_is(weights):
    """Law: ONNX's own checker finds no fault, shapes included, and reads back what was meant."""
    model = onnx.load_from_string(onnx_from(tiny_nodes(SIDE), weights, "test 1"))
    onnx.checker.check_model(model, full_check=True)
    assert {node.op_type for node in model.graph.node} == KINDS | {"Softmax", "Identity"}
    assert model.producer_name == "test 1"
    (entry,) = model.graph.input
    sizes = [dim.dim_param or dim.dim_value for dim in entry.type.tensor_type.shape.dim]
    assert sizes == ["frames", SIDE, SIDE, 3]
    kernel = next(tensor for tensor in model.graph.initializer if tensor.name == "deep/w")
    assert list(kernel.dims) == [CHANNELS, 1, 3, 3]
    values = onnx.numpy_helper.to_array(kernel)
    assert (values == weights["deep/w"].transpose(2, 3, 0, 1)).all()


def test_equal_graphs_give_equal_bytes(weights):
    """Law: whatever the order of the nodes, the file can be known by its hash."""
    nodes = tiny_nodes(SIDE)
    assert onnx_from(nodes, weights, "x") == onnx_from(nodes[::-1], weights, "x")


def test_weights_are_dequantised():
    """Law: a byte times the scale plus the minimum, rounded once; plain numbers stay."""
    specs = [
        {
            "name": "q",
            "shape": [2, 2],
            "dtype": "float32",
            "quantization": {"min": -0.75, "scale": 0.25, "dtype": "uint8"},
        },
        {"name": "f", "shape": [2], "dtype": "float32"},
    ]
    data = bytes([0, 1, 3, 255]) + np.array([1.5, -2], "<f4").tobytes()
    tensors = weights_from([{"weights": specs}], data)
    assert tensors["q"].dtype == np.float32
    assert tensors["q"].tolist() == [[-0.75, -0.5], [0.0, 63.0]]
    assert tensors["f"].tolist() == [1.5, -2.0]


@pytest.mark.parametrize("change", [-1, 1])
def test_weights_of_another_length_are_refused(change):
    """Law: not a byte may be missing or left over."""
    manifest, data = tiny_weights(SIDE)
    with pytest.raises(ConversionError, match="weights"):
        weights_from(manifest, data[:change] if change < 0 else data + b"\0")


@pytest.mark.parametrize("change", [{"dtype": "int32"}, {"quantization": {"dtype": "float16"}}])
def test_weights_in_another_form_are_refused(change):
    """Law: only what is understood is read."""
    manifest, data = tiny_weights(SIDE)
    manifest[0]["weights"][0] |= change
    with pytest.raises(ConversionError, match="two are in an unknown form"):
        weights_from(manifest, data)


REFUSED = {
    "another operator": ("soft", {"op": "Exp"}, "operator Exp"),
    "padding": ("stem", {"padding": {"s": said("VALID")[0]}}, "padded"),
    "dilation": ("stem", {"dilations": ints(1, 2, 2, 1)}, "dilated"),
    "layout": ("stem", {"data_format": {"s": said("NCHW")[0]}}, "channels last"),
    "activation": ("stem", {"fused_ops": {"list": {"s": said("BiasAdd", "Elu")}}}, "Elu"),
    "padded mean": ("mean", {"padding": {"s": said("SAME")[0]}}, "padded"),
    "axes": ("flat", {"squeeze_dims": ints(1, 3)}, "other axes"),
    "transposed": ("dense", {"transpose_b": {"b": True}}, "no plain product"),
    "unfused": ("dense", {"fused_ops": {"list": {"s": said("Relu")}}}, "no plain product"),
    "no constant": ("stem", {"input": ["centred", "input", "stem/b"]}, "should be a constant"),
    "no scalar": ("scaled", {"input": ["stem/b", "input"]}, "no scalar"),
    "several filters": ("deep", {"input": ["stem", "stem/w", "deep/b"]}, "several filters"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_known_is_refused(weights, case):
    """Law: nothing is converted into something else than it is; the message says what it was."""
    name, change, message = REFUSED[case]
    nodes = copy.deepcopy(tiny_nodes(SIDE))
    node = next(node for node in nodes if node["name"] == name)
    for key, value in change.items():
        if key in ("op", "input"):
            node[key] = value
        else:
            node["attr"][key] = value
    with pytest.raises(ConversionError, match=message):
        onnx_from(nodes, weights, "test")
