"""Judges typed content whole: field by field, then all fields together, then the policy's rules.

Nothing is kept and nothing set off here; what follows from a judgement is said elsewhere.
"""

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final, NamedTuple

from gaveld.application.apply_rules import history_of
from gaveld.application.judge_field import JudgedField, JudgeField, Terms
from gaveld.application.pieces import PlacedFinding, all_of, placed, together
from gaveld.application.ports import Patterns, PolicyStore, UserStore
from gaveld.application.run_rules import RunRules
from gaveld.application.stopwatch import StageTiming
from gaveld.domain.conforming import conform, content_type_named
from gaveld.domain.errors import DeadlineExceeded, ErrorReason, FieldViolation, InvalidRequest
from gaveld.domain.policies import Policy
from gaveld.domain.rule_facts import facts_of
from gaveld.domain.rules import RuleAction, RuleFacts, RuleOutcome
from gaveld.domain.signals import ClassifierOutcome
from gaveld.domain.submissions import ContentSubmission
from gaveld.domain.typed_content import FieldType, FieldValue, Leaf, MediaValue, judged_leaves
from gaveld.domain.verdicts import Verdict, known_scores, raised_by_rules

MOST_TEXTS: Final = 256
MOST_FILES: Final = 32
"""More texts and links, or files, in one piece of content are refused."""

TEXTS_AT_ONCE: Final = 4
PICTURES_AT_ONCE: Final = 2
VIDEOS_AT_ONCE: Final = 1
"""How much of one piece of content is judged at once, so that it can't crowd out other calls."""


class Fitted(NamedTuple):
    """Content that fits its type: its values as the type means them, and what of them is judged."""

    fields: Mapping[str, FieldValue]
    leaves: Sequence[Leaf]


@dataclass(frozen=True, slots=True)
class ContentJudgement:
    """Everything that is known of a piece of content once it was judged.

    ``policy`` is the one that decided, with the call's overrides in it. ``verdict`` is on all
    fields together, as the rules left it. ``fields`` are sorted by path, and ``findings`` strictest
    action first, then by score. ``rules`` are in the policy's order.
    """

    submission: ContentSubmission
    policy: Policy
    verdict: Verdict
    fields: tuple[JudgedField, ...]
    outcomes: tuple[ClassifierOutcome, ...]
    facts: RuleFacts
    rules: tuple[RuleOutcome, ...]
    sha256: str
    decided_at: datetime

    @property
    def findings(self) -> tuple[PlacedFinding, ...]:
        """Every finding and the field that it is in."""
        return placed((entry.leaf.path, entry.piece.verdict) for entry in self.fields)

    @property
    def actions(self) -> tuple[RuleAction, ...]:
        """What the rules set off, each action once."""
        named = {action.id: action for entry in self.rules for action in entry.actions}
        return tuple(named.values())

    @property
    def timings(self) -> Iterator[StageTiming]:
        """What the stages of each field took."""
        for entry in self.fields:
            for timing in getattr(entry.piece.judgement, "timings", ()):
                yield replace(timing, stage=f"{entry.leaf.path}.{timing.stage}")


class JudgeContent:
    """Judges typed content. ``users`` is None where nothing is known of them.

    ``patterns`` are what fields of a type must match; ``max_text_bytes`` bounds each text.
    """

    def __init__(
        self,
        judge_field: JudgeField,
        *,
        policies: PolicyStore,
        run_rules: RunRules,
        users: UserStore | None,
        patterns: Patterns,
        max_text_bytes: int,
    ) -> None:
        self._judge_field = judge_field
        self._policies = policies
        self._run_rules = run_rules
        self._users = users
        self._patterns = patterns
        self._max_text_bytes = max_text_bytes

    async def fit(self, submission: ContentSubmission, *, project: str) -> Fitted:
        """Return the content as its type means it, and raise what is wrong with it.

        Raises ``InvalidRequest``: UNKNOWN_CONTENT_TYPE; CONTENT_TYPE_MISMATCH, which names every
        field; TEXT_TOO_LARGE; and for more texts or files than are judged together.
        """
        return self._fitted(submission, await self._policies.current(project))

    async def __call__(
        self, submission: ContentSubmission, *, project: str, deadline_seconds: float
    ) -> ContentJudgement:
        """Judge content within ``deadline_seconds`` from now.

        A field that can't be fetched, decoded or judged in time costs coverage. Raises what ``fit``
        raises; ``ResourceExhausted`` and ``Unavailable`` where the whole is to be sent again; and
        ``DeadlineExceeded`` when the time was up before any field was judged.
        """
        due = time.monotonic() + deadline_seconds
        own = await self._policies.current(project)
        fields, leaves = self._fitted(submission, own)
        policy = own.with_overrides(submission.overrides)
        terms = Terms(project, own, policy, due, submission.overrides, submission.blocked_terms)
        judged = await self._judged(leaves, terms)
        pieces = [entry.piece for entry in judged]
        verdict, outcomes = together(pieces) if pieces else self._judge_field.nothing(policy)
        facts = facts_of(
            verdict,
            [entry.facts for entry in judged],
            content=fields,
            content_type=submission.content_type,
            user=await history_of(self._users, project, submission.actor_id),
        )
        facts = replace(facts, categories=known_scores(verdict, outcomes))
        rules = await self._run_rules(policy, facts)
        return ContentJudgement(
            submission=submission,
            policy=policy,
            verdict=raised_by_rules(verdict, rules, policy),
            fields=tuple(sorted(judged, key=lambda entry: entry.leaf.path)),
            outcomes=outcomes,
            facts=facts,
            rules=rules,
            sha256=submission.sha256,
            decided_at=datetime.now(UTC),
        )

    def _fitted(self, submission: ContentSubmission, policy: Policy) -> Fitted:
        content_type = content_type_named(submission.content_type, policy.content_types)
        fields = submission.fields
        if content_type is not None:
            fields = conform(content_type, fields, self._patterns.fits)
        leaves = tuple(judged_leaves(fields, content_type))
        self._check_sizes(leaves)
        return Fitted(fields, leaves)

    def _check_sizes(self, leaves: Sequence[Leaf]) -> None:
        files = sum(isinstance(leaf.value, MediaValue) for leaf in leaves)
        for count, most, what in (
            (len(leaves) - files, MOST_TEXTS, "texts and links"),
            (files, MOST_FILES, "files"),
        ):
            if count > most:
                said = f"have {count} {what} to judge; the limit is {most}"
                raise InvalidRequest(FieldViolation("fields", said))
        for leaf in leaves:
            if isinstance(leaf.value, str):
                self._check_text(leaf.value, f"fields.{leaf.path}")

    def _check_text(self, text: str, field: str) -> None:
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            said = f"holds a lone surrogate at position {error.start}"
            raise InvalidRequest(FieldViolation(field, said)) from error
        if size > self._max_text_bytes:
            raise InvalidRequest(
                FieldViolation(field, f"has {size} bytes; the limit is {self._max_text_bytes}"),
                reason=ErrorReason.TEXT_TOO_LARGE,
                metadata={
                    "field": field,
                    "limit_bytes": str(self._max_text_bytes),
                    "actual_bytes": str(size),
                },
            )

    async def _judged(self, leaves: Sequence[Leaf], terms: Terms) -> Sequence[JudgedField]:
        """Judge all fields, a few of each kind at a time. Raises what ``JudgeField`` raises."""
        turns = {
            kind: asyncio.Semaphore(at_once)
            for kind, at_once in (
                (None, TEXTS_AT_ONCE),
                (FieldType.IMAGE, PICTURES_AT_ONCE),
                (FieldType.VIDEO, VIDEOS_AT_ONCE),
                (FieldType.AUDIO, VIDEOS_AT_ONCE),
            )
        }

        async def judge(leaf: Leaf) -> JudgedField:
            kind = leaf.value.type if isinstance(leaf.value, MediaValue) else None
            async with turns[kind]:
                return await self._judge_field(leaf, terms)

        judged: list[JudgedField] = await all_of([judge(leaf) for leaf in leaves])
        failures = [entry.piece.failure for entry in judged]
        late = next((entry for entry in failures if isinstance(entry, DeadlineExceeded)), None)
        if late is not None and all(isinstance(entry, DeadlineExceeded) for entry in failures):
            raise late
        return judged
