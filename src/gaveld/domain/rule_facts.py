"""Gathers what a policy's rules may ask of one piece of content from all that was learnt of it.

What a condition makes of it is worked out elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from gaveld.domain.actions import Action
from gaveld.domain.content import UNKNOWN_LANGUAGE, DetectedLanguage
from gaveld.domain.image_signals import ImageClass
from gaveld.domain.rules import RuleFacts, UserHistory
from gaveld.domain.signals import Attribute
from gaveld.domain.typed_content import FieldValue
from gaveld.domain.verdicts import Verdict, category_scores

SEVERAL_LANGUAGES: Final = "mul"


@dataclass(frozen=True, slots=True)
class FactsOfPart:
    """What was learnt of one text or file of the content.

    ``language`` is None where there was no text or nobody could tell; ``is_language_unknown`` is
    true for the latter. ``read_text`` is what is written in a picture, empty in a text, and None
    where the reader did not run to its end.
    """

    attributes: Mapping[Attribute, float] = field(default_factory=dict)
    image_scores: Mapping[ImageClass, float] = field(default_factory=dict)
    language: DetectedLanguage | None = None
    is_language_unknown: bool = False
    read_text: str | None = field(default="", repr=False)


def facts_of(
    verdict: Verdict,
    parts: Sequence[FactsOfPart],
    *,
    content: Mapping[str, FieldValue] | None,
    content_type: str = "",
    user: UserHistory | None = None,
) -> RuleFacts:
    """Return what rules may ask of content with these parts, whose verdict by thresholds is given.

    Of several scores the highest counts. Several languages are ``mul``, and none told is ``und``.
    What is read in several pictures is one text, a line for each line read. What one part could not
    tell of language or words is not known of the whole.
    """
    return RuleFacts(
        scores=_highest(part.attributes for part in parts),
        categories=category_scores(verdict),
        findings=frozenset(
            entry.finding.category_id
            for entry in verdict.findings
            if entry.action is not Action.ALLOW
        ),
        image_scores=_highest(part.image_scores for part in parts),
        language=_language(parts),
        verdict=verdict.action.name.lower(),
        coverage=verdict.coverage.status.name.lower(),
        ocr_text=_read_text(parts),
        content=content,
        content_type=content_type,
        user=user,
    )


def _highest(
    scored: Iterable[Mapping[Attribute, float] | Mapping[ImageClass, float]],
) -> dict[str, float]:
    highest: dict[str, float] = {}
    for scores in scored:
        for name, score in scores.items():
            highest[name.value] = max(score, highest.get(name.value, 0.0))
    return highest


def _language(parts: Sequence[FactsOfPart]) -> str | None:
    if any(part.is_language_unknown for part in parts):
        return None
    told = {part.language.code for part in parts if part.language is not None}
    told = {code for code in told if code != UNKNOWN_LANGUAGE} or told
    if len(told) > 1:
        return SEVERAL_LANGUAGES
    return told.pop() if told else UNKNOWN_LANGUAGE


def _read_text(parts: Sequence[FactsOfPart]) -> str | None:
    texts = [part.read_text for part in parts]
    if any(text is None for text in texts):
        return None
    return "\n".join(text for text in texts if text)
