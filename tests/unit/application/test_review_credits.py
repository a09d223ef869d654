"""What reviews cost, and when that is given back."""

import asyncio
import logging

import pytest

from gaveld.application.panels import ReviewWishes
from gaveld.domain.errors import ErrorReason, ResourceExhausted, Unavailable
from tests.fakes.credits import FakeCredits
from tests.unit.application.review_house import House, three


async def test_a_call_costs_a_credit_for_each_reviewer_asked():
    """Law: the balance falls by the panel's size, also when it stopped early; others are free."""
    purse = FakeCredits(shop=10)
    house = House(*three(), purse=purse)
    await house.review(wishes=ReviewWishes())
    assert purse.balances == {"shop": 7}
    await house.review(wishes=ReviewWishes(amount=2))
    assert purse.balances == {"shop": 5}


async def test_a_call_that_the_balance_does_not_cover_asks_nobody():
    """Law: the refusal has balance and cost, takes nothing, and comes before any review."""
    purse = FakeCredits(shop=2)
    house = House(*three(), purse=purse)
    refusal = await house.refusal(ResourceExhausted)
    assert refusal.reason is ErrorReason.INSUFFICIENT_CREDITS
    assert refusal.metadata == {"balance": "2", "cost": "3"}
    assert refusal.retry_after_seconds is None
    assert purse.balances == {"shop": 2}
    assert all(not reviewer.tasks for reviewer in house.reviewers)


async def test_a_call_that_fails_is_refunded():
    """Law: a call that came to nothing, by failure or because its caller left, costs nothing."""
    purse = FakeCredits(shop=3)
    reviewers = three()
    for reviewer in reviewers:
        reviewer.failure = ValueError()
    await House(*reviewers, purse=purse).refusal(Unavailable)
    assert purse.balances == {"shop": 3}
    reviewers = three(gates=tuple(asyncio.Event() for _ in range(3)))
    asked = asyncio.create_task(House(*reviewers, purse=purse).review())
    await reviewers[2].until_asked()
    assert purse.balances == {"shop": 0}
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert purse.balances == {"shop": 3}


class SlowCredits(FakeCredits):
    """Credits whose spending ends when a test says so, and whose refunds may fail."""

    def __init__(self, **balances: int) -> None:
        super().__init__(**balances)
        self.begun, self.gate, self.failure = asyncio.Event(), asyncio.Event(), None
        self.refunded = asyncio.Event()

    async def spend(self, project: str, amount: int) -> int | None:
        self.begun.set()
        await self.gate.wait()
        return await super().spend(project, amount)

    async def refund(self, project: str, amount: int) -> None:
        if self.failure is not None:
            raise self.failure
        await super().refund(project, amount)
        self.refunded.set()


async def test_a_caller_that_leaves_while_paying_gets_it_back():
    """Law: credits that are taken after the caller left are given back."""
    purse = SlowCredits(shop=3)
    asked = asyncio.create_task(House(*three(), purse=purse).review())
    await purse.begun.wait()
    asked.cancel()
    purse.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await purse.refunded.wait()
    assert purse.balances == {"shop": 3}


async def test_a_refund_that_fails_does_not_hide_why(caplog: pytest.LogCaptureFixture):
    """Law: the caller hears of the review's failure; the log says what was not given back."""
    caplog.set_level(logging.ERROR)
    purse = SlowCredits(shop=3)
    purse.gate.set()
    purse.failure = RuntimeError("gone")
    reviewers = three()
    for reviewer in reviewers:
        reviewer.failure = ValueError()
    await House(*reviewers, purse=purse).refusal(Unavailable)
    (record,) = [entry for entry in caplog.records if entry.message == "credits not refunded"]
    assert (record.project, record.cost) == ("shop", 3)
