"""Between the wire and the domain for rules: what calls tell them, and how they came out."""

from collections.abc import Iterable
from typing import Final

from gavel.v1 import moderation_service_pb2, verdict_pb2

from gaveld.domain.rules import CallFacts, RuleAction, RuleOutcome, RuleStatus
from gaveld.transport.grpc.converters.fields import fields_from_proto

_STATUSES: Final = {
    RuleStatus.MATCHED: verdict_pb2.RULE_STATUS_MATCHED,
    RuleStatus.NOT_MATCHED: verdict_pb2.RULE_STATUS_NOT_MATCHED,
    RuleStatus.FAILED: verdict_pb2.RULE_STATUS_FAILED,
}


def said_of_text(request: moderation_service_pb2.ModerateTextRequest) -> CallFacts:
    """Return what a call says of its text for the policy's rules.

    Raises ``InvalidRequest`` for fields nested too deep, and for a date that is none.
    """
    return CallFacts(request.content_type, fields_from_proto(request.fields), request.actor_id)


def said_of_image(request: moderation_service_pb2.ModerateImageRequest) -> CallFacts:
    """Return what a call says of its picture for the policy's rules: it has no fields."""
    return CallFacts(request.content_type, None, request.actor_id)


def rule_outcomes_to_proto(outcomes: Iterable[RuleOutcome]) -> list[verdict_pb2.RuleOutcome]:
    """Return how rules came out, in their order."""
    return [
        verdict_pb2.RuleOutcome(
            rule_id=outcome.rule.id,
            name=outcome.rule.name,
            status=_STATUSES[outcome.status],
            shadow=outcome.rule.shadow,
            error=outcome.error,
            actions=actions_to_proto(outcome.actions),
        )
        for outcome in outcomes
    ]


def actions_to_proto(actions: Iterable[RuleAction]) -> list[verdict_pb2.TriggeredAction]:
    """Return what was set off, in its order: ids and names, and nothing of where it goes."""
    return [verdict_pb2.TriggeredAction(action_id=entry.id, name=entry.name) for entry in actions]
