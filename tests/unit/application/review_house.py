"""The use case of a panel with its parts within reach, over reviewers that do as they are told."""

import asyncio

import pytest

from gaveld.application.panels import Review, ReviewWishes
from gaveld.application.review_compliance import ReviewCompliance
from gaveld.domain.errors import GavelError
from gaveld.domain.panels import PanelSettings
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.reviews import ContentKind, TextContent
from tests.fakes.credits import FakeCredits
from tests.fakes.policies import FakePolicyStore
from tests.fakes.reviewer import FakeReviewer
from tests.fakes.telemetry import FakeTelemetry

STRICT = {"darn": ("L1", 3.0), "kill": ("H3", 5.0)}
LENIENT = {"kill": ("H3", 4.0)}
REQUIRED = {"H3": CategoryRule(0.5, required=True)}
ALL_BALLOTS = ReviewWishes(wants_every_ballot=True)


class House:
    """The use case with its parts within reach."""

    def __init__(
        self,
        *reviewers: FakeReviewer,
        panel: PanelSettings | None = None,
        purse: FakeCredits | None = None,
        timeout_seconds: float = 30.0,
    ) -> None:
        self.telemetry = FakeTelemetry()
        self.reviewers = reviewers
        policy = Policy("house@1", REQUIRED, panel=panel or PanelSettings())
        self.use_case = ReviewCompliance(
            reviewers=reviewers,
            policies=FakePolicyStore(policy),
            telemetry=self.telemetry,
            reviewer_timeout_seconds=timeout_seconds,
            max_text_bytes=100,
            balances=purse,
        )

    async def review(
        self,
        text: str = "I will kill you",
        wishes: ReviewWishes = ALL_BALLOTS,
        deadline_seconds: float = 30.0,
    ) -> Review:
        return await self.use_case(
            ContentKind.TEXT,
            TextContent(text),
            wishes,
            project="shop",
            deadline_seconds=deadline_seconds,
        )

    async def refusal(self, kind: type[GavelError], wishes: ReviewWishes = ALL_BALLOTS):
        with pytest.raises(kind) as caught:
            await self.review(wishes=wishes)
        return caught.value


def three(*, gates: tuple[asyncio.Event | None, ...] = (None, None, None)) -> list[FakeReviewer]:
    """Return two strict reviewers and a lenient one."""
    words = (STRICT, STRICT, LENIENT)
    return [
        FakeReviewer(f"r{index}", each, gate=gate)
        for index, (each, gate) in enumerate(zip(words, gates, strict=True))
    ]
