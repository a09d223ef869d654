"""Cuts texts into the views that members take: sentences, and a text after what it answers to.

The work is bounded whatever the text. Nothing here knows what a text means.
"""

import re
from collections.abc import Sequence
from typing import Final

MOST_CHARACTERS: Final = 4_096
"""A longer text is not read sentence by sentence: its passages are a few sentences each anyway."""

SUBJECT_CHARACTERS: Final = 240
"""So much is shown of what a text answers to."""

LOOKBACK_TURNS: Final = 3
"""So many turns before a turn are its context, as far as they fit in ``SUBJECT_CHARACTERS``."""

_SHORTEST: Final = 12
"""A shorter sentence goes with its neighbour: alone it says too little."""

_END: Final = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|\s*\n\s*")


def sentences(text: str) -> tuple[str, ...]:
    """Return a text's sentences; none for one that has only one, or is too long for this."""
    if len(text) > MOST_CHARACTERS:
        return ()
    found: list[str] = []
    for piece in _END.split(text):
        said = piece.strip()
        if not said:
            continue
        if found and min(len(found[-1]), len(said)) < _SHORTEST:
            found[-1] = f"{found[-1]} {said}"
        else:
            found.append(said)
    return tuple(found) if len(found) > 1 else ()


def opening(text: str) -> str:
    """Return as much of a text's beginning as is shown of what is commented on, whole words."""
    said = " ".join(text[: 2 * SUBJECT_CHARACTERS].split())
    if len(said) <= SUBJECT_CHARACTERS:
        return said
    return said[:SUBJECT_CHARACTERS].rpartition(" ")[0] or said[:SUBJECT_CHARACTERS]


def before(turns: Sequence[str], place: int) -> str:
    """Return what was said just before a turn, oldest first, a turn a line; empty if nothing.

    The nearest turn is cut to its end if need be; those before it are taken whole or not at all.
    """
    lines: list[str] = []
    room = SUBJECT_CHARACTERS
    for text in reversed(turns[max(0, place - LOOKBACK_TURNS) : place]):
        said = " ".join(text[-2 * SUBJECT_CHARACTERS :].split())
        if lines and len(said) > room:
            break
        lines.append(said[-room:])
        room -= len(lines[-1])
        if room <= 0:
            break
    return "\n".join(line for line in reversed(lines) if line)


def answering(subject: str, text: str) -> str:
    """Return a text after what it answers to."""
    return f"{subject}\n{text}"
