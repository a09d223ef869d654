"""Conditions and patterns in plain Python: comparisons, ``in``, ``has()``, ``&&``, ``||``, ``!``.

What else the real language has, the fake refuses.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gaveld.application.apply_rules import ApplyRules
from gaveld.application.ports import (
    ConditionFailedError,
    ConditionInvalidError,
    PatternInvalidError,
    Telemetry,
    UserStore,
)
from gaveld.application.run_rules import RunRules
from gaveld.domain.image_signals import ImageClass
from gaveld.domain.rules import RuleFacts
from gaveld.domain.signals import Attribute
from gaveld.domain.typed_content import ContentType

_MOST_BYTES: Final = 4_096
_OPERATORS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], bool]]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.In: lambda item, holder: item in holder,
}
_FIELDS: Final = {
    "scores": {entry.value: "float" for entry in Attribute},
    "image": {entry.value: "float" for entry in ImageClass},
    "user": {"flags_24h": "int", "strikes": "float"},
}
_TYPES: Final = {
    **dict.fromkeys(("language", "ocr_text", "verdict", "coverage", "content_type"), "string"),
    **dict.fromkeys((*_FIELDS, "content", "categories", "findings"), "object"),
    **dict.fromkeys(("true", "false"), "bool"),
}
_BOOLS: Final = {"bool", "any"}
_OF_CONSTANTS: Final = {int: "int", float: "float", str: "string", bool: "bool"}


class _UnknownError(Exception):
    """Something that was asked for is not known."""


@dataclass(frozen=True)
class FakeCondition:
    """A ``Condition`` over a Python expression."""

    tree: ast.expr

    def holds(self, facts: RuleFacts) -> bool:
        try:
            holds = _value(self.tree, facts)
        except _UnknownError as error:
            raise ConditionFailedError(f"Nothing is known of {error}.") from None
        except TypeError:
            raise ConditionFailedError("Values that don't go together.") from None
        if not isinstance(holds, bool):
            raise ConditionFailedError("It gives no bool.")
        return holds


class FakeConditionCompiler:
    """A ``ConditionCompiler`` that remembers what it compiled."""

    def __init__(self) -> None:
        self.compiled: list[str] = []

    def compile(self, source: str, content_types: Sequence[ContentType] = ()) -> FakeCondition:
        self.compiled.append(source)
        if len(source.encode()) > _MOST_BYTES:
            raise ConditionInvalidError("is too long")
        python = source.replace("&&", " and ").replace("||", " or ").replace("!", " not ")
        try:
            tree = ast.parse(python.strip(), mode="eval").body
        except SyntaxError as error:
            raise ConditionInvalidError("can't be read", error.lineno or 1, 1) from error
        for content_type in content_types or (None,):
            given = _type(tree, content_type)
            if given not in _BOOLS:
                raise ConditionInvalidError(f"gives {given} and not a bool")
        return FakeCondition(tree)


class FakePatterns:
    """``Patterns`` with Python's own expressions."""

    def check(self, pattern: str) -> None:
        try:
            re.compile(pattern)
        except re.error as error:
            raise PatternInvalidError(str(error)) from error

    def fits(self, pattern: str, text: str) -> bool:
        return re.fullmatch(pattern, text) is not None


def _type(node: ast.expr, content_type: ContentType | None) -> str:
    kind = ""
    match node:
        case ast.BoolOp(values=values):
            kind = "bool" if {_type(value, content_type) for value in values} <= _BOOLS else ""
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            kind = _type(operand, content_type)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            kinds = {_type(left, content_type), _type(right, content_type)} - {"any"}
            kind = "bool" if isinstance(op, ast.In) or len(kinds) < 2 else ""
        case ast.Attribute(value=ast.Name(id=owner), attr=field):
            kind = _type_of_field(node, owner, field, content_type)
        case ast.Subscript(value=ast.Name(id="categories")):
            kind = "float"
        case ast.Call(func=ast.Name(id="has"), args=[ast.Attribute() as field]):
            kind = "bool" if _type(field, content_type) else ""
        case ast.Name(id=name):
            kind = _TYPES.get(name, "")
        case ast.Constant(value=value):
            kind = _OF_CONSTANTS[type(value)]
    return kind or _refuse(node, "is not understood")


def _type_of_field(node: ast.expr, owner: str, field: str, content_type: ContentType | None) -> str:
    fields = _FIELDS.get(owner, {})
    if owner == "content":
        if content_type is None:
            return "any"
        fields = {entry.name: entry.type.value for entry in content_type.fields}
    return fields[field] if field in fields else _refuse(node, f"no such field: {field}")


def _refuse(node: ast.expr, message: str) -> str:
    raise ConditionInvalidError(message, node.lineno, node.col_offset + 1)


def _value(node: ast.expr, facts: RuleFacts) -> Any:
    value: Any = None
    match node:
        case ast.BoolOp(op=op, values=values):
            value = _either(values, facts, wanted=isinstance(op, ast.Or))
        case ast.UnaryOp(operand=operand):
            value = not _value(operand, facts)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            value = _OPERATORS[type(op)](_value(left, facts), _value(right, facts))
        case ast.Attribute(value=owner, attr=field):
            value = _item(_value(owner, facts), field)
        case ast.Subscript(value=owner, slice=ast.Constant(value=key)):
            value = _item(_value(owner, facts), key)
        case ast.Call(args=[ast.Attribute(value=owner, attr=field)]):
            value = field in _value(owner, facts)
        case ast.Name(id=name):
            value = _variable(facts, name)
        case ast.Constant():
            value = node.value
    return value


def _variable(facts: RuleFacts, name: str) -> Any:
    if name in {"true", "false"}:
        return name == "true"
    if name == "user":
        user = facts.user
        return {} if user is None else {"flags_24h": user.windows[0].flags, "strikes": user.strikes}
    value = facts.image_scores if name == "image" else getattr(facts, name)
    if value is None:
        raise _UnknownError(name)
    return value


def _item(owner: Mapping[str, Any], key: str) -> Any:
    if key not in owner:
        raise _UnknownError(key)
    return owner[key]


def _either(values: Sequence[ast.expr], facts: RuleFacts, *, wanted: bool) -> bool:
    """Return ``or`` (``and``) of the values; one that decides makes up for others' errors."""
    failure: Exception | None = None
    for value in values:
        try:
            if _value(value, facts) is wanted:
                return wanted
        except (_UnknownError, TypeError) as error:
            failure = error
    if failure is not None:
        raise failure
    return not wanted


def fake_rules(telemetry: Telemetry, users: UserStore | None = None) -> ApplyRules:
    """Return what applies rules, over fakes."""
    return ApplyRules(RunRules(FakeConditionCompiler(), telemetry), FakePatterns(), users)
