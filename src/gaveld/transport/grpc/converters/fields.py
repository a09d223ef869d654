"""From typed fields on the wire to values of the domain, files among them. It judges none."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from gavel.v1 import content_pb2
from google.protobuf.timestamp_pb2 import Timestamp

from gaveld.domain.errors import FieldViolation, InvalidRequest
from gaveld.domain.media import MediaReference
from gaveld.domain.typed_content import FieldType, FieldValue, MediaValue, Url

MAX_FIELD_DEPTH: Final = 8
MAX_VALUES: Final = 10_000
"""So many values may the fields of one message hold, lists and objects among them."""

_MEDIA: Final = {
    "image_value": FieldType.IMAGE,
    "video_value": FieldType.VIDEO,
    "audio_value": FieldType.AUDIO,
}


def media_from_proto(media: content_pb2.Media) -> MediaReference:
    """Return where a file is; the contract's rules have proved that one source is given."""
    if media.WhichOneof("source") == "data":
        return MediaReference(data=media.data)
    return MediaReference(uri=media.uri)


def check_value_count(fields: Mapping[str, content_pb2.FieldValue]) -> None:
    """Raise ``InvalidRequest`` for more than ``MAX_VALUES``, having looked at no more of them.

    Whatever is done with each value is done with all of them at once, while other calls wait.
    """
    waiting, count = list(fields.values()), 0
    while waiting:
        value = waiting.pop()
        count += 1
        if count + len(waiting) > MAX_VALUES:
            said = f"hold more than {MAX_VALUES} values"
            raise InvalidRequest(FieldViolation("fields", said))
        match value.WhichOneof("kind"):
            case "list_value":
                waiting.extend(value.list_value.values)
            case "object_value":
                waiting.extend(value.object_value.fields.values())


def fields_from_proto(
    fields: Mapping[str, content_pb2.FieldValue], path: str = "fields"
) -> dict[str, FieldValue]:
    """Return the values by name; ``path`` begins what refusals call them.

    Raises ``InvalidRequest`` for fields nested too deep, and for a date that is none.
    """
    return {name: _value(value, f"{path}.{name}", 1) for name, value in fields.items()}


def _value(value: content_pb2.FieldValue, path: str, depth: int) -> FieldValue:
    if depth > MAX_FIELD_DEPTH:
        raise InvalidRequest(FieldViolation(path, f"nests deeper than {MAX_FIELD_DEPTH} levels"))
    kind = value.WhichOneof("kind")
    match kind:
        case "datetime_value":
            return time_from_proto(value.datetime_value, path)
        case "url_value":
            return Url(value.url_value)
        case "image_value" | "video_value" | "audio_value":
            return MediaValue(_MEDIA[kind], media_from_proto(getattr(value, kind)))
        case "list_value":
            items = enumerate(value.list_value.values)
            return tuple(_value(item, f"{path}[{index}]", depth + 1) for index, item in items)
        case "object_value":
            named = value.object_value.fields.items()
            return {name: _value(item, f"{path}.{name}", depth + 1) for name, item in named}
        case None:
            raise InvalidRequest(FieldViolation(path, "has no value"))
        case _:
            plain: FieldValue = getattr(value, kind)
            return plain


def time_from_proto(value: Timestamp, path: str) -> datetime:
    """Return a time in UTC. Raises ``InvalidRequest`` for one that no calendar has."""
    try:
        return value.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest(FieldViolation(path, "is not a point in time")) from None
