"""A reviewer that flags words, and can be slow, broken, or careless with what it is told."""

import asyncio
from collections.abc import Mapping

from gaveld.domain.reviews import (
    CUSTOM_RULE_ID,
    Ballot,
    ConversationContent,
    Decision,
    FlaggedRule,
    ReviewContent,
    ReviewerCard,
    ReviewTask,
    TextContent,
)


class FakeReviewer:
    """A ``Reviewer`` that finds words broken rules, each with a rule id and a confidence.

    With ``reads_custom_prompts`` it breaks the custom rule when the content has the prompt's last
    word. ``gate`` holds it until it is set; ``failure`` is raised; both may be set at any time.
    """

    def __init__(
        self,
        name: str = "fake",
        words: Mapping[str, tuple[str, float]] | None = None,
        *,
        weight: float = 1.0,
        reads_custom_prompts: bool = False,
        gate: asyncio.Event | None = None,
        failure: Exception | None = None,
    ) -> None:
        self.card = ReviewerCard(name, "words", "1", weight, reads_custom_prompts)
        self.gate, self.failure = gate, failure
        self.tasks: list[ReviewTask] = []
        self._asked = asyncio.Condition()
        self.cancelled = 0
        self._words = dict(words or {})

    async def review(self, task: ReviewTask) -> Ballot:
        self.tasks.append(task)
        async with self._asked:
            self._asked.notify_all()
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.failure is not None:
            raise self.failure
        return self._ballot(task)

    async def until_asked(self, times: int = 1) -> None:
        """Return once it was asked so many times."""
        async with self._asked:
            await self._asked.wait_for(lambda: len(self.tasks) >= times)

    def _ballot(self, task: ReviewTask) -> Ballot:
        said, words = words_of(task.content), self._words
        if task.custom_prompt:
            words = {task.custom_prompt.split()[-1]: (CUSTOM_RULE_ID, 5.0)}
        in_force = {rule.id for rule in task.rules}
        flagged: dict[str, float] = {}
        for word, (rule_id, confidence) in words.items():
            if word in said and rule_id in in_force:
                flagged[rule_id] = max(confidence, flagged.get(rule_id, 0.0))
        decision = Decision.UNSAFE if flagged else Decision.SAFE
        return Ballot(
            self.card.name,
            decision,
            "It holds a listed word." if flagged else "It holds no listed word.",
            self.card.model,
            self.card.model_version,
            tuple(FlaggedRule(rule_id, sure) for rule_id, sure in flagged.items()),
            weight=self.card.weight,
        )


class CarelessReviewer(FakeReviewer):
    """One that flags rules whether or not they are in force, as a model might."""

    async def review(self, task: ReviewTask) -> Ballot:
        return Ballot(
            self.card.name,
            Decision.UNSAFE,
            "",
            self.card.model,
            flagged=(FlaggedRule("H1", 5.0), FlaggedRule("L1", 5.0)),
        )


def words_of(content: ReviewContent) -> set[str]:
    """Return the words of a text or a conversation."""
    match content:
        case TextContent(text):
            return set(text.split())
        case ConversationContent(turns):
            return {word for turn in turns for word in turn.text.split()}
    return set()
