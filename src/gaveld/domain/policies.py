"""What a project wants done about each category. A policy says; ``verdicts`` decides."""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.panels import PanelSettings
from gaveld.domain.rules import Rule, RuleAction
from gaveld.domain.typed_content import ContentType


@dataclass(frozen=True, slots=True)
class CategoryRule:
    """From which score on a category sends content to review, and from which it blocks.

    Scores are 0–1; None means never. ``required`` asks that every installed classifier of the
    category ran; if one did not, the verdict is incomplete.
    """

    review: float | None = None
    block: float | None = None
    required: bool = False

    def __post_init__(self) -> None:
        for name, score in (("review", self.review), ("block", self.block)):
            if score is not None and not 0.0 <= score <= 1.0:
                raise ValueError(f"{name}: {score} is outside 0–1")

    def action(self, score: float) -> Action:
        """Return what a finding with this score asks for."""
        if self.block is not None and score >= self.block:
            return Action.BLOCK
        if self.review is not None and score >= self.review:
            return Action.REVIEW
        return Action.ALLOW

    def threshold(self, action: Action) -> float | None:
        """Return the score from which the action is asked for; None if it never is."""
        return {Action.BLOCK: self.block, Action.REVIEW: self.review}.get(action)


@dataclass(frozen=True, slots=True)
class CategoryChange:
    """What one call changes of a category's rule; None keeps what the policy says.

    ``enabled`` False silences the category: its findings never act and it is not required.
    """

    review: float | None = None
    block: float | None = None
    required: bool | None = None
    enabled: bool | None = None

    def applied_to(self, rule: CategoryRule) -> CategoryRule:
        """Return the rule as the call wants it."""
        if self.enabled is False:
            return CategoryRule()
        return CategoryRule(
            review=rule.review if self.review is None else self.review,
            block=rule.block if self.block is None else self.block,
            required=rule.required if self.required is None else self.required,
        )


class TermMatch(StrEnum):
    """How a listed term is compared with a text; letter case never matters."""

    EXACT = "exact"
    PREFIX = "prefix"
    REGEX = "regex"


@dataclass(frozen=True, slots=True)
class TermList:
    """Terms that an operator blocks. ``exact`` and ``prefix`` match whole words or their start."""

    name: str
    match: TermMatch
    terms: tuple[str, ...]
    category_id: str = "L2"


USUAL_HIT: Final = 0.8
"""The threshold of a check where nobody says."""


@dataclass(frozen=True, slots=True)
class CheckThresholds:
    """The scores, 0–1, from which a check calls a hit; zero calls everything one.

    ``sentiment`` is that of a text's scores without one of their own, and ``images`` of those of a
    picture. None there means ``USUAL_HIT``.
    """

    sentiment: float | None = None
    toxicity: float | None = None
    profanity: float | None = None
    threat: float | None = None
    insult: float | None = None
    spam: float | None = None
    images: float | None = None
    images_porn: float | None = None
    images_sexual: float | None = None

    def __post_init__(self) -> None:
        for name, score in asdict(self).items():
            if score is not None and not 0.0 <= score <= 1.0:
                raise ValueError(f"{name}: {score} is outside 0–1")

    def changed_by(self, changes: "CheckThresholds") -> "CheckThresholds":
        """Return these thresholds with those that ``changes`` names in their place."""
        named = {name: score for name, score in asdict(changes).items() if score is not None}
        return replace(self, **named)

    def of_text(self, trait: str) -> float:
        """Return the threshold of one of a text's traits, such as ``toxicity``."""
        return _first(getattr(self, trait, None), self.sentiment)

    @property
    def porn(self) -> float:
        """The threshold of pornography in a picture."""
        return _first(self.images_porn, self.images)

    @property
    def sexual(self) -> float:
        """The threshold of a suggestive picture."""
        return _first(self.images_sexual, self.images)


def _first(*thresholds: float | None) -> float:
    return next((score for score in thresholds if score is not None), USUAL_HIT)


class BankKind(StrEnum):
    """What a picture's likeness to one of a bank means."""

    BLOCK = "block"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class HashBank:
    """A bank of known pictures, by its name on the server, and how near a picture must come.

    ``max_distance`` is the most bits, 0–128, in which a match may differ. ``category_id`` is the
    category of a match in a block bank, and empty for an allow bank.
    """

    name: str
    kind: BankKind = BankKind.BLOCK
    max_distance: int = 31
    category_id: str = ""


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """A queue that people work on. ``action_id`` is set off when an item is decided; or empty."""

    id: str
    name: str = ""
    claim_seconds: int = 600
    action_id: str = ""


DEFAULT_QUEUE: Final = ReviewQueue("default")
"""The queue of a project whose policy names none."""


@dataclass(frozen=True, slots=True)
class StorageRules:
    """What is kept of judged content, and for how many days."""

    keep_content: bool = False
    content_retention_days: int = 30
    decision_retention_days: int = 90
    strike_half_life_days: int = 30


def named_id(name: str) -> str:
    """Return the id of a rule or an action that was given none: a UUID made of its name."""
    return str(uuid.uuid5(_OWN_IDS, name))


_OWN_IDS: Final = uuid.UUID("4f3a1d52-6b0e-5c8e-9a57-1c5b0f6de2a9")


@dataclass(frozen=True, slots=True)
class Policy:
    """One project's rules of judgement; immutable, and named by ``revision`` in every verdict.

    A category without a rule never acts. ``required`` are the categories whose rule says so, and
    ``masked`` those whose spans are starred out in filtered text. ``expected_languages`` are base
    BCP 47 codes; empty means any. ``panel`` is who reviews content, and how their votes count.
    ``fetch_hosts`` are names of internal hosts that media may be fetched from, in lower case.
    """

    revision: str
    categories: Mapping[str, CategoryRule]
    on_incomplete: Action = Action.REVIEW
    masked: frozenset[str] = frozenset()
    mask_character: str = "*"
    term_lists: tuple[TermList, ...] = ()
    allowed_terms: tuple[str, ...] = ()
    blocked_domains: tuple[str, ...] = ()
    allowed_domains: tuple[str, ...] = ()
    expected_languages: frozenset[str] = frozenset()
    panel: PanelSettings = field(default_factory=PanelSettings)
    fetch_hosts: frozenset[str] = frozenset()
    check_thresholds: CheckThresholds = field(default_factory=CheckThresholds)
    description: str = ""
    hash_banks: tuple[HashBank, ...] = ()
    content_types: tuple[ContentType, ...] = ()
    rules: tuple[Rule, ...] = ()
    actions: tuple[RuleAction, ...] = ()
    review_queues: tuple[ReviewQueue, ...] = ()
    storage: StorageRules = field(default_factory=StorageRules)
    required: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        unknown = sorted((set(self.categories) | self.masked) - set(CATALOGUE))
        if unknown:
            raise ValueError(f"unknown category {unknown[0]!r}")
        object.__setattr__(self, "categories", MappingProxyType(dict(self.categories)))
        required = (category_id for category_id, rule in self.categories.items() if rule.required)
        object.__setattr__(self, "required", frozenset(required))

    def rule(self, category_id: str) -> CategoryRule:
        """Return the category's rule, or one that never acts."""
        return self.categories.get(category_id, _NO_RULE)

    def with_overrides(self, overrides: "PolicyOverrides") -> "Policy":
        """Return this policy as one call wants it; the revision says that it was changed."""
        if overrides == PolicyOverrides():
            return self
        return replace(
            self,
            revision=f"{self.revision}+overrides",
            categories={
                **self.categories,
                **{
                    category_id: change.applied_to(self.rule(category_id))
                    for category_id, change in overrides.categories.items()
                },
            },
            on_incomplete=overrides.on_incomplete or self.on_incomplete,
            masked=self.masked if overrides.masked is None else overrides.masked,
            mask_character=overrides.mask_character or self.mask_character,
        )


@dataclass(frozen=True, slots=True)
class PolicyOverrides:
    """What one call changes of its project's policy. The empty one changes nothing."""

    categories: Mapping[str, CategoryChange] = field(default_factory=dict)
    on_incomplete: Action | None = None
    masked: frozenset[str] | None = None
    mask_character: str | None = None


_NO_RULE = CategoryRule()
