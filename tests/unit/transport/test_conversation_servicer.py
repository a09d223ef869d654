"""Backpressure: nothing is judged for a caller who does not read, and little waits for one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from gavel.v1 import compliance_stream_pb2 as api
from gavel.v1.content_pb2 import Turn
from prometheus_client import CollectorRegistry

from gaveld.application.moderate_conversation import ModerateConversation
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.domain.policies import Policy
from gaveld.transport.grpc import open_stream
from gaveld.transport.grpc.call import Call, Method, enter_call
from gaveld.transport.grpc.conversation_inbox import MAX_ITEMS
from gaveld.transport.grpc.conversation_servicer import ConversationServicer
from gaveld.transport.grpc.errors import RefusedError
from gaveld.transport.grpc.interceptors.admission import Admission
from gaveld.transport.grpc.interceptors.rate_limit import RateLimits
from gaveld.transport.grpc.long_texts import LongTexts
from gaveld.transport.grpc.open_conversations import OpenConversations
from gaveld.transport.grpc.stream_metrics import StreamMetrics
from tests.fakes.policies import FakePolicyStore
from tests.fakes.reviewer import FakeReviewer
from tests.fakes.telemetry import FakeTelemetry

METHOD = Method("/s/S", "s", "S", "bidi_stream", "moderate")
SENTENCE = "The river runs past the mill. "


class Caller:
    """A caller who writes without end and reads when the test says so."""

    def __init__(self, messages: list[api.StreamConversationRequest]) -> None:
        self.written = 0
        self.read: list[api.StreamConversationResponse] = []
        self.may_read = asyncio.Event()
        self._messages = messages

    async def requests(self) -> AsyncIterator[api.StreamConversationRequest]:
        yield api.StreamConversationRequest(options=api.StreamConversationOptions())
        for message in self._messages:
            self.written += 1
            yield message

    async def write(self, response: api.StreamConversationResponse) -> None:
        """What the servicer calls to write; returns once the caller has read."""
        await self.may_read.wait()
        self.read.append(response)


class Stand:
    """The servicer with its parts within reach."""

    def __init__(self, reviewer: FakeReviewer) -> None:
        self.admission = Admission(
            max_concurrent_calls=1, max_waiting_calls=0, max_wait_seconds=1, max_bytes_in_flight=1
        )
        self.open_conversations = OpenConversations(
            max_open=9, max_open_per_project=9, max_age_seconds=3_600
        )
        review_compliance = ReviewCompliance(
            reviewers=[reviewer],
            policies=FakePolicyStore(Policy("p", {})),
            telemetry=FakeTelemetry(),
            reviewer_timeout_seconds=30,
            max_text_bytes=1 << 20,
        )
        self.servicer = ConversationServicer(
            ModerateConversation(review_compliance, max_turn_seconds=30),
            admission=self.admission,
            rate_limits=RateLimits(None),
            long_texts=LongTexts(),
            open_conversations=self.open_conversations,
            metrics=StreamMetrics(CollectorRegistry()),
            max_turn_seconds=30,
        )

    async def serve(self, caller: Caller) -> None:
        """Serve one stream, as the chain does."""
        context = cast("Any", caller)
        call = Call(METHOD, context, {}, None, asyncio.timeout(None), request_id="r")
        enter_call(call)
        self.admission.open()
        await self.admission.before(call)
        try:
            await self.servicer.StreamConversation(caller.requests(), context)
        finally:
            self.admission.after(call)
            self.admission.close()


async def settled(
    serving: asyncio.Task[None], caller: Caller, reviewer: FakeReviewer
) -> tuple[int, int]:
    """Return how much was read and asked once neither moves any more."""
    seen = (-1, -1)
    while seen != (caller.written, len(reviewer.tasks)):
        seen = (caller.written, len(reviewer.tasks))
        await asyncio.wait([serving], timeout=0.01)
    return seen


async def test_a_caller_who_does_not_read_is_not_read_either():
    """Law: with answers unread one turn is judged, a few wait, and the caller's writes stop."""
    turns = [api.StreamConversationRequest(turn=Turn(text="hello")) for _ in range(500)]
    caller, reviewer = Caller(turns), FakeReviewer()
    serving = asyncio.create_task(Stand(reviewer).serve(caller))
    written, asked = await settled(serving, caller, reviewer)
    assert asked == 1
    assert written <= MAX_ITEMS + 3
    caller.may_read.set()
    await serving
    assert len(caller.read) == 501
    assert caller.read[-1].final.turn_count == 500


async def test_parts_that_come_while_one_is_judged_are_judged_together():
    """Law: a caller who writes faster than is judged costs a look at the sentences, no more."""
    parts = [
        api.StreamConversationRequest(partial_turn=api.PartialTurn(turn_id="m", text=letter))
        for letter in SENTENCE * 20
    ]
    reviewer = FakeReviewer(gate=asyncio.Event())
    caller = Caller(parts)
    caller.may_read.set()
    serving = asyncio.create_task(Stand(reviewer).serve(caller))
    await settled(serving, caller, reviewer)
    assert caller.written == len(parts), "all of them wait as one"
    reviewer.gate.set()
    await serving
    assert len(reviewer.tasks) == 20
    cleared = [event.clearance for event in caller.read if event.HasField("clearance")]
    assert len(cleared) <= 41
    assert cleared[-1].cleared_utf16_offset == len(SENTENCE) * 20


async def test_a_caller_who_never_reads_is_shown_out(monkeypatch: pytest.MonkeyPatch):
    """Law: the end of a stream does not wait for ever for its last message to be read."""
    monkeypatch.setattr(open_stream, "PATIENCE_SECONDS", 0.01)
    caller, reviewer = Caller([]), FakeReviewer()
    stand = Stand(reviewer)
    stand.open_conversations.end(grace_seconds=0)
    with pytest.raises(RefusedError) as caught:
        await stand.serve(caller)
    assert caught.value.refusal.reason == "DEADLINE_EXCEEDED"
