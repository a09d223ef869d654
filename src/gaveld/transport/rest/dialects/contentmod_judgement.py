"""ContentMod's words for a judgement: risks, confidence, categories, and a film's rating.

Each is made from what Gavel found. What Gavel didn't look for has no score here either.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from gavel.v1.moderation_service_pb2 import ModerateImageResponse, ModerateTextResponse
from gavel.v1.verdict_pb2 import Action, CoverageStatus, SentimentLabel

from gaveld.transport.rest.dialects.scales import percent

RATINGS: Final = ("G", "PG", "PG-13", "R", "NC-17")
"""From what everybody may see to what only adults may."""

UNKNOWN_LANGUAGE: Final = "und"


class _Kind(NamedTuple):
    """A category in ContentMod's words: its name, and its rating at review and at block."""

    name: str
    at_review: str
    at_block: str


KINDS: Final[Mapping[str, _Kind]] = MappingProxyType(
    {
        "A1": _Kind("sexual", "R", "NC-17"),
        "A2": _Kind("nudity", "R", "NC-17"),
        "A3": _Kind("minors", "NC-17", "NC-17"),
        "C1": _Kind("drugs", "PG-13", "R"),
        "C2": _Kind("weapons", "PG-13", "R"),
        "C4": _Kind("illicit", "PG-13", "R"),
        "D1": _Kind("self-harm", "PG-13", "R"),
        "D2": _Kind("dangerous acts", "PG", "PG-13"),
        "H1": _Kind("hate", "R", "R"),
        "H2": _Kind("harassment", "PG-13", "R"),
        "H3": _Kind("threats", "PG-13", "R"),
        "L1": _Kind("profanity", "PG", "PG-13"),
        "V1": _Kind("violence", "PG-13", "R"),
        "V2": _Kind("gore", "R", "NC-17"),
        "V3": _Kind("extremism", "R", "NC-17"),
    }
)
"""The categories that are not safe for work. The others, such as spam, leave the rating at G."""

PROFANITY: Final = "L1"
_ACTING: Final = (Action.ACTION_REVIEW, Action.ACTION_BLOCK)
_SPAM: Final = "S1"
_TOXIC: Final = ("H1", "H2", "H3", "L1")


_MOODS: Final = {
    SentimentLabel.SENTIMENT_LABEL_NEGATIVE: "negative",
    SentimentLabel.SENTIMENT_LABEL_NEUTRAL: "neutral",
    SentimentLabel.SENTIMENT_LABEL_POSITIVE: "positive",
}


class Judged:
    """One judgement, read for ContentMod's answers."""

    def __init__(self, answer: ModerateTextResponse | ModerateImageResponse) -> None:
        self._answer = answer
        self._scores: dict[str, float] = dict(answer.category_scores)
        self._actions: dict[str, Action.ValueType] = {}
        for finding in answer.findings:
            self._add(finding.category_id, finding.score, finding.action)
        for reason in answer.verdict.reasons:
            if reason.category_id:
                self._add(reason.category_id, reason.score, reason.action)

    def shared(self) -> dict[str, Any]:
        """Return what answers about texts and about pictures have in common."""
        action = self._answer.verdict.action
        return {
            "isSafe": action == Action.ACTION_ALLOW,
            "confidence": self.confidence,
            "riskScores": self.risks,
            "topics": [topic.name for topic in self._answer.topics],
            "nsfwCategories": self.kinds,
            "suggestedActions": {
                "reject": action == Action.ACTION_BLOCK,
                "review": action == Action.ACTION_REVIEW,
            },
            "hash": self._answer.content_sha256,
        }

    def summary(self) -> dict[str, Any]:
        """Return the summary of an answer about a picture; one about a text has more."""
        return {
            "totalFlags": self._flag_count,
            "contentRating": self.rating,
            "language": self._answer.language.code or UNKNOWN_LANGUAGE,
        }

    @property
    def is_whole(self) -> bool:
        """Whether everything that the policy requires was checked."""
        coverage = self._answer.verdict.coverage
        return coverage.status == CoverageStatus.COVERAGE_STATUS_COMPLETE

    @property
    def risks(self) -> dict[str, int | None]:
        """The risks, 0 to 100; None for what was not scored.

        The overall risk is None too where a required check is missing and nothing was found.
        """
        traits = self._answer.attribute_scores
        spam = traits.spam if traits.HasField("spam") else self._highest([_SPAM])
        toxicity = traits.toxicity if traits.HasField("toxicity") else self._highest(_TOXIC)
        overall = self._highest(self._scores) if self.is_whole or self._actions else None
        return {
            "overall": _percent(overall),
            "spam": _percent(spam),
            "toxicity": _percent(toxicity),
        }

    @property
    def confidence(self) -> int:
        """How sure it is, 1 to 100, that the content is safe; 1 where a required check is missing.

        It is what the overall risk leaves of 100; 1 too where nothing at all was looked for.
        """
        overall = self.risks["overall"]
        return max(1, 100 - overall) if self.is_whole and overall is not None else 1

    @property
    def kinds(self) -> list[dict[str, Any]]:
        """The categories that the policy doesn't allow and are not safe for work, worst first."""
        found = [
            {"category": KINDS[entry].name, "severity": percent(self._scores[entry])}
            for entry in self._actions
            if entry in KINDS
        ]
        return sorted(found, key=lambda kind: (-kind["severity"], kind["category"]))

    @property
    def rating(self) -> str | None:
        """The strictest rating of what was found; None in place of G where checks are missing.

        It is None too where nothing at all was looked for.
        """
        found = [_rating(entry, action) for entry, action in self._actions.items()]
        strictest = max(found, key=RATINGS.index, default=RATINGS[0])
        is_known = self.is_whole and bool(self._scores)
        return strictest if is_known or strictest != RATINGS[0] else None

    @property
    def _flag_count(self) -> int:
        acting = sum(finding.action in _ACTING for finding in self._answer.findings)
        return acting + self._answer.omitted_finding_count

    @property
    def is_profane(self) -> bool | None:
        """Whether there is profanity that the policy minds; None where none was looked for."""
        return PROFANITY in self._actions if PROFANITY in self._scores else None

    def _add(self, category_id: str, score: float, action: Action.ValueType) -> None:
        self._scores[category_id] = max(self._scores.get(category_id, 0.0), score)
        if action in _ACTING:
            self._actions[category_id] = max(self._actions.get(category_id, action), action)

    def _highest(self, category_ids: Iterable[str]) -> float | None:
        """Return the highest score of the categories; None unless one of them was checked."""
        return max((self._scores[e] for e in category_ids if e in self._scores), default=None)


def text_json(
    answer: ModerateTextResponse, text: str, request_id: str, time: datetime
) -> dict[str, Any]:
    """Return the answer about a text, without what is the caller's own to echo."""
    judged = Judged(answer)
    has_mood = answer.HasField("sentiment")
    return {
        "id": request_id,
        **judged.shared(),
        "sentiment": _MOODS.get(answer.sentiment.label) if has_mood else None,
        "sentimentScore": round(answer.sentiment.score, 2) if has_mood else None,
        "summary": {"profanity": judged.is_profane, **judged.summary()},
        "filteredContent": answer.filtered_text,
        "content": text,
        "original": text,
        "request": {
            "requestId": request_id,
            "timestamp": time.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        },
    }


def image_json(answer: ModerateImageResponse) -> dict[str, Any]:
    """Return the answer about a picture, without what is the caller's own to echo."""
    judged = Judged(answer)
    return {
        "summary": judged.summary(),
        **judged.shared(),
        "description": answer.description,
    }


def _rating(category_id: str, action: Action.ValueType) -> str:
    kind = KINDS.get(category_id)
    if kind is None:
        return RATINGS[0]
    return kind.at_block if action == Action.ACTION_BLOCK else kind.at_review


def _percent(probability: float | None) -> int | None:
    return None if probability is None else percent(probability)
