"""From the messages of a stream to turns and parts of turns, and from what they come to back."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import grpc
from gavel.v1 import compliance_stream_pb2 as wire
from gavel.v1 import content_pb2, verdict_pb2

from gaveld.application.conversation import StreamKind, Summary, TurnReviewed
from gaveld.application.moderate_conversation import Opening
from gaveld.application.open_turn import TurnCleared, TurnPart
from gaveld.domain.content import Offsets
from gaveld.domain.errors import ErrorReason, FieldViolation, InvalidRequest
from gaveld.domain.escalation import Escalation, Pattern
from gaveld.domain.reviews import TextContent, Turn
from gaveld.transport.grpc.conversation_inbox import Faulty, Sent
from gaveld.transport.grpc.converters.judgements import ACTIONS, findings_to_proto
from gaveld.transport.grpc.converters.reviews import (
    review_to_proto,
    time_from_proto,
    turn_from_proto,
    wishes_from_proto,
)
from gaveld.transport.grpc.converters.submissions import overrides_from_proto
from gaveld.transport.grpc.errors import Refusal, RefusedError, Violation, refusal_of
from gaveld.transport.grpc.interceptors.validation import validate
from gaveld.transport.grpc.open_stream import protocol

_KINDS: Final = {
    wire.STREAM_KIND_UNSPECIFIED: StreamKind.CONVERSATION,
    wire.STREAM_KIND_CONVERSATION: StreamKind.CONVERSATION,
    wire.STREAM_KIND_CHAT: StreamKind.CHAT,
    wire.STREAM_KIND_MODEL_OUTPUT: StreamKind.MODEL_OUTPUT,
}
_PATTERNS: Final = {
    Pattern.REPEATED_HARASSMENT: wire.ESCALATION_PATTERN_REPEATED_HARASSMENT,
    Pattern.INSISTENCE: wire.ESCALATION_PATTERN_INSISTENCE,
    Pattern.SELF_HARM: wire.ESCALATION_PATTERN_SELF_HARM,
    Pattern.MEETING_MINOR: wire.ESCALATION_PATTERN_MEETING_MINOR,
    Pattern.WHOLE: wire.ESCALATION_PATTERN_WHOLE,
}
_LONGEST_ID: Final = 128


def opening_from_proto(options: wire.StreamConversationOptions) -> Opening:
    """Return what a stream wants.

    Earlier turns without an id have their place for one. Raises ``InvalidRequest`` that names the
    field below ``options``.
    """
    earlier = tuple(
        _named(turn_from_proto(turn, f"earlier_turns[{place}]"), place)
        for place, turn in enumerate(options.earlier_turns)
    )
    return Opening(
        kind=_KINDS[options.kind],
        wishes=wishes_from_proto(options),
        overrides=overrides_from_proto(options),
        hold_back_units=options.hold_back_utf16_units
        if options.HasField("hold_back_utf16_units")
        else None,
        earlier_turns=earlier,
    )


class TurnReader:
    """Reads the messages after the options, and gives every turn an id.

    A turn without one has its place, counted from ``first_place``. A message that breaks the rules
    of turns is ``Faulty`` and takes a place like any other.
    """

    def __init__(self, first_place: int) -> None:
        self._place = first_place
        self._open_id = ""

    def read(self, request: wire.StreamConversationRequest) -> Sent:
        """Return what was sent. Raises a refusal (STREAM_PROTOCOL) for options, which came."""
        match request.WhichOneof("message"):
            case "turn":
                return self._turn(request.turn)
            case "partial_turn":
                return self._part(request.partial_turn)
            case "options":
                raise RefusedError(OPTIONS_TWICE)
            case _:
                return self._faulty("", RefusedError(_NO_MESSAGE), "")

    def _turn(self, turn: content_pb2.Turn) -> Sent:
        try:
            validate(turn)
            heard = turn_from_proto(turn, "turn")
        except (RefusedError, InvalidRequest) as failure:
            return self._faulty(turn.id, failure, "turn")
        return Sent(_named(heard, self._next_place()), begins_turn=True)

    def _part(self, part: wire.PartialTurn) -> Sent:
        begins = part.turn_id != self._open_id
        self._open_id = "" if part.last else part.turn_id
        try:
            read = _part_from_proto(part)
        except (RefusedError, InvalidRequest) as failure:
            return self._faulty(part.turn_id, failure, "partial_turn", begins=begins)
        if begins:
            self._next_place()
        return Sent(read, begins_turn=begins)

    def _faulty(self, turn_id: str, failure: Exception, field: str, *, begins: bool = True) -> Sent:
        place = self._next_place() if begins else self._place
        known = turn_id if 0 < len(turn_id) <= _LONGEST_ID else str(place)
        refusal = _invalid_turn(known, refusal_of(failure, ""), field)
        return Sent(Faulty(known, refusal, field == "partial_turn"), begins_turn=begins)

    def _next_place(self) -> int:
        place, self._place = self._place, self._place + 1
        return place


def reviewed_to_proto(event: TurnReviewed, verbose: int) -> wire.StreamConversationResponse:
    """Return the review of a turn and of the conversation so far."""
    review = wire.TurnReview(
        turn_id=event.turn_id,
        turn=review_to_proto(event.turn, event.turn_content, verbose),
        conversation=review_to_proto(event.conversation, event.window, verbose),
        action=ACTIONS[event.action],
        escalations=_escalations(event.escalations),
    )
    return wire.StreamConversationResponse(turn_review=review)


def cleared_to_proto(event: TurnCleared) -> wire.StreamConversationResponse:
    """Return how much of a turn may be shown; spans are offsets into the whole turn."""
    findings = findings_to_proto(event.findings, event.text)
    for finding in findings:
        finding.turn_id = event.turn_id
        if finding.HasField("span"):
            _move(finding.span, event.before)
    clearance = wire.TurnClearance(
        turn_id=event.turn_id,
        cleared_utf16_offset=event.cleared_utf16_offset,
        action=ACTIONS[event.action],
        findings=findings,
    )
    return wire.StreamConversationResponse(clearance=clearance)


def error_to_proto(turn_id: str, refusal: Refusal) -> wire.StreamConversationResponse:
    """Return why a turn was not judged."""
    error = wire.TurnError(turn_id=turn_id, error=refusal.status)
    return wire.StreamConversationResponse(turn_error=error)


def summary_to_proto(
    summary: Summary, verbose: int, request_id: str, *, resumable: bool
) -> wire.StreamConversationResponse:
    """Return the end of a stream."""
    review = None
    if summary.review is not None:
        review = review_to_proto(summary.review, TextContent(""), verbose)
    final = wire.ConversationSummary(
        review=review,
        last_turn_id=summary.last_turn_id,
        turn_count=summary.turn_count,
        resumable=resumable,
        request_id=request_id,
        escalations=_escalations(summary.escalations),
    )
    return wire.StreamConversationResponse(final=final)


def below_options(failure: InvalidRequest) -> InvalidRequest:
    """Return a refusal of options that names their fields as the stream's caller sees them."""
    metadata = dict(failure.metadata)
    if "field" in metadata:
        metadata["field"] = f"options.{metadata['field']}"
    violations = (
        FieldViolation(f"options.{entry.field}", entry.description) for entry in failure.violations
    )
    return InvalidRequest(*violations, reason=failure.reason, metadata=metadata)


def _part_from_proto(part: wire.PartialTurn) -> TurnPart:
    validate(part)
    if not part.text and not part.last:
        raise RefusedError(_EMPTY_PART)
    said_at = time_from_proto(part, "partial_turn")
    role = part.role or "assistant"
    return TurnPart(part.turn_id, part.text, role, part.author_id, part.last, said_at)


def _named(turn: Turn, place: int) -> Turn:
    return turn if turn.id else replace(turn, id=str(place))


def _escalations(cases: Iterable[Escalation]) -> list[wire.Escalation]:
    return [
        wire.Escalation(
            pattern=_PATTERNS[case.pattern],
            category_id=case.category_id,
            score=case.score,
            turn_ids=case.turn_ids,
            reason=case.reason,
        )
        for case in cases
    ]


def _move(span: verdict_pb2.Span, before: Offsets) -> None:
    span.byte_start += before.byte
    span.byte_end += before.byte
    span.utf16_start += before.utf16
    span.utf16_end += before.utf16


def _invalid_turn(turn_id: str, refusal: Refusal, field: str) -> Refusal:
    violations = [
        replace(entry, field=f"{field}.{entry.field.removeprefix(f'{field}.')}")
        for entry in refusal.violations
    ]
    named = "; ".join(f"{entry.field}: {entry.description}" for entry in violations)
    return Refusal(
        grpc.StatusCode.INVALID_ARGUMENT,
        ErrorReason.INVALID_TURN.value,
        named or refusal.message,
        {**refusal.metadata, "turn_id": turn_id},
        violations,
    )


OPTIONS_TWICE: Final = protocol("A stream has options once, in its first message.", "turn")
_NO_MESSAGE: Final = protocol("The message has neither a turn nor a part of one.", "turn")
_EMPTY_PART: Final = Refusal(
    grpc.StatusCode.INVALID_ARGUMENT,
    ErrorReason.INVALID_TURN.value,
    "",
    violations=(Violation("text", "is empty, which only the last part may be"),),
)
