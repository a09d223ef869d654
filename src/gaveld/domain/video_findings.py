"""What was found in a video and when: findings of one kind in neighbouring frames are one stretch.

However long the video, a bounded number of stretches is kept, the ones that matter most.
"""

import heapq
import itertools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from gaveld.domain.actions import Action
from gaveld.domain.image_signals import BoundingBox, HashMatch, ImageFinding
from gaveld.domain.policies import Policy
from gaveld.domain.signals import Finding

MOST_STRETCHES: Final = 1_000

JOINED_SECONDS: Final = 1.0
"""What is said again within so many seconds is one stretch."""


@dataclass(frozen=True, slots=True)
class VideoFinding(Finding):
    """A finding and the stretch of the video, in seconds from its beginning, in which it holds.

    What is seen lasts until the next frame that was looked at and does not show it;
    ``frame_index`` and ``frame_seconds`` are of the frame that shows it most plainly, among those
    looked at, and ``box`` is where in it. ``frame_index`` is None for what is said or subtitled.
    ``span`` is always None.
    """

    start_seconds: float = 0.0
    end_seconds: float = 0.0
    frame_index: int | None = None
    frame_seconds: float = 0.0
    box: BoundingBox | None = None
    hash_match: HashMatch | None = None


_Key = tuple[str, ...]
_Rank = tuple[Action, float]


class FindingStretches:
    """Joins findings to stretches, in the order of time. Kept are those of the strictest action.

    ``policy`` says which matter. What is dropped, because there are more than ``most``, is only
    counted.
    """

    def __init__(self, policy: Policy, most: int = MOST_STRETCHES) -> None:
        self._policy = policy
        self._most = most
        self._seen: dict[_Key, VideoFinding] = {}
        self._said: dict[_Key, VideoFinding] = {}
        self._over: list[tuple[_Rank, int, VideoFinding]] = []
        self._numbers = itertools.count()
        self._omitted = 0

    @property
    def omitted(self) -> int:
        """How many stretches were dropped."""
        return self._omitted

    def see(self, index: int, seconds: float, found: Iterable[Finding]) -> list[VideoFinding]:
        """Take what was found in the next frame; return what was not seen in the one before."""
        strongest: dict[_Key, VideoFinding] = {}
        for finding in found:
            seen = _seen(finding, index, seconds)
            key = _key(seen)
            if key not in strongest or seen.score > strongest[key].score:
                strongest[key] = seen
        self.last_until(seconds)
        for key in [entry for entry in self._seen if entry not in strongest]:
            self._close(self._seen.pop(key))
        begun = [seen for key, seen in strongest.items() if key not in self._seen]
        for key, seen in strongest.items():
            self._seen[key] = _joined(self._seen.get(key, seen), seen)
        return begun

    def hear(self, start: float, end: float, found: Iterable[Finding]) -> list[VideoFinding]:
        """Take what was found in words said or shown from ``start`` to ``end``; return the new."""
        begun = []
        for finding in found:
            said = _timed(finding, start, end)
            key = _key(said)
            before = self._said.get(key)
            if before is not None and start <= before.end_seconds + JOINED_SECONDS:
                self._said[key] = _joined(before, said)
                continue
            if before is not None:
                self._close(before)
            self._said[key] = said
            begun.append(said)
        return begun

    def last_until(self, seconds: float) -> None:
        """Take that what the last frame shows lasts until then."""
        for key, seen in self._seen.items():
            self._seen[key] = replace(seen, end_seconds=max(seconds, seen.end_seconds))

    def all(self) -> tuple[VideoFinding, ...]:
        """Return all stretches that are kept, in the order of time."""
        kept = [*(entry for *_, entry in self._over), *self._seen.values(), *self._said.values()]
        if len(kept) > self._most:
            kept = heapq.nlargest(self._most, kept, key=self._rank)
        return tuple(sorted(kept, key=lambda entry: (entry.start_seconds, entry.category_id)))

    def _close(self, finding: VideoFinding) -> None:
        entry = (self._rank(finding), next(self._numbers), finding)
        if len(self._over) < self._most:
            heapq.heappush(self._over, entry)
        else:
            heapq.heappushpop(self._over, entry)
            self._omitted += 1

    def _rank(self, finding: VideoFinding) -> _Rank:
        return self._policy.rule(finding.category_id).action(finding.score), finding.score


def _timed(finding: Finding, start: float, end: float) -> VideoFinding:
    return VideoFinding(
        finding.category_id,
        finding.score,
        finding.reason,
        finding.classifier,
        finding.version,
        severity=finding.severity,
        start_seconds=start,
        end_seconds=end,
    )


def _seen(finding: Finding, index: int, seconds: float) -> VideoFinding:
    timed = replace(_timed(finding, seconds, seconds), frame_index=index, frame_seconds=seconds)
    if not isinstance(finding, ImageFinding):
        return timed
    return replace(timed, box=finding.box, hash_match=finding.hash_match)


def _joined(before: VideoFinding, now: VideoFinding) -> VideoFinding:
    stronger = now if now.score > before.score else before
    end = max(before.end_seconds, now.end_seconds)
    return replace(stronger, start_seconds=before.start_seconds, end_seconds=end)


def _key(finding: VideoFinding) -> _Key:
    match = finding.hash_match
    known = (match.bank, match.entry_id) if match else ()
    return finding.category_id, finding.classifier, finding.version, *known
