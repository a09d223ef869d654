"""Laws of reading emoji aloud."""

from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.text.emoji import with_named_emoji
from gaveld.domain.content import FoldedText

EMOJI = "\U0001f437\U0001f3ff\u200d\ufe0f\U0001f1fa\U0001f1f8\u2764\U0001f602"


def named(text: str) -> str:
    """Return the words of a text once its emoji are named."""
    return " ".join(with_named_emoji(FoldedText.identity(text)).text.split())


def test_an_emoji_is_named_once_however_often_it_is_repeated() -> None:
    """A run of one picture costs one name; another picture after it has its own."""
    assert named("you\U0001f437\U0001f437\U0001f437!\U0001f40d") == "you pig face ! snake"


def test_flags_and_skin_tones_are_read() -> None:
    """Two regional letters are one flag; a skin tone is a word of its own."""
    assert named("\U0001f1fa\U0001f1f8 \U0001f476\U0001f3ff") == "flag us baby dark skin"


def test_variation_selectors_belong_to_the_picture() -> None:
    """Whether a picture is drawn in colour does not change its name."""
    assert named("\u2764\ufe0f") == named("\u2764") == "heavy black heart"


@given(st.text(st.sampled_from("ab é" + EMOJI), max_size=40))
def test_every_character_leads_back_to_where_it_stood(text: str) -> None:
    """Positions stay in order and within the text; characters that are kept lead to themselves."""
    reading = with_named_emoji(FoldedText.identity(text))
    assert len(reading.text) == len(reading.starts) == len(reading.ends)
    assert list(reading.starts) == sorted(reading.starts)
    assert list(reading.ends) == sorted(reading.ends)
    assert all(
        0 <= start < end <= len(text)
        for start, end in zip(reading.starts, reading.ends, strict=True)
    )
    assert all(
        text[start] == character
        for character, start in zip(reading.text, reading.starts, strict=True)
        if character == "é"
    )
    kept = [character for character in text if character in "abé"]
    sent = [text[start] for start in reading.starts]
    assert [c for c in kept if c == "é"] == [c for c in sent if c == "é"]


@given(st.text(st.characters(max_codepoint=127)))
def test_plain_text_is_untouched(text: str) -> None:
    """A text without emoji is the same reading, at no cost."""
    reading = FoldedText.identity(text)
    assert with_named_emoji(reading) is reading
