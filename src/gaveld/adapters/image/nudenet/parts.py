"""The parts of the body that the network knows, and what each means for which category."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class BodyPart:
    """One of the network's classes, in words.

    ``sexual`` and ``nudity`` are how much of its score counts for A1 and for A2; the score of a
    part with neither says nothing about either.
    """

    name: str
    sexual: float = 0.0
    nudity: float = 0.0


def _genital(name: str) -> BodyPart:
    return BodyPart(f"exposed {name}", sexual=1.0, nudity=1.0)


def _intimate(name: str) -> BodyPart:
    return BodyPart(f"exposed {name}", sexual=0.5, nudity=1.0)


def _covered(name: str) -> BodyPart:
    return BodyPart(f"covered {name}", nudity=0.5)


PARTS: Final = (
    _covered("female genitals"),
    BodyPart("female face"),
    _intimate("buttocks"),
    _intimate("female breast"),
    _genital("female genitals"),
    BodyPart("exposed male breast"),
    _genital("anus"),
    BodyPart("exposed feet"),
    BodyPart("covered belly"),
    BodyPart("covered feet"),
    BodyPart("covered armpits"),
    BodyPart("exposed armpits"),
    BodyPart("male face"),
    BodyPart("exposed belly"),
    _genital("male genitals"),
    _covered("anus"),
    _covered("female breast"),
    _covered("buttocks"),
)
"""In the network's order."""
