"""When calls stand aside for those that gRPC holds back, and how they are let in again."""

import asyncio

import pytest

from gaveld.transport.grpc.interceptors.backlog import CALM_BEATS, PULSE_SECONDS, Backlog


def beat(backlog: Backlog, *, computing: float, late: float = 0.0) -> None:
    """Weigh a pulse of which this share was spent computing."""
    wall, computed = backlog._since
    elapsed = PULSE_SECONDS + late
    backlog._weigh(wall + elapsed, computed + elapsed * computing)


async def asked(backlog: Backlog) -> asyncio.Task[None]:
    """Ask to pass, as far as that goes without waiting."""
    task = asyncio.create_task(backlog.drained())
    await asyncio.wait([task], timeout=0)
    return task


@pytest.mark.parametrize(
    ("computing", "late", "stands_aside"),
    [(0.1, 0.0, False), (1.0, 0.0, True), (0.1, 0.05, True)],
)
async def test_calls_stand_aside_only_on_a_loop_without_time_to_spare(
    computing: float, late: float, stands_aside: bool
):
    """Law: a loop that is at leisure costs a call no turn; one that computes or is late does."""
    backlog = Backlog()
    beat(backlog, computing=computing, late=late)
    task = await asked(backlog)
    assert task.done() is not stands_aside
    await task


async def test_a_loop_is_calm_only_after_a_while():
    """Law: one idle pulse amid many busy ones does not open the door."""
    backlog = Backlog()
    beat(backlog, computing=1.0)
    for calm_beats in range(1, CALM_BEATS + 1):
        beat(backlog, computing=0.0)
        assert backlog._is_saturated == (calm_beats < CALM_BEATS)


async def test_calls_are_let_in_in_the_order_of_their_coming():
    """Law: first come, first served, and every one gets its turn."""
    backlog = Backlog()
    beat(backlog, computing=1.0)
    passed: list[int] = []

    async def call(number: int) -> None:
        backlog.arrived()
        await backlog.drained()
        passed.append(number)

    await asyncio.gather(*(call(number) for number in range(50)))
    assert passed == list(range(50))


async def test_a_caller_who_goes_away_while_aside_holds_nobody_up():
    """Law: a cancelled call is passed over."""
    backlog = Backlog()
    beat(backlog, computing=1.0)
    leaver, stayer = await asked(backlog), await asked(backlog)
    leaver.cancel()
    await stayer
    assert leaver.cancelled()


async def test_nobody_overtakes_calls_that_stand_aside():
    """Law: once the loop is calm again, those who wait still go first."""
    backlog = Backlog()
    beat(backlog, computing=1.0)
    first = await asked(backlog)
    for _ in range(CALM_BEATS):
        beat(backlog, computing=0.0)
    second = await asked(backlog)
    assert not second.done()
    await second
    assert first.done()


async def test_watching_ends():
    """Law: a stopped backlog leaves no timer behind, however often it is told."""
    backlog = Backlog()
    backlog.watch()
    backlog.watch()
    backlog.stop()
    backlog.stop()
    assert backlog._pulse is None
