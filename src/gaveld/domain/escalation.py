"""What builds up over the turns of a conversation though no turn of it need say it alone.

Rules over the signs of a bounded window, each of which tells what it rests on. They add to what the
reviewers say of the window and never take away from it. ``docs/streams.md`` states them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Final

from gaveld.domain.conversations import HeardTurn, Speaker
from gaveld.domain.cues import Cue
from gaveld.domain.decisions import FlaggedCategory
from gaveld.domain.reviews import MOST_CONFIDENT

HINT: Final = 0.25
"""A score from which a turn may be meant so, though it may be too little to act on."""

MOST_MINORS: Final = 32
"""So many speakers are remembered as being under 18."""

_ABUSE: Final = ("H1", "H2", "H3")
_SEXUAL: Final = ("A1", "A3")
_INSISTED_ON: Final = ("A1", "A3", "C1", "C2", "C3", "C4", "D1", "D2", "H1", "H3", "P1", "P2")
_INSISTED_ON_TOO: Final = ("S3", "S4", "V1", "V2", "V3")
_SELF_HARM: Final = "D1"
_MINORS: Final = "A3"

_REPEATED: Final = 3
_INSISTED: Final = 2
_SURE_OF_INSISTENCE: Final = 0.6
_SHORT_CHARACTERS: Final = 40
"""A turn as short as this speaks to the last speaker, whether or not it says so."""


class Pattern(StrEnum):
    """A way in which harm builds up."""

    REPEATED_HARASSMENT = "repeated_harassment"
    INSISTENCE = "insistence"
    SELF_HARM = "self_harm"
    MEETING_MINOR = "meeting_minor"
    WHOLE = "whole"
    """The reviewers find it in the window, and in no turn of it."""


@dataclass(frozen=True, slots=True)
class Escalation:
    """A pattern that the last turn takes part in.

    ``score`` is the probability 0–1 that at least one of its signs is meant, taken as independent
    of each other. ``turn_ids`` are the turns that it rests on, oldest first. ``reason`` holds
    nothing of the content.
    """

    pattern: Pattern
    category_id: str
    score: float
    turn_ids: tuple[str, ...]
    reason: str


def escalations(
    turns: Sequence[HeardTurn], minors: frozenset[Speaker] = frozenset()
) -> tuple[Escalation, ...]:
    """Return the patterns that the last of the window's turns takes part in.

    ``minors`` are speakers that said before to be under 18, as ``minors_among`` found them.
    """
    if len(turns) < 2:  # noqa: PLR2004 - one turn is no conversation
        return ()
    minors |= minors_among(turns)
    rules: tuple[Callable[[], Escalation | None], ...] = (
        partial(_harassment, turns),
        partial(_insistence, turns),
        partial(_self_harm, turns),
        partial(_meeting_minor, turns, minors),
    )
    return tuple(found for rule in rules if (found := rule()) is not None)


def found_by_reviewers(
    turns: Sequence[HeardTurn], flagged: Sequence[FlaggedCategory]
) -> Escalation | None:
    """Return what reviewers who found the window unsafe saw in it, if no turn of it is unsafe.

    ``flagged`` is what they flagged. None where a single turn, or one that was never judged,
    explains it.
    """
    if any(entry.is_unsafe is not False for entry in turns):
        return None
    grave = max(flagged, key=lambda entry: entry.confidence, default=None)
    return Escalation(
        Pattern.WHOLE,
        grave.id if grave else "",
        grave.confidence / MOST_CONFIDENT if grave else 1.0,
        tuple(entry.turn.id for entry in turns),
        "The reviewers find the turns unsafe together, and none of them by itself.",
    )


def minors_among(turns: Sequence[HeardTurn]) -> frozenset[Speaker]:
    """Return the speakers of whom the turns say that they are under 18."""
    found: set[Speaker] = set()
    for index, entry in enumerate(turns):
        if Cue.MINOR_SELF in entry.signs.cues:
            found.add(entry.speaker)
        elif Cue.MINOR_OTHER in entry.signs.cues:
            other = _other_speaker(turns, index)
            if other is not None:
                found.add(other)
    return frozenset(found)


def _harassment(turns: Sequence[HeardTurn]) -> Escalation | None:
    last = len(turns) - 1
    whom = _addressee(turns, last)
    aimed = [
        (entry, score)
        for index, entry in enumerate(turns)
        if entry.speaker == turns[last].speaker
        and (score := _highest(entry, _ABUSE)) >= HINT
        and _is_directed(entry)
        and _addressee(turns, index) == whom
    ]
    if len(aimed) < _REPEATED or aimed[-1][0] is not turns[last]:
        return None
    return _escalation(
        Pattern.REPEATED_HARASSMENT, "H2", aimed, f"{len(aimed)} turns of one speaker against one."
    )


def _insistence(turns: Sequence[HeardTurn]) -> Escalation | None:
    found = [
        entry
        for category_id in (*_INSISTED_ON, *_INSISTED_ON_TOO)
        if (entry := _insistence_on(category_id, turns)) is not None
    ]
    return max(found, key=lambda entry: entry.score, default=None)


def _insistence_on(category_id: str, turns: Sequence[HeardTurn]) -> Escalation | None:
    own = turns[-1].speaker
    asked: list[tuple[HeardTurn, float]] = []
    again: list[tuple[HeardTurn, float]] = []
    is_refused = False
    for entry in turns:
        score = entry.signs.scores.get(category_id, 0.0)
        if entry.speaker != own:
            is_refused = is_refused or (bool(asked) and Cue.REFUSAL in entry.signs.cues)
        elif is_refused and (score >= HINT or Cue.PRESSURE in entry.signs.cues):
            again.append((entry, max(score, _WEIGHTS[Cue.PRESSURE])))
        elif not is_refused and score >= HINT:
            asked.append((entry, score))
    if len(again) < _INSISTED or again[-1][0] is not turns[-1]:
        return None
    reason = f"{len(again)} turns go on with what the other refused."
    found = _escalation(Pattern.INSISTENCE, category_id, [*asked, *again], reason)
    return found if found.score >= _SURE_OF_INSISTENCE else None


def _self_harm(turns: Sequence[HeardTurn]) -> Escalation | None:
    last = turns[-1]
    urges = Cue.URGING in last.signs.cues
    said = [
        (entry, score)
        for entry in turns
        if (entry.speaker != last.speaker) == urges and (score := _danger(entry)) > 0
    ]
    if urges and said:
        signs = [*said, (last, _WEIGHTS[Cue.URGING])]
        return _escalation(
            Pattern.SELF_HARM, _SELF_HARM, signs, "One speaks of an end and another urges to it."
        )
    if urges or not said or said[-1][0] is not last:
        return None
    prepares = [entry for entry, _ in said if Cue.PREPARATION in entry.signs.cues]
    has_plan = bool(prepares) and len(said) > 1
    if len(said) < _REPEATED and not has_plan:
        return None
    reason = f"{len(said)} turns of one speaker move towards self-harm."
    return _escalation(Pattern.SELF_HARM, _SELF_HARM, said, reason)


def _meeting_minor(turns: Sequence[HeardTurn], minors: frozenset[Speaker]) -> Escalation | None:
    last = turns[-1]
    if last.speaker in minors:
        return None
    names = {_name(speaker) for speaker in minors}
    steps: dict[str, tuple[HeardTurn, float]] = {}
    for index, entry in enumerate(turns):
        if entry.speaker == last.speaker and _addressee(turns, index) in names:
            for kind, score in _approaches(entry):
                known = steps.get(kind)
                # Of one kind the latest counts, so that the last turn is among them if it can be.
                steps[kind] = (entry, max(score, known[1] if known else 0.0))
    takes_part = any(entry is last for entry, _ in steps.values())
    is_approach = bool({Cue.MEETING, Cue.PICTURE, "sexual"} & set(steps))
    if len(steps) < _INSISTED or not takes_part or not is_approach:
        return None
    return _escalation(
        Pattern.MEETING_MINOR,
        _MINORS,
        list(steps.values()),
        f"{len(steps)} kinds of approach to somebody who is said to be under 18.",
    )


_WEIGHTS: Final = {
    Cue.PRESSURE: 0.2,
    Cue.DESPAIR: 0.3,
    Cue.PREPARATION: 0.35,
    Cue.URGING: 0.4,
    Cue.MEETING: 0.3,
    Cue.SECRECY: 0.3,
    Cue.PICTURE: 0.3,
    Cue.ALONE: 0.3,
}
"""What a cue counts for where its turn has no score of the category: by judgement, not measured."""

_SEXUAL_APPROACH: Final = 0.4


def _danger(entry: HeardTurn) -> float:
    score = entry.signs.scores.get(_SELF_HARM, 0.0)
    said = [_WEIGHTS[cue] for cue in (Cue.DESPAIR, Cue.PREPARATION) if cue in entry.signs.cues]
    return max([*said, score if score >= HINT else 0.0])


def _approaches(entry: HeardTurn) -> Iterable[tuple[str, float]]:
    for cue in (Cue.MEETING, Cue.SECRECY, Cue.PICTURE, Cue.ALONE):
        if cue in entry.signs.cues:
            yield cue, _WEIGHTS[cue]
    score = _highest(entry, _SEXUAL)
    if score >= HINT:
        yield "sexual", max(score, _SEXUAL_APPROACH)


def _highest(entry: HeardTurn, categories: Iterable[str]) -> float:
    return max(entry.signs.scores.get(category_id, 0.0) for category_id in categories)


def _is_directed(entry: HeardTurn) -> bool:
    is_short = len(entry.turn.text) <= _SHORT_CHARACTERS
    return is_short or bool(entry.signs.mention) or Cue.ADDRESS in entry.signs.cues


def _addressee(turns: Sequence[HeardTurn], index: int) -> str:
    """Return whom a turn speaks to: whom it mentions, or the other speaker nearest before it."""
    if turns[index].signs.mention:
        return turns[index].signs.mention
    other = _other_speaker(turns, index)
    return _name(other) if other else ""


def _other_speaker(turns: Sequence[HeardTurn], index: int) -> Speaker | None:
    own = turns[index].speaker
    around = (*reversed(turns[:index]), *turns[index + 1 :])
    return next((entry.speaker for entry in around if entry.speaker != own), None)


def _name(speaker: Speaker) -> str:
    role, author_id = speaker
    return (author_id or role).lower()


def _escalation(
    pattern: Pattern, category_id: str, signs: Sequence[tuple[HeardTurn, float]], reason: str
) -> Escalation:
    doubt = 1.0
    for _, score in signs:
        doubt *= 1.0 - score
    by_id = dict.fromkeys(entry.turn.id for entry, _ in signs)
    return Escalation(pattern, category_id, 1.0 - doubt, tuple(by_id), reason)
