"""Who is on the embedded panel: ten ways to read the same content, in the order they are asked in.

Each differs from the others in its trained head, in how much it takes to vote unsafe, in the view
that it takes of the text, and in the evidence that it weighs. How all of that is measured is the
business of ``points`` and ``judging``.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class View(StrEnum):
    """One way to look at a text."""

    AS_SENT = "as sent"
    UNMASKED = "unmasked"
    """As it reads once disguises are removed."""
    SENTENCES = "sentence by sentence"
    """Each sentence alone, and the worst of them counts."""
    IN_CONTEXT = "in context"
    """After what it answers to: the thing commented on, or the turns before."""


class Point(StrEnum):
    """How much it takes to vote unsafe, from least to most."""

    STRICT = "strict"
    BALANCED = "balanced"
    LENIENT = "lenient"


class Witness(StrEnum):
    """Whom some members hear beside their heads: the text model's companion, or a classifier."""

    COMPANION = "companion"
    LEXICON = "lexicon"
    LINKS = "links"
    PERSONAL_DATA = "personal_data"
    """Credentials, too."""


@dataclass(frozen=True, slots=True)
class Member:
    """One embedded reviewer.

    ``name`` is stable and stands in answers; ``head`` counts from 0. Every member weighs blocked
    terms and what is found in pictures; ``witnesses`` are what it weighs besides.
    """

    name: str
    description: str
    head: int
    point: Point
    views: frozenset[View]
    witnesses: frozenset[Witness]


_SENT, _UNMASKED, _SENTENCES, _CONTEXT = (
    View.AS_SENT,
    View.UNMASKED,
    View.SENTENCES,
    View.IN_CONTEXT,
)
_LEXICON, _COMPANION = Witness.LEXICON, Witness.COMPANION
_LINKS, _PERSONAL = Witness.LINKS, Witness.PERSONAL_DATA


def _member(
    name: str,
    description: str,
    head: int,
    point: Point,
    views: tuple[View, ...],
    witnesses: tuple[Witness, ...],
) -> Member:
    return Member(name, description, head, point, frozenset(views), frozenset(witnesses))


MEMBERS: Final = (
    _member(
        "gavel-all-round",
        "Takes every view and weighs all the evidence.",
        0,
        Point.BALANCED,
        (_SENT, _UNMASKED, _SENTENCES, _CONTEXT),
        (_COMPANION, _LEXICON, _LINKS, _PERSONAL),
    ),
    _member(
        "gavel-strict",
        "Reads the whole, disguised or not, and needs little to object.",
        1,
        Point.STRICT,
        (_SENT, _UNMASKED, _CONTEXT),
        (_COMPANION, _LEXICON, _LINKS, _PERSONAL),
    ),
    _member(
        "gavel-lenient",
        "Reads what was sent, trusts no list of words, and needs much to object.",
        2,
        Point.LENIENT,
        (_SENT,),
        (_COMPANION, _LINKS, _PERSONAL),
    ),
    _member(
        "gavel-sentences",
        "Reads sentence by sentence, so that one bad line in a long text is not lost.",
        3,
        Point.BALANCED,
        (_SENTENCES,),
        (_LEXICON, _LINKS, _PERSONAL),
    ),
    _member(
        "gavel-unmasking",
        "Reads what disguised words stand for.",
        4,
        Point.BALANCED,
        (_UNMASKED, _CONTEXT),
        (_COMPANION, _LEXICON, _LINKS, _PERSONAL),
    ),
    _member(
        "gavel-meaning",
        "Goes by meaning alone, in its context.",
        5,
        Point.BALANCED,
        (_SENT, _CONTEXT),
        (),
    ),
    _member(
        "gavel-words",
        "Goes by words and spellings, too, and needs little to object.",
        6,
        Point.STRICT,
        (_UNMASKED, _SENTENCES),
        (_COMPANION, _LEXICON, _LINKS, _PERSONAL),
    ),
    _member(
        "gavel-plain",
        "Reads what was sent and nothing into it.",
        7,
        Point.BALANCED,
        (_SENT,),
        (_COMPANION, _LINKS),
    ),
    _member(
        "gavel-strict-context",
        "Reads each sentence and the whole in its context, and needs little to object.",
        8,
        Point.STRICT,
        (_SENTENCES, _CONTEXT),
        (_LEXICON, _PERSONAL),
    ),
    _member(
        "gavel-lenient-context",
        "Reads the whole in its context, and needs much to object.",
        9,
        Point.LENIENT,
        (_SENT, _UNMASKED, _CONTEXT),
        (_COMPANION, _LEXICON, _LINKS, _PERSONAL),
    ),
)
"""The panel: a call for n reviewers asks the first n."""
