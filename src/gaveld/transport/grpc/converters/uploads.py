"""From the wire's signed upload to its signature, and to what is submitted by virtue of it."""

from typing import Final

from gavel.v1.content_pb2 import FieldValue
from gavel.v1.content_service_pb2 import SubmitContentRequest
from gavel.v1.upload_service_pb2 import SubmitUploadRequest, UploadKind

from gaveld.domain import signed_uploads
from gaveld.domain.errors import FieldViolation, InvalidRequest

UPLOAD_SCOPE: Final = "upload"
"""The scope of methods that a signature opens, in place of an API key."""

_KINDS: Final = {
    UploadKind.UPLOAD_KIND_TEXT: signed_uploads.UploadKind.TEXT,
    UploadKind.UPLOAD_KIND_IMAGE: signed_uploads.UploadKind.IMAGE,
}


def upload_signature_from_proto(request: SubmitUploadRequest) -> signed_uploads.UploadSignature:
    """Return what is to prove that the upload is allowed. What is missing proves nothing."""
    signature = request.signature
    return signed_uploads.UploadSignature(
        upload_id=request.upload_id,
        public_key=signature.public_key,
        signature=signature.signature,
        signed_time=signature.signed_time,
        expires=signature.expires,
        kind=_KINDS.get(signature.kind, signed_uploads.UploadKind.TEXT),
        hosts=tuple(signature.hosts),
    )


def submission_from_upload(request: SubmitUploadRequest) -> SubmitContentRequest:
    """Return what is submitted: the one field that the signature allows, under the upload's id.

    Raises ``InvalidRequest`` where the content is of another kind than was signed, and for the
    address of a picture: who uploads is nobody whom we fetch for, least of all from inside.
    """
    signature = upload_signature_from_proto(request)
    if request.WhichOneof("content") != signature.kind:
        raise InvalidRequest(
            FieldViolation(signature.kind, "is what the signature allows, and nothing else")
        )
    if request.image.uri:
        raise InvalidRequest(FieldViolation("image.uri", "is no upload; send the picture itself"))
    value = (
        FieldValue(string_value=request.text)
        if signature.kind is signed_uploads.UploadKind.TEXT
        else FieldValue(image_value=request.image)
    )
    return SubmitContentRequest(
        content_id=request.upload_id,
        fields={signature.kind.value: value},
        metadata=request.metadata if request.HasField("metadata") else None,
        sync=True,
        # One signature is good for one upload: under this name nothing else is taken.
        request_id=f"upload:{signature.public_key}:{request.upload_id}",
    )
