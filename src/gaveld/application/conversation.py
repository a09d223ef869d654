"""One conversation while it goes on: what is remembered of it, and what each turn comes to.

What is asked of reviewers for a turn, and what is remembered between turns, is bounded: the turn
itself, a window of the last turns, and the running review, which is the sum of what was found.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from gaveld.application.open_turn import OpenTurn, TurnCleared, TurnPart
from gaveld.application.panels import Review, ReviewFinding
from gaveld.application.running_review import action_of, action_on, added, kept, scores_of
from gaveld.application.sitting import Question, Sitting
from gaveld.domain.actions import Action
from gaveld.domain.conversations import (
    HeardTurn,
    Signs,
    Speaker,
    Window,
    digest_after,
    excerpt,
)
from gaveld.domain.errors import ErrorReason, FieldViolation, InvalidRequest
from gaveld.domain.escalation import (
    MOST_MINORS,
    Escalation,
    Pattern,
    escalations,
    found_by_reviewers,
    minors_among,
)
from gaveld.domain.reviews import (
    ContentKind,
    ConversationContent,
    Decision,
    Turn,
    running_digest,
)

_PATTERNS: Final = {
    Pattern.REPEATED_HARASSMENT: "repeated harassment of one person",
    Pattern.INSISTENCE: "insistence after a refusal",
    Pattern.SELF_HARM: "movement towards self-harm",
    Pattern.MEETING_MINOR: "movement towards a meeting with a minor",
    Pattern.WHOLE: "the turns together",
}


class StreamKind(StrEnum):
    """What a streamed conversation is."""

    CONVERSATION = "conversation"
    CHAT = "chat"
    MODEL_OUTPUT = "model_output"


@dataclass(frozen=True, slots=True)
class TurnReviewed:
    """The review of one turn and the running review of the conversation.

    ``turn_content`` and ``window`` are what the findings' spans are in; the turn of a finding of
    ``conversation`` is its place in the window. ``escalations`` are what this turn takes part in.
    """

    turn_id: str
    turn: Review
    turn_content: ConversationContent
    conversation: Review
    window: ConversationContent
    action: Action
    escalations: tuple[Escalation, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """What a conversation came to, up to its last turn that was judged.

    ``review`` is None and ``last_turn_id`` empty if none was. ``escalations`` has the latest of
    each pattern and category.
    """

    review: Review | None
    last_turn_id: str
    turn_count: int
    escalations: tuple[Escalation, ...] = ()


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """Why a turn was not judged. It is then as if it had not been sent."""

    turn_id: str
    failure: Exception


Event = TurnReviewed | TurnCleared | TurnFailed


class Conversation:
    """Judges the turns of one conversation in the order in which they come.

    ``hear``, ``write`` and ``end_turn`` give events as they happen, and never raise for a turn: a
    turn that can't be judged gives ``TurnFailed``, and the conversation goes on. What is cancelled
    in their middle was not judged. Not for concurrent calls.
    """

    def __init__(self, sitting: Sitting, kind: StreamKind, hold_back_units: int) -> None:
        self._sitting = sitting
        is_chat = kind is StreamKind.CHAT
        self._kind = ContentKind.CHAT if is_chat else ContentKind.CONVERSATION
        self._hold_back_units = hold_back_units
        self._window = Window()
        self._minors: tuple[Speaker, ...] = ()
        self._digest = b""
        self._running: Review | None = None
        self._is_window_unsafe = False
        self._last_turn_id = ""
        self._turn_count = 0
        self._escalations: dict[tuple[Pattern, str], Escalation] = {}
        self._open: OpenTurn | None = None
        self._refused_id = ""

    def remember(self, turn: Turn) -> None:
        """Take note of a turn that was said before, without judging it."""
        shown = excerpt(turn.text)
        heard = HeardTurn(
            replace(turn, text=shown), Signs.read(shown), is_excerpt=shown != turn.text
        )
        self._digest = running_digest(self._digest, turn)
        self._window = self._window.with_turn(heard)
        self._notice_minors()

    async def hear(self, turn: Turn) -> AsyncIterator[Event]:
        """Judge a complete turn.

        One that comes while another is being written, or under an id that was used lately, fails
        with ``InvalidRequest`` (INVALID_TURN).
        """
        async for event in self._end_stopped():
            yield event
        try:
            self._check_new(turn.id, "turn.id")
            reviewed = await self._hear(turn)
        except Exception as failure:  # noqa: BLE001 - one turn's failure is never the stream's
            yield TurnFailed(turn.id, failure)
        else:
            yield reviewed

    async def write(self, part: TurnPart) -> AsyncIterator[Event]:
        """Add a part to the turn that is being written, or begin one, and judge what is whole.

        The last part gives the turn's review. A part that begins a turn fails as in ``hear``, and
        the other parts of a turn that failed are passed over.
        """
        if part.turn_id == self._refused_id:
            return
        if self._open is None or part.turn_id != self._open.id:
            async for event in self._end_stopped():
                yield event
            try:
                self._check_new(part.turn_id, "partial_turn.turn_id")
            except InvalidRequest as failure:
                self._refused_id = part.turn_id
                yield TurnFailed(part.turn_id, failure)
                return
            self._open, self._refused_id = OpenTurn(part, self._hold_back_units), ""
        opened = self._open
        opened.write(part)
        events = self._end(opened) if part.is_last else self._judge(opened)
        async for event in self._guarded(opened.id, events):
            yield event

    async def end_turn(self) -> AsyncIterator[Event]:
        """End the turn that is being written, if there is one, as if its last part had come."""
        if self._open is not None:
            async for event in self._guarded(self._open.id, self._end(self._open)):
                yield event

    def refuse(self, turn_id: str) -> None:
        """Drop a turn: what is still to come of it is passed over."""
        self._refused_id = turn_id
        if self._open is not None and self._open.id == turn_id:
            self._open = None

    def summary(self) -> Summary:
        """Return what the conversation came to."""
        cases = tuple(self._escalations.values())
        return Summary(self._running, self._last_turn_id, self._turn_count, cases)

    async def _hear(self, turn: Turn) -> TurnReviewed:
        shown = excerpt(turn.text)
        heard = HeardTurn(replace(turn, text=shown), Signs(), is_excerpt=shown != turn.text)
        content = ConversationContent((turn,))
        own, *rest = await self._sitting.review([(self._kind, content), *self._about(heard)])
        own = replace(own, sha256=hashlib.sha256(turn.text.encode()).hexdigest())
        heard = replace(heard, signs=Signs.read(shown, scores_of(own)))
        digest = running_digest(self._digest, turn)
        return self._conclude(heard, own, rest[0] if rest else None, digest, content)

    async def _end_stopped(self) -> AsyncIterator[Event]:
        # Whoever was told that nothing more is cleared may go on without saying that it ended.
        if self._open is not None and self._open.draft.is_stopped:
            async for event in self.end_turn():
                yield event

    async def _guarded(self, turn_id: str, events: AsyncIterator[Event]) -> AsyncIterator[Event]:
        try:
            async for event in events:
                yield event
        except Exception as failure:  # noqa: BLE001 - one turn's failure is never the stream's
            self.refuse(turn_id)
            yield TurnFailed(turn_id, failure)

    async def _judge(self, opened: OpenTurn) -> AsyncIterator[Event]:
        policy = self._sitting.policy
        while (piece := opened.draft.next_piece()) is not None:
            if piece.is_silent:
                opened.draft.clear(piece)
                continue
            (review,) = await self._sitting.review([self._shown(opened, piece.text)])
            told = opened.judged(piece, review, policy)
            if told is not None:
                yield told
        if (glimpse := opened.draft.glimpse()) is not None:
            (review,) = await self._sitting.review([self._shown(opened, glimpse.text)])
            opened.glimpsed(glimpse, review, policy)
        told = opened.news()
        if told is not None:
            yield told

    async def _end(self, opened: OpenTurn) -> AsyncIterator[Event]:
        if opened.is_empty:
            raise _invalid("partial_turn.text", "is empty in every part of the turn", opened.id)
        opened.draft.end()
        async for event in self._judge(opened):
            yield event
        turn = opened.turn
        heard = HeardTurn(turn, opened.signs, is_excerpt=opened.is_excerpt)
        asked = self._about(heard)
        if opened.review is None:  # nothing but marks, so that no piece was worth a look
            asked.insert(0, self._shown(opened, turn.text))
        reviews = await self._sitting.review(asked)
        own = opened.sum_of(opened.review or reviews.pop(0))
        digest = digest_after(self._digest, turn, opened.text_sha256)
        whole = reviews[0] if reviews else None
        content = ConversationContent((turn,))
        reviewed = self._conclude(heard, own, whole, digest, content)
        self._open = None
        yield replace(reviewed, action=max(reviewed.action, opened.action))

    def _shown(self, opened: OpenTurn, text: str) -> Question:
        return self._kind, ConversationContent((replace(opened.turn, text=text),))

    def _about(self, heard: HeardTurn) -> list[Question]:
        window = self._window.with_turn(heard)
        # The first turn is the conversation so far.
        return [(self._kind, window.content)] if len(window.turns) > 1 else []

    def _check_new(self, turn_id: str, field: str) -> None:
        if self._open is not None:
            raise _invalid(field, "begins a turn before the last one has ended", turn_id)
        if self._window.has(turn_id):
            raise _invalid(field, "names a turn that was sent before", turn_id)

    def _conclude(
        self,
        heard: HeardTurn,
        own: Review,
        whole: Review | None,
        digest: bytes,
        content: ConversationContent,
    ) -> TurnReviewed:
        heard = replace(heard, is_unsafe=own.decision is Decision.UNSAFE)
        window = self._window.with_turn(heard)
        if whole is None:
            seen = replace(own, findings=_moved(own.findings, len(window.shown) - 1))
        else:
            window, seen = _with_evidence(window, whole.findings), added(own, whole)
        cases = self._notice(window, whole)
        now = replace(
            _escalated(seen, cases),
            findings=_placed(seen.findings, window),
            sha256=digest.hex(),
        )
        running = added(self._running, now)
        self._running, self._digest = kept(running), digest
        self._last_turn_id, self._turn_count = heard.turn.id, self._turn_count + 1
        if running.decision is not now.decision:
            running = replace(running, reason=f"Of an earlier turn: {running.reason}")
        return TurnReviewed(
            heard.turn.id,
            own,
            content,
            running,
            window.content,
            max(action_of(own, self._sitting.policy), self._action_on(cases)),
            cases,
        )

    def _notice_minors(self) -> None:
        minors = dict.fromkeys((*self._minors, *minors_among(self._window.turns)))
        self._minors = tuple(minors)[-MOST_MINORS:]

    def _notice(self, window: Window, whole: Review | None) -> tuple[Escalation, ...]:
        """Take the window, and return what its last turn takes part in."""
        self._window = window
        self._notice_minors()
        cases = [
            case
            for case in escalations(window.turns, frozenset(self._minors))
            if case.category_id in self._sitting.in_force
        ]
        is_unsafe = whole is not None and whole.decision is Decision.UNSAFE
        if whole is not None and is_unsafe and not self._is_window_unsafe and not cases:
            together = found_by_reviewers(window.shown, whole.flagged)
            cases += [together] if together else []
        self._is_window_unsafe = is_unsafe
        for case in cases:
            self._escalations[case.pattern, case.category_id] = case
        return tuple(cases)

    def _action_on(self, cases: Iterable[Escalation]) -> Action:
        policy = self._sitting.policy
        asked = [action_on(case.category_id, case.score, policy) for case in cases]
        return max([Action.REVIEW, *asked]) if asked else Action.ALLOW


def _escalated(review: Review, cases: Sequence[Escalation]) -> Review:
    if not cases:
        return review
    names = ", ".join(dict.fromkeys(_PATTERNS[case.pattern] for case in cases))
    return replace(
        review, decision=Decision.UNSAFE, reason=f"{review.reason} What builds up: {names}."
    )


def _with_evidence(window: Window, findings: Iterable[ReviewFinding]) -> Window:
    """Return the window with what was found in turns that were never judged by themselves."""
    turns = list(window.turns)
    before = len(turns) - len(window.shown)
    for entry in findings:
        if entry.turn is not None and turns[before + entry.turn].is_unsafe is None:
            finding, heard = entry.judged.finding, turns[before + entry.turn]
            signs = heard.signs.joined(Signs({finding.category_id: finding.score}))
            turns[before + entry.turn] = replace(heard, signs=signs)
    return replace(window, turns=tuple(turns))


def _moved(findings: Iterable[ReviewFinding], turn: int) -> tuple[ReviewFinding, ...]:
    return tuple(replace(entry, turn=turn) for entry in findings)


def _placed(findings: Iterable[ReviewFinding], window: Window) -> tuple[ReviewFinding, ...]:
    """Return findings without the places that an excerpt would show wrongly."""
    return tuple(
        entry
        if entry.turn is None or not window.shown[entry.turn].is_excerpt
        else replace(
            entry,
            judged=replace(entry.judged, finding=replace(entry.judged.finding, span=None)),
        )
        for entry in findings
    )


def _invalid(field: str, description: str, turn_id: str) -> InvalidRequest:
    return InvalidRequest(
        FieldViolation(field, description),
        reason=ErrorReason.INVALID_TURN,
        metadata={"turn_id": turn_id},
    )
