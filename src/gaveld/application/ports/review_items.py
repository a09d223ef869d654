"""Ports of content that waits for people: where it is kept, and what is told of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from gaveld.domain.decision_records import Records
from gaveld.domain.feedback import Feedback
from gaveld.domain.review_items import ReviewItem, ReviewOpinion, ReviewState
from gaveld.domain.rules import RuleAction


@dataclass(frozen=True, slots=True)
class WaitingReviews:
    """How many items of all queues wait for a person, and since when the oldest does."""

    count: int
    oldest_at: datetime | None = None


class ReviewItemStore(Protocol):
    """Keeps review items durably. They are added with a job, or with the records of one.

    A claim is one person's: of two that claim at once, one gets it. Raises ``Unavailable``
    (STORAGE_UNAVAILABLE) when items can't be reached.
    """

    async def find(self, project: str, queue: str, item_id: str) -> ReviewItem | None:
        """Return an item; None if the queue has no such one."""
        ...

    async def list(
        self,
        project: str,
        queue: str = "",
        *,
        state: ReviewState | None = None,
        unclaimed_only: bool = False,
        limit: int,
        after: str = "",
    ) -> Sequence[ReviewItem]:
        """Return items of one queue or all, oldest first, those after the ``place`` ``after``.

        They come without their payloads.
        """
        ...

    async def claim(
        self,
        project: str,
        queue: str,
        item_id: str,
        reviewer: str,
        *,
        until: datetime,
        request_id: str = "",
    ) -> ReviewItem | None:
        """Take an item, or with an empty id the oldest of the queue that may be; None for none.

        Raises what ``ReviewItem.require_open_to`` does of the named item; whoever has it holds it
        on. Under a ``request_id`` that took the oldest before, the same item is given again as long
        as the claim lasts.
        """
        ...

    async def release(
        self, project: str, queue: str, item_id: str, reviewer: str
    ) -> ReviewItem | None:
        """Give an item back, if it is held; None if there is no such item.

        Raises ``FailedPrecondition`` (ITEM_CLAIMED) where another person has it.
        """
        ...

    async def decide(
        self,
        item: ReviewItem,
        opinion: ReviewOpinion,
        records: Records,
        feedback: Feedback | None = None,
    ) -> ReviewItem:
        """Add an opinion, free or close the item, and write what follows, in one transaction.

        What a closed item need not keep is erased. Raises ``Aborted`` (ETAG_MISMATCH) if the item
        is not as given any more.
        """
        ...

    async def waiting(self) -> WaitingReviews:
        """Count what waits for people, of all projects; also what somebody has claimed."""
        ...

    async def erase_expired(self, now: datetime) -> int:
        """Erase content and items whose time is over; return how many items changed.

        An item whose job will never be done, as it is dead, is opened to people instead; one whose
        job was cancelled is erased.
        """
        ...


class ReviewReports(Protocol):
    """Reads what review items hold, which is opaque to everybody else. Pure."""

    def text(self, item: ReviewItem) -> str:
        """Return the item's texts, in the order of its fields; empty if it has none, or no more."""
        ...

    def body(self, item: ReviewItem, action: RuleAction) -> bytes:
        """Return the body of the callback that tells of a decided item, in the action's format."""
        ...
