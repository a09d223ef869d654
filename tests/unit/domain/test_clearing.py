"""The laws of the hold-back: what may be shown of a turn that is still being written."""

from collections.abc import Callable, Iterable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gaveld.domain.clearing import (
    CONTEXT_CHARACTERS,
    SHORTEST_SENTENCE_UNITS,
    SMALLEST_PIECE_UNITS,
    Draft,
    Piece,
    utf16_length,
)

ordinary = ["you", "said", "so", "e.g.", "3.5", "example.com", "really?", "ok.", "kill", "..."]
strange = [
    "“Stop!”",
    "😀",
    "👩🏽\u200d🚀",
    "日本語。",
    "naïve",
    "x" * 300,
    "\n",
    "\u0301",
    "𝒳" * 90,
]
words = st.sampled_from([*ordinary, "Mr. Smith", *strange])
texts = st.lists(words, max_size=40).map(" ".join) | st.text(max_size=300)
hold_backs = st.sampled_from([0, 1, 2, 10, 63, 64, 65, 200, 4_096])


@st.composite
def chunkings(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A text and a way to cut it."""
    text = draw(texts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=12)))
    return text, [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def everything(_: Piece) -> bool:
    """Find everything clean."""
    return True


class Guard:
    """Drives a draft as the use case does, and notes what it judged and what was cleared."""

    def __init__(self, hold_back_units: int, is_clean: Callable[[Piece], bool]) -> None:
        self.draft = Draft(hold_back_units)
        self.pieces: list[Piece] = []
        self.glimpses: list[Piece] = []
        self.offsets = [0]
        self._is_clean = is_clean

    def take(self, chunk: str, *, is_last: bool = False) -> None:
        self.draft.write(chunk)
        if is_last:
            self.draft.end()
        while (piece := self.draft.next_piece()) is not None:
            self.pieces.append(piece)
            if piece.is_silent or self._is_clean(piece):
                self.draft.clear(piece)
            else:
                self.draft.stop()
            self.offsets.append(self.draft.cleared_utf16_offset)
        if (glimpse := self.draft.glimpse()) is not None:
            self.glimpses.append(glimpse)
            if self._is_clean(glimpse):
                self.draft.clear(glimpse)
        self.offsets.append(self.draft.cleared_utf16_offset)


def guard(
    chunks: Iterable[str],
    hold_back_units: int = 200,
    is_clean: Callable[[Piece], bool] = everything,
) -> Guard:
    """Write a whole turn in these chunks."""
    made = Guard(hold_back_units, is_clean)
    for chunk in chunks:
        made.take(chunk)
    made.take("", is_last=True)
    return made


def no_kill(piece: Piece) -> bool:
    """Find one word unclean."""
    return "kill" not in piece.text


def at_utf16(text: str, offset: int) -> str:
    """Return a text up to an offset in UTF-16 units; fails if that is inside a character."""
    encoded = text.encode("utf-16-le", "surrogatepass")[: 2 * offset]
    return encoded.decode("utf-16-le", "surrogatepass")


@settings(deadline=None)
@given(chunkings(), hold_backs)
def test_what_was_cleared_is_never_taken_back(chunking, hold_back):
    """Law: the offset never falls, never passes what was written, and splits no character."""
    text, chunks = chunking
    for is_clean in (everything, no_kill):
        made = guard(chunks, hold_back, is_clean)
        assert made.offsets == sorted(made.offsets)
        for offset in made.offsets:
            assert text.startswith(at_utf16(text, offset))


@settings(deadline=None)
@given(chunkings(), hold_backs)
def test_the_hold_back_is_bounded(chunking, hold_back):
    """Law: once all that came was found clean, at most the hold-back waits; at the end, nothing."""
    _, chunks = chunking
    made = Guard(hold_back, everything)
    for chunk in chunks:
        made.take(chunk)
        assert made.draft.length_utf16 - made.draft.cleared_utf16_offset <= hold_back
    made.take("", is_last=True)
    assert made.draft.cleared_utf16_offset == made.draft.length_utf16


@settings(deadline=None)
@given(chunkings(), hold_backs)
def test_pieces_do_not_depend_on_how_the_text_came(chunking, hold_back):
    """Law: any chunking gives the same pieces in the same context, so the same verdict."""
    text, chunks = chunking
    for is_clean in (everything, no_kill):
        made, whole = guard(chunks, hold_back, is_clean), guard([text], hold_back, is_clean)
        letters = guard(text, hold_back, is_clean)
        assert made.pieces == whole.pieces == letters.pieces
        assert made.draft.is_stopped == whole.draft.is_stopped


@settings(deadline=None)
@given(chunkings(), hold_backs)
def test_each_character_is_judged_once(chunking, hold_back):
    """Law: pieces are the text, in order; what is read with them, before and after, has bounds."""
    text, chunks = chunking
    made = guard(chunks, hold_back)
    assert "".join(piece.fresh for piece in made.pieces) == text
    assert all(piece.fresh_from <= CONTEXT_CHARACTERS for piece in made.pieces)
    longest = max(hold_back, SMALLEST_PIECE_UNITS)
    assert all(utf16_length(piece.text[piece.fresh_from :]) <= longest for piece in made.pieces)
    if hold_back >= SMALLEST_PIECE_UNITS:
        assert made.glimpses == []


@settings(deadline=None)
@given(chunkings(), hold_backs)
def test_a_piece_knows_where_it_stands(chunking, hold_back):
    """Law: a piece's text is the turn's, at the place that it names in every unit."""
    text, chunks = chunking
    for piece in guard(chunks, hold_back).pieces:
        start = piece.before.code_point
        assert text[start : piece.end] == piece.text[: piece.fresh_to]
        assert text[start:].startswith(piece.text)
        assert piece.before.byte == len(text[:start].encode("utf-8", "surrogatepass"))
        assert piece.before.utf16 == utf16_length(text[:start])


@settings(deadline=None)
@given(chunkings(), hold_backs)
@example(("I will kill you. And then some more.", ["I will kill you. And then some more."]), 200)
def test_nothing_after_a_stop_is_cleared(chunking, hold_back):
    """Law: what was found harmful, and all that follows it, is never cleared."""
    text, chunks = chunking
    made = guard(chunks, hold_back, no_kill)
    shown = at_utf16(text, made.offsets[-1])
    if hold_back >= SMALLEST_PIECE_UNITS:
        assert "kill" not in shown
    if made.draft.is_stopped:
        stopped_at = made.pieces[-1]
        assert made.draft.next_piece() is None
        assert len(shown) <= stopped_at.end
        assert made.draft.length_utf16 == utf16_length(text)


@settings(deadline=None)
@given(st.integers(0, 400), st.sampled_from([64, 100, 200]))
def test_harm_does_not_fall_between_two_pieces(words, hold_back):
    """Law: of a short phrase in a sentence without end not a word is cleared, wherever it is."""
    text = "and on " * words + "I will kill you" + " and on" * 40
    made = guard(text, hold_back, lambda piece: "will kill you" not in piece.text)
    assert "will" not in at_utf16(text, made.offsets[-1])


@settings(deadline=None)
@given(st.lists(texts, min_size=1, max_size=10))
def test_little_is_kept_of_a_long_turn(chunks):
    """Law: however long the turn, what is kept is the context and one piece."""
    made = Guard(200, everything)
    for chunk in chunks * 5:
        made.take(chunk)
        assert len(made.draft._text) <= CONTEXT_CHARACTERS + 200


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("This is one sentence. This is another.", ["This is one sentence.", " This is another."]),
        ("Yes. No. Perhaps we should.", ["Yes. No. Perhaps we should."]),
        ("The answer is a no. Sorry.", ["The answer is a no.", " Sorry."]),
        ("It costs about 3.5 dollars. See you.", ["It costs about 3.5 dollars.", " See you."]),
        ("We met with Mr. Smith and Dr. Jones.", ["We met with Mr. Smith and Dr. Jones."]),
        ("Look at www.example.com/a.b now! Go.", ["Look at www.example.com/a.b now!", " Go."]),
        ("He shouted “get out of here!” Then he", ["He shouted “get out of here!", "” Then he"]),
        ("first line of it\nsecond line of it\n", ["first line of it\n", "second line of it\n"]),
        (
            "これは最初のとても長い長い文です。次の文。",
            ["これは最初のとても長い長い文です。", "次の文。"],
        ),
        ("Well, I never know what\u2026 He left", ["Well, I never know what\u2026", " He left"]),
    ],
)  # fmt: skip
def test_sentences_end_where_readers_expect(text, sentences):
    """Law: a full stop ends a sentence after a word, not in a number, an address or a title."""
    made = guard([text])
    assert [piece.text[piece.fresh_from :] for piece in made.pieces] == sentences


def test_a_sentence_is_judged_with_its_last_character():
    """Law: nothing after the full stop is waited for."""
    made = Guard(200, everything)
    made.take("I will find you and you will be sorry")
    assert (made.pieces, made.offsets[-1]) == ([], 0)
    made.take(".")
    assert made.offsets[-1] == 38
    made.take("” ")
    assert made.offsets[-1] == 40, "closing marks and spaces follow at once"


def test_a_long_sentence_is_cleared_by_words():
    """Law: of a sentence longer than the hold-back three quarters are cleared, to a word's end."""
    made = Guard(SMALLEST_PIECE_UNITS, everything)
    made.take("word " * 20)
    assert [piece.fresh for piece in made.pieces] == ["word " * 9]
    assert made.pieces[0].text == ("word " * 13)[:64]
    assert made.offsets[-1] == 45
    for text, offset in (("😀" * 40, 48), ("x" * 50 + " " + "x" * 20, 51)):
        made = Guard(SMALLEST_PIECE_UNITS, everything)
        made.take(text)
        assert made.offsets[-1] == offset


def test_without_hold_back_text_is_cleared_as_it_comes():
    """Law: at zero, what was found clean so far is cleared; what was not waits for its sentence."""
    made = Guard(0, no_kill)
    for chunk, offset in (("I wi", 4), ("ll ki", 9), ("ll", 9), (" time", 9)):
        made.take(chunk)
        assert made.draft.cleared_utf16_offset == offset
    made.take(" until then.")
    assert made.draft.is_stopped
    assert made.offsets[-1] == 9


def test_short_sentences_do_not_cost_a_judgement_each():
    """Law: a turn has no more pieces than its length over the shortest sentence, and one."""
    made = guard(["ab. " * 400])
    assert len(made.pieces) <= 1_600 / SHORTEST_SENTENCE_UNITS + 1
