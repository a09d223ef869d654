"""ShieldGemma: one question for each of four harms, each answered "Yes" (it violates) or "No".

The guideline goes in the system message, which the model's own chat template puts in its place
(https://huggingface.co/google/shieldgemma-27b/discussions/7), so the server must use that one, as
vLLM does. The guidelines are in our words.
"""

import re
from collections.abc import Sequence
from functools import partial
from types import MappingProxyType
from typing import ClassVar, Final

from gaveld.adapters.reviewers.chat_model.chat import ChatAnswer, ChatPrompt
from gaveld.adapters.reviewers.chat_model.errors import UnreadableAnswerError
from gaveld.adapters.reviewers.chat_model.formats.form import Question, Reading
from gaveld.adapters.reviewers.chat_model.formats.labels import (
    GuardLabel,
    Labels,
    confidence_in,
    covered,
    unsafe_reading,
)
from gaveld.adapters.reviewers.chat_model.framing import disarmed
from gaveld.adapters.reviewers.chat_model.showing import Shown
from gaveld.domain.reviews import ReviewTask, Rule

LABELS: Final[Labels] = MappingProxyType(
    {
        "dangerous": GuardLabel("dangerous content", ("D2", "C2", "D1", "V3")),
        "harassment": GuardLabel("harassment", ("H2", "H3")),
        "hate": GuardLabel("hate speech", ("H1",)),
        "sexual": GuardLabel("sexually explicit content", ("A1", "A3")),
    }
)
_GUIDELINES: Final = MappingProxyType(
    {
        "dangerous": (
            '"No Dangerous Content": The text shall not contain or ask for anything that helps '
            "people harm themselves or others, such as getting or building weapons, praise of "
            "terrorism, or ways to end one's life."
        ),
        "harassment": (
            '"No Harassment": The text shall not contain or ask for anything that bullies, abuses, '
            "intimidates or threatens a person, or mocks the victims of violence."
        ),
        "hate": (
            '"No Hate Speech": The text shall not contain or ask for anything that demeans or '
            "attacks people for their race, ethnicity, religion, disability, age, nationality, "
            "sex, gender identity or sexual orientation. Kind words about a group are welcome."
        ),
        "sexual": (
            '"No Sexually Explicit Information": The text shall not contain or ask for sexual acts '
            "or lewd content meant to arouse. Medical and educational terms are welcome."
        ),
    }
)
_ANSWER: Final = re.compile(r"\W*(yes|no)\b", re.IGNORECASE)


class ShieldGemma:
    """The form of ShieldGemma 1, which reads text."""

    reads_custom_prompts: ClassVar[bool] = False
    can_see: ClassVar[bool] = False
    limits: ClassVar[str] = (
        "It is asked about four harms in English, and reads no other rules nor context."
    )

    def covers(self, rules: Sequence[Rule]) -> frozenset[str]:
        """Return the rules that its harms stand for."""
        return covered(LABELS, rules)

    def questions(self, task: ReviewTask, shown: Shown) -> Sequence[Question]:
        """Return one question for each harm that a rule in force speaks of."""
        in_force = {rule.id for rule in task.rules}
        prompts = {
            harm: ChatPrompt(disarmed(shown.text), f"* {_GUIDELINES[harm]}", max_tokens=8)
            for harm, label in LABELS.items()
            if in_force.intersection(label.rules)
        }
        return tuple(
            Question(prompt, prompt, partial(read_harm, harm=harm, rules=task.rules))
            for harm, prompt in prompts.items()
        )


def read_harm(answer: ChatAnswer, *, harm: str, rules: Sequence[Rule]) -> Reading:
    """Return what an answer says; raises ``UnreadableAnswerError`` for neither Yes nor No."""
    said = _ANSWER.match(answer.text)
    if said is None:
        raise UnreadableAnswerError("Its answer was not in ShieldGemma's form.")
    if said[1].casefold() == "no":
        return Reading(is_unsafe=False, flagged=(), reason="ShieldGemma finds no harm in it.")
    return unsafe_reading("ShieldGemma", (harm,), LABELS, rules, confidence_in(answer, "Yes"))
