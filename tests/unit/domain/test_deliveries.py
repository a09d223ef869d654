"""When callbacks are sent again, and what stands for a receiver."""

from datetime import UTC, datetime, timedelta

import pytest

from gaveld.domain.deliveries import (
    MAX_ATTEMPTS,
    RETRY_DELAYS_SECONDS,
    Delivery,
    receiver_id,
    retry_at,
)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_the_schedule_is_ten_attempts_over_75_6_hours():
    """Law: the promise of ENGINEERING.md, to the attempt and the tenth of an hour."""
    at, attempts = NOON, 1
    while (again := retry_at(attempts, at)) is not None:
        at, attempts = again, attempts + 1
    assert attempts == MAX_ATTEMPTS == 10
    assert round((at - NOON) / timedelta(hours=1), 1) == 75.6


def test_attempts_grow_rarer():
    """Law: no wait is shorter than the one before."""
    assert list(RETRY_DELAYS_SECONDS) == sorted(RETRY_DELAYS_SECONDS)


@pytest.mark.parametrize(
    ("attempt_count", "asked", "seconds"),
    [
        (1, None, 5),
        (1, 0.0, 5),
        (1, 120.0, 120),
        (3, 120.0, 1800),
        (1, 10_000_000.0, 86_400),
        (9, 10_000_000.0, 86_400),
    ],
)
def test_who_asks_for_patience_gets_it_up_to_a_day(attempt_count: int, asked, seconds: int):
    """Law: Retry-After makes a wait longer, never shorter, and no longer than a day."""
    assert retry_at(attempt_count, NOON, asked) == NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize("attempt_count", [10, 11])
def test_patience_buys_no_attempt(attempt_count: int):
    """Law: after the tenth attempt there is none, whatever is asked."""
    assert retry_at(attempt_count, NOON, 60.0) is None


def test_a_receiver_is_one_address_of_one_project():
    """Law: the id tells projects and addresses apart, and holds neither."""
    url = "https://hook.example/?token=t0ken"
    ids = {receiver_id("shop", url), receiver_id("bank", url), receiver_id("shop", url + "1")}
    assert len(ids) == 3
    made = Delivery("msg_1", "shop", "content.decided", url, b"", "s", NOON)
    assert made.receiver_id == receiver_id("shop", url)
    assert "t0ken" not in repr(made)
