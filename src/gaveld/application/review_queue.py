"""Has people decide on content: the queues that they work on, and what follows from their word.

Who may take an item the domain says. How content gets into a queue is not this module's business.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from gaveld.application.callback_secrets import callback_secret, opened_url
from gaveld.application.ports import PolicyStore, ReviewItemStore, ReviewReports, SecretBox
from gaveld.domain.actions import Action
from gaveld.domain.decision_records import Records, Ruling
from gaveld.domain.deliveries import Delivery, words_until
from gaveld.domain.errors import Aborted, AlreadyExists, ErrorReason, FieldViolation, NotFound
from gaveld.domain.feedback import Feedback
from gaveld.domain.policies import DEFAULT_QUEUE, Policy, ReviewQueue
from gaveld.domain.review_items import ReviewItem, ReviewOpinion, ReviewState
from gaveld.domain.rules import RuleAction

EVENT = "review.completed"
"""What happened, as the callbacks of a decision call it."""

_ACTIONS = {ReviewState.ACCEPTED: Action.ALLOW, ReviewState.REJECTED: Action.BLOCK}


@dataclass(frozen=True, slots=True)
class ItemName:
    """Which item: its project, its queue, its id."""

    project: str
    queue: str
    id: str

    @property
    def resource(self) -> str:
        """The name in the contract's form."""
        return f"projects/{self.project}/queues/{self.queue}/items/{self.id}"


class ReviewItems:
    """The use cases behind ``ReviewQueueService``, but for creating items.

    ``secret_box`` opens the addresses that callers gave, and makes what signs callbacks to them and
    to actions without a secret. ``keeps_feedback`` says whether opinions of texts are kept as
    feedback, where the policy keeps the texts.
    """

    def __init__(
        self,
        store: ReviewItemStore,
        policies: PolicyStore,
        reports: ReviewReports,
        secret_box: SecretBox,
        *,
        keeps_feedback: bool,
    ) -> None:
        self._store = store
        self._policies = policies
        self._reports = reports
        self._secret_box = secret_box
        self._keeps_feedback = keeps_feedback

    async def list(
        self,
        project: str,
        queue: str = "",
        *,
        state: ReviewState | None = None,
        unclaimed_only: bool = False,
        limit: int,
        after: str = "",
    ) -> tuple[Sequence[ReviewItem], str]:
        """Return up to ``limit`` items of a queue or all, and where to go on; empty at the end."""
        items = await self._store.list(
            project,
            queue,
            state=state,
            unclaimed_only=unclaimed_only,
            limit=limit + 1,
            after=after,
        )
        has_more = len(items) > limit
        return items[:limit], items[limit - 1].place if has_more else ""

    async def get(self, name: ItemName) -> ReviewItem:
        """Return an item. Raises ``NotFound``."""
        return _found(await self._store.find(name.project, name.queue, name.id), name.resource)

    async def claim(
        self, name: ItemName, reviewer: str, *, seconds: int = 0, request_id: str = ""
    ) -> ReviewItem:
        """Take an item, or without an id the oldest that is free, for so long; 0 as the queue says.

        Raises ``NotFound``, and ``FailedPrecondition`` for an item that this person can't have.
        """
        if not seconds:
            policy = await self._policies.current(name.project)
            seconds = _queue(policy, name.queue).claim_seconds
        claimed = await self._store.claim(
            name.project,
            name.queue,
            name.id,
            reviewer,
            until=datetime.now(UTC) + timedelta(seconds=seconds),
            request_id=request_id,
        )
        resource = name.resource if name.id else name.resource.removesuffix("/items/")
        return _found(claimed, resource)

    async def release(self, name: ItemName, reviewer: str) -> ReviewItem:
        """Give an item back. Raises ``NotFound`` or ``FailedPrecondition`` (ITEM_CLAIMED)."""
        released = await self._store.release(name.project, name.queue, name.id, reviewer)
        return _found(released, name.resource)

    async def decide(self, name: ItemName, opinion: ReviewOpinion, *, etag: str = "") -> ReviewItem:
        """Record what a person says of an item, and what follows from it, all at once or nothing.

        Said again under its request id, it changes nothing more. With ``etag`` the item must be as
        it was read. Raises ``NotFound``, ``Aborted`` (ETAG_MISMATCH), ``AlreadyExists``
        (REQUEST_ID_REUSED), and ``FailedPrecondition`` where the item doesn't wait for this person.
        """
        while True:
            item = await self.get(name)
            if _was_said(item, opinion):
                return item
            if etag not in ("", item.etag):
                raise Aborted(
                    ErrorReason.ETAG_MISMATCH,
                    "The review item changed since it was read.",
                    metadata={"etag": item.etag},
                )
            item.require_open_to(opinion.reviewer, opinion.decided_at)
            try:
                return await self._decide(item, opinion)
            except Aborted:  # somebody was faster, and may have left it open to this person still
                if etag:
                    raise

    async def _decide(self, item: ReviewItem, opinion: ReviewOpinion) -> ReviewItem:
        decided = item.with_opinion(opinion)
        if not decided.state.is_final:
            return await self._store.decide(item, opinion, Records())
        policy = await self._policies.current(item.project)
        action = _ACTIONS[decided.state]
        records = Records(
            deliveries=tuple(self._deliveries(decided, policy, opinion.decided_at)),
            ruling=Ruling(
                project=item.project,
                decision_id=item.id,
                decided_at=opinion.decided_at,
                action=action,
                actor_id=item.actor_id,
            ),
        )
        return await self._store.decide(
            item, opinion, records, self._feedback(item, opinion, action)
        )

    def _feedback(
        self, item: ReviewItem, opinion: ReviewOpinion, action: Action
    ) -> Feedback | None:
        text = self._reports.text(item) if self._keeps_feedback and item.keep_content else ""
        if not text:
            return None
        return Feedback(
            id=item.feedback_id,
            project=item.project,
            text=text,
            given_at=opinion.decided_at,
            category_ids=opinion.category_ids,
            action=action,
        )

    def _deliveries(self, item: ReviewItem, policy: Policy, at: datetime) -> Iterator[Delivery]:
        queue = _queue(policy, item.queue)
        for action in policy.actions:
            if action.id == queue.action_id and action.callback_url:
                yield self._delivery(item, at, action)
        if item.sealed_callback_url:
            url = opened_url(self._secret_box, item.sealed_callback_url)
            own = RuleAction("", "", url, format=item.callback_format)
            yield self._delivery(item, at, own)

    def _delivery(self, item: ReviewItem, at: datetime, action: RuleAction) -> Delivery:
        return Delivery(
            id=f"msg_{uuid.uuid4().hex}",
            project=item.project,
            event=EVENT,
            url=action.callback_url,
            body=self._reports.body(item, action),
            secret=action.secret or callback_secret(self._secret_box, item.project),
            created_at=at,
            headers=action.headers,
            job_id=item.id,
            action_id=action.id,
            actor_id=item.actor_id,
            words_until=words_until(
                at,
                is_kept=item.keep_content,
                kept_days=min(item.content_retention_days, item.decision_retention_days),
            ),
        )


def _found(item: ReviewItem | None, resource: str) -> ReviewItem:
    if item is None:
        raise NotFound(
            ErrorReason.RESOURCE_NOT_FOUND,
            "There is no such review item, or none that is free.",
            metadata={"resource": resource},
        )
    return item


def _was_said(item: ReviewItem, opinion: ReviewOpinion) -> bool:
    """Whether this call was made before. Raises ``AlreadyExists`` if under its id another was."""
    for said in item.opinions:
        if said.request_id == opinion.request_id and opinion.request_id:
            if replace(said, decided_at=opinion.decided_at) == opinion:
                return True
            raise AlreadyExists(
                ErrorReason.REQUEST_ID_REUSED,
                "Something else was said of the item under this request_id.",
                metadata={"request_id": opinion.request_id},
                violations=(FieldViolation("request_id", "is another call's; take a new one"),),
            )
    return False


def _queue(policy: Policy, queue_id: str) -> ReviewQueue:
    return next((queue for queue in policy.review_queues if queue.id == queue_id), DEFAULT_QUEUE)
