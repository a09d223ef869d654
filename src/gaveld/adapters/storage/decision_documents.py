"""Decisions as compact JSON and back: all that judging again needs, and nothing else of a finding.

Of each part and classifier the highest finding of a category is kept, since no verdict rests on
more; without spans, boxes and reasons. The words are apart, in a document that can be erased.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson

from gaveld.domain.categories import Severity
from gaveld.domain.decision_records import Decision, JudgedPart
from gaveld.domain.media import MediaReference
from gaveld.domain.rules import RuleFacts, RuleStatus, UserHistory, UserWindow
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, Finding, OutcomeStatus
from gaveld.domain.typed_content import FieldType, FieldValue, MediaValue, Url


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a document holds of a decision; the facts lack content, words read, and who it was."""

    facts: RuleFacts
    parts: tuple[JudgedPart, ...]
    category_ids: tuple[str, ...]
    rules: tuple[tuple[str, RuleStatus], ...]


@dataclass(frozen=True, slots=True)
class Words:
    """What of the facts quotes the content, None where it is not known."""

    content: Mapping[str, FieldValue] | None = None
    ocr_text: str | None = None


def judgement_to_json(decision: Decision) -> str:
    """Return the document, without a word of the content and without its author's id."""
    facts = decision.facts
    cards: dict[ClassifierCard, int] = {}
    looks: dict[tuple[tuple[int, str, bool, bool], ...], int] = {}
    parts = [_part(part, cards, looks) for part in decision.parts]
    document = {
        "scores": dict(facts.scores),
        "categories": dict(facts.categories),
        "findings": sorted(facts.findings),
        "image_scores": dict(facts.image_scores),
        "language": facts.language,
        "verdict": facts.verdict,
        "coverage": facts.coverage,
        "nothing_written": facts.ocr_text == "",
        "user": None if facts.user is None else _user(facts.user),
        "cards": [_card(card) for card in cards],
        "looks": list(looks),
        "parts": parts,
        "acted": decision.category_ids,
        "rules": [(rule_id, status.value) for rule_id, status in decision.rules],
    }
    return orjson.dumps(document).decode()


def judgement_from_json(
    document: str, words: Words, *, actor_id: str, content_type: str
) -> Judgement:
    """Return what ``judgement_to_json`` was given, of its findings the highest."""
    read: dict[str, Any] = orjson.loads(document)
    user = read["user"]
    facts = RuleFacts(
        scores=read["scores"],
        categories=read["categories"],
        findings=frozenset(read["findings"]),
        image_scores=read["image_scores"],
        language=read["language"],
        verdict=read["verdict"],
        coverage=read["coverage"],
        ocr_text="" if read["nothing_written"] else words.ocr_text,
        content=words.content,
        content_type=content_type,
        user=None if user is None else _read_user(user, actor_id),
    )
    cards = [_read_card(*entry) for entry in read["cards"]]
    looks = [
        tuple(
            ClassifierOutcome(
                cards[card], OutcomeStatus(status), is_check=is_check, is_needless=is_needless
            )
            for card, status, is_check, is_needless in look
        )
        for look in read["looks"]
    ]
    parts = tuple(
        JudgedPart(path, tuple(_read_finding(entry) for entry in findings), looks[look])
        for path, look, findings in read["parts"]
    )
    rules = tuple((rule_id, RuleStatus(status)) for rule_id, status in read["rules"])
    return Judgement(facts, parts, tuple(read["acted"]), rules)


def words_to_json(words: Words) -> str:
    """Return the document. Of files that came within the call only their type is kept."""
    content = None if words.content is None else _mapping(words.content)
    return orjson.dumps({"content": content, "ocr_text": words.ocr_text}).decode()


def words_from_json(document: str) -> Words:
    """Return what ``words_to_json`` was given, without the bytes of files."""
    read = orjson.loads(document)
    content = read["content"]
    if content is not None:
        content = {name: _read_value(value) for name, value in content.items()}
    return Words(content, read["ocr_text"])


def _part(
    part: JudgedPart,
    cards: dict[ClassifierCard, int],
    looks: dict[tuple[tuple[int, str, bool, bool], ...], int],
) -> tuple[str, int, Sequence[tuple[str, float, int, str, str]]]:
    look = tuple(
        (
            cards.setdefault(outcome.card, len(cards)),
            outcome.status.value,
            outcome.is_check,
            outcome.is_needless,
        )
        for outcome in part.outcomes
    )
    highest: dict[tuple[str, str, str], Finding] = {}
    for finding in part.findings:
        key = (finding.category_id, finding.classifier, finding.version)
        if key not in highest or finding.score > highest[key].score:
            highest[key] = finding
    findings = [
        (entry.category_id, entry.score, int(entry.severity), entry.classifier, entry.version)
        for entry in highest.values()
    ]
    return part.field_path, looks.setdefault(look, len(looks)), findings


def _read_finding(entry: tuple[str, float, int, str, str]) -> Finding:
    category_id, score, severity, classifier, version = entry
    return Finding(category_id, score, "", classifier, version, severity=Severity(severity))


def _card(card: ClassifierCard) -> tuple[str, str, str, bool]:
    return card.name, card.version, " ".join(sorted(card.categories)), card.is_blind_spot


@lru_cache(maxsize=1024)  # the same few stand in all decisions
def _read_card(name: str, version: str, categories: str, is_blind_spot: bool) -> ClassifierCard:  # noqa: FBT001 (a column of the document)
    return ClassifierCard(name, version, frozenset(categories.split()), is_blind_spot=is_blind_spot)


def _user(user: UserHistory) -> dict[str, Any]:
    return {
        "windows": [
            (window.hours, window.contents, window.flags, dict(window.categories))
            for window in user.windows
        ],
        "strikes": user.strikes,
        "first_seen_at": user.first_seen_at,
        "last_seen_at": user.last_seen_at,
    }


def _read_user(user: Mapping[str, Any], actor_id: str) -> UserHistory:
    first, second, third = (UserWindow(*window) for window in user["windows"])
    return UserHistory(
        actor_id,
        (first, second, third),
        user["strikes"],
        _read_time(user["first_seen_at"]),
        _read_time(user["last_seen_at"]),
    )


def _read_time(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)


def _mapping(values: Mapping[str, FieldValue]) -> dict[str, Any]:
    return {name: _value(value) for name, value in values.items()}


def _value(value: FieldValue) -> Any:
    # A plain value stands for itself, a list for a list; all others are objects with one key.
    match value:
        case datetime():
            return {"datetime": value.isoformat()}
        case Url():
            return {"url": value.address}
        case MediaValue():
            return {"media": value.type.value, "uri": value.reference.uri}
        case str() | bool() | int() | float():
            return value
        case Mapping():
            return {"object": _mapping(value)}
        case _:
            return [_value(entry) for entry in value]


def _read_value(value: Any) -> FieldValue:
    match value:
        case {"datetime": str(written)}:
            return datetime.fromisoformat(written)
        case {"url": str(address)}:
            return Url(address)
        case {"media": str(kind), "uri": str(uri)}:
            reference = MediaReference(uri) if uri else MediaReference(data=b"")
            return MediaValue(FieldType(kind), reference)
        case {"object": dict(fields)}:
            return {name: _read_value(entry) for name, entry in fields.items()}
        case list():
            return tuple(_read_value(entry) for entry in value)
        case _:
            plain: FieldValue = value
            return plain
