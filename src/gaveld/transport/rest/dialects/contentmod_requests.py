"""ContentMod's request bodies, and what they come to where the content is decided on later."""

import json
import re
import uuid
from collections.abc import Sequence
from typing import Any, Final, Literal

from gavel.v1.content_pb2 import FieldValue
from gavel.v1.content_service_pb2 import SubmitContentRequest
from gavel.v1.review_queue_service_pb2 import CreateReviewItemRequest
from gavel.v1.rule_pb2 import CallbackFormat
from google.protobuf.struct_pb2 import Struct
from pydantic import ConfigDict, Field
from pydantic.alias_generators import to_camel

from gaveld.transport.rest.dialects.contentmod_content import IMAGE, META
from gaveld.transport.rest.dialects.media import media_of
from gaveld.transport.rest.dialects.shapes import Shape, misfit

MAX_META_BYTES: Final = 16_384

_ADDRESS: Final = re.compile(r"https?://\S+", re.IGNORECASE)


class Options(Shape):
    """What a call may ask for. Null counts as not given."""

    model_config = ConfigDict(alias_generator=to_camel)

    meta: Any = None
    metadata: Any = None
    callback_url: str | None = None
    defer: bool | None = None
    actor_id: str | None = None

    @property
    def echoed(self) -> Any:
        """What the answer's ``meta`` is: any JSON."""
        return self.metadata if self.meta is None else self.meta

    @property
    def is_deferred(self) -> bool:
        """Whether the answer is the id alone, and the result comes later."""
        return bool(self.defer or self.callback_url)

    def check(self) -> None:
        """Raise ``RpcFailure`` for more metadata than is echoed, and nowhere to call back."""
        for name, given in (("meta", self.meta), ("metadata", self.metadata)):
            check_meta(given, f"options.{name}")
        if self.callback_url and not _ADDRESS.fullmatch(self.callback_url):
            raise misfit("options.callbackUrl", "must be an http or https address")


class TextOptions(Options):
    """What a call about a text may ask for."""

    banned_words: Sequence[str] | None = None


class AskedText(Shape):
    """The body of ``POST /text``."""

    text: str
    options: TextOptions | None = None


class AskedImage(Shape):
    """The body of ``POST /image``."""

    image: str
    options: Options | None = None


class AskedItem(Shape):
    """The body of ``POST /queues/{queueId}``."""

    model_config = ConfigDict(alias_generator=to_camel)

    type: Literal["text", "image"]
    content: str
    meta: Any = None
    metadata: Any = None
    actor_id: str | None = Field(default=None)

    def request(self, parent: str) -> CreateReviewItemRequest:
        """Return what is put into the queue ``parent``. Raises ``RpcFailure``."""
        for name, given in (("meta", self.meta), ("metadata", self.metadata)):
            check_meta(given, name)
        return CreateReviewItemRequest(
            parent=parent,
            actor_id=self.actor_id or "",
            fields={self.type: value_of(self.type, self.content, "content")},
            metadata=meta_struct(self.metadata if self.meta is None else self.meta),
            callback_format=CallbackFormat.CALLBACK_FORMAT_CONTENTMOD,
        )


def deferred(field: str, value: FieldValue, options: Options) -> SubmitContentRequest:
    """Return what is submitted to be decided on later. Each is content of its own."""
    return SubmitContentRequest(
        content_id=str(uuid.uuid4()),
        actor_id=options.actor_id or "",
        fields={field: value},
        callback_url=options.callback_url or "",
        callback_format=CallbackFormat.CALLBACK_FORMAT_CONTENTMOD,
        blocked_terms=getattr(options, "banned_words", None),
        metadata=meta_struct(options.echoed),
    )


def value_of(kind: str, content: str, field: str) -> FieldValue:
    """Return a text, or a picture in any of its spellings; ``field`` is what failures name."""
    if kind == IMAGE:
        return FieldValue(image_value=media_of(content, field))
    if not content:
        raise misfit(field, "must not be empty")
    return FieldValue(string_value=content)


def meta_struct(meta: Any) -> Struct | None:
    """Return metadata that echoes any JSON to the letter, which a ``Struct`` itself can't."""
    if meta is None:
        return None
    struct = Struct()
    struct.update({META: compact_json(meta).decode()})
    return struct


def check_meta(meta: Any, field: str) -> None:
    """Raise ``RpcFailure`` for more metadata than is echoed."""
    if meta is not None and len(compact_json(meta)) > MAX_META_BYTES:
        raise misfit(field, f"has more than {MAX_META_BYTES} bytes of JSON")


def compact_json(value: Any) -> bytes:
    """Return a value as JSON; orjson would refuse whole numbers that callers may have in meta."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
