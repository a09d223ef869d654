"""Turns an HTTP request into the request message of its RPC, and the response message into JSON.

The rules are those of ``google/api/http.proto``: what the path's variables bind, what the body
fills, and that the query may give only what neither does.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final
from urllib.parse import parse_qsl

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gaveld.transport.rest.answers import Answer
from gaveld.transport.rest.bindings import Binding
from gaveld.transport.rest.failures import internal, invalid, malformed
from gaveld.transport.rest.json_reading import FieldError, field_named, fill, is_map, is_wrapper
from gaveld.transport.rest.json_scalars import ValueRefusedError, text_reader
from gaveld.transport.rest.json_writing import to_json
from gaveld.transport.rest.strict_json import MalformedJsonError, read_json

HTTP_BODY: Final = "google.api.HttpBody"

_MOST_PARAMETERS: Final = 1000
_AS_TEXT: Final = frozenset(
    f"google.protobuf.{name}" for name in ("Timestamp", "Duration", "FieldMask")
)


def request_message(
    binding: Binding, variables: Mapping[str, str], query: bytes, body: bytes, content_type: str
) -> Message:
    """Return the request message. Raises ``RpcFailure`` that names the field that is wrong."""
    message = new_request(binding)
    try:
        _read_body(binding, message, body, content_type)
        _read_query(binding, message, variables, query)
        for field_path, text in variables.items():
            _put(message, field_path.split("."), [text], field_path, is_path=True)
    except MalformedJsonError as error:
        raise malformed(str(error)) from None
    except FieldError as error:
        raise invalid(str(error), error.field) from None
    return message


def new_request(binding: Binding) -> Message:
    """Return an empty request message of the binding's RPC."""
    return GetMessageClass(binding.method.input_type)()


def json_message(binding: Binding, text: bytes) -> Message:
    """Return the request message that a JSON text holds. Raises ``RpcFailure``."""
    message = new_request(binding)
    try:
        fill(message, read_json(text))
    except MalformedJsonError as error:
        raise malformed(str(error)) from None
    except FieldError as error:
        raise invalid(str(error), error.field) from None
    return message


def answer_message(binding: Binding, message: Message, *, as_declared: bool = False) -> Answer:
    """Return the answer that a response message comes to; HttpBody is answered as it stands."""
    chosen: Any = message
    if binding.response_body:
        field = message.DESCRIPTOR.fields_by_name[binding.response_body]
        if field.message_type is not None and field.message_type.full_name == HTTP_BODY:
            chosen = getattr(message, binding.response_body)
    if chosen.DESCRIPTOR.full_name == HTTP_BODY:
        return Answer(200, chosen.data, chosen.content_type or "application/octet-stream")
    return Answer(200, message_json(binding, message, as_declared=as_declared))


def message_json(binding: Binding, message: Message, *, as_declared: bool = False) -> bytes:
    """Return the JSON of a response message, or of the field that the binding answers with."""
    try:
        return to_json(message, binding.response_body, as_declared=as_declared)
    except (TypeError, ValueError, json_format.Error) as error:
        raise internal("") from error


def body_field(binding: Binding) -> FieldDescriptor | None:
    """Return the field that a named body fills; None for the whole message or no body."""
    if binding.body in {"", "*"}:
        return None
    return binding.method.input_type.fields_by_name[binding.body]


def takes_raw_body(binding: Binding) -> bool:
    """Whether the body is an HttpBody: bytes of any content type, not JSON."""
    field = body_field(binding)
    kind = binding.method.input_type if binding.body == "*" else field and field.message_type
    return kind is not None and kind.full_name == HTTP_BODY


def _read_body(binding: Binding, message: Any, body: bytes, content_type: str) -> None:
    if not binding.body:
        if body:
            raise FieldError("", "must be empty: this route takes no body")
        return
    field = body_field(binding)
    if takes_raw_body(binding):
        target = message if field is None else getattr(message, field.name)
        target.content_type, target.data = content_type, body
        return
    if not body:
        return
    value = read_json(body)
    if field is None:
        fill(message, value)
    else:
        fill(message, {field.name: value})


def _read_query(
    binding: Binding, message: Message, variables: Mapping[str, str], query: bytes
) -> None:
    for name, texts in _parameters(query).items():
        parts = _resolved(binding.method.input_type, name.split("."))
        bound = ".".join(parts)
        taken = binding.body == "*" or parts[0] == binding.body or bound in variables
        if taken:
            raise FieldError(bound, "can't be given in the query: the path or the body has it")
        _put(message, parts, texts, bound)


def _parameters(query: bytes) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            query.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:  # UnicodeDecodeError is one
        raise malformed("The query is not percent-encoded UTF-8, or has too many parts.") from None
    for name, text in pairs:
        found.setdefault(name, []).append(text)
    return found


def _resolved(descriptor: Descriptor, names: Sequence[str]) -> list[str]:
    """Return a dotted name's parts as the contract declares them. Raises ``FieldError``."""
    parts: list[str] = []
    current: Descriptor | None = descriptor
    for name in names:
        field = field_named(current, name) if current is not None else None
        if field is None:
            raise FieldError("", "or the query names a field that the request doesn't have")
        parts.append(field.name)
        current = None if field.is_repeated else field.message_type
    return parts


def _put(
    message: Any, parts: Sequence[str], texts: Sequence[str], path: str, *, is_path: bool = False
) -> None:
    """Put text into the field at a path of names. What the body put there must be the same."""
    for name in parts:
        field = message.DESCRIPTOR.fields_by_name[name]
        oneof = field.containing_oneof
        if oneof is not None and message.WhichOneof(oneof.name) not in {None, name}:
            raise FieldError(path, f"is given beside another field of {oneof.name}")
        if name is not parts[-1]:
            message = getattr(message, name)
    if not is_path and len(texts) > 1 and not field.is_repeated:
        raise FieldError(path, "is given more than once")
    convert = _from_text(field)
    if convert is None:
        raise FieldError(path, "can't be given in the query")
    try:
        values = [convert(text) for text in texts]
    except ValueRefusedError as error:
        raise FieldError(path, f"must be {error}") from None
    before = getattr(message, field.name)
    _fill_one(message, field, values, path)
    if is_path and before not in (field.default_value, getattr(message, field.name)):
        raise FieldError(path, "is one thing in the path and another in the body")


def _fill_one(message: Any, field: FieldDescriptor, values: list[Any], path: str) -> None:
    """Put JSON values into one field; all of them if it is repeated, else the only one."""
    value = values if field.is_repeated else values[0]
    prefix = path.rpartition(".")[0]
    fresh = type(message)()
    fill(fresh, {field.name: value}, prefix)
    message.MergeFrom(fresh)


@cache
def _from_text(field: FieldDescriptor) -> Any:
    """Return what turns text into the field's JSON value; None for what has no text form."""
    kind = field.message_type
    if kind is None:
        return text_reader(field) if field.type == field.TYPE_BOOL else _as_it_is
    if is_map(field):
        return None
    if is_wrapper(kind):
        return _from_text(kind.fields_by_name["value"])
    return _as_it_is if kind.full_name in _AS_TEXT else None


def _as_it_is(text: str) -> str:
    return text
