"""Turns a text into hashed word and character n-grams, the same way in training and serving.

Changing anything here invalidates the shipped weights: bump ``FEATURES_VERSION`` and train
again. It knows nothing of labels and keeps nothing of what it has read.
"""

import re
from collections.abc import Sequence
from itertools import chain
from typing import Final, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

FEATURES_VERSION: Final = 2
BUCKET_BITS: Final = 19
BUCKETS: Final = 1 << BUCKET_BITS

Buckets = npt.NDArray[np.int64]

_WORD_LENGTHS: Final = (1, 2, 3)
_CHARACTER_LENGTHS: Final = (2, 3, 4, 5)
_TOKEN: Final = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")
_ADDRESS: Final = re.compile(r"(?:https?://|www\.)\S+")
_MENTION: Final = re.compile(r"(?<!\w)@\w+")
_REPEAT: Final = re.compile(r"(.)\1{2,}", re.DOTALL)
_DIGIT: Final = re.compile(r"\d")
_NUMBER: Final = re.compile(r"\d+(?:[-.,:/ ()]{1,2}\d+\b)*")
_CODE: Final = re.compile(r"\b[^\W0]{0,3}(?:0[^\W0]{0,3})+\b")
"""A token with a number in it and no four letters running: 10pm, 1st, x86, most of a hash."""
_READABLE: Final = re.compile(r"[^\W\d_]{2}|[\U0001F300-\U0001FAFF]")
_CLASSES: Final = frozenset({"weburl", "usermention"})
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = np.uint64(0xD6E8FEB86659FD93)
_SHIFT: Final = np.uint64(64 - BUCKET_BITS)
_HALF: Final = np.uint64(32)
_SPACE: Final = 32
_WORDS: Final = np.uint64(1)
_CHARACTERS: Final = 16
"""Where the numbers begin that keep runs of characters apart from words of equal hash."""


class Features(NamedTuple):
    """The distinct buckets of a text, each array sorted: word n-grams and character n-grams.

    Each of the two counts as one unit vector: a bucket weighs one over the square root of how
    many its array holds.
    """

    words: Buckets
    characters: Buckets


def tokenise(text: str) -> list[str]:
    """Return the tokens of a text in lower case.

    Web addresses and mentions become one token each, as does a number with whatever punctuation
    or spaces it is written, or a code made of digits and few letters: which number it is says
    nothing. A character repeated more than twice stands twice.
    """
    text = _REPEAT.sub(r"\1\1", text.lower())
    if "://" in text or "www." in text:
        text = _ADDRESS.sub(" weburl ", text)
    if "@" in text:
        text = _MENTION.sub(" usermention ", text)
    if _DIGIT.search(text):
        text = _CODE.sub("0", _NUMBER.sub("0", text))
    return _TOKEN.findall(text)


class Bags(NamedTuple):
    """The distinct buckets of several texts: which text, ``rows``, has which of ``buckets``.

    Both are as long as all the bags together, sorted by text and then by bucket.
    """

    rows: Buckets
    buckets: Buckets


def featurise(text: str) -> Features:
    """Return the hashed n-grams of a text, empty arrays for one that holds nothing to read.

    That is a text of numbers, codes, addresses, marks and single letters, without a word or emoji.

    Words count singly, in pairs and in threes; characters in runs of two to five that do not
    cross the space on either side of a token. Any string is accepted, lone surrogates included.
    Time and memory are linear in its length.
    """
    words, characters = featurise_all([text])
    return Features(words.buckets, characters.buckets)


def featurise_all(texts: Sequence[str]) -> tuple[Bags, Bags]:
    """Return the words and the characters of each text, as ``featurise`` finds them, at one go.

    A short text costs more in calls than in arithmetic, so that many together cost little more.
    """
    found = [(row, tokenise(text)) for row, text in enumerate(texts)]
    read = [(row, tokens) for row, tokens in found if _is_readable(tokens)]
    if not read:
        nothing = Bags(np.empty(0, np.int64), np.empty(0, np.int64))
        return nothing, nothing
    return _words(read), _characters(read)


def _is_readable(tokens: list[str]) -> bool:
    return any(token not in _CLASSES and _READABLE.search(token) for token in tokens)


def _words(read: Sequence[tuple[int, list[str]]]) -> Bags:
    rows = np.repeat([row for row, _ in read], [len(tokens) for _, tokens in read])
    everything = chain.from_iterable(tokens for _, tokens in read)
    hashes = np.fromiter(map(_word_hash, everything), np.uint64, len(rows))
    rolling = hashes
    runs = [(rows, hashes + _WORDS)]
    for length in _WORD_LENGTHS[1:]:
        if length > len(rows):
            break
        rolling = rolling[:-1] * _BASE + hashes[length - 1 :]
        within = rows[: 1 - length] == rows[length - 1 :]
        runs.append((rows[: 1 - length][within], rolling[within] + np.uint64(length)))
    return _bags(runs)


def _characters(read: Sequence[tuple[int, list[str]]]) -> Bags:
    padded = [f" {' '.join(tokens)} " for _, tokens in read]
    rows = np.repeat([row for row, _ in read], [len(text) for text in padded])
    codes = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), np.uint32)
    spaces = np.zeros(len(codes) + 1, np.int32)
    np.cumsum(codes == _SPACE, out=spaces[1:])
    wide = codes.astype(np.uint64)
    rolling = wide
    runs = []
    for length in _CHARACTER_LENGTHS:
        if length > len(codes):
            break
        rolling = rolling[:-1] * _BASE + wide[length - 1 :]
        # Inside a run, between its first and last character, there may be no space.
        within = spaces[length - 1 : -1] == spaces[1 : len(codes) - length + 2]
        within &= rows[: 1 - length] == rows[length - 1 :]
        runs.append((rows[: 1 - length][within], rolling[within] + np.uint64(_CHARACTERS + length)))
    return _bags(runs)


def _bags(runs: Sequence[tuple[Buckets, npt.NDArray[np.uint64]]]) -> Bags:
    """Mix the hashes well, keep the highest bits, and drop what stands twice in a text."""
    mixed = np.concatenate([hashes for _, hashes in runs]) * _MIX
    mixed ^= mixed >> _HALF
    mixed *= _BASE
    mixed >>= _SHIFT
    keys = mixed.view(np.int64)
    keys |= np.concatenate([rows for rows, _ in runs]) << BUCKET_BITS
    keys.sort()
    first = np.empty(len(keys), np.bool_)
    first[0] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    keys = keys[first]
    return Bags(keys >> BUCKET_BITS, keys & (BUCKETS - 1))


def _word_hash(word: str) -> int:
    return crc32(word.encode("utf-8", "surrogatepass"))
