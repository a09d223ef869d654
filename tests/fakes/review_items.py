"""Review items that a test puts into queues and looks at."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gaveld.application.ports import WaitingReviews
from gaveld.domain.decision_records import Records
from gaveld.domain.errors import Aborted, ErrorReason
from gaveld.domain.feedback import Feedback
from gaveld.domain.review_items import ReviewItem, ReviewOpinion, ReviewState

Key = tuple[str, str]


class FakeReviewItemStore:
    """A ``ReviewItemStore`` over a dictionary. ``wordless`` takes the words out of answers."""

    def __init__(self, wordless: Callable[[bytes], bytes] = lambda _: b"") -> None:
        self.kept: dict[Key, ReviewItem] = {}
        self.recorded: list[Records] = []
        self.feedback: list[Feedback] = []
        self._wordless = wordless
        self._requests: dict[Key, str] = {}
        self._over: dict[Key, datetime] = {}

    async def put(self, item: ReviewItem) -> None:
        """Write an item as the records of a job do."""
        known = self.kept.get(_key(item))
        if known is None:
            self._keep(item)
        elif not known.answer and not known.state.is_final:
            self._keep(replace(item, created_at=known.created_at))

    async def find(self, project: str, queue: str, item_id: str) -> ReviewItem | None:
        item = self.kept.get((project, item_id))
        return item if item is not None and item.queue == queue else None

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
        now = datetime.now(UTC)
        found = [
            replace(item, payload=b"")
            for item in self._in_order(project)
            if queue in ("", item.queue)
            and state in (None, item.state)
            and not (unclaimed_only and item.holder(now))
            and item.place > after
        ]
        return found[:limit]

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
        now = datetime.now(UTC)
        if item_id:
            item = await self.find(project, queue, item_id)
            if item is None:
                return None
            item.require_open_to(reviewer, now)
        else:
            item = self._again(project, queue, reviewer, request_id) if request_id else None
            if item is not None:
                return item
            item = self._oldest_free(project, queue, reviewer)
            if item is None:
                return None
        self._requests[_key(item)] = request_id
        return self._keep(replace(item, claimant=reviewer, claimed_until=until))

    async def release(
        self, project: str, queue: str, item_id: str, reviewer: str
    ) -> ReviewItem | None:
        item = await self.find(project, queue, item_id)
        if item is None:
            return None
        item.require_not_held_from(reviewer, datetime.now(UTC))
        if not item.claimant:
            return item
        return self._keep(replace(item, claimant="", claimed_until=None))

    async def decide(
        self,
        item: ReviewItem,
        opinion: ReviewOpinion,
        records: Records,
        feedback: Feedback | None = None,
    ) -> ReviewItem:
        if self.kept[_key(item)].etag != item.etag:
            raise Aborted(ErrorReason.ETAG_MISMATCH, "changed", metadata={"etag": item.etag})
        decided = item.with_opinion(opinion)
        if decided.state.is_final:
            keeps = timedelta(days=item.decision_retention_days)
            self._over[_key(item)] = opinion.decided_at + keeps
            decided = replace(decided, sealed_callback_url=b"")
            if not item.keep_content:
                decided = self._without_content(decided)
        self.recorded.append(records)
        self.feedback += [] if feedback is None else [feedback]
        return self._keep(decided)

    async def waiting(self) -> WaitingReviews:
        items = [item for item in self.kept.values() if item.state is ReviewState.PENDING]
        return WaitingReviews(len(items), min((item.created_at for item in items), default=None))

    async def erase_expired(self, now: datetime) -> int:
        over = [key for key, until in self._over.items() if until <= now and key in self.kept]
        for key in over:
            del self.kept[key]
        stale = [
            item
            for item in self.kept.values()
            if item.content_until <= now and self._without_content(item) != item
        ]
        for item in stale:
            self.kept[_key(item)] = self._without_content(item)
        return len(over) + len(stale)

    def _in_order(self, project: str) -> Sequence[ReviewItem]:
        items = (item for item in self.kept.values() if item.project == project)
        return sorted(items, key=lambda item: item.place)

    def _again(self, project: str, queue: str, reviewer: str, request_id: str) -> ReviewItem | None:
        now = datetime.now(UTC)
        for item in self._in_order(project):
            is_theirs = item.queue == queue and item.holder(now) == reviewer
            if is_theirs and self._requests.get(_key(item)) == request_id:
                return item
        return None

    def _oldest_free(self, project: str, queue: str, reviewer: str) -> ReviewItem | None:
        now = datetime.now(UTC)
        for item in self._in_order(project):
            is_open = item.state is ReviewState.PENDING and not item.holder(now)
            is_new = all(said.reviewer != reviewer for said in item.opinions)
            if item.queue == queue and is_open and is_new:
                return item
        return None

    def _without_content(self, item: ReviewItem) -> ReviewItem:
        return replace(item, payload=b"", answer=self._wordless(item.answer))

    def _keep(self, item: ReviewItem) -> ReviewItem:
        self.kept[_key(item)] = replace(item, etag=uuid.uuid4().hex)
        return self.kept[_key(item)]


def _key(item: ReviewItem) -> Key:
    return item.project, item.id
