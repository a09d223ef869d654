"""Single values between JSON and protobuf: numbers, text, bytes, enums, and map keys.

What a value may be is proto3 JSON's to say. Errors name what was expected, never what came.
"""

import binascii
import math
import re
import struct
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

Convert = Callable[[Any], Any]

_WHOLE: Final = re.compile(r"-?[0-9]{1,20}")
_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,400})?([eE][-+]?[0-9]{1,4})?")
_DATA_URL: Final = re.compile(r"data:[^,]{0,256};base64,", re.IGNORECASE)
_URL_SAFE: Final = str.maketrans("-_", "+/")
_LARGEST_FLOAT: Final = struct.unpack("<f", bytes.fromhex("ffff7f7f"))[0]
_SPECIAL: Final = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

_F: Final = FieldDescriptor
_BITS_32: Final = {_F.TYPE_INT32, _F.TYPE_SINT32, _F.TYPE_SFIXED32}
_BITS_64: Final = {_F.TYPE_INT64, _F.TYPE_SINT64, _F.TYPE_SFIXED64}
_UNSIGNED_32: Final = {_F.TYPE_UINT32, _F.TYPE_FIXED32}
_UNSIGNED_64: Final = {_F.TYPE_UINT64, _F.TYPE_FIXED64}


class ValueRefusedError(ValueError):
    """A JSON value does not suit its field; the message continues "FIELD must be"."""


def scalar_reader(field: FieldDescriptor) -> Convert:
    """Return what turns a JSON value into the field's own type; raises ``ValueRefusedError``."""
    kind = field.type
    if kind in _BITS_32:
        return _whole(-(1 << 31), (1 << 31) - 1)
    if kind in _BITS_64:
        return _whole(-(1 << 63), (1 << 63) - 1)
    if kind in _UNSIGNED_32:
        return _whole(0, (1 << 32) - 1)
    if kind in _UNSIGNED_64:
        return _whole(0, (1 << 64) - 1)
    if field.enum_type is not None:
        return _enum(field.enum_type)
    return {
        _F.TYPE_BOOL: _bool,
        _F.TYPE_STRING: _text,
        _F.TYPE_BYTES: _bytes,
        _F.TYPE_DOUBLE: _double,
        _F.TYPE_FLOAT: _float,
    }[kind]


def text_reader(field: FieldDescriptor) -> Convert:
    """Return what turns the text of a path, a query or a map's key into the field's own type."""
    if field.type == _F.TYPE_BOOL:
        return _bool_text
    return scalar_reader(field)


def scalar_writer(field: FieldDescriptor) -> Convert | None:
    """Return what turns a field's value into JSON; None where it is JSON as it stands."""
    kind = field.type
    if kind in _BITS_64 or kind in _UNSIGNED_64:
        return str
    if field.enum_type is not None:
        names = {number: value.name for number, value in field.enum_type.values_by_number.items()}
        if field.enum_type.full_name == "google.protobuf.NullValue":
            return lambda _: None
        return lambda number: names.get(number, number)
    writers: dict[int, Convert] = {
        _F.TYPE_BYTES: _base64,
        _F.TYPE_DOUBLE: _number,
        _F.TYPE_FLOAT: _short,
    }
    return writers.get(kind)


def key_writer(field: FieldDescriptor) -> Convert:
    """Return what turns a map's key into the key of a JSON object."""
    if field.type == _F.TYPE_BOOL:
        return lambda key: "true" if key else "false"
    return str


def _whole(least: int, most: int) -> Convert:
    problem = f"a whole number from {least} to {most}"

    def convert(value: Any) -> int:
        if isinstance(value, str):
            if _WHOLE.fullmatch(value):
                value = int(value)
            elif _NUMBER.fullmatch(value):
                value = float(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueRefusedError(problem)
        return value

    return convert


def _double(value: Any) -> float:
    if isinstance(value, str):
        if value in _SPECIAL:
            return _SPECIAL[value]
        value = float(value) if _NUMBER.fullmatch(value) else None
    elif isinstance(value, bool):
        value = None
    try:
        number = float(value)
    except (TypeError, OverflowError):
        raise ValueRefusedError("a number") from None
    if math.isinf(number):
        raise ValueRefusedError("a number within the range of a double")
    return number


def _float(value: Any) -> float:
    number = _double(value)
    if math.isfinite(number) and abs(number) > _LARGEST_FLOAT:
        raise ValueRefusedError("a number within the range of a float")
    return number


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueRefusedError("true or false")
    return value


def _bool_text(value: Any) -> bool:
    if value not in {"true", "false"}:
        raise ValueRefusedError("true or false")
    return bool(value == "true")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueRefusedError("a string")
    return value


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueRefusedError("a string of base64")
    prefix = _DATA_URL.match(value)  # as browsers give files; what they are, their bytes say
    text = value[prefix.end() if prefix else 0 :].rstrip("=").translate(_URL_SAFE)
    try:
        return binascii.a2b_base64(text + "=" * (-len(text) % 4), strict_mode=True)
    except ValueError:  # binascii.Error is one, and so is text that is not ASCII
        raise ValueRefusedError("a string of base64") from None


def _enum(enum: EnumDescriptor) -> Convert:
    names = {value.name: value.number for value in enum.values}
    number = _whole(-(1 << 31), (1 << 31) - 1)
    is_null = enum.full_name == "google.protobuf.NullValue"

    def convert(value: Any) -> int:
        if isinstance(value, str) and value in names:
            return names[value]
        if is_null and value is None:
            return 0
        try:
            return int(number(value))
        except ValueRefusedError:
            raise ValueRefusedError(f"one of {_some(list(names))}") from None

    return convert


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:12])
    return shown if len(names) <= len(names[:12]) else f"{shown} …"


def _base64(value: bytes) -> str:
    return binascii.b2a_base64(value, newline=False).decode("ascii")


def _number(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _short(value: float) -> float | str:
    """Return the shortest decimal that is the same float of 32 bits."""
    if not math.isfinite(value):
        return _number(value)
    for digits in (6, 7, 8, 9):
        short = float(f"{value:.{digits}g}")
        if abs(short) <= _LARGEST_FLOAT and _of_32_bits(short) == value:
            return short
    return value  # the largest: each shorter one is larger still, and would not be read again


def _of_32_bits(value: float) -> float:
    number: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return number
