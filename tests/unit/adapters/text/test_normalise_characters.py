"""The laws of folding: what characters become, what stays, and where it came from."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.text.normalise.folding import fold
from gaveld.domain.content import FoldedText

any_text = st.text(st.characters(exclude_categories=()), max_size=60)
hostile_text = st.text(
    st.sampled_from(
        "aZ k.1$é\u0300\u0301\u0489\u200b\u200d\ufe0f\u202e\u00ad\U000e0041ßıİǅﬃ㎏½…\ufdfa"
        "сОсkοѕЇйиάϋ가\u1100\u1161\u11a8か\u3099ㅋก็้हिन्\u093cשּׁعّ🇫🇷🔥👩𝐟ⓕ🅵⒜｡\ud800\n\t\x00"
    ),
    max_size=60,
)
words = st.text("abcdefghijklmnopqrstuvwxyz", min_size=3, max_size=12)

FONTS = {
    "capitals": str.upper,
    "fullwidth": lambda word: "".join(chr(ord(c) + 0xFEE0) for c in word),
    "mathematical bold": lambda word: "".join(chr(ord(c) - 97 + 0x1D41A) for c in word),
    "mathematical fraktur": lambda word: "".join(chr(ord(c) - 97 + 0x1D586) for c in word),
    "circled": lambda word: "".join(chr(ord(c) - 97 + 0x24D0) for c in word),
    "parenthesised": lambda word: "".join(chr(ord(c) - 97 + 0x249C) for c in word),
    "squared": lambda word: "".join(chr(ord(c) - 97 + 0x1F130) for c in word),
    "negative circled": lambda word: "".join(chr(ord(c) - 97 + 0x1F150) for c in word),
    "negative squared": lambda word: "".join(chr(ord(c) - 97 + 0x1F170) for c in word),
    "regional indicators": lambda word: "".join(chr(ord(c) - 97 + 0x1F1E6) for c in word),
}
BETWEEN = {
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "word joiner": "\u2060",
    "soft hyphen": "\u00ad",
    "right-to-left override": "\u202e",
    "isolate": "\u2068",
    "variation selector": "\ufe0f",
    "tag": "\U000e0061",
    "NUL": "\0",
    "acute": "\u0301",
    "stroke": "\u0336",
    "keycap": "\u20e3",
    "Hangul filler": "\u3164",
    "Arabic vowel sign": "\u064e",
    "zalgo": "\u0300\u0316\u0489\u0334\u0310" * 3,
}


def folded(text: str) -> FoldedText:
    return fold(text, lambda: None)


def assert_way_back_holds(reading: FoldedText, length: int) -> None:
    assert len(reading.text) == len(reading.starts) == len(reading.ends)
    ranges = list(zip(reading.starts, reading.ends, strict=True))
    assert all(0 <= start < end <= length for start, end in ranges)
    for (start, end), (next_start, next_end) in pairwise(ranges):
        assert start <= next_start <= end <= next_end
    if ranges:
        assert ranges[-1][1] == length


@given(any_text | hostile_text)
def test_every_string_folds_with_a_way_back(text: str):
    """Law: ranges lie in the text, never go back, leave no gap, and reach the text's end."""
    assert_way_back_holds(folded(text), len(text))


@given(any_text | hostile_text)
def test_folding_is_blind_to_what_it_read_before(text: str):
    """Law: the character table that grows meanwhile changes no answer."""
    first = folded(text)
    folded(text[::-1] + "ⓕ𝐟")
    assert folded(text) == first


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_printable_ascii_only_loses_its_capitals(text: str):
    """Law: ASCII text is its own folding, in lower case, position by position."""
    assert folded(text) == FoldedText.identity(text.lower())


@pytest.mark.parametrize("font", FONTS)
@given(word=words)
def test_letters_in_another_font_are_letters(font: str, word: str):
    """Law: a font does not hide a word, and its letters keep their places."""
    sent = f"you {FONTS[font](word)} there"
    reading = folded(sent)
    assert reading.text == f"you {word} there"
    assert reading.original(4, 4 + len(word)) == (4, 4 + len(word))


@pytest.mark.parametrize("between", BETWEEN)
@given(word=words)
def test_what_hides_between_letters_is_removed_and_belongs_to_them(between: str, word: str):
    """Law: a word is found through what stands after its letters, and covers it."""
    sent = f"so {''.join(letter + BETWEEN[between] for letter in word)}, there"
    reading = folded(sent)
    assert reading.text == f"so {word}, there"
    assert reading.original(3, 3 + len(word)) == (3, sent.index(","))


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("pаyраl", "paypal"),  # two letters are Cyrillic
        ("ВАSKET", "basket"),
        ("bаѕkеt", "basket"),
        ("tree ѕсоре tree", "tree scope tree"),  # all Cyrillic, among Latin
        ("ѕсоре tree", "scope tree"),
        ("baskετ", "basket"),
        ("bɑsket ᴀʟʟ", "basket all"),
        ("baſket", "basket"),
        ("ßtraße", "sstrasse"),
        ("naïve café", "naive cafe"),
        ("nai\u0308ve cafe\u0301", "naive cafe"),
        ("łódź Ægir", "lodz aegir"),
        ("shıfts", "shifts"),
        ("don’t “say” — it…", 'don\'t "say" - it...'),
        ("a\u00a0b\u3000c\u2028d", "a b c\nd"),
        ("ﬃ ㎏", "ffi kg"),
        ("Acme™", "acme™"),
        ("🇫🇷 🇩🇪", "🇫🇷 🇩🇪"),
        ("e\u20dd1\ufe0f\u20e3", "e1"),
        ("\ufeffword", "word"),
        ("\u0301\u0301", ""),
    ],
)
def test_characters_are_read_for_what_they_stand_for(sent: str, read: str):
    """Law: look-alikes, ligatures, marks and typography become the plain letters meant."""
    assert folded(sent).text == read


@pytest.mark.parametrize(
    "text",
    [
        "мы поехали в tokyo, а там сосна и мой ёж",
        "сосок рот тот оно сор",
        "в москве, в мае: windows не работает",
        "їжак і ґанок",
        "η ελλάδα είναι ωραία, το α και το ο",
        "हिन्दी बड़ों लड़कियाँ क्षत्रिय",
        "ภาษาไทย น้ำ ที่นี่",
        "שָׁלוֹם עֲלֵיכֶם",
        "العربيّةُ لُغَةٌ",
        "می‌خواهم",
        "한국어 ㅋㅋㅋ",
        "日本語が カタカナ",
        "中文没有问题",
        "বাংলা தமிழ் తెలుగు ಕನ್ನಡ",
        "ქართული հայերեն አማርኛ",
        "tiếng việt: cúm, gãy, phụ nữ, dịch",
        "sık sık ışığı kısaltır",
        "ich aß",
    ],
)
def test_other_scripts_and_spellings_stay_themselves(text: str):
    """Law: text that disguises nothing keeps its letters and its marks."""
    assert folded(text).text == text


def test_decomposed_letters_of_other_scripts_are_composed():
    """Law: a letter reads the same however it was typed, also with marks that make it another."""
    assert folded("мо\u0438\u0306 ко\u0301т").text == "мой кот"
    assert folded("か\u3099 \u1112\u1161\u11ab").text == "が 한"


def test_piled_up_marks_are_cut_in_any_script():
    """Law: a letter keeps no more marks than an orthography stacks, and covers the rest."""
    reading = folded("ก" + "\u0e47" * 50_000 + "!")
    assert len(reading.text) < 10
    assert reading.original(0, len(reading.text) - 1) == (0, 50_001)


def test_fifty_thousand_marks_on_one_letter_are_one_letter():
    """Law: marks cost no more than they are long, and the letter covers them all."""
    reading = folded("a" + "\u0300" * 50_000 + "b")
    assert reading.text == "ab"
    assert reading.original(0, 1) == (0, 50_001)


@pytest.mark.parametrize("text", ["a" * 300_000, "é" * 300_000, "ѕ a " * 60_000, "cúm ạ " * 50_000])
def test_long_texts_look_at_the_checkpoint_often(text: str):
    """Law: folding can be stopped at least once every few ten thousand characters."""
    looks = 0

    def checkpoint() -> None:
        nonlocal looks
        looks += 1

    fold(text, checkpoint)
    assert looks >= len(text) / 70_000
