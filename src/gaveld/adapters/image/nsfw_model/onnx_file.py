"""Writes an ONNX model file: the few messages of its protobuf schema that a small network needs.

Written by hand, so that one graph is always the same bytes, on any machine and with no library.
It knows no operator; what a graph computes is its caller's business.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

IR_VERSION: Final = 8
OPSET: Final = 13

Value = int | str | Sequence[int]
"""An attribute's value."""

_FLOAT32: Final = 1
_INT64: Final = 7
_ATTRIBUTE_INT: Final = 2
_ATTRIBUTE_STRING: Final = 3
_ATTRIBUTE_INTS: Final = 7
_MORE: Final = 0x80
_DELIMITED: Final = 2


@dataclass(slots=True)
class OnnxGraph:
    """A graph under construction; nodes stand in the order in which they run.

    ``input`` and ``output`` are names with shapes of float32, in which a word stands for a size
    that is not fixed.
    """

    name: str
    input: tuple[str, tuple[int | str, ...]]
    output: tuple[str, tuple[int | str, ...]]
    _nodes: list[bytes] = field(default_factory=list)
    _constants: list[bytes] = field(default_factory=list)

    def node(
        self,
        operator: str,
        inputs: Iterable[str],
        output: str,
        attributes: Mapping[str, Value] | None = None,
    ) -> None:
        """Add one operator with one output."""
        self._nodes.append(
            _message(
                *((1, name) for name in inputs),
                (2, output),
                (3, output),
                (4, operator),
                *((5, _attribute(name, value)) for name, value in (attributes or {}).items()),
            )
        )

    def constant(self, name: str, values: npt.NDArray[np.float32] | npt.NDArray[np.int64]) -> None:
        """Add a constant tensor."""
        kind, layout = (_INT64, "<i8") if values.dtype == np.int64 else (_FLOAT32, "<f4")
        raw = np.ascontiguousarray(values, layout).tobytes()
        dimensions = ((1, size) for size in values.shape)
        self._constants.append(_message(*dimensions, (2, kind), (8, name), (9, raw)))

    def to_bytes(self, producer: str) -> bytes:
        """Return the whole model file."""
        graph = _message(
            *((1, node) for node in self._nodes),
            (2, self.name),
            *((5, constant) for constant in self._constants),
            (11, _value_info(*self.input)),
            (12, _value_info(*self.output)),
        )
        opset = _message((1, ""), (2, OPSET))
        return _message((1, IR_VERSION), (2, producer), (7, graph), (8, opset))


def _attribute(name: str, value: Value) -> bytes:
    if isinstance(value, str):
        return _message((1, name), (4, value), (20, _ATTRIBUTE_STRING))
    if isinstance(value, int):
        return _message((1, name), (3, value), (20, _ATTRIBUTE_INT))
    return _message((1, name), *((8, entry) for entry in value), (20, _ATTRIBUTE_INTS))


def _value_info(name: str, shape: tuple[int | str, ...]) -> bytes:
    sizes = (_message((1, size) if isinstance(size, int) else (2, size)) for size in shape)
    tensor = _message((1, _FLOAT32), (2, _message(*((1, size) for size in sizes))))
    return _message((1, name), (2, _message((1, tensor))))


def _message(*fields: tuple[int, int | str | bytes]) -> bytes:
    return b"".join(_field(number, value) for number, value in fields)


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _DELIMITED) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    """Return a number, at least 0, seven bits a byte, the lowest first."""
    encoded = bytearray()
    while value >= _MORE:
        encoded.append(value & (_MORE - 1) | _MORE)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
