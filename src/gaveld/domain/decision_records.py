"""What one judged piece of content leaves behind: its decision, callbacks, and a review item."""

from dataclasses import dataclass, field
from datetime import datetime

from gaveld.domain.actions import Action
from gaveld.domain.deliveries import Delivery
from gaveld.domain.review_items import ReviewItem
from gaveld.domain.rules import RuleFacts, RuleStatus
from gaveld.domain.signals import ClassifierOutcome, Finding


@dataclass(frozen=True, slots=True)
class JudgedPart:
    """The weighed findings and the outcomes of one text or file, enough to judge it again."""

    field_path: str
    findings: tuple[Finding, ...]
    outcomes: tuple[ClassifierOutcome, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """One piece of content as it was decided: scores and hashes, and no word of the content.

    ``id`` is that of the job. ``facts`` are what rules saw; their ``content`` and ``ocr_text`` are
    None unless the policy keeps content, but that nothing was read is known. ``payload`` is the
    content itself, empty unless the policy keeps it. ``category_ids`` are those of findings that
    acted. Times are UTC.
    """

    id: str
    project: str
    content_id: str
    content_sha256: str
    decided_at: datetime
    action: Action
    policy_revision: str
    facts: RuleFacts
    parts: tuple[JudgedPart, ...]
    actor_id: str = field(default="", repr=False)
    content_type: str = ""
    category_ids: tuple[str, ...] = ()
    rules: tuple[tuple[str, RuleStatus], ...] = ()
    payload: bytes = field(default=b"", repr=False)
    strike_half_life_days: int = 30
    content_retention_days: int = 30
    decision_retention_days: int = 90


@dataclass(frozen=True, slots=True)
class Ruling:
    """A person's last word on a decision, in place of the policy's: ``ALLOW`` or ``BLOCK``.

    ``decision_id`` is the decision's. A user's history counts what people said where they did:
    content that was let through is no flag and no strike, content that was refused is.
    """

    project: str
    decision_id: str
    decided_at: datetime
    action: Action
    actor_id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Records:
    """All that is written when a piece of work is done: all of it, in one transaction, or none."""

    decision: Decision | None = None
    deliveries: tuple[Delivery, ...] = ()
    review_item: ReviewItem | None = None
    ruling: Ruling | None = None
