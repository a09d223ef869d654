"""Content that waits for a person, who may have it, and what people said of it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gaveld.domain.rules import CallbackFormat


class ReviewState(StrEnum):
    """Where an item stands."""

    PROCESSING = "processing"
    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class ReviewDecision(StrEnum):
    """What a person says of an item."""

    ACCEPT = "accept"
    REJECT = "reject"
    SECOND_OPINION = "second_opinion"


@dataclass(frozen=True, slots=True)
class ReviewOpinion:
    """What one person said of an item."""

    reviewer: str
    decision: ReviewDecision
    decided_at: datetime
    reason: str = field(default="", repr=False)
    category_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """One piece of content in one queue of one project.

    ``id`` is that of the job that judged it. ``payload`` is the content as it was submitted, and
    ``answer`` what was found in it, both opaque here, and empty where they are not kept, or no
    longer. ``rule_ids`` sent it here; empty if its verdict did, or whoever submitted it.
    ``callback_url`` is told of the decision, beside the queue's own action. Nobody has it when
    ``claimant`` is empty or the claim ran out. ``etag`` changes with every change.
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
    callback_url: str = field(default="", repr=False)
    callback_format: CallbackFormat = CallbackFormat.NATIVE
    etag: str = ""
