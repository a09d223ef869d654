"""Says in words what a broken rule of the contract asks for: the limit, or the values it allows.

Which field broke it is its caller's to say. Nothing of the value itself is told.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor


def words_of(violation: Any, request: Any) -> str:
    """Return what a field of ``request`` must be, for a violation as protovalidate has it.

    The words of a rule that the contract writes itself are kept.
    """
    kind, _, rule = violation.proto.rule_id.rpartition(".")
    if kind == "enum":
        return _one_of(_field_at(violation.proto.field.elements, request))
    say = _WORDS.get(rule)
    said = say(violation.rule_value) if say else _plainer(violation.proto.message)
    return f"its key {said}" if violation.proto.for_key else said


def _one_of(field: FieldDescriptor | None) -> str:
    enum = field.enum_type if field is not None else None
    names = [value.name for value in enum.values if value.number] if enum is not None else []
    return f"must be one of {', '.join(names)}"


def _field_at(elements: Iterable[Any], message: Any) -> FieldDescriptor | None:
    """Return the field that a path leads to, of a map that of its values."""
    field: FieldDescriptor | None = None
    for element in elements:
        field = message.fields_by_name[element.field_name]
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            field = field.message_type.fields_by_name["value"]
        message = field.message_type
    return field


def _at_least(count: int, what: str) -> str:
    return "must not be empty" if count == 1 else f"must be at least {count} {what}"


def _at_most(count: int, what: str) -> str:
    return f"must be at most {count} {what.removesuffix('s') if count == 1 else what}"


_WORDS: Final[Mapping[str, Callable[[Any], str]]] = {
    "required": lambda _: "is required",
    "min_bytes": lambda count: _at_least(count, "bytes"),
    "max_bytes": lambda count: _at_most(count, "bytes"),
    "min_len": lambda count: _at_least(count, "characters"),
    "max_len": lambda count: _at_most(count, "characters"),
    "min_items": lambda count: _at_least(count, "entries"),
    "max_items": lambda count: f"must have at most {count:,} entries",
    "min_pairs": lambda count: _at_least(count, "entries"),
    "max_pairs": lambda count: f"must have at most {count:,} entries",
    "unique": lambda _: "must not hold the same value twice",
    "pattern": lambda pattern: f"must match the pattern {pattern}",
    "uuid": lambda _: "must be a UUID, such as 7b0c0e2e-2f65-4f0e-9b0f-0d3f7e1c2a11",
    "finite": lambda _: "must be a finite number",
}
"""What is said of a rule's value, by the last part of the rule's id."""

_NUMBER: Final = r"(-?\d[\d.e+]*s?)"
_REWORDED: Final = (
    (
        re.compile(
            rf"(?:value )?must be greater than or equal to {_NUMBER}"
            rf" and less than or equal to {_NUMBER}"
        ),
        r"must be from \1 to \2",
    ),
    (re.compile(rf"(?:value )?must be greater than or equal to {_NUMBER}"), r"must be at least \1"),
    (re.compile(rf"(?:value )?must be less than or equal to {_NUMBER}"), r"must be at most \1"),
)


def _plainer(message: str) -> str:
    for pattern, words in _REWORDED:
        found = pattern.fullmatch(message)
        if found is not None:
            return found.expand(words)
    return message
