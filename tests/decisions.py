"""Decisions to keep and to judge again, as content that was judged leaves them behind."""

from collections.abc import Mapping
from datetime import UTC, datetime

from gaveld.domain.actions import Action
from gaveld.domain.decision_records import Decision, JudgedPart
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.rule_facts import facts_of
from gaveld.domain.rules import RuleFacts
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, Finding, OutcomeStatus
from gaveld.domain.verdicts import combined, judge_weighed

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
WORDS = ClassifierCard("words", "2026.1", frozenset({"H2", "H3", "L1"}))
LOOKED = (ClassifierOutcome(WORDS, OutcomeStatus.RAN),)
POLICY = Policy(
    "shop@1",
    {
        "H2": CategoryRule(review=0.5, block=0.9),
        "H3": CategoryRule(review=0.4, block=0.8, required=True),
        "L1": CategoryRule(review=0.5),
    },
)


def found(**scores: float) -> tuple[Finding, ...]:
    """Findings of ``words``, by category."""
    return tuple(Finding(name, score, "", "words", "2026.1") for name, score in scores.items())


def decided(
    id: str = "d1",  # noqa: A002
    *parts: JudgedPart,
    policy: Policy = POLICY,
    at: datetime = NOON,
    scores: Mapping[str, float] | None = None,
    **changed,
) -> Decision:
    """What the policy decided of these parts; without any, of one in which nothing was found."""
    parts = parts or (JudgedPart("body", found(**(scores or {})), LOOKED),)
    verdict = combined([judge_weighed(part.findings, part.outcomes, policy) for part in parts])
    facts: RuleFacts = facts_of(verdict, (), content=None)
    made = {
        "project": "shop",
        "content_id": f"content-{id}",
        "content_sha256": "0" * 64,
        "action": verdict.action,
        "policy_revision": policy.revision,
        "actor_id": "ann",
        "category_ids": tuple(cause.category_id for cause in verdict.causes),
        **changed,
    }
    return Decision(id=id, decided_at=at, facts=made.pop("facts", facts), parts=parts, **made)


def blocked(id: str = "d1", **changed) -> Decision:  # noqa: A002
    """A decision to block for a threat."""
    decision = decided(id, scores={"H3": 0.95}, **changed)
    assert decision.action is Action.BLOCK
    return decision
