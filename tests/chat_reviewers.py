"""Chat-model reviewers for tests, on an endpoint of the tests' own, and tasks for them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from gaveld.adapters.reviewers.chat_model import (
    AnswerForm,
    ChatOptions,
    JsonReview,
)
from gaveld.adapters.reviewers.chat_model.endpoint import ChatEndpoint, EndpointOptions
from gaveld.adapters.reviewers.chat_model.reviewer import ChatModelReviewer
from gaveld.domain.policies import Policy
from gaveld.domain.reviews import (
    ContentKind,
    ReviewContent,
    ReviewerCard,
    ReviewTask,
    TextContent,
    custom_rule,
    rules_in_force,
)


@asynccontextmanager
async def reviewer_at(
    url: str,
    form: AnswerForm | None = None,
    *,
    read_key: Callable[[], str] | None = None,
    reads_images: bool = False,
    chat: ChatOptions | None = None,
    **options: Any,
) -> AsyncIterator[ChatModelReviewer]:
    """Open a reviewer; ``options`` are those of its endpoint. It asks once unless told."""
    form = form or JsonReview()
    card = ReviewerCard(
        "judge",
        "test-model",
        "7",
        weight=2.0,
        reads_custom_prompts=form.reads_custom_prompts,
        reads_images=reads_images,
    )
    endpoint = ChatEndpoint(
        card.name,
        EndpointOptions(url=url, **{"attempts": 1, **options}),
        chat or ChatOptions(card.model),
        read_key,
    )
    try:
        yield ChatModelReviewer(card, endpoint, form)
    finally:
        await endpoint.aclose()


def task_of(
    content: ReviewContent | str,
    kind: ContentKind = ContentKind.TEXT,
    *,
    without: tuple[str, ...] = (),
    context: str = "",
    custom_prompt: str = "",
) -> ReviewTask:
    """A task under the catalogue, or under a custom prompt."""
    rules = (custom_rule(custom_prompt),) if custom_prompt else rules_in_force(without)
    content = TextContent(content) if isinstance(content, str) else content
    return ReviewTask(kind, content, rules, Policy("test@1", {}), context, custom_prompt)
