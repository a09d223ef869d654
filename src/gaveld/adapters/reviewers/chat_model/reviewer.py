"""A reviewer that asks a chat model and turns what it says into a ballot."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from gaveld.adapters.reviewers.chat_model.endpoint import ChatEndpoint
from gaveld.adapters.reviewers.chat_model.errors import (
    ChatModelError,
    CircuitOpenError,
    UnreadableAnswerError,
    UnreviewableError,
)
from gaveld.adapters.reviewers.chat_model.formats.form import (
    AnswerForm,
    Question,
    Reading,
    merged,
)
from gaveld.adapters.reviewers.chat_model.showing import Shown, show
from gaveld.domain.reviews import Ballot, Decision, ReviewerCard, ReviewTask
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, OutcomeStatus

_WORDS_ALONE: Final = "It read words about the pictures, and did not see them all."

_log = logging.getLogger(__name__)


class ChatModelReviewer:
    """A ``Reviewer`` over one endpoint and one form of asking.

    ``card`` must say of custom prompts and pictures no more than the form can do. A failure of the
    endpoint or an answer that stays unreadable is a failed ballot, and one line in the log.
    """

    def __init__(self, card: ReviewerCard, endpoint: ChatEndpoint, form: AnswerForm) -> None:
        if card.reads_images and not form.can_see:
            raise ValueError(f"{card.name}: this form of asking can't show pictures")
        if card.reads_custom_prompts and not form.reads_custom_prompts:
            raise ValueError(f"{card.name}: this form of asking can't put a custom prompt")
        self._card = card
        self._endpoint = endpoint
        self._form = form

    @property
    def card(self) -> ReviewerCard:
        """What the reviewer is."""
        return self._card

    async def review(self, task: ReviewTask) -> Ballot:
        """Return the model's ballot, or a failed one; see ``Reviewer.review``."""
        card = self._card
        try:
            shown, covered = self._prepared(task)
            reading = await self._asked(self._form.questions(task, shown))
        except ChatModelError as failure:
            if not isinstance(failure, (CircuitOpenError, UnreviewableError)):
                _log.warning("chat model %s gave no ballot: %s", card.name, failure.reason)
            return Ballot(
                card.name,
                Decision.FAILED,
                failure.reason,
                card.model,
                card.model_version,
                weight=card.weight,
            )
        return Ballot(
            reviewer=card.name,
            decision=Decision.UNSAFE if reading.is_unsafe else Decision.SAFE,
            reason=reading.reason,
            model=card.model,
            model_version=card.model_version,
            flagged=reading.flagged,
            weight=card.weight,
            outcomes=self._outcomes(task, shown, covered),
        )

    def _prepared(self, task: ReviewTask) -> tuple[Shown, frozenset[str]]:
        if task.custom_prompt and not self._card.reads_custom_prompts:
            raise UnreviewableError("It can't judge by a custom prompt.")
        covered = self._form.covers(task.rules)
        if not covered:
            raise UnreviewableError("It can speak of none of the rules in force.")
        return show(task, reads_images=self._card.reads_images), covered

    async def _asked(self, questions: Sequence[Question]) -> Reading:
        if len(questions) == 1:
            return await self._answer(questions[0])
        answers = [asyncio.create_task(self._answer(question)) for question in questions]
        try:
            return merged(await asyncio.gather(*answers))
        finally:
            for answer in answers:
                answer.cancel()
            await asyncio.gather(*answers, return_exceptions=True)

    async def _answer(self, question: Question) -> Reading:
        try:
            return question.read(await self._endpoint.ask(question.prompt))
        except UnreadableAnswerError:
            return question.read(await self._endpoint.ask(question.repaired))

    def _outcomes(
        self, task: ReviewTask, shown: Shown, covered: frozenset[str]
    ) -> tuple[ClassifierOutcome, ...]:
        """Return what the ballot rests on; empty when the model itself saw all there is."""
        if shown.sees_all and covered == {rule.id for rule in task.rules}:
            return ()
        if shown.outcomes:
            return shown.outcomes
        own = ClassifierCard(self._card.name, self._card.model_version, covered)
        reason = "" if shown.sees_all else _WORDS_ALONE
        return (ClassifierOutcome(own, OutcomeStatus.RAN, reason=reason, is_check=shown.sees_all),)
