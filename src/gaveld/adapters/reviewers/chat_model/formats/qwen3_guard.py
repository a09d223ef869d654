"""Qwen3Guard-Gen: "Safety: Safe|Controversial|Unsafe" and "Categories: …".

The server's chat template asks by itself, so the prompt is the bare content. The form is that of
https://github.com/QwenLM/Qwen3Guard. "Controversial" means harmful in some contexts: it counts as
unsafe with a confidence of at most 2, so that a panel's other members can outweigh it by score.
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

CONTROVERSIAL: Final = 2.0

_PII: Final = GuardLabel("PII", ("P1", "P2"))
_POLITICS: Final = GuardLabel("Politically Sensitive Topics")
LABELS: Final[Labels] = MappingProxyType(
    {
        "violent": GuardLabel("Violent", ("V1", "C2", "H3", "V2")),
        "non-violent illegal acts": GuardLabel("Non-violent Illegal Acts", ("C4", "C3", "C1")),
        "sexual content or sexual acts": GuardLabel("Sexual Content", ("A1", "A3", "A2")),
        "pii": _PII,
        "personally identifiable information": _PII,
        "suicide & self-harm": GuardLabel("Suicide & Self-Harm", ("D1",)),
        "unethical acts": GuardLabel("Unethical Acts", ("H2", "H1", "H3", "V3")),
        "politically sensitive topics": _POLITICS,
        "copyright violation": GuardLabel("Copyright Violation"),
        "jailbreak": GuardLabel("Jailbreak", ("S4",)),
    }
)
_SAFETY: Final = re.compile(r"\s*Safety:\s*(Safe|Controversial|Unsafe)\b", re.IGNORECASE)
_CATEGORIES: Final = re.compile(r"^\s*Categories:(.*)$", re.IGNORECASE | re.MULTILINE)


class Qwen3Guard:
    """The form of Qwen3Guard-Gen."""

    reads_custom_prompts: ClassVar[bool] = False
    can_see: ClassVar[bool] = False
    limits: ClassVar[str] = (
        "It knows the categories of its training alone, and reads no rules nor context."
    )

    def covers(self, rules: Sequence[Rule]) -> frozenset[str]:
        """Return the rules that its categories stand for."""
        return covered(LABELS, rules)

    def questions(self, task: ReviewTask, shown: Shown) -> Sequence[Question]:
        """Return the content as one user message."""
        prompt = ChatPrompt(disarmed(shown.text), max_tokens=128)
        return (Question(prompt, prompt, partial(read_safety, rules=task.rules)),)


def read_safety(answer: ChatAnswer, *, rules: Sequence[Rule]) -> Reading:
    """Return what an answer says; raises ``UnreadableAnswerError`` for any other beginning."""
    safety = _SAFETY.match(answer.text.rpartition("</think>")[2])
    if safety is None:
        raise UnreadableAnswerError("Its answer was not in Qwen3Guard's form.")
    level = safety[1].casefold()
    if level == "safe":
        return Reading(is_unsafe=False, flagged=(), reason="Qwen3Guard calls it safe.")
    line = _CATEGORIES.search(answer.text)
    named = [entry.strip().casefold() for entry in line[1].split(",")] if line else []
    given = dict.fromkeys(entry for entry in named if entry not in {"", "none"})
    confidence = confidence_in(answer, level)
    if level == "controversial":
        confidence = min(confidence, CONTROVERSIAL)
    return unsafe_reading("Qwen3Guard", given, LABELS, rules, confidence)
