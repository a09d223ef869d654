"""How one member votes on a look: pure rules, no reading and no waiting.

``docs/compliance.md`` states them in prose.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from gaveld.adapters.reviewers.embedded.looks import OPERATORS, Heard, Look
from gaveld.adapters.reviewers.embedded.members import Member, Point, View, Witness
from gaveld.adapters.reviewers.embedded.parts import Chances
from gaveld.adapters.reviewers.embedded.points import Scale, logit
from gaveld.domain.reviews import (
    MOST_CONFIDENT,
    Ballot,
    ContentKind,
    Decision,
    Evidence,
    FlaggedRule,
    ImageEvidence,
    ReviewerCard,
    ReviewTask,
    VideoEvidence,
)
from gaveld.domain.signals import ClassifierOutcome

EVIDENCE_POINTS: Final[Mapping[Point, float]] = {
    Point.STRICT: 0.3,
    Point.BALANCED: 0.5,
    Point.LENIENT: 0.8,
}
"""A finding that no head speaks of, such as a link's, counts from this score on."""

SEEN_POINTS: Final[Mapping[Point, float]] = {
    Point.STRICT: 0.3,
    Point.BALANCED: 0.55,
    Point.LENIENT: 0.8,
}
"""The same for what was seen in a picture: what is suggestive and no more reaches 0.5."""

ALLOWANCES: Final[Mapping[ContentKind, Mapping[str, float]]] = {
    ContentKind.CHAT: {"L1": 5.0, "H2": 1.0, "V1": 1.0},
    ContentKind.SEARCH: {"L1": 6.0, "H2": 3.0, "H3": 1.0, "C4": -0.5},
}
"""How much more, in log odds, it takes to object to a category in content of a kind.

Swearing, banter and talk of fights in games are ordinary in chat. A query is said to nobody, so
that it can hardly insult; but what it is after is told by few words.
"""

EXCUSED: Final[Mapping[str, frozenset[str]]] = {"S4": OPERATORS | {"assistant"}}
"""Roles of a conversation whose business a category is: instructing a model is no injection."""

_MADE_CHANCES_OF: Final = frozenset({Witness.LEXICON.value, "linear"})
"""Classifiers whose findings are in the chances already, or doubled by the model's companion."""

_WITNESSES: Final = frozenset(witness.value for witness in Witness)

_READERS: Final = _WITNESSES | {"terms"}
"""Classifiers of text whose findings count as they are."""

_FOREIGN: Final = "It reads English, and the content looks like another language."
_UNSEEN: Final = "It has nothing that it could judge this content by."
_BLIND: Final = "It can see none of the rules in force."


@dataclass(slots=True)
class _Objections:
    """The strongest objection to each category so far, and where it is."""

    chances: dict[str, float] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def add(self, category_id: str, chance: float, place: str) -> None:
        if chance > self.chances.get(category_id, -1.0):
            self.chances[category_id] = chance
            self.places[category_id] = place


def vote(
    member: Member,
    scales: Mapping[str, Scale],
    look: Look,
    task: ReviewTask,
    card: ReviewerCard,
) -> Ballot:
    """Return a member's ballot on a look at a task, under the card's name."""
    outcomes = _used(member, look.outcomes)
    in_force = {rule.id: rule.name for rule in task.rules}
    objections = _objections(member, scales, look, task.kind)
    flagged = {name: chance for name, chance in objections.chances.items() if name in in_force}
    if flagged:
        decision, said = Decision.UNSAFE, _objecting(flagged, objections, in_force)
    else:
        decision, said = _unobjecting(scales, look, outcomes, in_force)
    is_seen = isinstance(task.content, ImageEvidence | VideoEvidence)
    reason = (
        said if decision is Decision.FAILED else f"{_manner(member, look, is_seen=is_seen)}, {said}"
    )
    return Ballot(
        reviewer=card.name,
        decision=decision,
        reason=reason,
        model=card.model,
        model_version=card.model_version,
        flagged=tuple(
            FlaggedRule(name, round(MOST_CONFIDENT * chance, 2)) for name, chance in flagged.items()
        ),
        weight=card.weight,
        evidence=tuple(
            entry for entry in _evidence(member, look) if entry.finding.category_id in flagged
        ),
        outcomes=outcomes if decision is not Decision.FAILED else (),
    )


def _objections(
    member: Member, scales: Mapping[str, Scale], look: Look, kind: ContentKind
) -> _Objections:
    found = _Objections()
    for heard in look.parts:
        place = "" if heard.turn is None else f"in turn {heard.turn + 1}"
        for chances, where in ((heard.part.chances, place), (heard.part.in_context, _CONTEXT)):
            for category_id, chance in _of(member, chances).items():
                if _is_excused(category_id, heard):
                    continue
                at = scales[category_id].thresholds[member.point]
                if _reaches(chance, at, ALLOWANCES.get(kind, {}).get(category_id, 0.0)):
                    found.add(category_id, chance, where)
    by_heads = _weighed_by_heads(look)
    for entry in _evidence(member, look):
        finding = entry.finding
        points = EVIDENCE_POINTS if finding.classifier in _READERS else SEEN_POINTS
        if finding.classifier in by_heads or finding.score < points[member.point]:
            continue
        found.add(
            finding.category_id,
            finding.score,
            "" if entry.turn is None else f"in turn {entry.turn + 1}",
        )
    return found


def _of(member: Member, chances: Chances | None) -> Mapping[str, float]:
    return {} if chances is None else chances.get(member.name, {})


def _reaches(chance: float, threshold: float, allowance: float) -> bool:
    if not allowance:
        return chance >= threshold
    return logit(chance) >= logit(threshold) + allowance


def _is_excused(category_id: str, heard: Heard) -> bool:
    return heard.role.lower() in EXCUSED.get(category_id, frozenset())


def _weighed_by_heads(look: Look) -> frozenset[str]:
    models = {heard.part.outcome.card.name for heard in look.parts}
    return _MADE_CHANCES_OF | models


def _evidence(member: Member, look: Look) -> Iterator[Evidence]:
    """Yield the findings that the member weighs."""
    for heard in look.parts:
        for finding in heard.part.findings:
            if _is_weighed(member, finding.classifier) and not _is_excused(
                finding.category_id, heard
            ):
                yield Evidence(finding, heard.turn)
    for seen in look.seen:
        if _is_weighed(member, seen.finding.classifier):
            yield seen


def _is_weighed(member: Member, classifier: str) -> bool:
    return classifier not in _WITNESSES or classifier in member.witnesses


def _used(member: Member, outcomes: tuple[ClassifierOutcome, ...]) -> tuple[ClassifierOutcome, ...]:
    return tuple(entry for entry in outcomes if _is_weighed(member, entry.card.name))


def _objecting(
    flagged: Mapping[str, float], objections: _Objections, names: Mapping[str, str]
) -> str:
    strongest = sorted(flagged, key=lambda name: (-flagged[name], name))
    said = ", ".join(
        f"{names[name]}{(' ' + objections.places[name]).rstrip()}" for name in strongest
    )
    return f"it finds: {said}."


def _unobjecting(
    scales: Mapping[str, Scale],
    look: Look,
    outcomes: tuple[ClassifierOutcome, ...],
    in_force: Mapping[str, str],
) -> tuple[Decision, str]:
    by_heads = scales.keys() if look.parts else frozenset()
    seen = by_heads | {name for entry in outcomes for name in _looked_for(entry, look)}
    if not seen & in_force.keys():
        return Decision.FAILED, _BLIND
    if not look.is_read:
        return Decision.FAILED, _FOREIGN if look.parts else _UNSEEN
    return Decision.SAFE, "it finds no rule broken."


def _looked_for(outcome: ClassifierOutcome, look: Look) -> frozenset[str]:
    if look.is_watched and (outcome.missed_as is not None or outcome.card.is_blind_spot):
        return frozenset()
    return outcome.card.categories


def _manner(member: Member, look: Look, *, is_seen: bool) -> str:
    if is_seen and not look.parts:
        return "By what was seen in it"
    read = [view.value for view in View if view in member.views]
    said = " and ".join((", ".join(read[:-1]), read[-1])) if len(read) > 1 else read[0]
    return f"By what was seen in it, and its words read {said}" if is_seen else f"Read {said}"


_CONTEXT: Final = "together with what comes before"
