"""What a panel is, for one call or stream, and what its ballots come to once they are in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from gaveld.application.poll import Poll, Seat
from gaveld.domain.decisions import (
    Counting,
    FlaggedCategory,
    cover_panel,
    decide,
    flagged_categories,
    is_degraded,
    risk,
    votes,
)
from gaveld.domain.errors import ErrorReason, Unavailable
from gaveld.domain.panels import DecisionMethod
from gaveld.domain.policies import Policy
from gaveld.domain.reviews import Ballot, Decision, Rule, rules_in_force
from gaveld.domain.verdicts import Coverage, CoverageStatus, JudgedFinding

RETRY_SECONDS: Final = 1.0

_NAMED_CATEGORIES: Final = 3
_ONE_FOUND_NONE: Final = "The one reviewer that voted found no rule"


@dataclass(frozen=True, slots=True)
class ReviewWishes:
    """What one call asks of its panel; None takes what the policy says.

    ``amount`` is 1–10. A ``custom_prompt`` replaces the rules. ``wants_every_ballot`` keeps the
    panel from stopping once its decision is settled.
    """

    amount: int | None = None
    method: DecisionMethod | None = None
    context: str = field(default="", repr=False)
    custom_prompt: str = field(default="", repr=False)
    excluded_categories: tuple[str, ...] = ()
    wants_every_ballot: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel that was convened for one call or stream, fit to review any number of things."""

    project: str
    policy: Policy
    counting: Counting
    seats: tuple[Seat, ...]
    wishes: ReviewWishes


def unseated(project: str, policy: Policy) -> Panel:
    """Return a panel that nobody sits on, for what is judged by the policy alone."""
    counting = Counting(policy.panel.method, rules_in_force(), policy.panel.score_threshold)
    return Panel(project, policy, counting, (), ReviewWishes())


@dataclass(frozen=True, slots=True)
class PanelCount:
    """How many reviewers were asked, and what became of them.

    ``outstanding`` were stopped because they could no longer change the decision.
    ``is_degraded``: fewer than half were able to vote.
    """

    asked: int
    counted: int
    failed: int
    outstanding: int
    is_degraded: bool


@dataclass(frozen=True, slots=True)
class ReviewFinding:
    """A finding that ballots rest on, and the turn it is in, from 0; None: the whole content."""

    judged: JudgedFinding
    turn: int | None


@dataclass(frozen=True, slots=True)
class Review:
    """What a panel decided, ``safe`` or ``unsafe``, and on what that rests.

    ``unsafe_count`` is the number of reviewers that voted unsafe. ``risk`` is 0–1 for the method
    ``score``, None for the others. ``sha256`` is of the content as sent, in hex; of a conversation
    it is its running digest.
    """

    decision: Decision
    reason: str
    method: DecisionMethod
    unsafe_count: int
    flagged: tuple[FlaggedCategory, ...]
    ballots: tuple[Ballot, ...]
    rules: tuple[Rule, ...]
    count: PanelCount
    coverage: Coverage
    findings: tuple[ReviewFinding, ...]
    risk: float | None
    policy_revision: str
    sha256: str
    seconds: float


def conclude(panel: Panel, polled: Poll, sha256: str, seconds: float) -> Review:
    """Return what the ballots come to.

    Raises ``Unavailable`` (REVIEWERS_UNAVAILABLE) when none counts: that is never "safe".
    """
    counting, ballots = panel.counting, polled.ballots
    decision = decide(ballots, counting)
    failed = sum(not ballot.is_counted for ballot in ballots)
    asked = len(panel.seats)
    if decision is Decision.FAILED:
        raise Unavailable(
            ErrorReason.REVIEWERS_UNAVAILABLE,
            "No reviewer gave a ballot that counts; treat the content as not checked.",
            metadata={"asked": str(asked), "failed": str(failed)},
            retry_after_seconds=RETRY_SECONDS,
        )
    counted = len(votes(ballots, counting.method))
    degraded = is_degraded(asked, failed)
    count = PanelCount(asked, counted, failed, polled.outstanding, degraded)
    coverage = cover_panel(ballots, counting.rules, panel.policy, degraded=degraded)
    flagged = flagged_categories(ballots, counting.rules)
    unsafe_count = sum(ballot.is_unsafe for ballot in ballots)
    is_scored = counting.method is DecisionMethod.SCORE
    return Review(
        decision=decision,
        reason=_reason(decision, unsafe_count, len(ballots) - failed, flagged, coverage),
        method=counting.method,
        unsafe_count=unsafe_count,
        flagged=flagged,
        ballots=ballots,
        rules=counting.rules,
        count=count,
        coverage=coverage,
        findings=_findings(panel, ballots),
        risk=risk(ballots, counting.rules) if is_scored else None,
        policy_revision=panel.policy.revision,
        sha256=sha256,
        seconds=seconds,
    )


def _reason(
    decision: Decision,
    unsafe: int,
    voters: int,
    flagged: Sequence[FlaggedCategory],
    coverage: Coverage,
) -> str:
    if not unsafe:
        nobody = f"None of {voters} reviewers found a rule" if voters > 1 else _ONE_FOUND_NONE
        said = f"{nobody} broken."
    else:
        names = ", ".join(f"{entry.name} ({entry.count})" for entry in flagged[:_NAMED_CATEGORIES])
        who = f"{unsafe} of {voters} reviewers" if voters > 1 else "The one reviewer that voted"
        said = f"{who} found a rule broken{names and f': {names}'}"
        said += "; too little to decide so." if decision is Decision.SAFE else "."
    if coverage.status is not CoverageStatus.COMPLETE:
        said += " Not everything was checked: see the coverage."
    return said


def _findings(panel: Panel, ballots: Iterable[Ballot]) -> tuple[ReviewFinding, ...]:
    # Ballots of reviewers that share a look rest on the same evidence.
    policy, in_force = panel.policy, {rule.id for rule in panel.counting.rules}
    evidence = dict.fromkeys(
        entry
        for ballot in ballots
        for entry in ballot.evidence
        if entry.finding.category_id in in_force
    )
    found = [
        ReviewFinding(
            JudgedFinding(
                entry.finding, policy.rule(entry.finding.category_id).action(entry.finding.score)
            ),
            entry.turn,
        )
        for entry in evidence
    ]
    return tuple(
        sorted(found, key=lambda entry: (-entry.judged.action, -entry.judged.finding.score))
    )
