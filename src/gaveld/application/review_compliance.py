"""Has content reviewed by a panel: seats it by the policy, polls it, and says what it decided.

Streams convene a panel once and have it review turn by turn.
"""

import hashlib
import logging
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import Final

from gaveld.application.charging import Charging
from gaveld.application.failures import place_of
from gaveld.application.panels import Panel, Review, ReviewWishes, conclude
from gaveld.application.poll import Seat, poll
from gaveld.application.ports import Credits, PolicyStore, Reviewer, Telemetry
from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.decisions import Counting
from gaveld.domain.errors import (
    DeadlineExceeded,
    ErrorReason,
    FailedPrecondition,
    FieldViolation,
    InvalidRequest,
)
from gaveld.domain.panels import PanelPlace
from gaveld.domain.policies import Policy, PolicyOverrides
from gaveld.domain.reviews import (
    ContentKind,
    ConversationContent,
    Decision,
    ReviewContent,
    ReviewerCard,
    ReviewTask,
    Rule,
    TextContent,
    custom_rule,
    rules_in_force,
    running_digest,
)

CHAT_MODELS_SETTING: Final = "panel.chat_models"
"""The setting that an operator is told to fill where no reviewer can be asked."""

NO_OVERRIDES: Final = PolicyOverrides()

_log = logging.getLogger(__name__)


class ReviewCompliance:
    """The use case behind ``ComplianceService``.

    ``reviewers`` are in the server's documented order, which policies may change. A call costs its
    project one credit for each reviewer that it asks, if ``balances`` has one for it.
    """

    def __init__(
        self,
        *,
        reviewers: Sequence[Reviewer],
        policies: PolicyStore,
        telemetry: Telemetry,
        reviewer_timeout_seconds: float,
        max_text_bytes: int,
        balances: Credits | None = None,
    ) -> None:
        self._reviewers = {entry.card.name: entry for entry in reviewers}
        if len(self._reviewers) < len(reviewers):
            raise ValueError("two reviewers have the same name")
        self._policies = policies
        self._telemetry = telemetry
        self._timeout_seconds = reviewer_timeout_seconds
        self._max_text_bytes = max_text_bytes
        self._charging = Charging(balances)

    async def __call__(
        self,
        kind: ContentKind,
        content: ReviewContent,
        wishes: ReviewWishes,
        *,
        project: str,
        deadline_seconds: float,
    ) -> Review:
        """Convene a panel and have it review one thing; see ``convene`` and ``review``."""
        panel = await self.convene(wishes, project=project)
        return await self.review(panel, kind, content, deadline_seconds=deadline_seconds)

    async def convene(
        self,
        wishes: ReviewWishes,
        *,
        project: str,
        overrides: PolicyOverrides = NO_OVERRIDES,
    ) -> Panel:
        """Return the panel that the project's policy, overridden, and the wishes make.

        Its seats are the first ``amount`` of the policy's reviewers, or of the server's; with a
        custom prompt, of those that read instructions. Categories that the overrides switch off are
        no rules. Raises ``InvalidRequest`` for an unknown category, by name, and where no rule is
        left, and ``FailedPrecondition`` where nobody can be asked.
        """
        silenced = tuple(
            category_id
            for category_id, change in overrides.categories.items()
            if change.enabled is False
        )
        wishes = replace(wishes, excluded_categories=(*wishes.excluded_categories, *silenced))
        policy = (await self._policies.current(project)).with_overrides(overrides)
        settings = policy.panel
        rules = _rules(wishes)
        seats = self._seats(policy, wishes)[: wishes.amount or settings.amount]
        method = wishes.method or settings.method
        return Panel(
            project, policy, Counting(method, rules, settings.score_threshold), seats, wishes
        )

    def charged(self, panel: Panel) -> AbstractAsyncContextManager[None]:
        """Take what one review by a panel costs, for all that is done inside; see ``Charging``."""
        return self._charging.charged(panel.project, len(panel.seats))

    async def review(
        self,
        panel: Panel,
        kind: ContentKind,
        content: ReviewContent,
        *,
        deadline_seconds: float,
        is_paid: bool = False,
    ) -> Review:
        """Have a panel review one thing within ``deadline_seconds`` from now.

        It is charged unless ``is_paid``: then the caller is inside of ``charged``.

        Each reviewer has its own timeout, or the deadline if that is sooner; one that fails is
        outside of the count. Raises ``InvalidRequest`` for content that is not Unicode or too long,
        ``DeadlineExceeded`` when the time is up already, ``ResourceExhausted`` when the project
        can't pay, and ``Unavailable`` when no ballot could be counted: never "safe".
        """
        if deadline_seconds <= 0:
            raise DeadlineExceeded(
                ErrorReason.DEADLINE_EXCEEDED,
                "The deadline passed before a reviewer could be asked.",
            )
        started = time.monotonic()
        sha256 = self._digest(content)
        task = ReviewTask(
            kind,
            content,
            panel.counting.rules,
            panel.policy,
            panel.wishes.context,
            panel.wishes.custom_prompt,
        )
        async with nullcontext() if is_paid else self.charged(panel):
            polled = await poll(
                panel.seats,
                task,
                panel.counting,
                min(self._timeout_seconds, started + deadline_seconds - time.monotonic()),
                until_settled=not panel.wishes.wants_every_ballot,
                on_failure=self._log_failure,
            )
            for ballot in polled.ballots:
                self._telemetry.ballot_cast(ballot.reviewer, ballot.decision, ballot.seconds)
            review = conclude(panel, polled, sha256, time.monotonic() - started)
        self._count(kind, review)
        return review

    def _seats(self, policy: Policy, wishes: ReviewWishes) -> tuple[Seat, ...]:
        places = policy.panel.places or tuple(PanelPlace(name) for name in self._reviewers)
        seats = tuple(self._seat(place) for place in places)
        if not self._reviewers or not seats:
            raise FailedPrecondition(
                ErrorReason.FEATURE_DISABLED,
                "This server has no reviewers: switch panel.embedded on, with the transformer, or "
                f"name a model in {CHAT_MODELS_SETTING}.",
                metadata={"setting": CHAT_MODELS_SETTING},
            )
        if not wishes.custom_prompt:
            return seats
        readers = tuple(seat for seat in seats if seat.card.reads_custom_prompts)
        if not readers:
            seated = ", and in panel.reviewers of the policy" if policy.panel.places else ""
            raise FailedPrecondition(
                ErrorReason.CUSTOM_PROMPT_UNSUPPORTED,
                "No reviewer of the panel reads instructions: name a chat model that does in "
                f"{CHAT_MODELS_SETTING}{seated}. The content was not judged by the default rules "
                "instead.",
                metadata={"configure": CHAT_MODELS_SETTING},
            )
        return readers

    def _seat(self, place: PanelPlace) -> Seat:
        reviewer = self._reviewers.get(place.reviewer)
        card = reviewer.card if reviewer else ReviewerCard(place.reviewer, "")
        return Seat(card, card.weight if place.weight is None else place.weight, reviewer)

    def _digest(self, content: ReviewContent) -> str:
        match content:
            case TextContent(text):
                return hashlib.sha256(self._encoded([text])).hexdigest()
            case ConversationContent(turns):
                self._encoded(turn.text for turn in turns)
                state = b""
                for turn in turns:
                    state = running_digest(state, turn)
                return state.hex()
            case _:
                return content.sha256

    def _encoded(self, texts: Iterable[str]) -> bytes:
        try:
            encoded = "".join(texts).encode()
        except UnicodeEncodeError as error:
            raise InvalidRequest(FieldViolation("content", "holds a lone surrogate")) from error
        if len(encoded) > self._max_text_bytes:
            limit = self._max_text_bytes
            raise InvalidRequest(
                FieldViolation("content", f"has {len(encoded)} bytes; the limit is {limit}"),
                reason=ErrorReason.TEXT_TOO_LARGE,
                metadata={
                    "field": "content",
                    "limit_bytes": str(limit),
                    "actual_bytes": str(len(encoded)),
                },
            )
        return encoded

    def _count(self, kind: ContentKind, review: Review) -> None:
        self._telemetry.stage_finished("panel", review.seconds)
        self._telemetry.review_given(kind, review.decision, review.count.outstanding)
        action = Action.BLOCK if review.decision is Decision.UNSAFE else Action.ALLOW
        for entry in review.coverage.unchecked:
            for name in (entry.classifiers or ("none",)) if entry.required else ():
                self._telemetry.check_bypassed(name, entry.status, action)

    @staticmethod
    def _log_failure(card: ReviewerCard, failure: Exception) -> None:
        # The type and place only: a library's message may quote the content.
        _log.error(
            "reviewer failed",
            extra={"reviewer": card.name, "model": card.model, "cause": place_of(failure)},
        )


def _rules(wishes: ReviewWishes) -> tuple[Rule, ...]:
    unknown = [
        (f"excluded_categories[{index}]", category_id)
        for index, category_id in enumerate(wishes.excluded_categories)
        if category_id not in CATALOGUE
    ]
    if unknown:
        field_path, category_id = unknown[0]
        raise InvalidRequest(
            *(
                FieldViolation(path, f"{name} is not a category; ListCategories has them all")
                for path, name in unknown
            ),
            reason=ErrorReason.UNKNOWN_CATEGORY,
            metadata={"field": field_path, "category_id": category_id},
        )
    if wishes.custom_prompt:
        if not wishes.custom_prompt.strip():
            raise InvalidRequest(FieldViolation("custom_prompt", "has no instruction in it"))
        return (custom_rule(wishes.custom_prompt),)
    rules = rules_in_force(wishes.excluded_categories)
    if not rules:
        raise InvalidRequest(FieldViolation("excluded_categories", "leaves no category to judge"))
    return rules
