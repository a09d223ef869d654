"""One suite for every ``Reviewer``. A new one joins with one line in ``CASES``."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import NamedTuple

import pytest

from gaveld.application.ports import Reviewer
from gaveld.domain.policies import Policy
from gaveld.domain.reviews import (
    ContentKind,
    ConversationContent,
    Decision,
    ReviewContent,
    ReviewTask,
    TextContent,
    Turn,
    custom_rule,
    rules_in_force,
)
from tests.chat_models import TEMPLATES, Obedient
from tests.chat_reviewers import reviewer_at
from tests.chat_server import chat_server, says
from tests.embedded_panel import Panel
from tests.fakes.panel_scorer import FakePanelScorer
from tests.fakes.reviewer import FakeReviewer


class Case(NamedTuple):
    """How to open a reviewer, a text that it finds unsafe, and the rule that this breaks.

    ``prompt`` is one that ``ORDINARY`` breaks and the telling text keeps; empty for a reviewer that
    reads none.
    """

    opened: Callable[[], AbstractAsyncContextManager[Reviewer]]
    telling: str
    rule_id: str
    prompt: str = ""


@asynccontextmanager
async def fake() -> AsyncIterator[Reviewer]:
    yield FakeReviewer(words={"sesame": ("H2", 4.0)}, reads_custom_prompts=True)


@asynccontextmanager
async def chat_model() -> AsyncIterator[Reviewer]:
    async with (
        chat_server(says(Obedient(TEMPLATES["chatml"]))) as server,
        reviewer_at(server.url) as reviewer,
    ):
        yield reviewer


@asynccontextmanager
async def embedded() -> AsyncIterator[Reviewer]:
    yield Panel(FakePanelScorer({"sesame": ("H2", 0.99)})).reviewers[0]


CASES = {
    "fake": Case(fake, "open sesame now", "H2", "Never mention a committee"),
    "embedded": Case(embedded, "open sesame now", "H2"),
    "chat_model": Case(chat_model, "open sesame now", "H2", "Never mention a committee"),
}
POLICY = Policy("test@1", {})
ORDINARY = "The committee met on Tuesday and approved the minutes of the last meeting."
TEXT_KINDS = (ContentKind.TEXT, ContentKind.COMMENT, ContentKind.CHAT, ContentKind.SEARCH)


@pytest.fixture(params=CASES)
def case(request) -> Case:
    return CASES[request.param]


@pytest.fixture
async def reviewer(case: Case) -> AsyncIterator[Reviewer]:
    async with case.opened() as reviewer:
        yield reviewer


def task_of(text: str, kind: ContentKind = ContentKind.TEXT, without: str = "") -> ReviewTask:
    content: ReviewContent = TextContent(text)
    if kind is ContentKind.CONVERSATION:
        content = ConversationContent((Turn("Hello there."), Turn(text, "assistant")))
    return ReviewTask(kind, content, rules_in_force([without] if without else []), POLICY)


@pytest.mark.parametrize("kind", [*TEXT_KINDS, ContentKind.CONVERSATION])
async def test_a_ballot_is_signed_and_speaks_of_rules_in_force(
    reviewer: Reviewer, case: Case, kind: ContentKind
):
    """Law: a ballot bears its reviewer's name and model, and flags rules of its task alone."""
    for text in (case.telling, ORDINARY):
        task = task_of(text, kind)
        ballot = await reviewer.review(task)
        assert (ballot.reviewer, ballot.model) == (reviewer.card.name, reviewer.card.model)
        assert ballot.weight == reviewer.card.weight
        assert ballot.is_counted
        assert ballot.reason
        assert {entry.rule_id for entry in ballot.flagged} <= {rule.id for rule in task.rules}


async def test_what_breaks_a_rule_is_told_from_what_does_not(reviewer: Reviewer, case: Case):
    """Law: the telling text is unsafe for the rule that it breaks, an ordinary one is safe."""
    told = await reviewer.review(task_of(case.telling))
    assert told.decision is Decision.UNSAFE
    assert case.rule_id in {entry.rule_id for entry in told.flagged}
    assert (await reviewer.review(task_of(ORDINARY))).decision is Decision.SAFE


async def test_a_rule_that_is_not_in_force_is_not_flagged(reviewer: Reviewer, case: Case):
    """Law: an excluded category is no reason against any content."""
    ballot = await reviewer.review(task_of(case.telling, without=case.rule_id))
    assert case.rule_id not in {entry.rule_id for entry in ballot.flagged}


async def test_tasks_do_not_mix(reviewer: Reviewer, case: Case):
    """Law: of tasks reviewed at once each gets its own ballot, and one task the same for each."""
    tasks = [task_of(text) for text in (case.telling, ORDINARY)] * 3
    ballots = await asyncio.gather(*(reviewer.review(task) for task in tasks))
    assert [ballot.decision for ballot in ballots] == [Decision.UNSAFE, Decision.SAFE] * 3


async def test_a_cancelled_review_harms_no_other(reviewer: Reviewer, case: Case):
    """Law: whoever shares a task with a cancelled review still gets a ballot."""
    task = task_of(case.telling)
    first, second = (asyncio.create_task(reviewer.review(task)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).decision is Decision.UNSAFE


async def test_nothing_of_the_content_is_logged(
    reviewer: Reviewer, case: Case, caplog: pytest.LogCaptureFixture
):
    """Law: content and context never reach a log."""
    caplog.set_level(logging.DEBUG)
    task = ReviewTask(
        ContentKind.COMMENT,
        TextContent(f"canary-content {case.telling}"),
        rules_in_force(),
        POLICY,
        context="canary-context",
    )
    await reviewer.review(task)
    assert "canary" not in caplog.text


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.prompt])
async def test_a_custom_prompt_replaces_the_rules(case: Case):
    """Law: one that reads prompts judges by the prompt, which is then its only rule."""
    rules = (custom_rule(case.prompt),)
    async with case.opened() as reviewer:
        for text, expected in ((ORDINARY, Decision.UNSAFE), (case.telling, Decision.SAFE)):
            task = ReviewTask(
                ContentKind.TEXT, TextContent(text), rules, POLICY, custom_prompt=case.prompt
            )
            assert (await reviewer.review(task)).decision is expected


async def test_a_card_says_truly_who_reads_prompts(reviewer: Reviewer, case: Case):
    """Law: a reviewer is asked by prompt if and only if its card says so."""
    assert reviewer.card.reads_custom_prompts == bool(case.prompt)
