"""Finds everything that keeps a policy from holding together, and what looks wrong in it.

It changes nothing that is in force. How large each part may be is the document's own matter.
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gaveld.application.ports import (
    ConditionCompiler,
    ConditionInvalidError,
    PatternInvalidError,
    Patterns,
)
from gaveld.domain.actions import Action
from gaveld.domain.deliveries import (
    CALLABLE,
    can_be_called,
    can_be_header,
    is_reserved_header,
)
from gaveld.domain.errors import FieldViolation
from gaveld.domain.policies import DEFAULT_QUEUE, Policy, TermList
from gaveld.domain.rules import Rule, RuleAction
from gaveld.domain.typed_content import ContentType, FieldDefinition, FieldType

MOST_DEEP: Final = 8
"""Fields of a content type nest so deep, as those of content may."""
MAX_PARAMETERS_BYTES: Final = 16_384
MAX_ALL_PARAMETERS_BYTES: Final = 262_144
"""Of one action as JSON, and of all together."""
MOST_FIELDS: Final = 4_096
"""So many fields all content types have together, those in others too."""
MOST_TERMS: Final = 10_000
"""So many terms all lists have together, as texts are searched for no more."""
MOST_TO_PROVE: Final = 2 << 20
"""So many bytes conditions have together, and fields the types that they are proved for.

A condition counts once for each content type that its rule names: so often it is proved.
"""

_BOUNDED: Final = frozenset({FieldType.STRING, FieldType.INT, FieldType.FLOAT, FieldType.LIST})

CheckTerms = Callable[[Sequence[TermList], Sequence[str]], None]
"""Takes term lists and allowed terms; raises ``ValueError`` that says what is wrong."""
ReadName = Callable[[str], str]
"""Returns a name in its one spelling; raises ``ValueError`` if it is none."""


@dataclass(frozen=True, slots=True)
class Installed:
    """What a server has that policies name: reviewers, hash banks, and categories looked for.

    None is not known, and so not checked.
    """

    reviewers: Collection[str] | None = None
    hash_banks: Collection[str] | None = None
    categories: Collection[str] | None = None


@dataclass(frozen=True, slots=True)
class CheckedPolicy:
    """A policy with its names in their one spelling; what keeps it from being put in force; advice.

    ``violations`` name places as the contract does, such as ``rules[0].condition``.
    """

    policy: Policy
    violations: tuple[FieldViolation, ...] = ()
    warnings: tuple[str, ...] = ()


class CheckPolicy:
    """Checks policies. It may take a while for a large one, so not on an event loop."""

    def __init__(
        self,
        *,
        compiler: ConditionCompiler,
        patterns: Patterns,
        check_terms: CheckTerms,
        read_domain: ReadName,
        read_host: ReadName,
        installed: Installed = Installed(),
    ) -> None:
        self._compiler = compiler
        self._patterns = patterns
        self._check_terms = check_terms
        self._read_domain = read_domain
        self._read_host = read_host
        self._installed = installed

    def __call__(self, policy: Policy) -> CheckedPolicy:
        """Return all that is wrong with a policy, not only the first."""
        found: list[FieldViolation] = list(_too_much(policy))
        if found:
            return CheckedPolicy(policy, tuple(found))  # to look into it might take minutes
        policy = replace(
            policy,
            blocked_domains=tuple(
                _spelt(policy.blocked_domains, "blocked_domains", self._read_domain, found)
            ),
            allowed_domains=tuple(
                _spelt(policy.allowed_domains, "allowed_domains", self._read_domain, found)
            ),
            fetch_hosts=frozenset(
                _spelt(sorted(policy.fetch_hosts), "fetch_hosts", self._read_host, found)
            ),
        )
        found += self._terms(policy)
        found += self._names(policy)
        for index, content_type in enumerate(policy.content_types):
            found += self._fields(content_type.fields, f"content_types[{index}].fields", 1)
        found += _references(policy)
        for index, rule in enumerate(policy.rules):
            found += self._condition(rule, f"rules[{index}]", policy.content_types)
        found += _parameters(policy)
        found += _calls(policy)
        return CheckedPolicy(policy, tuple(found), tuple(self._warnings(policy)))

    def _terms(self, policy: Policy) -> Iterator[FieldViolation]:
        lists = [(f"term_lists[{index}]", [e], ()) for index, e in enumerate(policy.term_lists)]
        parts: list[tuple[str, Sequence[TermList], Sequence[str]]] = [
            *lists,
            ("allowed_terms", (), policy.allowed_terms),
        ]
        wrong = False
        for path, term_lists, allowed in parts:
            try:
                self._check_terms(term_lists, allowed)
            except ValueError as error:
                wrong = True
                said = str(error).removeprefix("term_lists: ").removeprefix("allowed_terms: ")
                yield FieldViolation(path, said, "TERM")
        if not wrong:
            try:
                self._check_terms(policy.term_lists, policy.allowed_terms)
            except ValueError as error:  # each is fine, all together are too many
                yield FieldViolation("term_lists", str(error).removeprefix("term_lists: "), "TERM")

    def _names(self, policy: Policy) -> Iterator[FieldViolation]:
        for code in sorted(policy.expected_languages):
            if not (code.isascii() and code.isalpha() and code.islower() and len(code) in (2, 3)):
                said = f"{code!r} is no base language code, such as en"
                yield FieldViolation("expected_languages", said, "LANGUAGE")
        reviewers = self._installed.reviewers
        for index, place in enumerate(policy.panel.places):
            if reviewers is not None and place.reviewer not in reviewers:
                yield _missing(
                    f"panel.reviewers[{index}].name", "reviewer", place.reviewer, reviewers
                )
        banks = self._installed.hash_banks
        for index, bank in enumerate(policy.hash_banks):
            if banks is not None and bank.name not in banks:
                yield _missing(f"hash_banks[{index}].name", "hash bank", bank.name, banks)

    def _fields(
        self, fields: Sequence[FieldDefinition], path: str, depth: int
    ) -> Iterator[FieldViolation]:
        yield from _twice([entry.name for entry in fields], path, "name", "fields")
        for index, entry in enumerate(fields):
            if not entry.name:
                yield FieldViolation(f"{path}[{index}].name", "must not be empty", "FIELD")
            yield from self._field(entry, f"{path}[{index}]", depth)

    def _field(self, entry: FieldDefinition, path: str, depth: int) -> Iterator[FieldViolation]:
        if depth > MOST_DEEP:
            yield FieldViolation(path, f"nests deeper than {MOST_DEEP} levels", "FIELD")
            return
        kind = entry.type
        if (kind is FieldType.LIST) != (entry.item is not None):
            said = "is required for a list, and for nothing else"
            yield FieldViolation(f"{path}.item", said, "FIELD")
        if entry.fields and kind is not FieldType.OBJECT:
            yield FieldViolation(f"{path}.fields", "are an object's alone", "FIELD")
        if (entry.min is not None or entry.max is not None) and kind not in _BOUNDED:
            yield FieldViolation(path, f"has a bound, which no {kind} has", "FIELD")
        if entry.min is not None and entry.max is not None and entry.min > entry.max:
            yield FieldViolation(f"{path}.min", "is above max", "FIELD")
        if entry.pattern:
            yield from self._pattern(entry, f"{path}.pattern")
        if entry.item is not None:
            if entry.item.name:
                yield FieldViolation(f"{path}.item.name", "must be empty", "FIELD")
            yield from self._field(entry.item, f"{path}.item", depth + 1)
        yield from self._fields(entry.fields, f"{path}.fields", depth + 1)

    def _pattern(self, entry: FieldDefinition, path: str) -> Iterator[FieldViolation]:
        if entry.type is not FieldType.STRING:
            yield FieldViolation(path, "is a string's alone", "FIELD")
            return
        try:
            self._patterns.check(entry.pattern)
        except PatternInvalidError as error:
            yield FieldViolation(path, str(error), "PATTERN")

    def _condition(
        self, rule: Rule, path: str, content_types: Sequence[ContentType]
    ) -> Iterator[FieldViolation]:
        types = [entry for entry in content_types if entry.name in rule.content_types]
        try:
            self._compiler.compile(rule.condition, types)
        except ConditionInvalidError as error:
            yield FieldViolation(f"{path}.condition", str(error), "CONDITION")

    def _warnings(self, policy: Policy) -> Iterator[str]:
        yield from _idle_rules(policy)
        set_off = {action_id for rule in policy.rules for action_id in rule.action_ids}
        set_off |= {queue.action_id for queue in policy.review_queues}
        for action in policy.actions:
            if action.id not in set_off:
                yield f"action {action.name!r}: no rule and no queue sets it off"
        looked_for = self._installed.categories
        for category_id in sorted(policy.required):
            if looked_for is not None and category_id not in looked_for:
                yield (
                    f"categories.{category_id}: is required and nothing here looks for it, so all "
                    "content is incomplete"
                )
        for domain in sorted(set(policy.blocked_domains) & set(policy.allowed_domains)):
            yield f"{domain} is both in blocked_domains and in allowed_domains"


def _too_much(policy: Policy) -> Iterator[FieldViolation]:
    """Yield what there is more of, all together, than can be checked while somebody waits."""
    terms = sum(len(entry.terms) for entry in policy.term_lists)
    fields = {e.name: _field_count(e.fields) for e in policy.content_types}
    to_prove = sum(
        len(rule.condition.encode(errors="replace")) + fields.get(name, 0)
        for rule in policy.rules
        for name in rule.content_types or ("",)
    )
    parameters = sum(map(_size, policy.actions))
    for path, count, most, what in (
        ("term_lists", terms, MOST_TERMS, "terms"),
        ("content_types", sum(fields.values()), MOST_FIELDS, "fields"),
        ("rules", to_prove, MOST_TO_PROVE, "bytes of conditions, once for each content type named"),
        ("actions", parameters, MAX_ALL_PARAMETERS_BYTES, "bytes of parameters as JSON"),
    ):
        if count > most:
            said = f"have {count:,} {what}; the limit of all together is {most:,}"
            yield FieldViolation(path, said, "SIZE")


def _field_count(fields: Sequence[FieldDefinition]) -> int:
    """Return how many fields there are, with those inside of others."""
    count, waiting = 0, list(fields)
    while waiting:
        entry = waiting.pop()
        count += 1
        waiting.extend(entry.fields)
        if entry.item is not None:
            waiting.append(entry.item)
    return count


def _size(action: RuleAction) -> int:
    """Return how many bytes an action's parameters have as JSON."""
    return len(json.dumps(dict(action.parameters), ensure_ascii=False).encode(errors="replace"))


def _idle_rules(policy: Policy) -> Iterator[str]:
    for rule in policy.rules:
        said = f"rule {rule.name!r}:"
        acts = rule.action_ids or rule.review_queue or rule.verdict not in (None, Action.ALLOW)
        if not rule.enabled:
            yield f"{said} is not enabled"
        if rule.condition.strip() in ("true", "false"):
            always = "always" if rule.condition.strip() == "true" else "never"
            yield f"{said} {always} matches"
        if not acts and not rule.shadow:
            yield f"{said} sets nothing off: it has no action, no queue, and no verdict to raise"


def _references(policy: Policy) -> Iterator[FieldViolation]:
    """Yield what is named and is not there, and what is there twice."""
    action_ids = [action.id for action in policy.actions]
    queue_ids = [queue.id for queue in policy.review_queues]
    type_names = [entry.name for entry in policy.content_types]
    yield from _twice(action_ids, "actions", "id", "actions")
    yield from _twice([rule.id for rule in policy.rules], "rules", "id", "rules")
    yield from _twice(queue_ids, "review_queues", "id", "queues")
    yield from _twice(type_names, "content_types", "name", "content types")
    yield from _twice([bank.name for bank in policy.hash_banks], "hash_banks", "name", "banks")
    for index, rule in enumerate(policy.rules):
        path = f"rules[{index}]"
        for position, name in enumerate(rule.content_types):
            if name not in type_names:
                yield _missing(f"{path}.content_types[{position}]", "content type", name)
        for position, action_id in enumerate(rule.action_ids):
            if action_id not in action_ids:
                yield _missing(f"{path}.action_ids[{position}]", "action", action_id)
        if rule.review_queue and rule.review_queue not in (queue_ids or [DEFAULT_QUEUE.id]):
            yield _missing(f"{path}.review_queue", "review queue", rule.review_queue)
    for index, queue in enumerate(policy.review_queues):
        if queue.action_id and queue.action_id not in action_ids:
            yield _missing(f"review_queues[{index}].action_id", "action", queue.action_id)


def _parameters(policy: Policy) -> Iterator[FieldViolation]:
    for index, action in enumerate(policy.actions):
        size = _size(action)
        if size > MAX_PARAMETERS_BYTES:
            said = f"have {size} bytes as JSON; the limit is {MAX_PARAMETERS_BYTES}"
            yield FieldViolation(f"actions[{index}].parameters", said, "SIZE")


def _calls(policy: Policy) -> Iterator[FieldViolation]:
    """Name what would keep an action's callbacks from ever being sent."""
    for index, action in enumerate(policy.actions):
        if action.callback_url and not can_be_called(action.callback_url):
            yield FieldViolation(f"actions[{index}].callback_url", f"must be {CALLABLE}", "ADDRESS")
        seen: set[str] = set()
        for name, value in action.headers.items():
            path = f'actions[{index}].headers["{name}"]'
            if not can_be_header(value):
                said = "must hold no line breaks or control characters"
                yield FieldViolation(path, said, "HEADER")
            if is_reserved_header(name):
                said = "is a header that Gavel sets itself; take it out, or name it otherwise"
                yield FieldViolation(path, said, "HEADER")
            if name.lower() in seen:
                said = "stands here more than once; upper and lower case make no difference"
                yield FieldViolation(path, said, "HEADER")
            seen.add(name.lower())


def _spelt(
    names: Iterable[str], path: str, read: ReadName, found: list[FieldViolation]
) -> Iterator[str]:
    for index, name in enumerate(names):
        try:
            yield read(name)
        except ValueError as error:
            found.append(FieldViolation(f"{path}[{index}]", str(error), "NAME"))


def _twice(keys: Sequence[str], path: str, key: str, what: str) -> Iterator[FieldViolation]:
    counts = Counter(keys)
    for index, name in enumerate(keys):
        if name and counts[name] > 1:
            said = f"{name!r} is that of {counts[name]} {what}"
            yield FieldViolation(f"{path}[{index}].{key}", said, "DUPLICATE")


def _missing(
    path: str, kind: str, name: str, installed: Collection[str] | None = None
) -> FieldViolation:
    said = f"{name!r} is no {kind} of this policy"
    if installed is not None:
        names = ", ".join(sorted(installed)[:20]) or "none"
        said = f"{name!r} is no {kind} of this server, which has {names}"
    return FieldViolation(path, said, "REFERENCE")
