"""Holds a request's JSON against a shape, and says which field is wrong. It never quotes a value.

A shape is a pydantic model; a field that it doesn't know is refused, so that a misspelt one is
never silently without effect.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gaveld.transport.rest.failures import RpcFailure, invalid

_NAME: Final = re.compile("[A-Za-z_][A-Za-z0-9_@./-]{0,63}")

_SHOULD: Final = re.compile(r"^[A-Z]\w+ should")

_PROBLEMS: Final = {
    "missing": "is required",
    "extra_forbidden": "is no field of this API",
    "model_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be an array",
    "tuple_type": "must be an array",
}


class Shape(BaseModel):
    """What a JSON object must look like. Types are meant strictly: "1" is no number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


S = TypeVar("S", bound=Shape)


def shaped(shape: type[S], value: Any, at: str = "") -> S:
    """Return the value, which stands at the path ``at`` of the body, as an instance of the shape.

    Raises ``RpcFailure`` (INVALID_ARGUMENT) for the first field that doesn't fit.
    """
    try:
        return shape.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        inner = field_path(first["loc"])
        field = f"{at}.{inner}" if at and inner else at or inner
        problem = _PROBLEMS.get(first["type"]) or _said(first["msg"])
        raise misfit(field, problem) from None


def misfit(field: str, problem: str) -> RpcFailure:
    """Return the failure of a field with a problem; an empty field means the whole body."""
    return invalid(f"{field or 'The body'} {problem}.", field)


def field_path(parts: Sequence[int | str]) -> str:
    """Return a path such as ``input[2].text``; a name that the caller made up is not repeated."""
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += "." * bool(path) + (part if is_plain_name(part) else "?")
    return path


def is_plain_name(name: str) -> bool:
    """Whether a name looks like one of an API, and so may be repeated in an error."""
    return _NAME.fullmatch(name) is not None


def _said(message: str) -> str:
    return _SHOULD.sub("must", message).rstrip(".")
