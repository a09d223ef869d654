"""Reads JSON as RFC 8259 means it and no looser: whoever sends two meanings gets none.

Refused are duplicate keys, NaN and Infinity, numbers beyond a double, lone surrogates, bytes that
are no UTF-8, a byte order mark, anything after the value, and nesting beyond ``MAX_DEPTH``.
"""

import json
import math
from typing import Any, Final, NoReturn

import orjson

MAX_DEPTH: Final = 100
"""Arrays and objects within one another; protobuf itself reads no deeper."""


class MalformedJsonError(ValueError):
    """The bytes are no strict JSON. The message never quotes them."""


def read_json(raw: bytes) -> Any:
    """Return the value that the bytes hold. Raises ``MalformedJsonError``."""
    try:
        text = raw.decode("utf-8")
        if "\\u" in text:
            orjson.loads(raw)  # refuses escapes of half a surrogate pair, which json lets through
        value = _DECODER.decode(text)
        _measure(value, MAX_DEPTH)
    except MalformedJsonError:
        raise
    except UnicodeDecodeError:
        raise MalformedJsonError("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:  # orjson's too
        raise MalformedJsonError(
            f"The body is not JSON at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    except ValueError:
        raise MalformedJsonError("The body has a number that is out of range.") from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJsonError("The body names a key of an object twice.")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise MalformedJsonError("The body has a number that is out of range.")
    return number


def _refuse_constant(_: str) -> NoReturn:
    raise MalformedJsonError("The body has NaN or Infinity, which JSON does not know.")


def _measure(value: Any, left: int) -> None:
    if not isinstance(value, dict | list):
        return
    if not left:
        raise _too_deep()
    for entry in value.values() if isinstance(value, dict) else value:
        if isinstance(entry, dict | list):
            _measure(entry, left - 1)


def _too_deep() -> MalformedJsonError:
    return MalformedJsonError(f"The body is nested more than {MAX_DEPTH} deep.")


_DECODER: Final = json.JSONDecoder(
    object_pairs_hook=_once, parse_float=_finite, parse_constant=_refuse_constant
)
