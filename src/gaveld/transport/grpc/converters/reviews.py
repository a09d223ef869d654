"""From requests to what a panel reviews, and from its review to the wire, by level of detail."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from gavel.v1 import (
    compliance_service_pb2,
    compliance_stream_pb2,
    content_pb2,
    review_pb2,
    verdict_pb2,
)

from gaveld.application.panels import PanelCount, Review, ReviewFinding, ReviewWishes
from gaveld.domain.decisions import FlaggedCategory
from gaveld.domain.errors import FieldViolation, InvalidRequest
from gaveld.domain.panels import DecisionMethod
from gaveld.domain.reviews import (
    Ballot,
    ConversationContent,
    Decision,
    ReviewContent,
    TextContent,
    Turn,
)
from gaveld.transport.grpc.converters.judgements import (
    MAX_FINDINGS,
    coverage_to_proto,
    findings_to_proto,
)
from gaveld.transport.grpc.converters.seen_findings import seen_finding_to_proto

STANDARD: Final = 1
"""The level of detail of a call that does not say."""
DETAILED: Final = 2
"""The level that shows every ballot, and so has the panel hear everyone."""

ReviewRequest = (
    compliance_service_pb2.ReviewTextRequest
    | compliance_service_pb2.ReviewCommentRequest
    | compliance_service_pb2.ReviewChatRequest
    | compliance_service_pb2.ReviewConversationRequest
    | compliance_service_pb2.ReviewSearchRequest
    | compliance_service_pb2.ReviewImageRequest
    | compliance_service_pb2.ReviewVideoRequest
    | compliance_stream_pb2.StreamConversationOptions
    | compliance_stream_pb2.StreamVideoOptions
)

NO_TIMES: Final[Mapping[int, float]] = MappingProxyType({})

_METHODS: Final = {
    DecisionMethod.AVERAGE: review_pb2.DECISION_METHOD_AVERAGE,
    DecisionMethod.ANY: review_pb2.DECISION_METHOD_ANY,
    DecisionMethod.ALL: review_pb2.DECISION_METHOD_ALL,
    DecisionMethod.SCORE: review_pb2.DECISION_METHOD_SCORE,
}
_METHODS_ASKED: Final = {value: method for method, value in _METHODS.items()}
_DECISIONS: Final = {
    Decision.SAFE: review_pb2.DECISION_SAFE,
    Decision.UNSAFE: review_pb2.DECISION_UNSAFE,
    Decision.FAILED: review_pb2.DECISION_FAILED,
}


def verbose_of(request: ReviewRequest) -> int:
    """Return the level of detail that the call wants, 0 to 2."""
    return request.verbose if request.HasField("verbose") else STANDARD


def wishes_from_proto(request: ReviewRequest) -> ReviewWishes:
    """Return what the call asks of its panel; every ballot is heard only where it is shown."""
    return ReviewWishes(
        amount=request.amount if request.HasField("amount") else None,
        method=_METHODS_ASKED.get(request.decision_method),
        context=request.context,
        custom_prompt=request.custom_prompt,
        excluded_categories=tuple(request.excluded_categories),
        wants_every_ballot=verbose_of(request) >= DETAILED,
    )


def conversation_from_proto(turns: Iterable[content_pb2.Turn]) -> ConversationContent:
    """Return the turns to review. Raises ``InvalidRequest`` for a time that is none."""
    return ConversationContent(
        tuple(turn_from_proto(turn, f"content[{index}]") for index, turn in enumerate(turns))
    )


def turn_from_proto(turn: content_pb2.Turn, field_path: str) -> Turn:
    """Return one turn. Raises ``InvalidRequest`` for a time that is none."""
    said_at = time_from_proto(turn, field_path)
    return Turn(turn.text, turn.role or "user", turn.author_id, turn.id, said_at)


def time_from_proto(
    turn: content_pb2.Turn | compliance_stream_pb2.PartialTurn, field_path: str
) -> datetime | None:
    """Return when it was said, or None. Raises ``InvalidRequest`` for a time that is none."""
    try:
        return turn.time.ToDatetime(tzinfo=UTC) if turn.HasField("time") else None
    except (ValueError, OverflowError):
        raise InvalidRequest(
            FieldViolation(f"{field_path}.time", "is not a point in time")
        ) from None


def review_to_proto(
    review: Review,
    content: ReviewContent | None,
    verbose: int,
    times: Mapping[int, float] = NO_TIMES,
) -> review_pb2.Review:
    """Return the review in the detail asked for.

    At 0 it is the decision, the time, the count and the coverage; at 1 all but ballots and
    findings; at 2 everything. ``content`` is the text or the turns that findings have places in,
    None for a picture or a video; ``times`` are when an animation's frames are shown.
    """
    answer = review_pb2.Review(
        decision=_DECISIONS[review.decision],
        execution_time=review.seconds,
        panel=_count(review.count),
        coverage=coverage_to_proto(review.coverage),
    )
    if verbose < STANDARD:
        return answer
    answer.reason = review.reason
    answer.score = review.unsafe_count
    answer.decision_method = _METHODS[review.method]
    answer.flagged_categories.extend(_flagged(review.flagged))
    if review.risk is not None:
        answer.risk = review.risk
    answer.policy_revision = review.policy_revision
    answer.content_sha256 = review.sha256
    if verbose >= DETAILED:
        names = {rule.id: rule.name for rule in review.rules}
        answer.agent_decisions.extend(_agent(ballot, names) for ballot in review.ballots)
        answer.findings.extend(_findings(review.findings[:MAX_FINDINGS], content, times))
    return answer


def _count(count: PanelCount) -> review_pb2.PanelCount:
    return review_pb2.PanelCount(
        asked_count=count.asked,
        counted_count=count.counted,
        failed_count=count.failed,
        outstanding_count=count.outstanding,
        degraded=count.is_degraded,
    )


def _flagged(flagged: Iterable[FlaggedCategory]) -> list[review_pb2.FlaggedCategory]:
    return [
        review_pb2.FlaggedCategory(
            id=entry.id, name=entry.name, score=entry.confidence, count=entry.count
        )
        for entry in flagged
    ]


def _agent(ballot: Ballot, names: dict[str, str]) -> review_pb2.AgentDecision:
    return review_pb2.AgentDecision(
        agent_name=ballot.reviewer,
        decision=_DECISIONS[ballot.decision],
        reason=ballot.reason,
        flagged_categories=_flagged(
            FlaggedCategory(entry.rule_id, names[entry.rule_id], entry.confidence, 1)
            for entry in sorted(ballot.flagged, key=lambda entry: -entry.confidence)
        ),
        time=ballot.seconds,
        model=ballot.model,
        model_version=ballot.model_version,
    )


def _findings(
    findings: Sequence[ReviewFinding], content: ReviewContent | None, times: Mapping[int, float]
) -> list[verdict_pb2.Finding]:
    """Return the findings in their order, each with its place in what it is in."""
    places: dict[int | None, list[int]] = {}
    for place, entry in enumerate(findings):
        places.setdefault(entry.turn, []).append(place)
    answers: dict[int, verdict_pb2.Finding] = {}
    for turn, their in places.items():
        text, turn_id = _source(content, turn)
        judged = [findings[place].judged for place in their]
        if text is None:  # in the whole, where no offset means anything
            judged = [replace(entry, finding=replace(entry.finding, span=None)) for entry in judged]
            converted = [seen_finding_to_proto(entry, times) for entry in judged]
        else:
            converted = findings_to_proto(judged, text)
        for place, answer in zip(their, converted, strict=True):
            answer.turn_id = turn_id
            answers[place] = answer
    return [answers[place] for place in range(len(findings))]


def _source(content: ReviewContent | None, turn: int | None) -> tuple[str | None, str]:
    match content:
        case TextContent(text):
            return text, ""
        case ConversationContent(turns) if turn is not None:
            return turns[turn].text, turns[turn].id or str(turn)
        case _:
            return None, ""
