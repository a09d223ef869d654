"""Makes an int8 network find the scale of each token by itself, not that of the whole batch.

``quantize_dynamic`` scales a layer's input by its largest number. That number is some other text's
as soon as texts share a batch, so that a text's scores depend on its company. With a scale a token
they do not, and small numbers beside large ones keep more of their precision.
"""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from onnx import ModelProto, NodeProto, helper, numpy_helper

_CONSTANTS: Final[dict[str, npt.NDArray[Any]]] = {
    "per_token_axis": np.array([-1], np.int64),
    "per_token_least": np.array(1e-6, np.float32),
    "per_token_range": np.array(127, np.float32),
    "per_token_step": np.array(1 / 127, np.float32),
    "per_token_one": np.array(1, np.float32),
    "per_token_zero": np.array(128, np.uint8),
}
_CONTRIBUTED: Final = "com.microsoft"


def scale_each_token(network: ModelProto) -> None:
    """Rewrite, in place, every product that ``quantize_dynamic`` made.

    Raises ``ValueError`` where a product is not followed by a cast and its two scales, which is
    how that function writes it.
    """
    graph = network.graph
    users: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)
    makers = {name: node for node in graph.node for name in node.output}
    scales = {
        node.output[0]: node.output[1]
        for node in graph.node
        if node.op_type == "DynamicQuantizeLinear"
    }
    dropped: set[str] = set()
    written: list[NodeProto] = []
    for node in graph.node:
        if node.op_type == "DynamicQuantizeLinear":
            written.extend(_quantised(node))
        elif node.op_type == "MatMulInteger" and node.input[0] in scales:
            cast, last = _followers(node, users)
            both = makers[_other(last, cast.output[0])]
            dropped |= {cast.output[0], last.output[0], both.output[0]}
            scale = scales[node.input[0]]
            written.extend(_product(node, scale, _other(both, scale), last.output[0]))
        else:
            written.append(node)
    replaced = {id(makers[name]) for name in dropped}
    kept = [node for node in written if id(node) not in replaced]
    del graph.node[:]
    graph.node.extend(kept)
    graph.initializer.extend(
        numpy_helper.from_array(value, name) for name, value in _CONSTANTS.items()
    )
    if all(entry.domain != _CONTRIBUTED for entry in network.opset_import):
        network.opset_import.append(helper.make_opsetid(_CONTRIBUTED, 1))


def _followers(
    product: NodeProto, users: dict[str, list[NodeProto]]
) -> tuple[NodeProto, NodeProto]:
    """Return the cast after a product and the multiplication by its scales."""
    first = users.get(product.output[0], [])
    second = users.get(first[0].output[0], []) if first else []
    if [node.op_type for node in (*first, *second)] != ["Cast", "Mul"]:
        raise ValueError(f"{product.name} is not a product that quantize_dynamic made")
    return first[0], second[0]


def _other(node: NodeProto, name: str) -> str:
    """Return the other input of a node with two."""
    (other,) = (given for given in node.input if given != name)
    return str(other)


def _quantised(node: NodeProto) -> Iterator[NodeProto]:
    """Yield what rounds ``x`` to 128 ± 127 of the largest number in each token."""
    (x,), (rounded, scale, _) = node.input, node.output
    yield helper.make_node("Abs", [x], [f"{rounded}_abs"])
    yield helper.make_node(
        "ReduceMax", [f"{rounded}_abs", "per_token_axis"], [f"{rounded}_max"], keepdims=1
    )
    yield helper.make_node("Max", [f"{rounded}_max", "per_token_least"], [f"{rounded}_top"])
    yield helper.make_node("Div", ["per_token_range", f"{rounded}_top"], [f"{rounded}_steps"])
    yield helper.make_node("Mul", [x, f"{rounded}_steps"], [f"{rounded}_stretched"])
    yield helper.make_node(
        "QuantizeLinear",
        [f"{rounded}_stretched", "per_token_one", "per_token_zero"],
        [rounded],
        name=f"{rounded}_per_token",
    )
    yield helper.make_node("Mul", [f"{rounded}_top", "per_token_step"], [f"{scale}_per_token"])


def _product(node: NodeProto, scale: str, weight_scale: str, output: str) -> Iterator[NodeProto]:
    """Yield the product with its weights' scale, and then with each token's.

    The first is written as the fused operator: ONNX Runtime fuses what looks like it by itself,
    and takes the scale of the left side for one number.
    """
    rounded, weights, _, weights_zero = node.input
    yield helper.make_node(
        "MatMulIntegerToFloat",
        [rounded, weights, "per_token_one", weight_scale, "per_token_zero", weights_zero],
        [f"{output}_unscaled"],
        name=f"{output}_product",
        domain=_CONTRIBUTED,
    )
    yield helper.make_node(
        "Mul", [f"{output}_unscaled", f"{scale}_per_token"], [output], name=f"{output}_scaled"
    )
