"""Content that waits for a person, who may have it, and what people said of it.

Who may take an item and what an opinion makes of it is decided here; keeping it is not.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gaveld.domain.errors import ErrorReason, FailedPrecondition
from gaveld.domain.rules import CallbackFormat


class ReviewState(StrEnum):
    """Where an item stands."""

    PROCESSING = "processing"
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"

    @property
    def is_final(self) -> bool:
        """Whether people are done with it."""
        return self in (ReviewState.ACCEPTED, ReviewState.REJECTED)


class ReviewDecision(StrEnum):
    """What a person says of an item."""

    ACCEPT = "accept"
    REJECT = "reject"
    SECOND_OPINION = "second_opinion"


@dataclass(frozen=True, slots=True)
class ReviewOpinion:
    """What one person said of an item. ``request_id`` names the call that said it, for repeats."""

    reviewer: str
    decision: ReviewDecision
    decided_at: datetime
    reason: str = field(default="", repr=False)
    category_ids: tuple[str, ...] = ()
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One piece of content in one queue of one project.

    ``id`` is that of the job that judged it. ``payload`` is the content as it was submitted, and
    ``answer`` what was found in it, both opaque here, and empty where they are not kept, or no
    longer. ``rule_ids`` sent it here; empty if its verdict did, or whoever submitted it.
    ``sealed_callback_url`` is told of the decision, beside the queue's own action; a ``SecretBox``
    sealed it. Nobody has it when
    ``claimant`` is empty or the claim ran out. ``etag`` changes with every change. Times are UTC.

    Payload and answer are kept for people to see until the item is decided, and after that only
    with ``keep_content``; in no case for more than ``content_retention_days``. An item is kept
    until it is decided and ``decision_retention_days`` more.
    """

    id: str
    project: str
    queue: str
    created_at: datetime
    state: ReviewState = ReviewState.PENDING
    content_id: str = ""
    actor_id: str = field(default="", repr=False)
    content_type: str = ""
    payload: bytes = field(default=b"", repr=False)
    answer: bytes = field(default=b"", repr=False)
    rule_ids: tuple[str, ...] = ()
    claimant: str = ""
    claimed_until: datetime | None = None
    opinions: tuple[ReviewOpinion, ...] = ()
    sealed_callback_url: bytes = field(default=b"", repr=False)
    callback_format: CallbackFormat = CallbackFormat.NATIVE
    etag: str = ""
    keep_content: bool = False
    content_retention_days: int = 30
    decision_retention_days: int = 90

    @property
    def place(self) -> str:
        """Where it stands in the order of a queue, the oldest first; it never changes."""
        return f"{self.created_at:%Y%m%d%H%M%S%f}-{self.id}"

    @property
    def content_until(self) -> datetime:
        """When its payload and answer are erased at the latest."""
        return self.created_at + timedelta(days=self.content_retention_days)

    @property
    def feedback_id(self) -> str:
        """The id of the feedback that the last word on it makes."""
        return feedback_id(self.id)

    def holder(self, now: datetime) -> str:
        """Return the person who has it now; empty for nobody."""
        return self.claimant if self.claimed_until is not None and self.claimed_until > now else ""

    def require_open_to(self, reviewer: str, now: datetime) -> None:
        """Raise ``FailedPrecondition`` unless this person may claim or decide it now.

        ITEM_CLAIMED where another person has it; ITEM_NOT_OPEN where it is not pending, and where
        this person said something of it already, so that a second opinion is another's.
        """
        if self.state is not ReviewState.PENDING:
            raise FailedPrecondition(
                ErrorReason.ITEM_NOT_OPEN,
                f"The review item is {self.state}.",
                metadata={"state": self.state},
            )
        if any(opinion.reviewer == reviewer for opinion in self.opinions):
            raise FailedPrecondition(
                ErrorReason.ITEM_NOT_OPEN,
                "The review item waits for the opinion of somebody else.",
                metadata={"state": self.state},
            )
        self.require_not_held_from(reviewer, now)

    def require_not_held_from(self, reviewer: str, now: datetime) -> None:
        """Raise ``FailedPrecondition`` (ITEM_CLAIMED) if another person has it now."""
        if self.claimed_until is not None and self.holder(now) not in ("", reviewer):
            raise FailedPrecondition(
                ErrorReason.ITEM_CLAIMED,
                "Another person has the review item.",
                metadata={"claimed_until": f"{self.claimed_until:%Y-%m-%dT%H:%M:%SZ}"},
            )

    def with_opinion(self, opinion: ReviewOpinion) -> "ReviewItem":
        """Return the item as the opinion leaves it: decided, or free for everybody else."""
        return replace(
            self,
            state=_STATE_AFTER[opinion.decision],
            claimant="",
            claimed_until=None,
            opinions=(*self.opinions, opinion),
        )


def feedback_id(item_id: str) -> str:
    """Return the id of the feedback that the last word on an item makes."""
    return f"review:{item_id}"


_STATE_AFTER = {
    ReviewDecision.ACCEPT: ReviewState.ACCEPTED,
    ReviewDecision.REJECT: ReviewState.REJECTED,
    ReviewDecision.SECOND_OPINION: ReviewState.PENDING,
}
