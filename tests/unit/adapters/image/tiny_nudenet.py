"""A network of NudeNet's shape that was taught nothing: the brighter a picture, the surer it is."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from gaveld.adapters.image.nudenet.parts import PARTS

Answer = np.ndarray[tuple[int, int], np.dtype[np.float32]]


def part(name: str) -> int:
    """The place of a part of the body in the network's order."""
    return next(number for number, entry in enumerate(PARTS) if entry.name == name)


def answer_of(*boxes: tuple[str, float, tuple[float, float, float, float]]) -> Answer:
    """The network's answer that has these parts, scores, and boxes by centre, width and height."""
    answer = np.zeros((4 + len(PARTS), len(boxes)), np.float32)
    for place, (name, score, box) in enumerate(boxes):
        answer[:4, place] = box
        answer[4 + part(name), place] = score
    return answer


def tiny_network(*boxes: tuple[str, float, tuple[float, float, float, float]]) -> bytes:
    """An ONNX file that answers with these boxes, whose scores count as much as all is bright."""
    answer = answer_of(*boxes)
    where, what = answer.copy(), answer.copy()
    where[4:], what[:4] = 0, 0
    weights = {"where": where[None], "what": what[None], "axes": np.array([1, 2, 3], np.int64)}
    weights["shape"] = np.array([-1, 1, 1], np.int64)
    nodes = [
        helper.make_node("ReduceMean", ["images", "axes"], ["mean"]),
        helper.make_node("Reshape", ["mean", "shape"], ["brightness"]),
        helper.make_node("Mul", ["brightness", "what"], ["scores"]),
        helper.make_node("Add", ["scores", "where"], ["output0"]),
    ]
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 320, 320])
    told = helper.make_tensor_value_info("output0", TensorProto.FLOAT, ["n", *answer.shape])
    stored = [numpy_helper.from_array(value, name) for name, value in weights.items()]
    graph = helper.make_graph(nodes, "tiny", [given], [told], stored)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(made)
    return made.SerializeToString()
