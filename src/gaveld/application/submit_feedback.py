"""Keeps one person's opinion of one text, once. It changes no verdict and reads no text."""

from dataclasses import replace

from gaveld.application.ports import FeedbackStore
from gaveld.domain.errors import AlreadyExists, ErrorReason, FieldViolation
from gaveld.domain.feedback import Feedback


class SubmitFeedback:
    """The use case behind ``SubmitFeedback``."""

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store

    async def __call__(self, feedback: Feedback) -> None:
        """Keep the opinion. One that is kept already, under the same id, is not kept twice.

        Raises ``AlreadyExists`` (REQUEST_ID_REUSED) where the id belongs to another opinion, and
        ``Unavailable`` where it can't be kept now.
        """
        known = await self._store.add(feedback)
        if known is not None and replace(known, given_at=feedback.given_at) != feedback:
            raise AlreadyExists(
                ErrorReason.REQUEST_ID_REUSED,
                "Another opinion was given under this request_id.",
                metadata={"request_id": feedback.id},
                violations=(FieldViolation("request_id", "is another opinion's; take a new one"),),
            )
