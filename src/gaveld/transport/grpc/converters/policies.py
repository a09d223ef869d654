"""Policies on the wire and off it, nothing lost but secrets, which are never sent.

What a policy can't hold is left out and told as a violation; what its parts say of each other is
checked elsewhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from gavel.v1 import evidence_pb2, policy_pb2, review_pb2, rule_pb2, verdict_pb2
from google.protobuf.json_format import MessageToDict

from gaveld.domain.actions import Action
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.errors import FieldViolation
from gaveld.domain.panels import DecisionMethod, PanelPlace, PanelSettings
from gaveld.domain.policies import (
    BankKind,
    CategoryRule,
    CheckThresholds,
    HashBank,
    Policy,
    ReviewQueue,
    StorageRules,
    TermList,
    TermMatch,
)
from gaveld.domain.rules import RuleAction
from gaveld.transport.grpc.converters.policy_rules import (
    action_from_proto,
    action_to_proto,
    content_type_from_proto,
    content_type_to_proto,
    rule_from_proto,
    rule_to_proto,
)

UNKNOWN_CATEGORY = "is not a category; ListCategories has them all"


def policy_to_proto(policy: Policy, project: str) -> policy_pb2.Policy:
    """Return the policy in force, or a revision of it, without the secrets of its actions."""
    return policy_pb2.Policy(
        name=f"projects/{project}/policy",
        revision=policy.revision,
        etag=policy.revision,
        description=policy.description,
        categories={key: _category_to_proto(rule) for key, rule in policy.categories.items()},
        on_incomplete=verdict_pb2.Action.Value(f"ACTION_{policy.on_incomplete.name}"),
        mask=policy_pb2.Mask(category_ids=sorted(policy.masked), character=policy.mask_character),
        term_lists=[
            policy_pb2.TermList(
                name=entry.name,
                match=policy_pb2.TermMatch.Value(f"TERM_MATCH_{entry.match.name}"),
                terms=entry.terms,
                category_id=entry.category_id,
            )
            for entry in policy.term_lists
        ],
        allowed_terms=policy.allowed_terms,
        blocked_domains=policy.blocked_domains,
        allowed_domains=policy.allowed_domains,
        fetch_hosts=sorted(policy.fetch_hosts),
        hash_banks=map(_bank_to_proto, policy.hash_banks),
        expected_languages=sorted(policy.expected_languages),
        panel=_panel_to_proto(policy.panel),
        check_thresholds=policy_pb2.CheckThresholds(**asdict(policy.check_thresholds)),
        content_types=map(content_type_to_proto, policy.content_types),
        rules=map(rule_to_proto, policy.rules),
        actions=map(action_to_proto, policy.actions),
        review_queues=[policy_pb2.ReviewQueue(**asdict(entry)) for entry in policy.review_queues],
        storage=policy_pb2.StorageSettings(**asdict(policy.storage)),
    )


def policy_from_proto(message: policy_pb2.Policy) -> tuple[Policy, tuple[FieldViolation, ...]]:
    """Return a policy without a revision, and what of the message can be in none.

    The contract's rules have been kept. Ids that are empty stay so.
    """
    reader = _Reader()
    policy = Policy(
        revision="",
        categories={
            category_id: _category_from_proto(rule)
            for category_id, rule in reader.categories(message.categories).items()
        },
        on_incomplete=action_of(message.on_incomplete) or Action.REVIEW,
        masked=frozenset(reader.known(message.mask.category_ids, "mask.category_ids")),
        mask_character=message.mask.character or "*",
        term_lists=reader.term_lists(message.term_lists),
        allowed_terms=tuple(message.allowed_terms),
        blocked_domains=tuple(message.blocked_domains),
        allowed_domains=tuple(message.allowed_domains),
        fetch_hosts=frozenset(message.fetch_hosts),
        hash_banks=reader.hash_banks(message.hash_banks),
        expected_languages=frozenset(
            code.partition("-")[0].lower() for code in message.expected_languages
        ),
        panel=reader.panel(message.panel),
        check_thresholds=CheckThresholds(**_set(message.check_thresholds)),
        description=message.description,
        content_types=tuple(map(content_type_from_proto, message.content_types)),
        rules=tuple(map(rule_from_proto, message.rules)),
        actions=reader.actions(message.actions),
        review_queues=tuple(
            ReviewQueue(entry.id, entry.name, entry.claim_seconds or 600, entry.action_id)
            for entry in message.review_queues
        ),
        storage=_storage_from_proto(message.storage),
    )
    return policy, tuple(reader.violations)


def action_of(value: "verdict_pb2.Action.ValueType") -> Action | None:
    """Return the action, None for the unspecified one."""
    return Action[verdict_pb2.Action.Name(value).removeprefix("ACTION_")] if value else None


class _Reader:
    """Reads what may name an unknown category or be no panel, and remembers what was wrong."""

    def __init__(self) -> None:
        self.violations: list[FieldViolation] = []

    def categories(
        self, rules: Mapping[str, policy_pb2.CategoryRule]
    ) -> Mapping[str, policy_pb2.CategoryRule]:
        named = {key: f'categories["{key}"]' for key in sorted(rules)}
        return {key: rules[key] for key, path in named.items() if self._is_known(key, path)}

    def known(self, category_ids: Iterable[str], path: str) -> Iterable[str]:
        return [
            category_id
            for index, category_id in enumerate(category_ids)
            if self._is_known(category_id, f"{path}[{index}]")
        ]

    def term_lists(self, lists: Iterable[policy_pb2.TermList]) -> tuple[TermList, ...]:
        read = []
        for index, entry in enumerate(lists):
            category_id = entry.category_id or "L2"
            if not self._is_known(category_id, f"term_lists[{index}].category_id"):
                continue
            name = policy_pb2.TermMatch.Name(entry.match).removeprefix("TERM_MATCH_")
            match = TermMatch[name] if entry.match else TermMatch.EXACT
            read.append(TermList(entry.name, match, tuple(entry.terms), category_id))
        return tuple(read)

    def hash_banks(self, banks: Iterable[policy_pb2.HashBank]) -> tuple[HashBank, ...]:
        read = []
        for index, entry in enumerate(banks):
            allows = entry.kind == evidence_pb2.HASH_BANK_KIND_ALLOW
            path = f"hash_banks[{index}].category_id"
            if not allows and not self._is_known(entry.category_id, path):
                continue
            distance = entry.max_distance if entry.HasField("max_distance") else 31
            kind = BankKind.ALLOW if allows else BankKind.BLOCK
            read.append(HashBank(entry.name, kind, distance, entry.category_id))
        return tuple(read)

    def panel(self, message: policy_pb2.PanelSettings) -> PanelSettings:
        usual = PanelSettings()
        name = review_pb2.DecisionMethod.Name(message.decision_method)
        method = (
            DecisionMethod[name.removeprefix("DECISION_METHOD_")]
            if (message.decision_method)
            else usual.method
        )
        held_back = message.hold_back_utf16_units
        try:
            return PanelSettings(
                message.amount or usual.amount,
                method,
                message.score_threshold if message.HasField("score_threshold") else 0.5,
                tuple(
                    PanelPlace(entry.name, entry.weight if entry.HasField("weight") else None)
                    for entry in message.reviewers
                ),
                held_back if message.HasField("hold_back_utf16_units") else 200,
            )
        except ValueError as error:
            self.violations.append(FieldViolation("panel.reviewers", str(error), "PANEL"))
            return usual

    def actions(self, actions: Iterable[rule_pb2.RuleAction]) -> tuple[RuleAction, ...]:
        read = []
        for index, entry in enumerate(actions):
            try:
                read.append(action_from_proto(entry))
            except ValueError as error:
                path = f"actions[{index}].parameters"
                self.violations.append(FieldViolation(path, str(error), "JSON"))
        return tuple(read)

    def _is_known(self, category_id: str, path: str) -> bool:
        if category_id in CATALOGUE:
            return True
        self.violations.append(FieldViolation(path, UNKNOWN_CATEGORY, "CATEGORY"))
        return False


def _category_to_proto(rule: CategoryRule) -> policy_pb2.CategoryRule:
    return policy_pb2.CategoryRule(review=rule.review, block=rule.block, required=rule.required)


def _category_from_proto(rule: policy_pb2.CategoryRule) -> CategoryRule:
    return CategoryRule(
        rule.review if rule.HasField("review") else None,
        rule.block if rule.HasField("block") else None,
        rule.required,
    )


def _bank_to_proto(bank: HashBank) -> policy_pb2.HashBank:
    return policy_pb2.HashBank(
        name=bank.name,
        kind=evidence_pb2.HashBankKind.Value(f"HASH_BANK_KIND_{bank.kind.name}"),
        max_distance=bank.max_distance,
        category_id=bank.category_id,
    )


def _panel_to_proto(panel: PanelSettings) -> policy_pb2.PanelSettings:
    return policy_pb2.PanelSettings(
        amount=panel.amount,
        decision_method=review_pb2.DecisionMethod.Value(f"DECISION_METHOD_{panel.method.name}"),
        score_threshold=panel.score_threshold,
        reviewers=[
            policy_pb2.PanelReviewer(name=place.reviewer, weight=place.weight)
            for place in panel.places
        ],
        hold_back_utf16_units=panel.hold_back_utf16_units,
    )


def _storage_from_proto(message: policy_pb2.StorageSettings) -> StorageRules:
    usual = StorageRules()
    return StorageRules(
        message.keep_content,
        message.content_retention_days or usual.content_retention_days,
        message.decision_retention_days or usual.decision_retention_days,
        message.strike_half_life_days or usual.strike_half_life_days,
    )


def _set(message: policy_pb2.CheckThresholds) -> Mapping[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True)
