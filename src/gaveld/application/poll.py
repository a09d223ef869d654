"""Asks a panel's reviewers at once, all under one timeout, until all is said or decided.

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
    started = time.monotonic()
    tasks = {asyncio.create_task(_cast(seat, task, on_failure)): seat for seat in seats}
    pending = set(tasks)
    when = asyncio.FIRST_COMPLETED if until_settled else asyncio.ALL_COMPLETED
    outstanding = 0
    try:
        while pending:
            left = started + timeout_seconds - time.monotonic()
            done, pending = await asyncio.wait(pending, timeout=max(0.0, left), return_when=when)
            if not done or not until_settled:
                break
            cast = [entry.result() for entry in tasks if entry not in pending]
            if is_settled(cast, [tasks[entry].weight for entry in pending], counting):
                outstanding = len(pending)
                break
    finally:
        for entry in pending:
            entry.cancel()
        if pending:
            await asyncio.wait(pending)
    seconds = time.monotonic() - started
    late = f"It had not answered after {timeout_seconds:.3g} s."
    ballots = (
        _failed(seat, late, seconds) if entry in pending else entry.result()
        for entry, seat in tasks.items()
        if entry not in pending or not outstanding
    )
    return Poll(tuple(ballots), outstanding)


async def _cast(seat: Seat, task: ReviewTask, on_failure: OnFailure) -> Ballot:
    if seat.reviewer is None:
        return _failed(seat, "This server has no reviewer of this name.")
    started = time.monotonic()
    try:
        ballot = await seat.reviewer.review(task)
        _check(ballot, task)
    except Exception as failure:  # noqa: BLE001 - one reviewer's failure is never the call's
        on_failure(seat.card, failure)
        reason = "It failed; the server's log has the cause."
        return _failed(seat, reason, time.monotonic() - started)
    return replace(
        ballot,
        reviewer=seat.card.name,
        weight=seat.weight,
        seconds=time.monotonic() - started,
    )


def _check(ballot: Ballot, task: ReviewTask) -> None:
    in_force = {rule.id for rule in task.rules} if ballot.flagged else ()
    if any(entry.rule_id not in in_force for entry in ballot.flagged):
        raise ValueError("the reviewer flagged a rule that is not in force")


def _failed(seat: Seat, reason: str, seconds: float = 0.0) -> Ballot:
    card = seat.card
    return Ballot(
        card.name,
        Decision.FAILED,
        reason,
        card.model,
        card.model_version,
        seconds=seconds,
        weight=seat.weight,
    )
