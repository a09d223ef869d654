"""Erasing what is over, store by store."""

from datetime import UTC, datetime

import pytest

from gaveld.application.retention import EraseOverdue
from tests.fakes.telemetry import FakeTelemetry

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def test_every_store_erases_as_of_now_and_is_counted():
    """Law: what went is counted by store, also nothing."""
    asked, telemetry = [], FakeTelemetry()

    async def some(now: datetime) -> int:
        asked.append(now)
        return 3

    async def none(now: datetime) -> int:
        return 0

    assert await EraseOverdue({"decisions": some, "users": none}, telemetry)(NOW) == 3
    assert asked == [NOW]
    assert telemetry.erased == [("decisions", 3), ("users", 0)]


async def test_one_stores_fault_keeps_no_other_from_erasing():
    """Law: a store that fails is told of after all the others had their turn."""
    telemetry = FakeTelemetry()

    async def broken(now: datetime) -> int:
        raise RuntimeError("gone")

    async def some(now: datetime) -> int:
        return 1

    with pytest.raises(ExceptionGroup) as caught:
        await EraseOverdue({"decisions": broken, "users": some}, telemetry)(NOW)
    assert [str(failure) for failure in caught.value.exceptions] == ["gone"]
    assert telemetry.erased == [("users", 1)]
