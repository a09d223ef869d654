"""Takes submitted content: decides on it at once, or stores it to be decided by a worker.

A repeat is told from its id, or from its content, and changes nothing.
"""

import hashlib
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from gaveld.application.callback_secrets import opened_url, sealed_url
from gaveld.application.decide_content import ContentPapers, DecideContent
from gaveld.application.judge_content import JudgeContent
from gaveld.application.ports import JobDispatcher, JobStore, SecretBox
from gaveld.domain.decision_records import Records
from gaveld.domain.deliveries import CALLABLE, can_be_called
from gaveld.domain.errors import FieldViolation, InvalidRequest
from gaveld.domain.jobs import Job, JobKind, JobState
from gaveld.domain.review_items import ReviewItem, ReviewState
from gaveld.domain.submissions import ContentSubmission


@dataclass(frozen=True, slots=True)
class ContentRequest:
    """What is submitted, by which project and under which request id.

    ``payload`` is the submission as it is stored, without its ``callback_url``. ``review_queue``
    sends it to people whatever comes of it, and its callback tells of their decision then; such a
    request is a repeat only under its request id.
    """

    project: str
    request_id: str
    payload: bytes = field(repr=False)
    submission: ContentSubmission
    review_queue: str = ""


class SubmitContent:
    """The use case behind ``SubmitContent``, and behind what puts content into a review queue."""

    def __init__(
        self,
        judge_content: JudgeContent,
        decide_content: DecideContent,
        jobs: JobStore,
        dispatcher: JobDispatcher,
        secret_box: SecretBox,
    ) -> None:
        self._judge_content = judge_content
        self._decide_content = decide_content
        self._jobs = jobs
        self._dispatcher = dispatcher
        self._secret_box = secret_box

    async def now(self, request: ContentRequest, *, deadline_seconds: float) -> Job:
        """Decide on content within ``deadline_seconds`` and return the job, done and stored.

        A repeat is answered with the first one's job, however far that is. Raises what
        ``JudgeContent`` raises, ``AlreadyExists`` (REQUEST_ID_REUSED), and ``Unavailable`` where
        it could not be stored.
        """
        _check_callback(request.submission)
        job = self._job(request)
        repeated = await self._jobs.find_repeated(job)
        if repeated is not None:
            return repeated
        decided = await self._decide_content(
            job, request.submission, deadline_seconds=deadline_seconds
        )
        done = replace(
            job,
            state=JobState.DONE,
            attempt_count=1,
            payload=b"",
            answer=decided.kept_answer,
            updated_at=datetime.now(UTC),
        )
        kept = await self._jobs.add_done(done, decided.records)
        return replace(kept, answer=decided.answer) if kept.id == job.id else kept

    async def later(self, request: ContentRequest) -> Job:
        """Store content to be decided, and return the job that is on disk then.

        All that can be told of it now is refused now. Raises what ``JudgeContent.fit`` raises,
        ``AlreadyExists`` (REQUEST_ID_REUSED), and ``Unavailable`` where it could not be stored.
        """
        submission = request.submission
        _check_callback(submission)
        job = self._job(request)
        try:
            await self._judge_content.fit(submission, project=request.project)
        except InvalidRequest:  # under today's policy, which is nothing to a repeat
            repeated = await self._jobs.find_repeated(job)
            if repeated is None:
                raise
            return repeated
        kept = await self._jobs.add(job, _waiting_item(job, submission))
        if kept.id == job.id:
            await self._dispatcher.publish([job.id])
        return kept

    def _job(self, request: ContentRequest) -> Job:
        submission, at = request.submission, datetime.now(UTC)
        url = submission.callback_url
        return Job(
            id=uuid.uuid4().hex,
            project=request.project,
            kind=JobKind.CONTENT,
            request_id=request.request_id,
            payload_sha256=_asked_sha256(request),
            created_at=at,
            updated_at=at,
            payload=request.payload,
            # The same content may be put into queues as often as somebody wants people to see it.
            content_id="" if request.review_queue else submission.content_id,
            content_sha256=submission.identity_sha256,
            actor_id=submission.actor_id,
            sealed_callback_url=sealed_url(self._secret_box, url),
            priority=submission.priority,
            review_queue=request.review_queue,
        )


class DecideStoredContent:
    """The ``JobHandler`` of content: decides on what was stored, within ``max_seconds``."""

    def __init__(
        self,
        decide_content: DecideContent,
        papers: ContentPapers,
        secret_box: SecretBox,
        *,
        max_seconds: float,
    ) -> None:
        self._decide_content = decide_content
        self._papers = papers
        self._secret_box = secret_box
        self._max_seconds = max_seconds

    async def __call__(self, job: Job) -> tuple[bytes, Records]:
        """Return the answer, as much of it as may be kept, and what is written with it."""
        submission = self._papers.read(job.payload)
        if job.sealed_callback_url:
            url = opened_url(self._secret_box, job.sealed_callback_url)
            submission = replace(submission, callback_url=url)
        decided = await self._decide_content(job, submission, deadline_seconds=self._max_seconds)
        return decided.kept_answer, decided.records


def _asked_sha256(request: ContentRequest) -> bytes:
    """Return the hash by which a repeat is told from another call under its request id."""
    asked = request.payload + request.submission.callback_url.encode()
    if request.review_queue:
        asked = request.review_queue.encode() + b"\0" + asked
    return hashlib.sha256(asked).digest()


def _waiting_item(job: Job, submission: ContentSubmission) -> ReviewItem | None:
    """Return the item that people see while its content is judged; None if it is in no queue."""
    if not job.review_queue:
        return None
    return ReviewItem(
        id=job.id,
        project=job.project,
        queue=job.review_queue,
        created_at=job.created_at,
        state=ReviewState.PROCESSING,
        content_id=submission.content_id,
        actor_id=submission.actor_id,
        content_type=submission.content_type,
        sealed_callback_url=job.sealed_callback_url,
        callback_format=submission.callback_format,
    )


def _check_callback(submission: ContentSubmission) -> None:
    """Refuse an address that nothing could ever be sent to, so that nobody waits for it."""
    if submission.callback_url and not can_be_called(submission.callback_url):
        raise InvalidRequest(FieldViolation("callback_url", f"must be {CALLABLE}"))
