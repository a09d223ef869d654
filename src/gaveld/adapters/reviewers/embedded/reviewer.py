"""The members of the embedded panel as reviewers, which share one look at each task.

Nothing here reads or judges: looks and rules of judgement have modules of their own.
"""

from collections.abc import Mapping
from functools import partial
from typing import Final

from gaveld.adapters.reviewers.embedded.judging import vote
from gaveld.adapters.reviewers.embedded.looks import SharedLooks, look
from gaveld.adapters.reviewers.embedded.members import MEMBERS, Member
from gaveld.adapters.reviewers.embedded.parts import PartReader
from gaveld.adapters.reviewers.embedded.points import OperatingPoints, Scale
from gaveld.application.ports import PanelScorer, TextReader
from gaveld.domain.reviews import Ballot, Decision, ReviewerCard, ReviewTask

_LIMITS: Final = (
    "Reads English. Of pictures it knows what other classifiers found in them. It follows no "
    "instructions, and takes a context into account for comments alone."
)


class EmbeddedReviewer:
    """One member of the panel. ``looks`` is what it shares with the others."""

    def __init__(
        self, member: Member, scales: Mapping[str, Scale], looks: SharedLooks, card: ReviewerCard
    ) -> None:
        self._member = member
        self._scales = scales
        self._looks = looks
        self._card = card

    @property
    def card(self) -> ReviewerCard:
        """What the reviewer is; the version names the model and the operating points."""
        return self._card

    async def review(self, task: ReviewTask) -> Ballot:
        """Return its ballot; raises what the text model raises."""
        if task.custom_prompt:
            card = self._card
            reason = "It follows no instructions."
            return Ballot(card.name, Decision.FAILED, reason, card.model, card.model_version)
        seen = await self._looks.of(task)
        return vote(self._member, self._scales, seen, task, self._card)


def embedded_panel(
    reader: TextReader, scorer: PanelScorer, points: OperatingPoints
) -> tuple[EmbeddedReviewer, ...]:
    """Return the ten members in their order, which share one look at each task.

    ``reader`` reads texts with everything but the model behind ``scorer``. Raises ``ValueError``
    where the scorer has too few heads.
    """
    if scorer.heads < len(MEMBERS):
        raise ValueError(f"a panel of {len(MEMBERS)} needs as many heads, not {scorer.heads}")
    looks = SharedLooks(partial(look, reader=PartReader(reader, scorer, points)))
    version = f"{scorer.card.version}/{points.digest}"
    return tuple(
        EmbeddedReviewer(
            member,
            points.of(member),
            looks,
            ReviewerCard(member.name, scorer.card.name, version, limits=_LIMITS),
        )
        for member in MEMBERS
    )
