"""The laws of unmasking: which disguised words are read, where they are, and what is left alone."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.text.normalise.normaliser import read
from gaveld.domain.content import Span, TextReadings

any_text = st.text(st.characters(exclude_categories=()), max_size=60)
hostile_text = st.text(
    st.sampled_from("aAbklsSu13570458$@!|+. .--__**  \n🔥🔥\u0301\u200bсО£/:'"), max_size=80
)
letters = st.sampled_from("abcdefghijklmnopqrstuvwxyz")
ordinary_word = st.text(letters, min_size=2, max_size=9).filter(
    lambda word: not any(left == right for left, right in pairwise(word))
)


def readings(text: str) -> TextReadings:
    return read(text, lambda: None)


def all_readings(text: str) -> set[str]:
    found = readings(text)
    return {found.unmasked.text, *(variant.text for variant in found.variants)}


@given(any_text | hostile_text)
def test_every_string_is_read_with_a_way_back(text: str):
    """Law: ranges lie in the text, never go back, and leave no gap; variants lie in the text."""
    found = readings(text)
    unmasked = found.unmasked
    assert len(unmasked.text) == len(unmasked.starts) == len(unmasked.ends)
    ranges = list(zip(unmasked.starts, unmasked.ends, strict=True))
    assert all(0 <= start < end <= len(text) for start, end in ranges)
    for (start, end), (next_start, next_end) in pairwise(ranges):
        assert start <= next_start <= end <= next_end
    if ranges:
        assert ranges[-1][1] == len(text)
    for variant in found.variants:
        assert variant.text
        assert 0 <= variant.span.start < variant.span.end <= len(text)


@given(any_text | hostile_text)
def test_readings_depend_on_the_text_alone(text: str):
    """Law: equal texts are read equally."""
    assert readings(text) == readings(text)


@given(st.lists(ordinary_word, min_size=1, max_size=12))
def test_prose_is_its_own_reading(words: list[str]):
    """Law: words in plain letters are neither joined nor changed, and have no variants."""
    text = " ".join(words)
    assert readings(text) == TextReadings.plain(text)


@given(
    st.text(letters, min_size=4, max_size=9).filter(lambda word: len(set(word)) > 2),
    st.sampled_from([" ", ".", "-", "_", "*", "🔥", " . ", " - ", "\n", "·", "~", ",", "/", "  "]),
)
def test_a_word_spelled_out_is_read_and_covered(word: str, between: str):
    """Law: single letters in a row are one word, whose span runs from the first to the last."""
    if word in "abcdefghijklmnopqrstuvwxyz" or any(c * 3 in word for c in word):
        return
    spelled = between.join(word)
    text = f"they said {spelled} today"
    found = readings(text)
    assert found.unmasked.text == f"they said {word} today"
    assert found.unmasked.original(10, 10 + len(word)) == (10, 10 + len(spelled))


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        ("b4sket", "basket"),
        ("b4$ket", "basket"),
        ("sh1p", "ship"),
        ("sh!p", "ship"),
        ("sh|p", "ship"),
        ("s1ug", "slug"),
        ("gr33t", "greet"),
        ("b00k", "book"),
        ("cu77er", "cutter"),
        ("a$$et", "asset"),
        ("a$$", "ass"),
        ("h@t", "hat"),
        ("fu©king", "fucking"),
        ("baaaasket", "basket"),
        ("helllllo", "hello"),
        ("kiiiill", "kill"),
        ("killllll", "kill"),
        ("b.4.s.k.3.t", "basket"),
        ("b a s k e e e e t", "basket"),
        ("ｂ４ｓｋｅｔ", "basket"),
        ("b\u200b4\u0301sket", "basket"),
        ("𝐛.𝐚.𝐬.𝐤.𝐞.𝐭", "basket"),
        ("баааня", "баня"),
    ],
)
def test_a_disguised_word_takes_the_place_of_its_disguise(sent: str, word: str):
    """Law: what can hardly mean anything else is read so, and its span is the whole disguise."""
    text = f"(you {sent}, indeed)"
    found = readings(text)
    assert found.unmasked.text == f"(you {word}, indeed)"
    assert found.unmasked.original(5, 5 + len(word)) == (5, 5 + len(sent))


@pytest.mark.parametrize(
    ("sent", "word"),
    [
        ("@ss", "ass"),
        ("@$$", "ass"),
        ("$hip", "ship"),
        ("5hip", "ship"),
        ("p3n15", "penis"),
        ("pa55", "pass"),
        ("t1t5", "tits"),
        ("B4SKET", "basket"),
        ("shou7", "shout"),
        ("asssss", "ass"),
        ("shiip", "ship"),
        ("s1ug", "siug"),
        ("ba.sket", "basket"),
        ("ba🔥sket", "basket"),
        ("sh*p", "shp"),
        ("c a t", "cat"),
        ("C.A.T.", "cat"),
        ("C A T", "cat"),
        ("h u n t ing", "hunting"),
        ("i h a t e y o u", "hate"),
        ("what a f u c k i n g mess", "fucking"),
        ("sh1p123", "ship"),
    ],
)
def test_a_likely_word_is_a_variant_with_its_span(sent: str, word: str):
    """Law: what may also mean something else keeps its place, with the reading beside it."""
    found = readings(f"so {sent} there")
    assert word in {variant.text for variant in found.variants}
    for variant in found.variants:
        assert 3 <= variant.span.start < variant.span.end <= 3 + len(sent)


@pytest.mark.parametrize(
    "text",
    [
        "Nigeria, viable, Scunthorpe, class, assassin, Essex, therapist, analysis, cocktail",
        "as such, it is as simple as this; a cat is in a box",
        "I am a man. A plan? I see a U-turn, a T-shirt and an X-ray.",
        "he'll, she'll, we'll and it's o'clock; rock 'n' roll",
        "see 192.168.0.1, 2001:db8::1 and 10.0.0.0/8",
        "FUK8-2271-ASS-04 and A55-B2, part no. SH1-T5",
        "550e8400-e29b-41d4-a716-446655440000 d41d8cd98f00b204e9800998ecf8427e #a55b00 0xa55",
        "aGVsbG8gd29ybGQhIHRoaXMgaXMgYmFzZTY0 1f3870be274f6c49b3e31a0c6728957f",
        "at 10:30 on 12/05/2024 for $5, €10, 5$, 100k or 1,000.50",
        "v1.2.3, 3.14, 1e10, 2 + 2 = 4, 50%, #1, 1st, 2nd, 3rd, 4th, 5km, 8gb",
        "1 2 3, 4 5 6",
        "a, b, c, d; a) b) c); x = y - z + w",
        "the letters a b c d e f, or A B C D",
        "https://a.b.c/f.u.n.k?y=0 www.b00ks.com s0me.one@h0st.org",
        "/usr/l0cal/b1n ~/b1n C:\\W1NDOWS\\sh1p",
        "the i18n of k8s over c/o w/o a/c",
        "chapters iii, viii and xxiii; www, zzz, hhhh",
        "www.example.com wwwexamplecom",
        "Yahoo! Jeopardy! C++, C#, A+, 18+ and R&D",
        "ping @everyone and @alice, in US$ or AU$",
        "**bold** _under_ *star* ~~gone~~ ---- ==== ....",
        "!!!! ???? $$$ @@@ ||| 🔥🔥🔥🔥",
        "哈哈哈哈 ใช่ๆๆๆ 55555 ههههه",
        "\n- one\n- two\n- three\n",
    ],
)
def test_what_is_no_disguise_is_left_as_it_is(text: str):
    """Law: ordinary words, names, codes, addresses, numbers and punctuation are not rewritten."""
    assert readings(text).unmasked.text == text.lower()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("as such", "ass"),
        ("as s", "ass"),
        ("FUK8-2271-ASS-04", "fuk"),
        ("A55-B2", "ass"),
        ("samsung A55", "ass"),
        ("c l a s s", "ass"),
        ("he'll", "hell"),
        ("it's hit", "shit"),
        ("this.hit", "shit"),
        ("t h e r a p i s t", "rapist"),
        ("http://a55.example/a.s.s", "ass"),
        ("10.0.a.s.s", "ass"),
        ("d e f g", "defg"),
    ],
)
def test_no_reading_makes_a_word_out_of_parts_of_others(text: str, word: str):
    """Law: words are neither joined nor cut, so that a bad one never appears by accident."""
    assert word not in {part for reading in all_readings(text) for part in reading.split()}


def test_spelled_out_words_end_where_the_spacing_widens():
    """Law: wider white space parts the words, whatever the letters are set apart by."""
    found = readings("h a t e   m u c h.  b y e s")
    assert found.unmasked.text == "hate   much.  byes"
    assert readings("N.A.T.O. H.A.T.E").unmasked.text == "n.a.t.o. h.a.t.e"


def test_the_span_of_a_variant_is_that_of_its_own_letters():
    """Law: a word that ran into a pronoun is marked without it."""
    text = "i h a t e u"
    assert (text[2:9], Span(2, 9)) in {
        (text[slice(*variant.span)], variant.span)
        for variant in readings(text).variants
        if variant.text == "hate"
    }


@pytest.mark.parametrize(
    "text",
    [
        "b4sket a$$ " * 20_000,
        "b4sket" * 40_000,
        "a" * 200_000,
        "a-" * 100_000,
        "f u n k  " * 20_000,
        "baaaasket " * 20_000,
        "ba.sket." * 20_000,
        "!" * 200_000,
        "ab---" * 40_000,
        "a@b" * 60_000,
        "/a" * 100_000,
        "\u200bb" * 50_000,
        "🇦" * 50_000,
    ],
    ids=lambda text: ascii(text[:8]),
)
def test_long_hostile_texts_are_read_in_small_steps(text: str):
    """Law: unmasking can be stopped every few thousand characters, and gets to the end."""
    looks = 0

    def checkpoint() -> None:
        nonlocal looks
        looks += 1

    found = read(text, checkpoint)
    assert looks >= len(found.folded.text) / 4_096
    assert found.unmasked.ends[-1] == len(text)


def test_a_window_never_cuts_a_disguise():
    """Law: wherever a long text is cut for reading, a disguised word is read as elsewhere."""
    for before in range(2_030, 2_070):
        text = "ab " * (before // 3) + "x" * (before % 3) + " so b a s k e t here" + " cd" * 2_000
        assert "so basket here" in readings(text).unmasked.text


def test_a_stop_is_not_swallowed():
    """Law: what the checkpoint raises ends the work."""

    class StopError(Exception):
        pass

    def stop() -> None:
        raise StopError

    with pytest.raises(StopError):
        read("b4sket " * 1_000, stop)
