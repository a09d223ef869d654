"""The port of content that waits for people."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gaveld.domain.decision_records import Records
from gaveld.domain.feedback import Feedback
from gaveld.domain.review_items import ReviewItem, ReviewOpinion, ReviewState


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
        limit: int,
        after: str = "",
    ) -> Sequence[ReviewItem]:
        """Return items of one queue or all, oldest first, those after the item ``after``."""
        ...

    async def claim(
        self, project: str, queue: str, item_id: str, reviewer: str, *, until: datetime
    ) -> ReviewItem | None:
        """Take an item, or with an empty id the oldest that is free; None if there is none.

        One whose second opinion is asked for is never given to a person with an opinion of it.
        Raises ``FailedPrecondition`` (ITEM_CLAIMED) where another person holds the named item.
        """
        ...

    async def release(
        self, project: str, queue: str, item_id: str, reviewer: str
    ) -> ReviewItem | None:
        """Give an item back; raises as ``claim``; None if there is no such item."""
        ...

    async def decide(
        self,
        item: ReviewItem,
        opinion: ReviewOpinion,
        records: Records,
        feedback: Feedback | None = None,
    ) -> ReviewItem:
        """Add an opinion, free or close the item, and write what follows, in one transaction.

        Raises ``Aborted`` (ETAG_MISMATCH) if the item is not as given any more.
        """
        ...
