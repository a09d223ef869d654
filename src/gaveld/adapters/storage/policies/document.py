"""From documents to policies and back, nothing lost; and the fingerprint that names a revision."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from gaveld.adapters.storage.policies.schema import (
    ActionSection,
    ContentTypeSection,
    FieldSection,
    ItemSection,
    PanelSection,
    PolicyDocument,
    RuleSection,
)
from gaveld.domain.actions import Action
from gaveld.domain.panels import PanelPlace, PanelSettings
from gaveld.domain.policies import (
    CategoryRule,
    CheckThresholds,
    HashBank,
    Policy,
    ReviewQueue,
    StorageRules,
    TermList,
    named_id,
)
from gaveld.domain.rules import Rule, RuleAction
from gaveld.domain.typed_content import ContentType, FieldDefinition


def policy_of(document: PolicyDocument, revision: str = "", like: Policy | None = None) -> Policy:
    """Return the policy that a document says.

    Rules and actions without an id get that of their namesake in ``like``, or else one made of the
    name. A rule that names an action by its name gets its id; what names nothing is left as it is.
    Raises ``ValueError`` for a panel that can't be.
    """
    known = like or Policy("", {})
    ids = {action.name: action.id for action in known.actions}
    actions = tuple(_action(entry, ids) for entry in document.actions)
    by_name = {action.name: action.id for action in actions}
    rule_ids = {rule.name: rule.id for rule in known.rules}
    links = document.links
    return Policy(
        revision=revision,
        categories={
            category_id: CategoryRule(rule.review, rule.block, rule.required)
            for category_id, rule in document.categories.items()
        },
        on_incomplete=Action[document.on_incomplete.upper()],
        masked=document.mask,
        mask_character=document.mask_character,
        term_lists=tuple(
            TermList(entry.name, entry.match, entry.terms, entry.category)
            for entry in document.term_lists
        ),
        allowed_terms=document.allowed_terms,
        blocked_domains=links.blocked_domains,
        allowed_domains=links.allowed_domains,
        expected_languages=document.expected_languages,
        panel=_panel(document.panel),
        fetch_hosts=document.media.fetch_hosts,
        check_thresholds=CheckThresholds(**document.check_thresholds.model_dump()),
        description=document.description,
        hash_banks=tuple(
            HashBank(entry.name, entry.kind, entry.max_distance, entry.category)
            for entry in document.hash_banks
        ),
        content_types=tuple(map(_content_type, document.content_types)),
        rules=tuple(_rule(entry, rule_ids, by_name) for entry in document.rules),
        actions=actions,
        review_queues=tuple(
            ReviewQueue(
                entry.id, entry.name, entry.claim_seconds, by_name.get(entry.action, entry.action)
            )
            for entry in document.review_queues
        ),
        storage=StorageRules(**document.storage.model_dump()),
    )


def tree_of(policy: Policy, *, name: str = "", by_name: bool = False) -> dict[str, Any]:
    """Return the document of a policy as a tree of JSON, without what is as it is by default.

    Secrets are left out. ``by_name`` has rules and queues name actions by their names where these
    are unique, for people to read.
    """
    names = [action.name for action in policy.actions]
    called = {action.id: action.name for action in policy.actions if names.count(action.name) == 1}
    document = PolicyDocument.model_validate(
        ({"name": name} if name else {}) | _tree(policy, called if by_name else {})
    )
    tree: dict[str, Any] = document.model_dump(
        mode="json", exclude_defaults=True, exclude={"actions": {"__all__": {"secret"}}}
    )
    for keys in (("mask",), ("expected_languages",), ("media", "fetch_hosts")):
        _sort(tree, *keys)
    return tree


def fingerprint(policy: Policy) -> str:
    """Return twelve hex digits that change with anything a policy says but its secrets."""
    canonical = json.dumps(tree_of(policy), sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _tree(policy: Policy, called: Mapping[str, str]) -> dict[str, Any]:
    panel = policy.panel
    return {
        "description": policy.description,
        "on_incomplete": policy.on_incomplete.name.lower(),
        "categories": {key: asdict(rule) for key, rule in policy.categories.items()},
        "mask": policy.masked,
        "mask_character": policy.mask_character,
        "term_lists": [
            {"name": e.name, "match": e.match, "terms": e.terms, "category": e.category_id}
            for e in policy.term_lists
        ],
        "allowed_terms": policy.allowed_terms,
        "links": {
            "blocked_domains": policy.blocked_domains,
            "allowed_domains": policy.allowed_domains,
        },
        "media": {"fetch_hosts": policy.fetch_hosts},
        "check_thresholds": asdict(policy.check_thresholds),
        "panel": {
            "amount": panel.amount,
            "decision_method": panel.method,
            "score_threshold": panel.score_threshold,
            "reviewers": [{"name": e.reviewer, "weight": e.weight} for e in panel.places],
            "hold_back_utf16_units": panel.hold_back_utf16_units,
        },
        "expected_languages": policy.expected_languages,
        "hash_banks": [_renamed(asdict(e), category_id="category") for e in policy.hash_banks],
        "content_types": [_content_type_tree(e) for e in policy.content_types],
        "rules": [_rule_tree(e, called) for e in policy.rules],
        "actions": [asdict(e) for e in policy.actions],
        "review_queues": [
            _renamed(asdict(e), action_id="action")
            | {"action": called.get(e.action_id, e.action_id)}
            for e in policy.review_queues
        ],
        "storage": asdict(policy.storage),
    }


def _panel(section: PanelSection) -> PanelSettings:
    places = tuple(PanelPlace(entry.name, entry.weight) for entry in section.reviewers)
    try:
        return PanelSettings(
            section.amount,
            section.decision_method,
            section.score_threshold,
            places,
            section.hold_back_utf16_units,
        )
    except ValueError as error:
        raise ValueError(f"panel.reviewers: {error}") from error


def _content_type(section: ContentTypeSection) -> ContentType:
    return ContentType(section.name, tuple(map(_field, section.fields)), section.description)


def _field(section: ItemSection) -> FieldDefinition:
    return FieldDefinition(
        name=section.name if isinstance(section, FieldSection) else "",
        type=section.type,
        required=section.required,
        min=section.min,
        max=section.max,
        pattern=section.pattern,
        item=None if section.item is None else _field(section.item),
        fields=tuple(map(_field, section.fields)),
        exempt=section.exempt,
    )


def _content_type_tree(entry: ContentType) -> dict[str, Any]:
    fields = [_field_tree(e) for e in entry.fields]
    return {"name": entry.name, "description": entry.description, "fields": fields}


def _field_tree(entry: FieldDefinition) -> dict[str, Any]:
    return {
        **({"name": entry.name} if entry.name else {}),
        "type": entry.type,
        "required": entry.required,
        "min": entry.min,
        "max": entry.max,
        "pattern": entry.pattern,
        "item": None if entry.item is None else _field_tree(entry.item),
        "fields": [_field_tree(e) for e in entry.fields],
        "exempt": entry.exempt,
    }


def _rule(section: RuleSection, ids: Mapping[str, str], actions: Mapping[str, str]) -> Rule:
    return Rule(
        id=section.id or ids.get(section.name) or named_id(section.name),
        name=section.name,
        condition=section.condition,
        content_types=section.content_types,
        action_ids=tuple(actions.get(entry, entry) for entry in section.actions),
        verdict=None if section.verdict is None else Action[section.verdict.upper()],
        review_queue=section.review_queue,
        enabled=section.enabled,
        shadow=section.shadow,
    )


def _rule_tree(entry: Rule, called: Mapping[str, str]) -> dict[str, Any]:
    verdict = None if entry.verdict is None else entry.verdict.name.lower()
    actions = [called.get(action_id, action_id) for action_id in entry.action_ids]
    return _renamed(asdict(entry), action_ids="actions") | {"verdict": verdict, "actions": actions}


def _action(section: ActionSection, ids: Mapping[str, str]) -> RuleAction:
    return RuleAction(
        id=section.id or ids.get(section.name) or named_id(section.name),
        name=section.name,
        callback_url=section.callback_url,
        headers=section.headers,
        parameters=section.parameters,
        secret=section.secret,
        format=section.format,
    )


def _renamed(tree: dict[str, Any], **keys: str) -> dict[str, Any]:
    return {keys.get(key, key): value for key, value in tree.items()}


def _sort(tree: dict[str, Any], *keys: str) -> None:
    *way, last = keys
    for key in way:
        tree = tree.get(key, {})
    if last in tree:
        tree[last] = sorted(tree[last])
