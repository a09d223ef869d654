"""Has a review done once, however often it is asked for under one request id."""

import hashlib
from collections.abc import Awaitable, Callable

from gavel.v1.review_pb2 import Review

from gaveld.application.repeats import Asked, Repeats
from gaveld.transport.grpc.call import current_call
from gaveld.transport.grpc.converters.reviews import ReviewRequest


async def reviewed_once(
    repeats: Repeats, request: ReviewRequest, work: Callable[[], Awaitable[Review]]
) -> Review:
    """Return what ``work`` returns, or returned to the same request before."""
    if not request.request_id:  # only a name that the caller chose says that it is a repeat
        return await work()

    async def serialised() -> bytes:
        review = await work()
        return review.SerializeToString()

    body = await repeats.answer(_asked(request), serialised)
    return Review.FromString(body)


def _asked(request: ReviewRequest) -> Asked:
    everything = hashlib.sha256(request.DESCRIPTOR.full_name.encode())
    everything.update(request.SerializeToString(deterministic=True))
    return Asked(current_call().project, request.request_id, everything.digest())
