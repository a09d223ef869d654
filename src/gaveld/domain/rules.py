"""A policy's rules: conditions on what was found, and what they set off. They are pure.

What a condition says is worked out behind a port; what follows from it is decided here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from gaveld.domain.actions import Action
from gaveld.domain.typed_content import FieldValue


class CallbackFormat(StrEnum):
    """The form of a callback's body."""

    NATIVE = "native"
    APOLLO = "apollo"
    CONTENTMOD = "contentmod"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition and what it sets off.

    ``content_types`` are those that it runs on, empty for all content. ``condition`` is a CEL
    expression that gives a bool. ``action_ids`` name the policy's actions; ``verdict`` is the least
    action of the verdict when the condition holds, None to leave it; ``review_queue`` is where the
    content goes then, empty for nowhere. A ``shadow`` rule runs and is counted, and never acts.
    """

    id: str
    name: str
    condition: str
    content_types: tuple[str, ...] = ()
    action_ids: tuple[str, ...] = ()
    verdict: Action | None = None
    review_queue: str = ""
    enabled: bool = True
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class RuleAction:
    """A call to the operator's own service, set off by rules.

    ``id`` is a UUID that never changes. An empty ``callback_url`` only names the action in answers.
    ``headers`` may hold credentials, and ``secret`` signs the callbacks: neither goes into a log.
    ``parameters`` are JSON, sent as the callback's ``custom``.
    """

    id: str
    name: str
    callback_url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    secret: str = field(default="", repr=False)
    format: CallbackFormat = CallbackFormat.NATIVE


@dataclass(frozen=True, slots=True)
class UserWindow:
    """What one user did in the last ``hours``: pieces of content judged, and those not allowed.

    ``categories`` count the content that had findings that act, by category id.
    """

    hours: int
    contents: int = 0
    flags: int = 0
    categories: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class UserHistory:
    """What one user of a project did before. ``windows`` are of 24, 168 and 720 hours.

    ``strikes`` are counted after decay. A user never seen has no times.
    """

    actor_id: str = field(repr=False)
    windows: tuple[UserWindow, UserWindow, UserWindow] = (
        UserWindow(24),
        UserWindow(168),
        UserWindow(720),
    )
    strikes: float = 0.0
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """All that a condition may ask about one piece of content.

    ``scores`` are its texts' traits, the highest of all fields, by name such as ``toxicity``;
    ``categories`` the highest score of every category that was checked, by id; ``findings`` the ids
    of those with a finding that acts; ``image_scores`` the classes of its pictures, the highest of
    all, by name such as ``porn``. ``language`` is a BCP 47 code, ``und`` or ``mul``; ``ocr_text``
    what is written in its pictures; ``verdict`` and ``coverage`` what thresholds alone made of it.

    What is not known is None, and never looks like nothing: a language or words that nobody could
    read, content that is not kept any more, a user whom nobody named.
    """

    scores: Mapping[str, float]
    categories: Mapping[str, float]
    findings: frozenset[str]
    image_scores: Mapping[str, float]
    language: str | None
    verdict: str
    coverage: str
    ocr_text: str | None = field(default="", repr=False)
    content: Mapping[str, FieldValue] | None = field(default_factory=dict, repr=False)
    content_type: str = ""
    user: UserHistory | None = None


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What a call says of its content beside the content itself, for the policy's rules.

    ``content_type`` is empty for untyped content, ``actor_id`` where nobody is named. ``fields``
    are as sent, None where a call has no place for them.
    """

    content_type: str = ""
    fields: Mapping[str, FieldValue] | None = field(default=None, repr=False)
    actor_id: str = field(default="", repr=False)


class RuleStatus(StrEnum):
    """How a rule came out."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """How one rule came out. ``error`` says why it failed, in words that quote no content.

    ``actions`` are what it set off; a rule that failed, did not match or is a shadow has none.
    """

    rule: Rule
    status: RuleStatus
    error: str = ""
    actions: tuple[RuleAction, ...] = ()
