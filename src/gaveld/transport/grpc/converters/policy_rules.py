"""A policy's content types, rules and actions on the wire and off it."""

import math
from typing import Any, Final

from gavel.v1 import policy_pb2, rule_pb2, verdict_pb2
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct, Value

from gaveld.application.check_policy import MAX_ALL_PARAMETERS_BYTES, MOST_FIELDS
from gaveld.domain.actions import Action
from gaveld.domain.errors import ErrorReason, FieldViolation, InvalidRequest
from gaveld.domain.rules import CallbackFormat, Rule, RuleAction
from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType

_MOST_EXACT: Final = 2**53


def check_size(policy: policy_pb2.Policy) -> None:
    """Raise ``InvalidRequest`` for a policy so large that even to validate it takes long."""
    count, waiting = 0, [field for entry in policy.content_types for field in entry.fields]
    while waiting and count <= MOST_FIELDS:
        field = waiting.pop()
        count += 1
        waiting.extend(field.fields)
        if field.HasField("item"):
            waiting.append(field.item)
    parameters = sum(entry.parameters.ByteSize() for entry in policy.actions)
    for path, is_too_large, limit in (
        ("content_types", count > MOST_FIELDS, f"{MOST_FIELDS:,} fields"),
        ("actions", parameters > _MOST_PARAMETERS, f"{MAX_ALL_PARAMETERS_BYTES:,} bytes as JSON"),
    ):
        if is_too_large:
            said = f"have too much in them; the limit of all together is {limit}"
            violation = FieldViolation(f"policy.{path}", said, "SIZE")
            raise InvalidRequest(violation, reason=ErrorReason.POLICY_INVALID)


_MOST_PARAMETERS: Final = 8 * MAX_ALL_PARAMETERS_BYTES
"""No JSON of that size is larger in bytes of protobuf."""


def content_type_to_proto(entry: ContentType) -> rule_pb2.ContentType:
    """Return a content type with its fields."""
    return rule_pb2.ContentType(
        name=entry.name,
        description=entry.description,
        fields=map(_field_to_proto, entry.fields),
    )


def content_type_from_proto(message: rule_pb2.ContentType) -> ContentType:
    """Return a content type with its fields."""
    fields = tuple(map(_field_from_proto, message.fields))
    return ContentType(message.name, fields, message.description)


def rule_to_proto(rule: Rule) -> rule_pb2.Rule:
    """Return a rule."""
    verdict = "UNSPECIFIED" if rule.verdict is None else rule.verdict.name
    return rule_pb2.Rule(
        id=rule.id,
        name=rule.name,
        content_types=rule.content_types,
        condition=rule.condition,
        action_ids=rule.action_ids,
        verdict=verdict_pb2.Action.Value(f"ACTION_{verdict}"),
        review_queue=rule.review_queue,
        enabled=rule.enabled,
        shadow=rule.shadow,
    )


def rule_from_proto(message: rule_pb2.Rule) -> Rule:
    """Return a rule; its id may be empty."""
    verdict = verdict_pb2.Action.Name(message.verdict).removeprefix("ACTION_")
    return Rule(
        id=message.id,
        name=message.name,
        condition=message.condition,
        content_types=tuple(message.content_types),
        action_ids=tuple(entry.lower() for entry in message.action_ids),
        verdict=Action[verdict] if message.verdict else None,
        review_queue=message.review_queue,
        enabled=message.enabled if message.HasField("enabled") else True,
        shadow=message.shadow,
    )


def action_to_proto(action: RuleAction) -> rule_pb2.RuleAction:
    """Return an action without its secret."""
    message = rule_pb2.RuleAction(
        id=action.id,
        name=action.name,
        callback_url=action.callback_url,
        headers=action.headers,
        format=rule_pb2.CallbackFormat.Value(f"CALLBACK_FORMAT_{action.format.name}"),
    )
    if action.parameters:
        message.parameters.CopyFrom(ParseDict(dict(action.parameters), Struct()))
    return message


def action_from_proto(message: rule_pb2.RuleAction) -> RuleAction:
    """Return an action; its id and its secret may be empty.

    Raises ``ValueError`` for parameters that JSON can't hold.
    """
    name = rule_pb2.CallbackFormat.Name(message.format).removeprefix("CALLBACK_FORMAT_")
    return RuleAction(
        id=message.id.lower(),
        name=message.name,
        callback_url=message.callback_url,
        headers=dict(message.headers),
        parameters={key: _json(value) for key, value in message.parameters.fields.items()},
        secret=message.secret,
        format=CallbackFormat[name] if message.format else CallbackFormat.NATIVE,
    )


def _json(value: Value) -> Any:
    """Return a value as JSON gives it: whole numbers whole, as far as they are exact."""
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            if not math.isfinite(number):
                raise ValueError("hold a number that JSON can't: it is not finite")
            return int(number) if number.is_integer() and abs(number) <= _MOST_EXACT else number
        case "struct_value":
            return {key: _json(item) for key, item in value.struct_value.fields.items()}
        case "list_value":
            return [_json(item) for item in value.list_value.values]
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case _:
            return None


def _field_to_proto(entry: FieldDefinition) -> rule_pb2.FieldDefinition:
    return rule_pb2.FieldDefinition(
        name=entry.name,
        type=rule_pb2.FieldType.Value(f"FIELD_TYPE_{entry.type.name}"),
        required=entry.required,
        min=entry.min,
        max=entry.max,
        pattern=entry.pattern,
        item=None if entry.item is None else _field_to_proto(entry.item),
        fields=map(_field_to_proto, entry.fields),
        exempt=entry.exempt,
    )


def _field_from_proto(message: rule_pb2.FieldDefinition) -> FieldDefinition:
    return FieldDefinition(
        name=message.name,
        type=FieldType[rule_pb2.FieldType.Name(message.type).removeprefix("FIELD_TYPE_")],
        required=message.required,
        min=message.min if message.HasField("min") else None,
        max=message.max if message.HasField("max") else None,
        pattern=message.pattern,
        item=_field_from_proto(message.item) if message.HasField("item") else None,
        fields=tuple(map(_field_from_proto, message.fields)),
        exempt=message.exempt,
    )
