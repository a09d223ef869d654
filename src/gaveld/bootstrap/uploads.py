"""Puts together signed uploads: who signs them, and the service that takes them."""

from functools import partial

from gavel.v1 import upload_service_pb2

from gaveld.application.ports import ApiKeyStore
from gaveld.application.signed_uploads import AuthenticateUpload, upload_secret
from gaveld.application.submit_content import SubmitContent
from gaveld.bootstrap.parts import Parts
from gaveld.transport.grpc.converters.uploads import UPLOAD_SCOPE
from gaveld.transport.grpc.services import Service
from gaveld.transport.grpc.upload_servicer import UploadServicer


def authenticate_upload(keys: ApiKeyStore | None, parts: Parts | None) -> AuthenticateUpload | None:
    """Return what tells whose signature it is; None where there are no keys or nothing is kept."""
    if keys is None or parts is None:
        return None
    return AuthenticateUpload(keys, partial(upload_secret, parts.secret_box))


def upload_service(submit: SubmitContent) -> Service:
    """Return the service that takes signed uploads."""
    descriptor = upload_service_pb2.DESCRIPTOR.services_by_name["UploadService"]
    return Service(descriptor, UploadServicer(submit), UPLOAD_SCOPE)
