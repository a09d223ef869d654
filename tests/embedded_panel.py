"""The embedded panel over fakes, with points that take a head's probability as it is."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from gaveld.adapters.reviewers.embedded import MEMBERS, OperatingPoints, embedded_panel
from gaveld.adapters.reviewers.embedded.members import Point
from gaveld.adapters.reviewers.embedded.points import Scale
from gaveld.adapters.reviewers.embedded.reviewer import EmbeddedReviewer
from gaveld.domain.policies import Policy
from gaveld.domain.reviews import (
    Ballot,
    ContentKind,
    ConversationContent,
    ReviewContent,
    ReviewTask,
    TextContent,
    Turn,
    rules_in_force,
)
from tests.fakes.panel_scorer import CATEGORIES, FakePanelScorer
from tests.fakes.text_reader import FakeTextReader

THRESHOLDS = MappingProxyType({Point.STRICT: 0.3, Point.BALANCED: 0.5, Point.LENIENT: 0.8})
AS_IT_IS = Scale(1.0, 0.0, 0.0, 0.0, THRESHOLDS)
POINTS = OperatingPoints(
    {member.name: dict.fromkeys(CATEGORIES, AS_IT_IS) for member in MEMBERS}, "12345678"
)
POLICY = Policy("test@1", {})


@dataclass
class Panel:
    """The ten reviewers, and the fakes that they read through."""

    scorer: FakePanelScorer = field(default_factory=FakePanelScorer)
    reader: FakeTextReader = field(default_factory=FakeTextReader)
    points: OperatingPoints = POINTS

    def __post_init__(self) -> None:
        self.reviewers = embedded_panel(self.reader, self.scorer, self.points)

    def named(self, name: str) -> EmbeddedReviewer:
        """Return one member."""
        return next(entry for entry in self.reviewers if entry.card.name == name)

    async def review(self, task: ReviewTask) -> dict[str, Ballot]:
        """Ask everyone at once; return their ballots by name."""
        ballots = await asyncio.gather(*(entry.review(task) for entry in self.reviewers))
        return {ballot.reviewer: ballot for ballot in ballots}

    async def unsafe(self, task: ReviewTask) -> set[str]:
        """Return the names of those who vote unsafe."""
        ballots = await self.review(task)
        return {name for name, ballot in ballots.items() if ballot.is_unsafe}


def task_of(
    content: ReviewContent | str | Sequence[Turn],
    kind: ContentKind = ContentKind.TEXT,
    *,
    context: str = "",
    without: Sequence[str] = (),
) -> ReviewTask:
    """A task under the catalogue."""
    if isinstance(content, str):
        content = TextContent(content)
    elif isinstance(content, Sequence):
        content, kind = ConversationContent(tuple(content)), ContentKind.CONVERSATION
    return ReviewTask(kind, content, rules_in_force(without), POLICY, context)


def flagged(ballot: Ballot) -> dict[str, float]:
    """The rules that a ballot flags, with their confidence."""
    return {entry.rule_id: entry.confidence for entry in ballot.flagged}
