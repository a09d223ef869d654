"""Holds requests to the rules that the contract states on its fields, with protovalidate."""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any, Final

import grpc
import protovalidate
from gavel.v1.content_pb2 import FieldValue
from gavel.v1.policy_service_pb2 import ApplyPolicyRequest, BacktestPolicyRequest
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message

from gaveld.domain.errors import ErrorReason
from gaveld.transport.grpc.call import Call
from gaveld.transport.grpc.converters.fields import check_value_count
from gaveld.transport.grpc.converters.policy_rules import check_size
from gaveld.transport.grpc.errors import Refusal, RefusedError, Violation
from gaveld.transport.grpc.interceptors.interceptor import Interceptor
from gaveld.transport.grpc.violations import words_of

_WITH_POLICIES: Final = (ApplyPolicyRequest, BacktestPolicyRequest)
_MOST_VIOLATIONS: Final = 16
_LONGEST_KEY: Final = 64
"""Together they keep an error within the 8 KiB of metadata that clients accept."""


class Validation(Interceptor):
    """Refuses unary requests that break a rule; a stream's servicer checks its own messages."""

    async def before(self, call: Call) -> None:
        """Raise what is wrong with the request, if anything is."""
        if call.received is not None and call.received.message is not None:
            validate(call.received.message)


def validate(message: Message) -> None:
    """Raise a refusal that names the fields of ``message`` that break their rules.

    Raises ``InvalidRequest`` for more typed fields than are looked at, and a policy too large.
    """
    if isinstance(message, _WITH_POLICIES):
        check_size(message.policy)
    if _has_typed_fields(message.DESCRIPTOR):
        check_value_count(getattr(message, "fields"))  # noqa: B009 - of some messages alone
    broken = _validator.collect_violations(message)
    if not broken:
        return
    violations = tuple(_violation(entry, message.DESCRIPTOR) for entry in broken[:_MOST_VIOLATIONS])
    reason, metadata = ErrorReason.INVALID_ARGUMENT, {}
    for entry, violation in zip(broken, violations, strict=False):
        at = entry.proto.field
        if violation.rule == "STRING_MAX_BYTES" and at and _CONTENT.fullmatch(violation.field):
            reason = ErrorReason.TEXT_TOO_LARGE
            text_bytes = len(_value_at(message, at.elements).encode())
            sizes = {"limit_bytes": entry.rule_value, "actual_bytes": text_bytes}
            metadata = {
                "field": violation.field,
                **{name: str(size) for name, size in sizes.items()},
            }
    first = violations[0].description
    if violations[0].field:
        first = f"{violations[0].field}: {first}"
    more = f" (and {len(broken) - 1} more)" if len(broken) > 1 else ""
    raise RefusedError(
        Refusal(grpc.StatusCode.INVALID_ARGUMENT, reason.value, first + more, metadata, violations)
    )


@cache
def _has_typed_fields(descriptor: Descriptor) -> bool:
    field = descriptor.fields_by_name.get("fields")
    entry = field.message_type if field is not None else None
    value = entry.fields_by_name.get("value") if entry is not None else None
    return value is not None and value.message_type is FieldValue.DESCRIPTOR


def _violation(entry: protovalidate.Violation, request: Any) -> Violation:
    # A rule of the whole request is about no field.
    proto = entry.proto
    path = _path(proto.field.elements) if proto.field is not None else ""
    return Violation(path, words_of(entry, request), _rule(proto.rule_id))


def _rule(rule_id: str) -> str:
    """Return a rule's id in the contract's spelling: ``string.min_bytes`` as STRING_MIN_BYTES."""
    return rule_id.replace(".", "_").upper()


def _path(elements: Iterable[Any]) -> str:
    """Return a field path such as ``fields["a"].list_value.values[0].kind``."""
    path = ""
    for element in elements:
        path += f".{element.field_name}" if path else element.field_name
        if element.subscript is not None:
            key = element.subscript.value
            path += f'["{key[:_LONGEST_KEY]}"]' if isinstance(key, str) else f"[{key}]"
    return path


def _value_at(message: Any, elements: Iterable[Any]) -> Any:
    """Return what a path of the validator leads to."""
    for element in elements:
        message = getattr(message, element.field_name)
        if element.subscript is not None:
            message = message[element.subscript.value]
    return message


_CONTENT: Final = re.compile(
    r"text|content|content\[\d+\]\.text|fields\[.*\.string_value", re.DOTALL
)
"""The paths of content. Any other text, such as a prompt, is a setting."""


_validator: Final = protovalidate.Validator()
