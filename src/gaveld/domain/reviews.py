"""What a panel is asked and what a reviewer answers: content, rules, tasks and ballots.

Counting the ballots is the business of ``decisions``.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from gaveld.domain.categories import CATALOGUE, Severity
from gaveld.domain.panels import HEAVIEST
from gaveld.domain.policies import Policy
from gaveld.domain.signals import ClassifierOutcome, Finding

MOST_CONFIDENT: Final = 5.0
"""Confidence in a flagged rule goes from 0 to this."""

CUSTOM_RULE_ID: Final = "CUSTOM"
"""The id of the one rule in force when a caller's own prompt replaces the catalogue."""


class ContentKind(StrEnum):
    """What the content is, which changes how it should be read.

    A comment's ``context`` is the thing commented on. Chat is short and informal. A search query
    is judged for the intent in few words. A conversation is judged turn by turn and as a whole.
    """

    TEXT = "text"
    COMMENT = "comment"
    CHAT = "chat"
    CONVERSATION = "conversation"
    SEARCH = "search"
    IMAGE = "image"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class TextContent:
    """One text."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation.

    ``role`` is the part that its author plays, such as ``user`` or ``assistant``; ``author_id``
    tells authors of one role apart. ``said_at`` is None when it is unknown.
    """

    text: str = field(repr=False)
    role: str = "user"
    author_id: str = field(default="", repr=False)
    id: str = ""
    said_at: datetime | None = None


def running_digest(before: bytes, turn: Turn) -> bytes:
    """Return the SHA-256 of a conversation's state after one more turn.

    ``before`` is the digest of the turns before it, empty if there are none. It costs the turn
    alone, however long the conversation.
    """
    state = hashlib.sha256(before)
    for part in (turn.role, turn.author_id, turn.text):
        state.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    return state.digest()


@dataclass(frozen=True, slots=True)
class ConversationContent:
    """Turns, oldest first; at least one."""

    turns: tuple[Turn, ...]

    def __post_init__(self) -> None:
        if not self.turns:
            raise ValueError("a conversation has at least one turn")


@dataclass(frozen=True, slots=True)
class ImageEvidence:
    """A picture and what the image path learnt of it, for reviewers with and without eyes.

    ``data`` is a PNG or JPEG that reviewers may be shown, of the type ``media_type``; ``text``
    is what was read in the picture, ``description`` a sentence made from evidence. ``sha256`` is
    of the file as sent, in hex.
    """

    data: bytes = field(repr=False)
    media_type: str
    sha256: str
    text: str = field(default="", repr=False)
    description: str = field(default="", repr=False)
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[ClassifierOutcome, ...] = ()


@dataclass(frozen=True, slots=True)
class FrameEvidence:
    """One sampled frame and when it is shown, in seconds from the beginning."""

    seconds: float
    image: ImageEvidence


@dataclass(frozen=True, slots=True)
class VideoEvidence:
    """Some frames of a video in order, and what is said or written in it.

    ``sha256`` is of the file as sent, in hex; ``seconds`` is the video's length. ``findings`` and
    ``outcomes`` are of all that was looked at and read, beyond the frames that are shown.
    ``has_all_frames``: there were no other frames, as in a short animation.
    """

    sha256: str
    seconds: float
    frames: tuple[FrameEvidence, ...]
    transcript: str = field(default="", repr=False)
    findings: tuple[Finding, ...] = ()
    outcomes: tuple[ClassifierOutcome, ...] = ()
    has_all_frames: bool = False


ReviewContent = TextContent | ConversationContent | ImageEvidence | VideoEvidence


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that content may break: a category of the catalogue, or a caller's own prompt."""

    id: str
    name: str
    text: str
    severity: Severity


def rules_in_force(excluded: Iterable[str] = ()) -> tuple[Rule, ...]:
    """Return the catalogue as rules, in its order, without the excluded categories.

    Raises ``KeyError`` with the first excluded id that is not in the catalogue.
    """
    left_out = tuple(excluded)
    for category_id in left_out:
        if category_id not in CATALOGUE:
            raise KeyError(category_id)
    return tuple(
        Rule(entry.id, entry.name, entry.description, entry.severity)
        for entry in CATALOGUE.values()
        if entry.id not in left_out
    )


def custom_rule(prompt: str) -> Rule:
    """Return the one rule that a caller's own prompt makes."""
    return Rule(CUSTOM_RULE_ID, "Custom Prompt", prompt, Severity.MEDIUM)


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class ReviewTask:
    """What every reviewer of one panel is given.

    All of them get this same object, which is equal to no other, so that reviewers that share
    a look at the content may remember it under the task for as long as the task lives.
    ``context`` is what reviewers should know: it is never judged and can't change the rules.
    ``custom_prompt`` is empty unless it replaced the rules; then ``rules`` holds it as the one
    rule, with the id ``CUSTOM_RULE_ID``.
    """

    kind: ContentKind
    content: ReviewContent
    rules: tuple[Rule, ...]
    policy: Policy
    context: str = field(default="", repr=False)
    custom_prompt: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ReviewerCard:
    """What a reviewer is.

    ``name`` is unique on a server and stands in answers. ``model`` and ``model_version`` name
    what is behind it; the version is empty if its server does not say. ``weight``, 0–100, is what
    its ballot weighs in the method ``score``. ``reads_images`` means that it looks at pixels, not
    only at evidence about them. ``limits`` says in one sentence what it can't see.
    """

    name: str
    model: str
    model_version: str = ""
    weight: float = 1.0
    reads_custom_prompts: bool = False
    reads_images: bool = False
    limits: str = ""

    def __post_init__(self) -> None:
        if not 0.0 <= self.weight <= HEAVIEST:
            raise ValueError(f"weight {self.weight} of {self.name!r} is outside 0–100")


class Decision(StrEnum):
    """What a reviewer says of content. A panel says safe or unsafe, or nothing at all."""

    SAFE = "safe"
    UNSAFE = "unsafe"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class FlaggedRule:
    """A rule that a reviewer finds broken, and how sure it is: 0 (hardly) to 5 (wholly)."""

    rule_id: str
    confidence: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= MOST_CONFIDENT:
            raise ValueError(f"confidence {self.confidence} in {self.rule_id} is outside 0–5")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A finding that a ballot rests on. ``turn`` is the turn's place from 0; None: the whole."""

    finding: Finding
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Ballot:
    """One reviewer's vote, or, as ``failed``, that there is none.

    ``reason`` is a sentence for the caller; a failed one says why there is no vote. Only an unsafe
    ballot flags rules, each once; it may flag none when its reviewer can't say which rule.
    ``outcomes`` are the classifiers that it rests on, for a reviewer that judges by evidence;
    empty means that the reviewer itself looked for every rule in force.
    """

    reviewer: str
    decision: Decision
    reason: str
    model: str
    model_version: str = ""
    flagged: tuple[FlaggedRule, ...] = ()
    seconds: float = 0.0
    weight: float = 1.0
    evidence: tuple[Evidence, ...] = ()
    outcomes: tuple[ClassifierOutcome, ...] = ()

    def __post_init__(self) -> None:
        if self.flagged and self.decision is not Decision.UNSAFE:
            raise ValueError(f"a ballot that is {self.decision} flags no rule")
        if len({entry.rule_id for entry in self.flagged}) < len(self.flagged):
            raise ValueError("a ballot flags a rule once")

    @property
    def is_counted(self) -> bool:
        """Whether it is a vote at all."""
        return self.decision is not Decision.FAILED

    @property
    def is_unsafe(self) -> bool:
        """Whether it votes unsafe."""
        return self.decision is Decision.UNSAFE
