"""Known pictures as a classifier: compares the frames of a picture with banks of hashes.

It reports what a picture resembles and how nearly. A picture that is known to be good is reported,
too; what follows from that is not decided here.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Final, ParamSpec, TypeVar

import numpy as np

from gaveld.adapters.image.hashes.banks import StoredBank
from gaveld.adapters.image.hashes.index import HashIndex
from gaveld.adapters.image.hashes.pdq import picture_hash
from gaveld.domain.image_signals import (
    HASH_BITS,
    MIN_QUALITY,
    HashBank,
    HashBankKind,
    HashMatch,
    ImageFinding,
    ImageReport,
    ImageSample,
)
from gaveld.domain.media import Frame
from gaveld.domain.policies import HashBank as PolicyBank
from gaveld.domain.signals import ClassifierCard

NAME: Final = "hashes"
RELEASE: Final = "1.0.0"
MAX_MATCHES: Final = 16
"""So many of the nearest known pictures are named."""

_LIMITS: Final = (
    "Knows {count:,} pictures. Finds them re-saved, scaled and lightly changed; not mirrored, "
    "turned, cropped or in a collage. Pictures with little detail can't be told apart."
)
_UNREAD: Final = "It has too little detail to be compared with known pictures."
_MISSING: Final = "The server does not have every bank that the policy names."
_REASON: Final = "Resembles a known picture."

P = ParamSpec("P")
T = TypeVar("T")


class KnownPictures:
    """Banks, put together so that one pass finds the near ones of all. Immutable."""

    def __init__(self, banks: Sequence[StoredBank]) -> None:
        self._banks = tuple(banks)
        self._starts = list(accumulate((len(bank.hashes) for bank in banks), initial=0))
        hashes = [bank.hashes for bank in banks] or [np.empty((0, HASH_BITS // 8), np.uint8)]
        self._index = HashIndex(np.concatenate(hashes))
        self._terms = Terms.of(bank.about for bank in banks)

    def terms(self, named: Sequence[PolicyBank]) -> "Terms":
        """Return what matches mean under a policy: of the banks that it names, else of all."""
        if not named:
            return self._terms
        wanted = {bank.name: bank for bank in named}
        return Terms.of(
            _meant(wanted[bank.about.name]) if bank.about.name in wanted else None
            for bank in self._banks
        )

    def __len__(self) -> int:
        return len(self._index)

    @property
    def categories(self) -> frozenset[str]:
        """The categories of the banks that block."""
        return frozenset(bank.about.category_id for bank in self._banks) - {""}

    @property
    def digest(self) -> str:
        """Eight hex digits that change with any bank."""
        seen = hashlib.sha256()
        for bank in self._banks:
            seen.update(repr(bank.about).encode())
            for part in (bank.hashes, bank.entry_ids.ends, bank.entry_ids.text):
                seen.update(part.tobytes())
        return seen.hexdigest()[:8]

    def lacks(self, named: Sequence[PolicyBank]) -> bool:
        """Return whether a policy names a bank that is not here."""
        return not {bank.name for bank in named} <= {bank.about.name for bank in self._banks}

    def matches(
        self,
        value: bytes,
        quality: int = 0,
        frame_index: int = 0,
        terms: "Terms | None" = None,
    ) -> Mapping[int, HashMatch]:
        """Return the nearest pictures within their bank's distance, each by its own number.

        Up to ``MAX_MATCHES``; ``quality`` and ``frame_index`` are passed on. ``terms`` are a
        policy's, else the banks' own count.
        """
        terms = terms or self._terms
        if terms.farthest < 0:
            return {}
        positions, distances = self._index.near(value, terms.farthest)
        owners = np.searchsorted(self._starts, positions, side="right") - 1
        kept = np.flatnonzero(distances <= terms.limits[owners])
        nearest = kept[np.argsort(distances[kept], kind="stable")[:MAX_MATCHES]]
        return {
            position: HashMatch(
                about.name, about.kind, entry_id, int(distances[i]), quality, frame_index
            )
            for i in nearest
            for position, owner in ((int(positions[i]), int(owners[i])),)
            for about in (terms.banks[owner],)
            for entry_id in (self._banks[owner].entry_ids[position - self._starts[owner]],)
        }


class Terms:
    """What a match means in each bank, and how near it must come; -1 where none is looked for."""

    def __init__(self, banks: Mapping[int, HashBank], count: int) -> None:
        self.banks = banks
        self.limits = np.full(count, -1, np.intp)
        for owner, about in banks.items():
            self.limits[owner] = about.max_distance
        self.farthest = int(self.limits.max(initial=-1))
        self.categories = frozenset(about.category_id for about in banks.values()) - {""}

    @classmethod
    def of(cls, banks: Iterable[HashBank | None]) -> "Terms":
        """Return the terms of banks in their order, None for one that is not to be looked at."""
        meant = list(banks)
        return cls({i: about for i, about in enumerate(meant) if about is not None}, len(meant))

    def category_of(self, match: HashMatch) -> str:
        """Return the category of a match; empty for a bank that allows."""
        return next(e.category_id for e in self.banks.values() if e.name == match.bank)


class PdqClassifier:
    """Compares every frame with banks of known pictures. Call ``close`` at the end.

    A policy that names banks has those alone compared, in its own terms.
    """

    def __init__(self, known: KnownPictures, *, threads: int = 1) -> None:
        self._known = known
        self._lane = ThreadPoolExecutor(threads, thread_name_prefix="gavel-hashes")
        self._card = ClassifierCard(
            name=NAME,
            version=f"{RELEASE}+{known.digest}",
            categories=known.categories,
            limits=_LIMITS.format(count=len(known)),
        )

    @property
    def card(self) -> ClassifierCard:
        """What the classifier is and sees; the version changes with the banks."""
        return self._card

    async def warm_up(self) -> None:
        """Go through every bank once, so that it is in memory."""
        await self._aside(self._known.matches, bytes(HASH_BITS // 8))

    async def classify(self, sample: ImageSample) -> ImageReport:
        """Return what the frames resemble, and for each category of it the nearest as a finding.

        Hashes of a quality below ``MIN_QUALITY`` are compared with nothing.
        """
        found: dict[int, HashMatch] = {}
        compared = 0
        named = sample.policy.hash_banks
        terms = self._known.terms(named)
        for frame in sample.picture.frames:
            matches = await self._aside(self._compare, frame, terms)
            compared += matches is not None
            for number, match in (matches or {}).items():
                found[number] = min(match, found.get(number, match), key=_distance)
        nearest = sorted(found.values(), key=_distance)[:MAX_MATCHES]
        return ImageReport(
            findings=tuple(self._findings(nearest, terms)),
            hash_matches=tuple(nearest),
            unread=_MISSING if self._known.lacks(named) else "" if compared else _UNREAD,
            looked_for=terms.categories if named else None,
        )

    def close(self) -> None:
        """Let go of the threads; work that has not begun is dropped."""
        self._lane.shutdown(wait=False, cancel_futures=True)

    async def _aside(self, work: Callable[P, T], *arguments: P.args, **_: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._lane, work, *arguments)

    def _compare(self, frame: Frame, terms: Terms) -> Mapping[int, HashMatch] | None:
        found = picture_hash(frame)
        if found.quality < MIN_QUALITY:
            return None
        return self._known.matches(found.value, found.quality, frame.index, terms)

    def _findings(self, matches: Sequence[HashMatch], terms: Terms) -> Sequence[ImageFinding]:
        by_category: dict[str, HashMatch] = {}
        for match in matches:
            if match.kind is HashBankKind.BLOCK:
                by_category.setdefault(terms.category_of(match), match)
        return [
            ImageFinding(
                category_id,
                match_score(match.distance),
                _REASON,
                self._card.name,
                self._card.version,
                frame_index=match.frame_index,
                hash_match=match,
            )
            for category_id, match in sorted(by_category.items())
        ]


def match_score(distance: int) -> float:
    """Return the score of a match: 1 for the same hash, less the share of bits that differ."""
    return 1 - distance / HASH_BITS


def _meant(bank: PolicyBank) -> HashBank:
    kind = HashBankKind(bank.kind.value)
    return HashBank(bank.name, kind, bank.max_distance, bank.category_id)


def _distance(match: HashMatch) -> int:
    return match.distance
