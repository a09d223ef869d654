"""Signed uploads over gRPC: let in by their signature alone, and to one thing alone."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from gavel.v1 import content_pb2, upload_service_pb2
from gavel.v1.upload_service_pb2_grpc import UploadServiceStub
from structlog.testing import LogCapture

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.ports import RateLimit
from gaveld.application.signed_uploads import AuthenticateUpload, upload_secret
from gaveld.bootstrap.uploads import upload_service
from gaveld.domain.signed_uploads import UploadKind, UploadSignature
from tests.content_house import ContentHouse
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.rate_limiter import FakeRateLimiter
from tests.fakes.secret_box import FakeSecretBox
from tests.integration.dialects.apollo_stand import Desk
from tests.integration.grpc_stand import Serve, failure_of
from tests.unit.domain.test_signed_uploads import digest

HOST = "https://gavel.example"
Message = upload_service_pb2.SubmitUploadRequest
NUMBERS = {
    UploadKind.TEXT: upload_service_pb2.UPLOAD_KIND_TEXT,
    UploadKind.IMAGE: upload_service_pb2.UPLOAD_KIND_IMAGE,
}


@dataclass
class Door:
    """A server that takes uploads, and the key whose owner signs them."""

    desk: Desk
    stub: UploadServiceStub
    key: str
    key_id: str

    async def send(self, request: Message, **call: Any) -> upload_service_pb2.SubmitUploadResponse:
        return await self.stub.SubmitUpload(request, **call)

    def signed(self, *, kind: UploadKind = UploadKind.TEXT, **wishes: Any) -> Message:
        """An upload of a text, signed as its signer would."""
        upload_id = wishes.pop("upload_id", str(uuid.uuid4()))
        time = datetime.now(UTC).isoformat()
        unsigned = UploadSignature(upload_id, self.key_id, "", time, "60", kind, (HOST,))
        secret = upload_secret(FakeSecretBox(), self.key_id)
        signature = upload_service_pb2.UploadSignature(
            public_key=self.key_id,
            signature=digest(unsigned, secret).hex(),
            signed_time=time,
            expires="60",
            kind=NUMBERS[kind],
            hosts=[HOST],
        )
        usual = {} if "image" in wishes else {"text": "you fool"}
        return Message(**{"upload_id": upload_id, "signature": signature, **usual, **wishes})


@pytest.fixture
def open_door(serve: Serve) -> Callable:
    async def open_with(*, has_keys: bool = True, rate_limit: RateLimit | None = None) -> Door:
        desk, store, box = Desk(ContentHouse()), FakeApiKeyStore(), FakeSecretBox()
        key, secret = new_api_key(project="shop", rate_limit=rate_limit)
        await store.add(key)
        uploads = AuthenticateUpload(store, lambda key_id: upload_secret(box, key_id))
        running = await serve(
            services=(*desk.services, upload_service(desk.submit)),
            authenticate=Authenticate(store) if has_keys else None,
            authenticate_upload=uploads if has_keys else None,
            rate_limiter=FakeRateLimiter(),
        )
        return Door(desk, UploadServiceStub(running.channel), secret, key.id)

    return open_with


async def test_a_signature_lets_one_upload_in(open_door, logs: LogCapture):
    """Law: it is judged for the signer's project, under its id, once; nothing secret is logged."""
    door = await open_door()
    upload = door.signed()
    answer = await door.send(upload)
    assert answer.content.content_id == upload.upload_id
    assert [finding.category_id for finding in answer.content.findings] == ["H2"]
    again = await door.send(upload)
    assert again.name == answer.name
    (job,) = door.desk.house.jobs.jobs.values()
    assert (job.project, f"operations/{job.id}") == ("shop", answer.name)
    other = Message.FromString(upload.SerializeToString())
    other.text = "something else"
    refused = await failure_of(door.send(other))
    assert (refused.code, refused.info.reason) == (
        grpc.StatusCode.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
    )
    assert upload.signature.signature not in str(logs.entries)
    assert {entry.get("key_id") for entry in logs.entries if entry["event"] == "call"} == {
        door.key_id
    }


async def test_a_key_does_not_open_this_door(open_door):
    """Law: an upload comes by its signature or not at all, whatever key is shown beside it."""
    door = await open_door()
    upload = door.signed()
    upload.signature.signature = "00" * 32
    for metadata in ((), (("authorization", f"Bearer {door.key}"),)):
        failure = await failure_of(door.send(upload, metadata=metadata))
        assert (failure.code, failure.info.reason) == (
            grpc.StatusCode.UNAUTHENTICATED,
            "UPLOAD_SIGNATURE_INVALID",
        )
    assert door.desk.house.jobs.jobs == {}


async def test_only_what_was_signed_for_is_taken(open_door):
    """Law: a signature for a text takes no picture, nor one for a picture a text or an address."""
    door = await open_door()
    picture, address = content_pb2.Media(data=b"grey"), content_pb2.Media(uri="http://inside/a")
    for upload in (
        door.signed(image=picture),
        door.signed(kind=UploadKind.IMAGE),
        door.signed(kind=UploadKind.IMAGE, image=address),
    ):
        failure = await failure_of(door.send(upload))
        assert (failure.code, failure.info.reason) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_ARGUMENT",
        )
    assert door.desk.house.jobs.jobs == {}


@pytest.mark.parametrize(
    "change",
    [
        {"hosts": ["a"] * 9},
        {"expires": "9" * 7},
        {"signature": "xyz"},
        {"public_key": "k" * 129},
        {"kind": upload_service_pb2.UPLOAD_KIND_UNSPECIFIED},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_bounds_hold_before_anything_is_hashed(open_door, change: dict):
    """Law: what a stranger sends is held to the contract before work is done on it."""
    door = await open_door()
    upload = door.signed()
    for name, value in change.items():
        upload.signature.ClearField(name)
        if name == "hosts":
            upload.signature.hosts.extend(value)
        else:
            setattr(upload.signature, name, value)
    failure = await failure_of(door.send(upload))
    assert failure.code is grpc.StatusCode.INVALID_ARGUMENT
    assert door.desk.house.jobs.jobs == {}


async def test_uploads_count_in_their_signers_rate(open_door):
    """Law: who signs pays: the key's own limit holds for its uploads."""
    door = await open_door(rate_limit=RateLimit(1, 60))
    await door.send(door.signed())
    failure = await failure_of(door.send(door.signed()))
    assert failure.info.reason == "RATE_LIMIT_EXCEEDED"


async def test_without_keys_there_are_no_signatures(open_door):
    """Law: a server that asks nobody for a key says what to set, and judges nothing."""
    door = await open_door(has_keys=False)
    failure = await failure_of(door.send(door.signed()))
    assert (failure.info.reason, failure.info.metadata["setting"]) == (
        "FEATURE_DISABLED",
        "auth.enabled",
    )
    assert door.desk.house.jobs.jobs == {}
