"""Asks a panel's reviewers at once, each under its timeout, until all is said or decided.

It counts nothing: what the ballots come to is the domain's to say.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gaveld.application.ports import Reviewer
from gaveld.domain.decisions import Counting, is_settled
from gaveld.domain.reviews import Ballot, Decision, ReviewerCard, ReviewTask

OnFailure = Callable[[ReviewerCard, Exception], None]


@dataclass(frozen=True, slots=True)
class Seat:
    """One place on a panel. ``reviewer`` is None for one that this server does not have."""

    card: ReviewerCard
    weight: float
    reviewer: Reviewer | None


@dataclass(frozen=True, slots=True)
class Poll:
    """The ballots in the panel's order, failed ones too, and how many were not waited for."""

    ballots: tuple[Ballot, ...]
    outstanding: int = 0


async def poll(
    seats: Sequence[Seat],
    task: ReviewTask,
    counting: Counting,
    timeout_seconds: float,
    *,
    until_settled: bool,
    on_failure: OnFailure,
) -> Poll:
    """Return the ballots that the reviewers cast within ``timeout_seconds`` from now.

    One that is late is cancelled, and one that raises or flags a rule that is not in force has
    failed: each becomes a failed ballot. With ``until_settled``, those that can no longer change
    the decision are cancelled too. If the caller is cancelled, so are they all.
    """
    tasks = {
        asyncio.create_task(_cast(seat, task, timeout_seconds, on_failure)): seat for seat in seats
    }
    pending = set(tasks)
    when = asyncio.FIRST_COMPLETED if until_settled else asyncio.ALL_COMPLETED
    try:
        while pending:
            _, pending = await asyncio.wait(pending, return_when=when)
            cast = tuple(entry.result() for entry in tasks if entry not in pending)
            if is_settled(cast, [tasks[entry].weight for entry in pending], counting):
                break
    finally:
        for entry in pending:
            entry.cancel()
        if pending:
            await asyncio.wait(pending)
    return Poll(cast, len(pending))


async def _cast(
    seat: Seat, task: ReviewTask, timeout_seconds: float, on_failure: OnFailure
) -> Ballot:
    started = time.monotonic()
    timer = asyncio.timeout(timeout_seconds)
    if seat.reviewer is None:
        return _failed(seat, "This server has no reviewer of this name.")
    try:
        async with timer:
            ballot = await seat.reviewer.review(task)
        _check(ballot, task)
    except Exception as failure:  # noqa: BLE001 - one reviewer's failure is never the call's
        if isinstance(failure, TimeoutError) and timer.expired():
            ballot = _failed(seat, f"It had not answered after {timeout_seconds:.3g} s.")
        else:
            on_failure(seat.card, failure)
            ballot = _failed(seat, "It failed; the server's log has the cause.")
    return replace(
        ballot,
        reviewer=seat.card.name,
        weight=seat.weight,
        seconds=time.monotonic() - started,
    )


def _check(ballot: Ballot, task: ReviewTask) -> None:
    in_force = {rule.id for rule in task.rules}
    if any(entry.rule_id not in in_force for entry in ballot.flagged):
        raise ValueError("the reviewer flagged a rule that is not in force")


def _failed(seat: Seat, reason: str) -> Ballot:
    card = seat.card
    return Ballot(
        card.name, Decision.FAILED, reason, card.model, card.model_version, weight=seat.weight
    )
