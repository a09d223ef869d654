"""When an endpoint is left alone, and when it is tried again."""

import asyncio
import contextlib

import pytest

from gaveld.adapters.reviewers.chat_model.breaker import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    MOST_FAILURES,
    CircuitBreaker,
)
from gaveld.adapters.reviewers.chat_model.errors import CircuitOpenError, EndpointError

OUTAGE = EndpointError("down", is_outage=True)


class Stand:
    """A breaker with a clock of its own, and what it told."""

    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[bool] = []
        self.breaker = CircuitBreaker(self.told.append, lambda: self.now)

    def call(self, failure: BaseException | None = None) -> None:
        """Make one call that ends so."""
        with contextlib.suppress(*([type(failure)] if failure else [])), self.breaker.attempt():
            if failure is not None:
                raise failure

    def is_let_through(self) -> bool:
        try:
            self.call()
        except CircuitOpenError:
            return False
        return True


@pytest.fixture
def stand() -> Stand:
    return Stand()


@pytest.fixture
def opened(stand: Stand) -> Stand:
    for _ in range(MOST_FAILURES):
        stand.call(OUTAGE)
    return stand


def test_so_many_outages_in_a_row_open_it(stand: Stand):
    """Law: one outage fewer does not, and an answer in between starts the count anew."""
    for _ in range(MOST_FAILURES - 1):
        stand.call(OUTAGE)
    stand.call()
    for _ in range(MOST_FAILURES - 1):
        stand.call(OUTAGE)
    assert not stand.breaker.is_open
    stand.call(OUTAGE)
    assert stand.breaker.is_open
    assert stand.told == [True]


@pytest.mark.parametrize("end", [EndpointError("busy"), asyncio.CancelledError(), ValueError()])
def test_only_outages_count(stand: Stand, end: BaseException):
    """Law: a refusal, a cancelled call or a fault of ours opens nothing."""
    for _ in range(MOST_FAILURES + 1):
        stand.call(end)
    assert not stand.breaker.is_open


def test_nothing_passes_until_the_pause_is_over(opened: Stand):
    """Law: open means no call at all, then one that tries, and its answer closes it."""
    opened.now += FIRST_PAUSE_SECONDS - 0.1
    assert not opened.is_let_through()
    opened.now += 0.2
    assert opened.is_let_through()
    assert not opened.breaker.is_open
    assert opened.told == [True, False]


def test_one_call_tries_at_a_time(opened: Stand):
    """Law: while one tries, the others are turned away."""
    opened.now += FIRST_PAUSE_SECONDS
    with opened.breaker.attempt():
        assert not opened.is_let_through()
    assert opened.is_let_through()


def test_each_try_that_fails_doubles_the_pause(opened: Stand):
    """Law: up to the longest; the operator is told once."""
    pause = FIRST_PAUSE_SECONDS
    for _ in range(8):
        opened.now += pause
        opened.call(OUTAGE)
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        opened.now += pause - 0.1
        assert not opened.is_let_through()
        opened.now += 0.1 - pause
    assert pause == LONGEST_PAUSE_SECONDS
    assert opened.told == [True]


def test_a_cancelled_try_leaves_the_next_its_turn(opened: Stand):
    """Law: a try that says nothing is no try."""
    opened.now += FIRST_PAUSE_SECONDS
    opened.call(asyncio.CancelledError())
    assert opened.breaker.is_open
    assert opened.is_let_through()
