"""Decides on submitted content: has it judged, and says what its decision leaves behind.

That is an answer, a decision to remember, callbacks and a review item. Others write them.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

from gaveld.application.judge_content import ContentJudgement, JudgeContent
from gaveld.domain.actions import Action
from gaveld.domain.decision_records import Decision, JudgedPart, Records
from gaveld.domain.deliveries import Delivery, words_until
from gaveld.domain.jobs import Job
from gaveld.domain.policies import DEFAULT_QUEUE, Policy
from gaveld.domain.review_items import ReviewItem
from gaveld.domain.rules import CallbackFormat, RuleAction, RuleStatus
from gaveld.domain.submissions import ContentSubmission

EVENT: Final = "content.decided"
"""What happened, as the callbacks of a decision call it."""

_IDS: Final = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")


class ContentPapers(Protocol):
    """Reads and writes the wire's forms of submitted content, which nobody else looks into."""

    def read(self, payload: bytes) -> ContentSubmission:
        """Return what was submitted."""
        ...

    def answer(self, payload: bytes, judged: ContentJudgement, job: Job, review_item: str) -> bytes:
        """Return the answer to what was submitted; ``review_item`` is empty for none."""
        ...

    def without_words(self, answer: bytes) -> bytes:
        """Return an answer without the words of the content that it quotes."""
        ...


class CallbackBodies(Protocol):
    """Writes what callbacks say of a decision."""

    def body(
        self, form: CallbackFormat, job: Job, answer: bytes, custom: Mapping[str, Any]
    ) -> bytes:
        """Return the body in a form, of a job's answer.

        The job's payload is empty where no word of the content may be kept. ``custom`` are the
        action's parameters, sent unless they are empty.
        """
        ...


@dataclass(frozen=True, slots=True)
class DecidedContent:
    """What came of a piece of content.

    ``answer`` is for who submitted it, and ``kept_answer`` as much of it as may be stored.
    """

    answer: bytes = field(repr=False)
    kept_answer: bytes = field(repr=False)
    records: Records


class DecideContent:
    """Decides on content, in the time that a caller waits or a worker has.

    ``callback_secret`` takes a project and returns what signs callbacks to addresses that callers
    gave, and to actions without a secret of their own.
    """

    def __init__(
        self,
        judge_content: JudgeContent,
        papers: ContentPapers,
        callback_bodies: CallbackBodies,
        callback_secret: Callable[[str], str],
    ) -> None:
        self._judge_content = judge_content
        self._papers = papers
        self._bodies = callback_bodies
        self._callback_secret = callback_secret

    async def __call__(
        self, job: Job, submission: ContentSubmission, *, deadline_seconds: float
    ) -> DecidedContent:
        """Judge a job's content and return what comes of it. Raises what ``JudgeContent`` does."""
        judged = await self._judge_content(
            submission, project=job.project, deadline_seconds=deadline_seconds
        )
        queue, rule_ids = _queue(judged, job)
        name = f"projects/{job.project}/queues/{queue}/items/{job.id}" if queue else ""
        answer = self._papers.answer(job.payload, judged, job, name)
        kept = self._papers.without_words(answer) if submission.do_not_store else answer
        if submission.do_not_store:
            job = replace(job, payload=b"")
        records = Records(
            decision=_decision(job, judged),
            deliveries=tuple(self._deliveries(job, judged, kept)),
            review_item=_item(job, judged, queue, rule_ids, kept) if queue else None,
        )
        return DecidedContent(answer, kept, records)

    def _deliveries(self, job: Job, judged: ContentJudgement, answer: bytes) -> Iterator[Delivery]:
        """Yield one callback for each action that was set off, and the submission's own."""
        receivers = [action for action in judged.actions if action.callback_url]
        submission, storage = judged.submission, judged.policy.storage
        if job.sealed_callback_url and not job.review_queue:
            form = submission.callback_format
            receivers.append(RuleAction("", "", submission.callback_url, format=form))
        until = words_until(
            judged.decided_at,
            is_kept=storage.keep_content,
            kept_days=min(storage.content_retention_days, storage.decision_retention_days),
        )
        for action in receivers:
            yield Delivery(
                # Of one job there is one callback for each receiver, however often it is tried.
                id=f"msg_{uuid.uuid5(_IDS, f'{job.project}/{job.id}/{action.id}').hex}",
                project=job.project,
                event=EVENT,
                url=action.callback_url,
                body=self._bodies.body(action.format, job, answer, action.parameters),
                secret=action.secret or self._callback_secret(job.project),
                created_at=judged.decided_at,
                headers=action.headers,
                job_id=job.id,
                action_id=action.id,
                actor_id=submission.actor_id,
                words_until=None if submission.do_not_store else until,
            )


def first_queue(policy: Policy) -> str:
    """Return the queue of what a verdict alone sends to people."""
    return (policy.review_queues or (DEFAULT_QUEUE,))[0].id


def _queue(judged: ContentJudgement, job: Job) -> tuple[str, tuple[str, ...]]:
    """Return the queue that the content goes to, empty for none, and the rules that sent it."""
    senders = [
        outcome.rule
        for outcome in judged.rules
        if outcome.status is RuleStatus.MATCHED
        and outcome.rule.review_queue
        and not outcome.rule.shadow
    ]
    queue = job.review_queue
    if not queue and senders:
        queue = senders[0].review_queue
    elif not queue and judged.verdict.action is Action.REVIEW:
        queue = first_queue(judged.policy)
    return queue, tuple(rule.id for rule in senders if rule.review_queue == queue)


def _item(
    job: Job,
    judged: ContentJudgement,
    queue: str,
    rule_ids: tuple[str, ...],
    answer: bytes,
) -> ReviewItem:
    submission, storage = judged.submission, judged.policy.storage
    return ReviewItem(
        id=job.id,
        project=job.project,
        queue=queue,
        created_at=job.created_at,
        content_id=submission.content_id,
        actor_id=submission.actor_id,
        content_type=submission.content_type,
        payload=job.payload,
        answer=answer,
        rule_ids=rule_ids,
        # Whoever puts content into a queue wants to hear what people say of it.
        sealed_callback_url=job.sealed_callback_url if job.review_queue else b"",
        callback_format=submission.callback_format,
        keep_content=storage.keep_content and not submission.do_not_store,
        content_retention_days=storage.content_retention_days,
        decision_retention_days=storage.decision_retention_days,
    )


def _decision(job: Job, judged: ContentJudgement) -> Decision:
    submission, storage = judged.submission, judged.policy.storage
    keeps = storage.keep_content and not submission.do_not_store
    facts = judged.facts
    if not keeps:  # that nothing was read is no word of the content
        facts = replace(facts, content=None, ocr_text="" if facts.ocr_text == "" else None)
    parts = tuple(
        JudgedPart(
            entry.leaf.path,
            tuple(found.finding for found in entry.piece.verdict.findings),
            entry.piece.outcomes,
        )
        for entry in judged.fields
    )
    return Decision(
        id=job.id,
        project=job.project,
        content_id=submission.content_id,
        content_sha256=judged.sha256,
        decided_at=judged.decided_at,
        action=judged.verdict.action,
        policy_revision=judged.verdict.policy_revision,
        facts=facts,
        parts=parts or (JudgedPart("", (), judged.outcomes),),
        actor_id=submission.actor_id,
        content_type=submission.content_type,
        category_ids=tuple(sorted(judged.facts.findings)),
        rules=tuple((outcome.rule.id, outcome.status) for outcome in judged.rules),
        payload=job.payload if keeps else b"",
        strike_half_life_days=storage.strike_half_life_days,
        content_retention_days=storage.content_retention_days,
        decision_retention_days=storage.decision_retention_days,
    )
