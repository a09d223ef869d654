"""A turn that is still being written, and what is known of it so far. It asks nobody anything."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from gaveld.application.panels import Review, ReviewFinding
from gaveld.application.running_review import action_of, added, kept, scores_of
from gaveld.domain.actions import Action
from gaveld.domain.clearing import Draft, Piece
from gaveld.domain.content import Offsets
from gaveld.domain.conversations import Signs, TextDigest
from gaveld.domain.policies import Policy
from gaveld.domain.reviews import Turn
from gaveld.domain.verdicts import JudgedFinding

MAX_KEPT_FINDINGS: Final = 64
"""So many findings of one turn are told again in its review."""


_BEGINNING: Final = Offsets(0, 0, 0)


@dataclass(frozen=True, slots=True)
class TurnPart:
    """The next part of a turn that is being written. Text is empty in the last part only."""

    turn_id: str
    text: str = field(repr=False)
    role: str = "assistant"
    author_id: str = field(default="", repr=False)
    is_last: bool = False
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TurnCleared:
    """How much of a turn may be shown, in UTF-16 units; it never falls.

    ``findings`` are new since the last such event. Their spans are in ``text``, which begins at
    ``before`` in the turn.
    """

    turn_id: str
    cleared_utf16_offset: int
    action: Action
    findings: tuple[JudgedFinding, ...] = ()
    text: str = field(default="", repr=False)
    before: Offsets = _BEGINNING


class OpenTurn:
    """One turn from its first part to its review."""

    def __init__(self, first: TurnPart, hold_back_units: int) -> None:
        self.id = first.turn_id
        self.draft = Draft(hold_back_units)
        self.action = Action.ALLOW
        self.review: Review | None = None
        self.signs = Signs()
        self._first = first
        self._digest = TextDigest()
        self._told = (0, Action.ALLOW)
        self._found: dict[tuple[str, str, str], JudgedFinding] = {}

    def write(self, part: TurnPart) -> None:
        """Add a part."""
        self._digest.add(part.text)
        self.draft.write(part.text)
        if part.is_last:
            self.draft.end()

    def judged(self, piece: Piece, review: Review, policy: Policy) -> TurnCleared | None:
        """Take the review of a whole piece, and return what is new to tell, if anything is."""
        action = action_of(review, policy)
        self.action = max(self.action, action)
        if action is Action.BLOCK:
            self.draft.stop()
        else:
            self.draft.clear(piece)
        self.signs = self.signs.joined(Signs.read(piece.fresh, scores_of(review)))
        seconds = review.seconds + (self.review.seconds if self.review else 0.0)
        self.review = kept(added(self.review, replace(review, seconds=seconds)))
        fresh = tuple(entry.judged for entry in review.findings if _acts_in(entry.judged, piece))
        for entry in fresh:
            finding = entry.finding
            key = (finding.category_id, finding.classifier, finding.reason)
            if len(self._found) < MAX_KEPT_FINDINGS:
                self._found.setdefault(key, replace(entry, finding=replace(finding, span=None)))
        return self.news(fresh, piece)

    def glimpsed(self, piece: Piece, review: Review, policy: Policy) -> None:
        """Take the look at a piece that is not whole, which settles nothing but what is shown."""
        if action_of(review, policy) is not Action.BLOCK:
            self.draft.clear(piece)

    def news(
        self, findings: tuple[JudgedFinding, ...] = (), piece: Piece | None = None
    ) -> TurnCleared | None:
        """Return what may be shown, if that or what was found is news."""
        now = (self.draft.cleared_utf16_offset, self.action)
        if now == self._told and not findings:
            return None
        self._told = now
        if piece is None:
            return TurnCleared(self.id, *now)
        return TurnCleared(self.id, *now, findings, piece.text, piece.before)

    def sum_of(self, review: Review) -> Review:
        """Return the sum of its pieces as the review of the turn."""
        findings = tuple(ReviewFinding(entry, 0) for entry in self._found.values())
        return replace(review, sha256=self.text_sha256.hex(), findings=findings)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was written."""
        return self._digest.length == 0

    @property
    def is_excerpt(self) -> bool:
        """Whether ``turn`` has only the beginning and the end of it."""
        return self._digest.length > len(self._digest.excerpt)

    @property
    def text_sha256(self) -> bytes:
        """The digest of the whole text."""
        return self._digest.sha256

    @property
    def turn(self) -> Turn:
        """The turn, as far as it is kept."""
        first = self._first
        return Turn(self._digest.excerpt, first.role, first.author_id, self.id, first.said_at)


def _acts_in(judged: JudgedFinding, piece: Piece) -> bool:
    # What lies in the context alone was told when it was fresh, and what lies ahead will be, unless
    # the turn ends here because of it.
    span = judged.finding.span
    if judged.action is Action.ALLOW or span is None:
        return judged.action is not Action.ALLOW
    is_ahead = span.start >= piece.fresh_to and judged.action is not Action.BLOCK
    return span.end > piece.fresh_from and not is_ahead
