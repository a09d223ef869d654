"""What classifiers report: findings, attribute scores, topics, and whether each of them ran."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gaveld.domain.categories import CATALOGUE, Severity
from gaveld.domain.content import UNKNOWN_LANGUAGE, DetectedLanguage, Span


class Attribute(StrEnum):
    """A quality of a text that is scored by itself, whatever category it counts towards."""

    TOXICITY = "toxicity"
    SEVERE_TOXICITY = "severe_toxicity"
    INSULT = "insult"
    PROFANITY = "profanity"
    THREAT = "threat"
    IDENTITY_ATTACK = "identity_attack"
    SEXUALLY_EXPLICIT = "sexually_explicit"
    SPAM = "spam"


@dataclass(frozen=True, slots=True)
class ClassifierCard:
    """What a classifier is and what it can see.

    ``languages`` are the base BCP 47 codes it was made for; empty means any. ``limits`` says in
    one sentence what it cannot see. ``name`` and ``version`` appear beside each of its findings.
    ``runs_on_any_language``: it is asked about other languages too, for what it may still find,
    and that does not count as a check. ``has_exact_spans`` is false when spans are the passages
    that hold a hit, not the hit itself. ``reads_words_only``: it knows words and not what is said
    with them, so that one that ``reads_sentences`` is heard beside it. ``is_blind_spot``: there is
    no such classifier; the card stands for what nobody looks for in this kind of content, so that
    its categories never count as checked.
    """

    name: str
    version: str
    categories: frozenset[str]
    attributes: frozenset[Attribute] = frozenset()
    languages: frozenset[str] = frozenset()
    limits: str = ""
    runs_on_any_language: bool = False
    has_exact_spans: bool = True
    reads_words_only: bool = False
    reads_sentences: bool = False
    is_blind_spot: bool = False

    def reads(self, language: DetectedLanguage) -> bool:
        """Whether the classifier understands the language.

        An unknown one is worth trying, unless its script is known and so is not the classifier's.
        """
        if not self.languages or language.code == UNKNOWN_LANGUAGE:
            return True
        return language.base in self.languages


@dataclass(frozen=True, slots=True)
class Finding:
    """One signal: a category, the probability 0–1 that it applies, and where in the text.

    ``span`` is None when the whole text is meant. ``severity`` defaults to the category's own.
    ``reason`` is a short sentence that holds nothing of the content.
    """

    category_id: str
    score: float
    reason: str
    classifier: str
    version: str
    span: Span | None = None
    severity: Severity = Severity.UNSTATED

    def __post_init__(self) -> None:
        if self.category_id not in CATALOGUE:
            raise ValueError(f"unknown category {self.category_id!r}")
        if self.severity is Severity.UNSTATED:
            object.__setattr__(self, "severity", CATALOGUE[self.category_id].severity)
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score {self.score} of {self.category_id} is outside 0–1")


class OutcomeStatus(StrEnum):
    """What became of one classifier in one call."""

    RAN = "ran"
    TIMED_OUT = "timed_out"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_INSTALLED = "not_installed"


@dataclass(frozen=True, slots=True)
class ClassifierOutcome:
    """Whether a classifier ran, for how long, and why not if it did not.

    ``reason`` holds nothing of the content. ``is_check`` is false when it ran on a text that it
    does not read, or not to the end: what it found stands, and what it did not find says nothing.
    ``is_needless`` is true when it was skipped because there was nothing for it to look at, which
    is as good as a look.
    """

    card: ClassifierCard
    status: OutcomeStatus
    seconds: float = 0.0
    reason: str = ""
    is_check: bool = True
    is_needless: bool = False

    @property
    def missed_as(self) -> OutcomeStatus | None:
        """Why its categories are not checked; None if they are."""
        if self.is_needless:
            return None
        if self.status is OutcomeStatus.RAN:
            return None if self.is_check else OutcomeStatus.SKIPPED
        return self.status


MAX_TOPICS: Final = 8
"""So many topics of one piece of content are named, the likeliest."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A subject that the content is about: its name in lower case and the probability 0–1."""

    name: str
    score: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.score <= 1.0:
            raise ValueError(f"score {self.score} of {self.name} is outside 0–1")


class SentimentLabel(StrEnum):
    """The mood of a text."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


@dataclass(frozen=True, slots=True)
class Sentiment:
    """The mood of a text, and how far it leans: from -1, wholly negative, to 1, wholly positive."""

    label: SentimentLabel
    score: float

    def __post_init__(self) -> None:
        if not -1.0 <= self.score <= 1.0:
            raise ValueError(f"sentiment {self.score} is outside -1–1")

    @classmethod
    def likeliest(cls, negative: float, neutral: float, positive: float) -> "Sentiment":
        """Return the sentiment for the probabilities of the three moods, which sum to 1.

        The label is the likeliest mood, and neutral where none is alone in that; the score is the
        probability of positive less that of negative. So a label never contradicts its score.
        """
        score = max(-1.0, min(1.0, positive - negative))
        if negative > max(neutral, positive):
            return cls(SentimentLabel.NEGATIVE, score)
        if positive > max(neutral, negative):
            return cls(SentimentLabel.POSITIVE, score)
        return cls(SentimentLabel.NEUTRAL, score)


@dataclass(frozen=True, slots=True)
class ClassifierReport:
    """What one classifier says of one sample.

    ``unread`` says in a sentence what of the sample was not looked at, and holds nothing of the
    content; it is empty when everything was. ``topics`` are the up to ``MAX_TOPICS`` that the
    classifier is sure enough of, each once, the likeliest first; none is an answer. ``sentiment``
    is None when it was not worked out. ``looked_for`` are the categories that were looked for under
    the policy, None for those of the card.
    """

    findings: tuple[Finding, ...] = ()
    attributes: Mapping[Attribute, float] = field(default_factory=dict)
    unread: str = ""
    topics: tuple[Topic, ...] = ()
    sentiment: Sentiment | None = None
    looked_for: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Signals:
    """Everything that was learnt about one piece of content.

    ``topics`` are up to ``MAX_TOPICS``, the likeliest first. They and ``sentiment`` describe the
    content; no verdict rests on them.
    """

    findings: tuple[Finding, ...]
    outcomes: tuple[ClassifierOutcome, ...]
    attributes: Mapping[Attribute, float] = field(default_factory=dict)
    topics: tuple[Topic, ...] = ()
    sentiment: Sentiment | None = None
