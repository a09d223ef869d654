"""What is remembered of a conversation while it goes on: a window of turns, and little else.

Everything here is bounded, whatever the length of the conversation: the work on a turn and the
memory of a stream must not grow with it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gaveld.domain.cues import Cue, cues_of, mention_in
from gaveld.domain.reviews import ConversationContent, Turn

WINDOW_TURNS: Final = 16
"""So many turns at most are remembered: what builds up over them is seen,"""
WINDOW_CHARACTERS: Final = 4_096
"""of at most so many characters together, the newest first,"""
EXCERPT_CHARACTERS: Final = 1_024
"""each with its beginning and its end, together no longer than this."""
LEAST_SHOWN: Final = 8
MOST_SHOWN: Final = 11
"""So many of them, the newest, are shown to reviewers with every turn.

They begin anew with every fourth turn only, so that reviewers who remember what they read meet most
turns again after the same ones as before.
"""

_GAP: Final = " … "

Speaker = tuple[str, str]
"""Who said a turn: role and author's id."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What a turn says of itself, too little to act on: scores of categories, 0–1, and cues.

    ``mention`` is the name that it speaks to as ``@name``, in lower case; empty if there is none.
    """

    scores: Mapping[str, float] = field(default_factory=dict)
    cues: frozenset[Cue] = frozenset()
    mention: str = ""

    @classmethod
    def read(cls, text: str, scores: Mapping[str, float] | None = None) -> "Signs":
        """Return the signs of a text, of a long one those in its excerpt, with these scores."""
        shown = excerpt(text)
        return cls(scores or {}, cues_of(shown), mention_in(shown))

    def joined(self, other: "Signs") -> "Signs":
        """Return the signs of two parts of one turn."""
        scores = dict(self.scores)
        for category_id, score in other.scores.items():
            scores[category_id] = max(score, scores.get(category_id, 0.0))
        return Signs(scores, self.cues | other.cues, self.mention or other.mention)


@dataclass(frozen=True, slots=True)
class HeardTurn:
    """A turn as the window has it: an excerpt under its id, and its signs.

    ``is_unsafe`` is the panel's decision on the turn by itself; None for one that was never judged,
    because it was said before the stream began.
    """

    turn: Turn
    signs: Signs
    is_unsafe: bool | None = None
    is_excerpt: bool = False

    @property
    def speaker(self) -> Speaker:
        """Who said it."""
        return self.turn.role, self.turn.author_id


@dataclass(frozen=True, slots=True)
class Window:
    """The last turns of a conversation, oldest first, and how many came before them."""

    turns: tuple[HeardTurn, ...] = ()
    dropped: int = 0

    def with_turn(self, heard: HeardTurn) -> "Window":
        """Return the window with one more turn, and without those that there is no room for."""
        room = WINDOW_CHARACTERS - len(heard.turn.text)
        kept = [heard]
        for entry in reversed(self.turns[-(WINDOW_TURNS - 1) :]):
            room -= len(entry.turn.text)
            if room < 0:
                break
            kept.append(entry)
        return Window(tuple(reversed(kept)), self.dropped + len(self.turns) + 1 - len(kept))

    def has(self, turn_id: str) -> bool:
        """Whether a turn of this id is in it."""
        return any(entry.turn.id == turn_id for entry in self.turns)

    @property
    def shown(self) -> tuple[HeardTurn, ...]:
        """The turns that reviewers are shown."""
        step = MOST_SHOWN - LEAST_SHOWN + 1
        beyond = max(0, self.dropped + len(self.turns) - LEAST_SHOWN)
        return self.turns[max(0, beyond // step * step - self.dropped) :]

    @property
    def content(self) -> ConversationContent:
        """What reviewers are shown. Raises ``ValueError`` for an empty window."""
        return ConversationContent(tuple(entry.turn for entry in self.shown))


class TextDigest:
    """What is told of a text as it comes, in parts: its digest, its ends and its length.

    It keeps ``EXCERPT_CHARACTERS`` at most.
    """

    def __init__(self) -> None:
        self._state = hashlib.sha256()
        self._head = self._tail = ""
        self.length = 0

    def add(self, text: str) -> None:
        """Read the next part."""
        self._state.update(text.encode("utf-8", "surrogatepass"))
        self.length += len(text)
        missing = EXCERPT_CHARACTERS - len(self._head)
        self._head += text[:missing]
        self._tail = (self._tail + text)[-EXCERPT_CHARACTERS:]

    @property
    def sha256(self) -> bytes:
        """The digest of all that was read."""
        return self._state.digest()

    @property
    def excerpt(self) -> str:
        """The whole text if it is short, else its beginning and its end."""
        if self.length <= EXCERPT_CHARACTERS:
            return self._head
        half = (EXCERPT_CHARACTERS - len(_GAP)) // 2
        return self._head[:half] + _GAP + self._tail[-half:]


def excerpt(text: str) -> str:
    """Return the whole text if it is short, else its beginning and its end."""
    digest = TextDigest()
    digest.add(text)
    return digest.excerpt


def digest_after(before: bytes, turn: Turn, text_sha256: bytes) -> bytes:
    """Return ``running_digest`` after a turn whose text is known by its SHA-256 alone."""
    state = hashlib.sha256(before)
    for part in (turn.role, turn.author_id):
        state.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    state.update(text_sha256)
    return state.digest()
