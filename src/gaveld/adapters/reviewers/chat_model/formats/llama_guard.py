"""Llama Guard 3 and 4: "safe", or "unsafe" and the codes of hazards on the next line.

The server's chat template asks by itself, so the prompt is the bare content. The codes are those of
https://www.llama.com/docs/model-cards-and-prompt-formats/llama-guard-3/; Llama Guard 1 and 2 have
others, and are not to be read by this form.
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
        "s1": GuardLabel("S1 Violent Crimes", ("V1", "V3", "H3")),  # terrorism too
        "s2": GuardLabel("S2 Non-Violent Crimes", ("C4", "C3", "C1")),  # fraud, drugs
        "s3": GuardLabel("S3 Sex-Related Crimes", ("C4", "A1")),  # trafficking, solicitation
        "s4": GuardLabel("S4 Child Sexual Exploitation", ("A3",)),
        "s5": GuardLabel("S5 Defamation"),
        "s6": GuardLabel("S6 Specialized Advice", ("D2",)),  # "this is harmless"
        "s7": GuardLabel("S7 Privacy", ("P1", "P2")),
        "s8": GuardLabel("S8 Intellectual Property"),
        "s9": GuardLabel("S9 Indiscriminate Weapons", ("C2",)),
        "s10": GuardLabel("S10 Hate", ("H1",)),
        "s11": GuardLabel("S11 Suicide & Self-Harm", ("D1",)),
        "s12": GuardLabel("S12 Sexual Content", ("A1", "A2")),
        "s13": GuardLabel("S13 Elections"),
        "s14": GuardLabel("S14 Code Interpreter Abuse", ("C4",)),
    }
)
_VERDICT: Final = re.compile(r"\s*(safe|unsafe)\b", re.IGNORECASE)
_CODE: Final = re.compile(r"\bS\d{1,2}\b", re.IGNORECASE)


class LlamaGuard:
    """The form of Llama Guard."""

    reads_custom_prompts: ClassVar[bool] = False
    can_see: ClassVar[bool] = True
    limits: ClassVar[str] = (
        "It knows the hazards of its training alone, and reads no rules and no context."
    )

    def covers(self, rules: Sequence[Rule]) -> frozenset[str]:
        """Return the rules that its hazards stand for."""
        return covered(LABELS, rules)

    def questions(self, task: ReviewTask, shown: Shown) -> Sequence[Question]:
        """Return the content as one user message."""
        prompt = ChatPrompt(disarmed(shown.text), pictures=shown.pictures)
        return (Question(prompt, prompt, partial(read_hazards, rules=task.rules)),)


def read_hazards(answer: ChatAnswer, *, rules: Sequence[Rule]) -> Reading:
    """Return what an answer says; raises ``UnreadableAnswerError`` for any other beginning."""
    verdict = _VERDICT.match(answer.text)
    if verdict is None:
        raise UnreadableAnswerError("Its answer was not in Llama Guard's form.")
    if verdict[1].casefold() == "safe":
        return Reading(is_unsafe=False, flagged=(), reason="Llama Guard calls it safe.")
    codes = dict.fromkeys(code.casefold() for code in _CODE.findall(answer.text, verdict.end()))
    confidence = confidence_in(answer, "unsafe")
    return unsafe_reading("Llama Guard", codes, LABELS, rules, confidence)
