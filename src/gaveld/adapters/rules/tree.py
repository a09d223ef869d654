"""Reads the tree of a checked expression from its serialised form, to see what it would do.

The form is a ``cel.expr.CheckedExpr`` of the CEL specification; only what is asked of it is read.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

MAX_DEPTH: Final = 64
"""Conditions nest no deeper; everything that walks a tree may recurse."""


class TooDeepError(Exception):
    """An expression nests deeper than ``MAX_DEPTH``."""


@dataclass(frozen=True, slots=True)
class Node:
    """One place of an expression.

    ``kind`` is ``const``, ``ident``, ``select``, ``call``, ``list``, ``struct`` or ``loop``.
    ``name`` is the identifier, the selected field, the function, or the loop's variable. ``text``
    is a constant string, None for every other constant. ``parts`` are the operands: of a call with
    a target that comes first; of a loop its range, start, condition, step and result.
    ``is_test`` is true for ``has()``.
    """

    id: int
    kind: str
    name: str = ""
    text: str | None = None
    parts: tuple["Node", ...] = ()
    is_test: bool = False
    accumulator: str = ""

    def walk(self) -> Iterator["Node"]:
        """Yield this place and all below it."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(node.parts)

    def asked(self, names: Collection[str]) -> dict[str, frozenset[str] | None]:
        """Return which of these variables are used, each with the fields that are asked of it.

        None stands for all of them, where a variable is used in any other way.
        """
        fields: dict[str, set[str]] = {}
        plain_uses: dict[str, int] = {}
        for node in self.walk():
            if node.kind == "ident" and node.name in names:
                fields.setdefault(node.name, set())
                plain_uses[node.name] = plain_uses.get(node.name, 0) + 1
            elif node.kind == "select" and node.parts[0].kind == "ident":
                owner = node.parts[0].name
                fields.setdefault(owner, set()).add(node.name)
                plain_uses[owner] = plain_uses.get(owner, 0) - 1
        return {
            name: None if plain_uses[name] else frozenset(fields[name])
            for name in fields
            if name in names
        }


@dataclass(frozen=True, slots=True)
class Tree:
    """A checked expression.

    ``scalars`` are the places whose value is a number, a bool or a time. ``overloads`` are the
    functions' overloads that fit at a place, and ``source_info`` says where it stands.
    """

    root: Node
    scalars: frozenset[int] = frozenset()
    overloads: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    source_info: bytes = b""

    def offset(self, node_id: int) -> int:
        """Return where in the source a place stands, in code points from 0; 0 if nobody says."""
        positions = (_fields(entry) for entry in _fields(self.source_info).get(4, ()))
        return next((_int(at, 2) for at in positions if _int(at, 1) == node_id), 0)


def tree_of(serialized: bytes) -> Tree:
    """Return the tree of a serialised expression. Raises ``TooDeepError``."""
    checked = _fields(_first(_fields(serialized), 2))
    references = (_fields(entry) for entry in checked.get(2, ()))
    types = (_fields(entry) for entry in checked.get(3, ()))
    source_info = _first(checked, 5)
    return Tree(
        _node(_first(checked, 4), 0),
        frozenset(_int(entry, 1) for entry in types if _is_scalar(_first(entry, 2))),
        {_int(entry, 1): _overloads(_first(entry, 2)) for entry in references},
        source_info if isinstance(source_info, bytes) else b"",
    )


_Fields = dict[int, list["int | bytes"]]

_SCALARS: Final = frozenset({1, 2, 3, 4})
"""BOOL, INT64, UINT64 and DOUBLE of ``cel.expr.Type.PrimitiveType``."""
_TIMES: Final = frozenset({2, 3})
"""TIMESTAMP and DURATION of ``cel.expr.Type.WellKnownType``."""


@lru_cache(maxsize=1_024)
def _is_scalar(type_: "int | bytes") -> bool:
    fields = _fields(type_)
    return _int(fields, 3) in _SCALARS or _int(fields, 5) in _TIMES


@lru_cache(maxsize=1_024)
def _overloads(reference: "int | bytes") -> tuple[str, ...]:
    return tuple(_str(item) for item in _fields(reference).get(3, ()))


def _node(data: "int | bytes", depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise TooDeepError
    expr = _fields(data)
    id_, below = _int(expr, 2), depth + 1
    for number, kind in _KINDS.items():
        if number in expr:
            return _READERS[kind](id_, _fields(expr[number][0]), below)
    return Node(id_, "const")


def _const(id_: int, fields: _Fields, _: int) -> Node:
    return Node(id_, "const", text=_str(fields[_STRING][0]) if _STRING in fields else None)


def _ident(id_: int, fields: _Fields, _: int) -> Node:
    return Node(id_, "ident", _str(_first(fields, 1)))


def _select(id_: int, fields: _Fields, depth: int) -> Node:
    operand = _node(_first(fields, 1), depth)
    return Node(
        id_, "select", _str(_first(fields, 2)), parts=(operand,), is_test=bool(_int(fields, 3))
    )


def _call(id_: int, fields: _Fields, depth: int) -> Node:
    operands = (*fields.get(1, ()), *fields.get(3, ()))
    name = _str(_first(fields, 2))
    return Node(id_, "call", name, parts=tuple(_node(entry, depth) for entry in operands))


def _list(id_: int, fields: _Fields, depth: int) -> Node:
    return Node(id_, "list", parts=tuple(_node(entry, depth) for entry in fields.get(1, ())))


def _struct(id_: int, fields: _Fields, depth: int) -> Node:
    entries = [_fields(entry) for entry in fields.get(2, ())]
    operands = [entry[number][0] for entry in entries for number in (3, 4) if number in entry]
    name = _str(_first(fields, 1))
    return Node(id_, "struct", name, parts=tuple(_node(entry, depth) for entry in operands))


def _loop(id_: int, fields: _Fields, depth: int) -> Node:
    operands = [_first(fields, number) for number in (2, 4, 5, 6, 7)]
    return Node(
        id_,
        "loop",
        _str(_first(fields, 1)),
        parts=tuple(_node(entry, depth) for entry in operands),
        accumulator=_str(_first(fields, 3)),
    )


_STRING: Final = 6
"""``string_value`` of ``cel.expr.Constant``."""

_KINDS: Final = {
    3: "const",
    4: "ident",
    5: "select",
    6: "call",
    7: "list",
    8: "struct",
    9: "loop",
}
_READERS: Final = {
    "const": _const,
    "ident": _ident,
    "select": _select,
    "call": _call,
    "list": _list,
    "struct": _struct,
    "loop": _loop,
}


def _first(fields: _Fields, number: int) -> "int | bytes":
    return fields[number][0] if number in fields else b""


def _int(fields: _Fields, number: int) -> int:
    value = _first(fields, number)
    return value if isinstance(value, int) else 0


def _str(value: "int | bytes") -> str:
    return value.decode() if isinstance(value, bytes) else ""


def _fields(data: "int | bytes") -> _Fields:
    """Return a message's fields by number, in Protocol Buffers' wire format."""
    fields: _Fields = {}
    if isinstance(data, int):
        return fields
    at, end = 0, len(data)
    while at < end:
        tag, at = _varint(data, at)
        value: int | bytes
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
            case 1:
                value, at = data[at : at + 8], at + 8
            case 2:
                size, at = _varint(data, at)
                value, at = data[at : at + size], at + size
            case _:
                value, at = data[at : at + 4], at + 4
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    byte = data[at]
    if not byte & _GOES_ON:  # as nearly none does
        return byte, at + 1
    value, shift = byte ^ _GOES_ON, 7
    while byte & _GOES_ON:
        at += 1
        byte = data[at]
        value |= (byte & ~_GOES_ON) << shift
        shift += 7
    return value, at + 1


_GOES_ON: Final = 0x80
