"""One suite for every ``CallbackSender``; what the one over HTTP does besides has its own tests."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from gaveld.adapters.web.callbacks import HttpCallbackSender
from gaveld.adapters.web.guard import GuardedTransport, SystemResolver
from gaveld.application.ports import Attempt, CallbackSender
from gaveld.domain.deliveries import AttemptOutcome, Delivery
from tests.callback_receiver import receiving, says
from tests.fakes.deliveries import FakeCallbackSender

GONE = 410


@dataclass(frozen=True)
class Sending:
    """A sender, the address of a receiver that is gone, and the ids that arrived there."""

    sender: CallbackSender
    url: str
    arrived: Callable[[], Sequence[str]]


@pytest.fixture(params=["fake", "http"])
async def sending(request) -> AsyncIterator[Sending]:
    if request.param == "fake":
        fake = FakeCallbackSender([Attempt(AttemptOutcome.GONE, GONE)] * 2)
        yield Sending(fake, "https://hook.example/", lambda: [sent.id for sent in fake.sent])
        return
    async with receiving(says(GONE)) as receiver:
        resolver = SystemResolver()
        transport = GuardedTransport(resolver)
        yield Sending(
            HttpCallbackSender(transport, internal_hosts=frozenset({"127.0.0.1"})),
            f"http://127.0.0.1:{receiver.port}/",
            lambda: [arrival.headers["webhook-id"] for arrival in receiver.arrivals],
        )
        await transport.aclose()
        resolver.close()


async def test_a_call_sends_once_and_says_what_came_of_it(sending: Sending):
    """Law: a call is one attempt under the callback's id; a refusal is an answer, no error."""
    made = Delivery(
        id="msg_1",
        project="shop",
        event="content.decided",
        url=sending.url,
        body=b"{}",
        secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        created_at=datetime(2026, 11, 20, tzinfo=UTC),
    )
    for count in (1, 2):
        attempt = await sending.sender.send(made)
        assert (attempt.outcome, attempt.status) == (AttemptOutcome.GONE, GONE)
        assert sending.arrived() == ["msg_1"] * count
