"""The laws of the window: what is remembered of a conversation is bounded, and the newest of it."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.domain.conversations import (
    EXCERPT_CHARACTERS,
    LEAST_SHOWN,
    MOST_SHOWN,
    WINDOW_CHARACTERS,
    WINDOW_TURNS,
    HeardTurn,
    Signs,
    TextDigest,
    Window,
    digest_after,
    excerpt,
)
from gaveld.domain.cues import Cue
from gaveld.domain.reviews import Turn, running_digest

lengths = st.integers(1, 3_000)


def heard(text: str, turn_id: str = "t") -> HeardTurn:
    """Return a turn as the window takes it."""
    return HeardTurn(Turn(excerpt(text), id=turn_id), Signs())


@settings(deadline=None)
@given(st.lists(lengths, min_size=1, max_size=60))
def test_the_window_is_bounded_and_holds_the_newest(sizes):
    """Law: however many turns and however long, so many characters, and always the last turn."""
    window = Window()
    for index, size in enumerate(sizes):
        window = window.with_turn(heard("x" * size, str(index)))
        assert len(window.turns) <= WINDOW_TURNS
        assert sum(len(entry.turn.text) for entry in window.turns) <= WINDOW_CHARACTERS
        ids = [entry.turn.id for entry in window.turns]
        assert ids == [str(number) for number in range(index + 1 - len(ids), index + 1)]
        assert window.has(str(index))
        shown = [entry.id for entry in window.content.turns]
        assert shown == ids[-len(shown) :]
        assert min(LEAST_SHOWN, len(ids)) <= len(shown) <= MOST_SHOWN


def test_what_is_shown_begins_anew_every_fourth_turn():
    """Law: most turns are shown after the same ones again; the first is never skipped back to."""
    window, begins = Window(), []
    for index in range(40):
        window = window.with_turn(heard("short", str(index)))
        begins.append(int(window.shown[0].turn.id))
    assert begins == [max(0, (index + 1 - LEAST_SHOWN) // 4 * 4) for index in range(40)]


@settings(deadline=None)
@given(st.lists(st.text(max_size=700), max_size=8))
def test_a_text_in_parts_is_known_like_the_whole(parts):
    """Law: digest, excerpt and length don't depend on how the text came."""
    text, digest = "".join(parts), TextDigest()
    for part in parts:
        digest.add(part)
    assert digest.sha256 == hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    assert digest.excerpt == excerpt(text)
    assert digest.length == len(text)


@settings(deadline=None)
@given(st.text(max_size=3_000))
def test_an_excerpt_is_the_text_or_its_ends(text):
    """Law: a short text is whole, a long one shows how it begins and ends, within the bound."""
    shown = excerpt(text)
    if len(text) <= EXCERPT_CHARACTERS:
        assert shown == text
    else:
        assert len(shown) <= EXCERPT_CHARACTERS
        assert text.startswith(shown[:500])
        assert text.endswith(shown[-500:])


@given(st.binary(max_size=32), st.text(), st.text(), st.text())
def test_the_running_digest_needs_no_text(before, role, author, text):
    """Law: a turn known by its digest alone moves the conversation's digest like the turn."""
    turn = Turn(text, role, author)
    sha256 = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    bare = Turn("", role, author)
    assert digest_after(before, bare, sha256) == running_digest(before, turn)


def test_signs_of_parts_are_those_of_the_turn():
    """Law: of two parts each category has the higher score, and the turn every cue of both."""
    first = Signs.read("@Ann where do you live", {"H2": 0.4, "A1": 0.1})
    second = Signs.read("please, @bob", {"H2": 0.2, "A1": 0.6})
    both = first.joined(second)
    assert both.scores == {"H2": 0.4, "A1": 0.6}
    assert both.cues == {Cue.ADDRESS, Cue.MEETING, Cue.PRESSURE}
    assert (both.mention, second.mention) == ("ann", "bob")
