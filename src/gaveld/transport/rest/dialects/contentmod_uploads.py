"""ContentMod's signed upload: the address that somebody signed, and what a browser sent to it."""

from typing import Any, Final

from gavel.v1.content_pb2 import Media
from gavel.v1.upload_service_pb2 import SubmitUploadRequest, UploadKind, UploadSignature
from google.rpc import code_pb2

from gaveld.transport.rest.dialects.contentmod_content import IMAGE, TEXT
from gaveld.transport.rest.dialects.contentmod_requests import (
    check_meta,
    meta_struct,
    value_of,
)
from gaveld.transport.rest.dialects.media import MAX_INLINE_BYTES, too_large
from gaveld.transport.rest.dialects.shapes import Shape, misfit, shaped
from gaveld.transport.rest.failures import refusal
from gaveld.transport.rest.headers import media_type
from gaveld.transport.rest.strict_json import MalformedJsonError, read_json
from gaveld.transport.rest.surfaces import Request

DEFAULT_EXPIRES: Final = "3600"

_KINDS: Final = {TEXT: UploadKind.UPLOAD_KIND_TEXT, IMAGE: UploadKind.UPLOAD_KIND_IMAGE}
_FORMS: Final = ("multipart/form-data", "application/x-www-form-urlencoded")
_SIGNED: Final = ("signature", "publicKey", "datetime", "type")


class _Uploaded(Shape):
    """The JSON that a page may send: under ``content``, or by its kind."""

    content: str | None = None
    text: str | None = None
    image: str | None = None


def upload_of(request: Request) -> SubmitUploadRequest:
    """Return the upload that a request is. Raises ``RpcFailure`` for what can't be one."""
    query = request.parameters
    for name in _SIGNED:
        if not query.get(name):
            raise misfit(name, "is required in the query")
    kind = query["type"]
    if kind not in _KINDS:
        raise misfit("type", "must be text or image")
    meta = _meta(query.get("metadata", ""))
    check_meta(meta, "metadata")
    value = _content(request, kind)
    return SubmitUploadRequest(
        upload_id=request.variables["uuid"],
        signature=UploadSignature(
            public_key=query["publicKey"],
            signature=query["signature"].lower(),
            signed_time=query["datetime"],
            expires=query.get("expires") or DEFAULT_EXPIRES,
            kind=_KINDS[kind],
            hosts=_hosts(request),
        ),
        metadata=meta_struct(meta),
        **value,
    )


def upload_meta(request: Request) -> Any:
    """Return the upload's metadata as it is echoed."""
    return _meta(request.parameter("metadata"))


def _hosts(request: Request) -> list[str]:
    """Return what may have been signed as the host: behind a proxy nobody here knows the scheme.

    Whoever uploads may name any, as only the one that was signed fits.
    """
    named = dict.fromkeys((request.headers["x-forwarded-host"], request.headers["host"]))
    return [f"{scheme}{host}" for host in named if host for scheme in ("https://", "http://", "")]


def _content(request: Request, kind: str) -> dict[str, Any]:
    sent, _ = media_type(request.headers["content-type"])
    if sent == "application/json":
        uploaded = shaped(_Uploaded, request.json())
        given = uploaded.content or getattr(uploaded, kind)
        if given is None:
            raise misfit("content", "is required")
        value = value_of(kind, given, "content")
        return {"image": value.image_value} if kind == IMAGE else {"text": given}
    if sent in _FORMS:  # judged as it comes, the form's own words would hide what it holds
        said = "An upload is the text or the picture itself, or JSON, and no form."
        raise refusal(code_pb2.INVALID_ARGUMENT, "CONTENT_TYPE_UNSUPPORTED", said)
    if kind == IMAGE:
        if len(request.body) > MAX_INLINE_BYTES:
            raise too_large("image")
        return {"image": Media(data=request.body)}
    try:
        return {"text": request.body.decode()}
    except UnicodeDecodeError:
        raise refusal(
            code_pb2.INVALID_ARGUMENT, "MALFORMED_MESSAGE", "The text is not UTF-8."
        ) from None


def _meta(sent: str) -> Any:
    """Return the metadata, which may be JSON or any words; None for none."""
    try:
        return read_json(sent.encode()) if sent else None
    except MalformedJsonError:
        return sent
