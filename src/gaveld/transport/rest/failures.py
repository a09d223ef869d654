"""What a caller over HTTP is told of a failed call: an HTTP status and a ``google.rpc.Status``.

A failure is the gRPC server's own word where it gave one; the gateway speaks for itself only of
what never reached a server. It never quotes a request, an address or a library's message.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

import grpc
import grpc.aio
import orjson
from google.protobuf import any_pb2, duration_pb2, json_format
from google.protobuf.message import DecodeError, Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from gaveld.transport.rest.answers import Answer

M = TypeVar("M", bound=Message)

DOMAIN: Final = "gavel"
DETAILS_HEADER: Final = "grpc-status-details-bin"

HTTP_STATUS: Final[Mapping[int, int]] = {
    code_pb2.OK: 200,
    code_pb2.CANCELLED: 499,
    code_pb2.UNKNOWN: 500,
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.DEADLINE_EXCEEDED: 504,
    code_pb2.NOT_FOUND: 404,
    code_pb2.ALREADY_EXISTS: 409,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.RESOURCE_EXHAUSTED: 429,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.ABORTED: 409,
    code_pb2.OUT_OF_RANGE: 400,
    code_pb2.UNIMPLEMENTED: 501,
    code_pb2.INTERNAL: 500,
    code_pb2.UNAVAILABLE: 503,
    code_pb2.DATA_LOSS: 500,
    code_pb2.UNAUTHENTICATED: 401,
}
"""The HTTP status of each code, as ``google/rpc/code.proto`` pairs them."""

_HTTP_STATUS_OF_REASON: Final = {
    "MESSAGE_TOO_LARGE": 413,
    "METHOD_NOT_ALLOWED": 405,
    "CONTENT_TYPE_UNSUPPORTED": 415,
    "UPGRADE_REQUIRED": 426,
}
"""Where HTTP has a status that says more than the code's: 429 would ask for a repeat in vain."""

_WITHOUT_DETAILS: Final = {
    grpc.StatusCode.UNAVAILABLE: (
        "TARGET_UNREACHABLE",
        "The server behind the gateway can't be reached now; try again.",
    ),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (
        "MESSAGE_TOO_LARGE",
        "The message is larger than the server reads.",
    ),
    grpc.StatusCode.DEADLINE_EXCEEDED: (
        "DEADLINE_EXCEEDED",
        "The call's time ran out; the work was stopped.",
    ),
    grpc.StatusCode.CANCELLED: ("CANCELLED", "The caller went away."),
    grpc.StatusCode.UNIMPLEMENTED: ("UNKNOWN_METHOD", "This server does not serve the method."),
}
"""What gRPC itself says when no server answered; its own texts name addresses and libraries."""

_OF_GRPC_ITSELF: Final = {grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL}


class RpcFailure(Exception):  # noqa: N818 - it is the outcome of a call, named after the call
    """A call that failed, or a request that never became one.

    ``status`` is the body; ``http_status`` the number before it; ``headers`` go with it.
    ``request_id`` is what the server named the call, empty if it never heard of it.
    """

    def __init__(
        self,
        status: status_pb2.Status,
        *,
        http_status: int | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        request_id: str = "",
    ) -> None:
        super().__init__(code_pb2.Code.Name(status.code))
        self.status = status
        self.headers = headers
        self.request_id = request_id
        self.http_status = http_status or _HTTP_STATUS_OF_REASON.get(
            self.reason, HTTP_STATUS.get(status.code, 500)
        )

    @property
    def reason(self) -> str:
        """The name in ``ErrorInfo``, such as ``RATE_LIMIT_EXCEEDED``; empty if there is none."""
        info = self.detail(error_details_pb2.ErrorInfo())
        return info.reason if info else ""

    @property
    def retry_after_seconds(self) -> float | None:
        """When to try again, in seconds from now; None if the server doesn't say."""
        retry = self.detail(error_details_pb2.RetryInfo())
        return None if retry is None else retry.retry_delay.ToMilliseconds() / 1000

    def detail(self, kind: M) -> M | None:
        """Return the first detail of a kind, unpacked into ``kind``; None if there is none."""
        return next((kind for entry in self.status.details if entry.Unpack(kind)), None)


def refusal(
    code: int,
    reason: str,
    message: str,
    *,
    field: str = "",
    metadata: Mapping[str, str] | None = None,
    retry_after_seconds: float | None = None,
    headers: tuple[tuple[str, str], ...] = (),
) -> RpcFailure:
    """Return a failure of the gateway's own.

    ``code`` is one of ``google.rpc.Code`` and ``reason`` one of the contract's ``ErrorReason``
    without its prefix. ``field`` names the field that is wrong, if one is.
    """
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata or {})
    ]
    if field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=message)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    if retry_after_seconds is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(round(retry_after_seconds * 1000))
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    status = status_pb2.Status(code=code, message=message, details=map(_packed, details))
    return RpcFailure(status, headers=headers)


def invalid(message: str, field: str = "") -> RpcFailure:
    """Return the failure of a request that breaks a rule; ``field`` names where, if known."""
    return refusal(code_pb2.INVALID_ARGUMENT, "INVALID_ARGUMENT", message, field=field)


def malformed(message: str) -> RpcFailure:
    """Return the failure of a body that can't be read."""
    return refusal(code_pb2.INVALID_ARGUMENT, "MALFORMED_MESSAGE", message)


def internal(request_id: str) -> RpcFailure:
    """Return the failure that hides a defect; the log has its cause."""
    return refusal(
        code_pb2.INTERNAL,
        "INTERNAL",
        f"The gateway failed; its log has the cause under request id {request_id}.",
        metadata={"request_id": request_id},
    )


def failure_of(error: grpc.aio.AioRpcError) -> RpcFailure:
    """Return what a failed RPC comes to: the server's own status, or ours for gRPC's failures."""
    trailers: dict[str, str | bytes] = dict(metadata_pairs(error.trailing_metadata()))
    request_id = str(trailers.get("x-request-id", ""))
    details = trailers.get(DETAILS_HEADER)
    if isinstance(details, bytes):
        try:
            status = status_pb2.Status.FromString(details)
        except DecodeError:
            status = status_pb2.Status()
        if status.code:
            return RpcFailure(status, request_id=request_id)
    code = error.code()
    if code not in _WITHOUT_DETAILS and code not in _OF_GRPC_ITSELF:
        bare = status_pb2.Status(code=code.value[0], message=error.details() or "")
        return RpcFailure(bare, request_id=request_id)
    reason, message = _WITHOUT_DETAILS.get(
        code, ("INTERNAL", "The server failed without saying why.")
    )
    retry_after_seconds = 1.0 if code is grpc.StatusCode.UNAVAILABLE else None
    failure = refusal(code.value[0], reason, message, retry_after_seconds=retry_after_seconds)
    failure.request_id = request_id
    return failure


def metadata_pairs(metadata: Any) -> Iterator[tuple[str, str | bytes]]:
    """Give the metadata of an RPC, which grpc types one way and gives another."""
    for name, value in metadata or ():
        yield str(name), value


def answer_of(failure: RpcFailure) -> Answer:
    """Return a failure in this API's own form: the proto3 JSON of its status."""
    headers = failure.headers
    seconds = failure.retry_after_seconds
    if seconds is not None:
        headers = (*headers, ("retry-after", str(max(1, -int(-seconds // 1)))))
    if failure.http_status == HTTP_STATUS[code_pb2.UNAUTHENTICATED]:
        headers = (*headers, ("www-authenticate", "Bearer"))
    return Answer(failure.http_status, orjson.dumps(status_json(failure.status)), headers=headers)


def status_json(status: status_pb2.Status) -> dict[str, object]:
    """Return the proto3 JSON of a status, without details of kinds that this build lacks."""
    try:
        return dict(json_format.MessageToDict(status))
    except (TypeError, json_format.Error):
        bare = status_pb2.Status(code=status.code, message=status.message)
        return dict(json_format.MessageToDict(bare))


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
