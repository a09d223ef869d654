"""Int8 with a scale a token, beside int8 as ``quantize_dynamic`` leaves it, on a small network."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from training.transformer.per_token import scale_each_token

WIDTH, HIDDEN = 24, 48


def write_network(path: Path) -> None:
    """Two dense layers with a curve between them, over ``[rows, tokens, WIDTH]``."""
    chooser = np.random.default_rng(1)
    weights = {
        "first": chooser.normal(size=(WIDTH, HIDDEN)),
        "second": chooser.normal(size=(HIDDEN, WIDTH)),
    }
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "first"], ["inner"], name="one"),
            helper.make_node("Tanh", ["inner"], ["bent"]),
            helper.make_node("MatMul", ["bent", "second"], ["y"], name="two"),
        ],
        "layers",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, None, WIDTH])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, None, WIDTH])],
        [numpy_helper.from_array(value.astype(np.float32), key) for key, value in weights.items()],
    )
    opsets = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10), path)


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


@pytest.fixture(scope="module")
def engines(tmp_path_factory) -> dict[str, onnxruntime.InferenceSession]:
    """The network in float32, in int8 with a scale a batch, and with a scale a token."""
    folder = tmp_path_factory.mktemp("networks")
    paths = {name: folder / f"{name}.onnx" for name in ("float", "batch", "token")}
    write_network(paths["float"])
    quantize_dynamic(paths["float"], paths["batch"], per_channel=True, weight_type=QuantType.QInt8)
    network = onnx.load(paths["batch"])
    scale_each_token(network)
    onnx.save(network, paths["token"])
    return {name: session(path) for name, path in paths.items()}


def texts(seed: int, loudness: float) -> np.ndarray:
    """Three texts of five tokens, of which the last text's numbers are larger by ``loudness``."""
    numbers = np.random.default_rng(seed).normal(size=(3, 5, WIDTH)).astype(np.float32)
    numbers[2] *= loudness
    return numbers


def outputs(engine: onnxruntime.InferenceSession, x: np.ndarray) -> np.ndarray:
    return engine.run(["y"], {"x": x})[0]


@settings(deadline=None)
@given(seed=st.integers(0, 1 << 30), loudness=st.floats(0.01, 100))
def test_company_changes_nothing(engines, seed: int, loudness: float):
    """Law: to the last bit, a text's numbers are what they are when it is alone."""
    x = texts(seed, loudness)
    alone = np.concatenate([outputs(engines["token"], x[row : row + 1]) for row in range(3)])
    np.testing.assert_array_equal(outputs(engines["token"], x), alone)


@settings(deadline=None)
@given(seed=st.integers(0, 1 << 30))
def test_loud_company_costs_no_precision(engines, seed: int):
    """Law: beside a text of large numbers, small ones are nearer the float network's."""
    x = texts(seed, 30)
    exact = outputs(engines["float"], x)[:2]
    gaps = {
        name: np.abs(outputs(engines[name], x)[:2] - exact).mean() for name in ("batch", "token")
    }
    assert gaps["token"] < gaps["batch"]
    assert gaps["token"] < 0.03 * np.abs(exact).mean()


def test_zeros_stay_numbers(engines):
    """Law: a token of nothing but zeros divides by no zero."""
    x = np.zeros((1, 2, WIDTH), np.float32)
    np.testing.assert_array_equal(outputs(engines["token"], x), x)


def test_what_quantize_dynamic_did_not_make_is_refused():
    """Law: a product without its scales is an error, not a wrong network."""
    graph = helper.make_graph(
        [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "scale", "zero"]),
            helper.make_node("MatMulInteger", ["q", "w", "zero"], ["y"], name="bare"),
        ],
        "bare",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, [1, 2])],
        [numpy_helper.from_array(np.ones((2, 2), np.int8), "w")],
    )
    with pytest.raises(ValueError, match="bare"):
        scale_each_token(helper.make_model(graph))
