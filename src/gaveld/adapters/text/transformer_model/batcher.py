"""Gathers what many callers ask of one engine into batches, on the engine's own threads.

There is no timer: an idle lane starts at once, and while all are busy the next batch fills. It
bounds how much waits and how long one batch takes, and decides nothing about content.
"""

import asyncio
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from gaveld.adapters.text.transformer_model.engine import Engine, Ids, Logits, Numbers
from gaveld.adapters.text.transformer_model.standing_back import stand_back

BUCKET_TOKENS: Final = 8
"""Batches are padded to a multiple of this, so that an engine sees few shapes."""

TOKENS_A_BATCH: Final = 512
"""Rows times padded length: some 40 ms of one core, which is how soon an engine is free again.

On a CPU a token costs as much in a larger batch as in this one, and waits longer.
"""

WASTED_TOKENS: Final = 8
"""A passage joins a batch if that pads no more than this; a batch of its own costs about that."""

MAX_WAITING: Final = 1_024
"""So many passages may wait; one more is refused."""


class EngineOverloaded(Exception):  # noqa: N818 - the state, as the domain's own errors are named
    """More is waiting for the engine than it could answer in any caller's time."""


class PassageLogits(NamedTuple):
    """What the engine says of one passage, without padding.

    ``labels`` is ``[labels]``; ``tokens`` is ``[tokens, token kinds]``, marks included. ``topics``
    is ``[topics]``, ``sentiment`` is ``[moods]`` and ``panel`` is ``[heads, labels]``; None where
    the network gives none.
    """

    labels: Numbers
    tokens: Numbers
    topics: Numbers | None = None
    sentiment: Numbers | None = None
    panel: Numbers | None = None


class BatchRun(NamedTuple):
    """What one batch was: its rows, the tokens in them, what they were padded to, its time."""

    rows: int
    tokens: int
    padded_tokens: int
    seconds: float


@dataclass(eq=False, slots=True)
class _Job:
    ids: Ids
    key: bytes
    loop: asyncio.AbstractEventLoop
    callers: set["asyncio.Future[PassageLogits]"] = field(default_factory=set)

    def answer(self, result: PassageLogits | Exception) -> None:
        for caller in self.callers:
            if caller.done():
                continue
            if isinstance(result, Exception):
                caller.set_exception(result)
            else:
                caller.set_result(result)


class Batcher:
    """Asks an engine about passages, several at a time.

    Equal passages that are asked for at once are computed once. A caller that is cancelled drops
    out, and its passage with it unless somebody else wants it. The oldest passage is always in the
    next batch, with those near to it in length, up to ``tokens_a_batch`` after padding (one
    passage may be longer). The engine has a thread for each of its lanes; ``on_batch`` is called
    on it after each batch.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        tokens_a_batch: int = TOKENS_A_BATCH,
        max_waiting: int = MAX_WAITING,
        on_batch: Callable[[BatchRun], None] | None = None,
    ) -> None:
        self._engine = engine
        self._tokens_a_batch = tokens_a_batch
        self._max_waiting = max_waiting
        self._on_batch = on_batch
        self._changed = threading.Condition()
        self._closed = False
        self._waiting: dict[bytes, _Job] = {}
        self._running: dict[bytes, _Job] = {}
        self._threads = [
            threading.Thread(target=self._serve, name=f"gavel-engine-{lane}", daemon=True)
            for lane in range(engine.lanes)
        ]
        for thread in self._threads:
            thread.start()

    async def read(self, ids: Ids) -> PassageLogits:
        """Return what the engine says of one passage, ``ids`` being ``[tokens]``.

        Waits as long as the caller does. Raises ``EngineOverloaded`` when too much waits, what
        the engine raised for the batch, and ``RuntimeError`` once closed.
        """
        job = self._join(ids)
        caller: asyncio.Future[PassageLogits] = job.loop.create_future()
        job.callers.add(caller)
        try:
            return await caller
        finally:
            job.callers.discard(caller)
            if not job.callers:
                self._drop(job)

    def close(self) -> None:
        """Refuse new passages and those that wait; return once the batches that run have ended."""
        with self._changed:
            self._closed = True
            left = list(self._waiting.values())
            self._waiting.clear()
            self._changed.notify_all()
        _deliver((job, RuntimeError("the batcher is closed")) for job in left)
        for thread in self._threads:
            thread.join()

    def _join(self, ids: Ids) -> _Job:
        key = ids.tobytes()
        with self._changed:
            if self._closed:
                raise RuntimeError("the batcher is closed")
            job = self._waiting.get(key) or self._running.get(key)
            if job is None:
                if len(self._waiting) >= self._max_waiting:
                    raise EngineOverloaded(f"{self._max_waiting} passages are waiting")
                job = self._waiting[key] = _Job(ids, key, asyncio.get_running_loop())
                self._changed.notify()
        return job

    def _drop(self, job: _Job) -> None:
        with self._changed:
            if self._waiting.get(job.key) is job:
                del self._waiting[job.key]

    def _serve(self) -> None:
        stand_back()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                if self._closed:
                    return
                jobs = choose(list(self._waiting.values()), self._tokens_a_batch)
                for job in jobs:
                    self._running[job.key] = self._waiting.pop(job.key)
            results = self._run(jobs)
            with self._changed:
                for job in jobs:
                    del self._running[job.key]
            _deliver(zip(jobs, results, strict=True))

    def _run(self, jobs: Sequence[_Job]) -> Sequence[PassageLogits | Exception]:
        try:
            return self._run_together(jobs)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the callers get it
            return [failure] * len(jobs)

    def _run_together(self, jobs: Sequence[_Job]) -> Sequence[PassageLogits]:
        started = time.perf_counter()
        ids, mask = pad([job.ids for job in jobs])
        results = _rows(self._engine.run(ids, mask), [len(job.ids) for job in jobs])
        if self._on_batch is not None:
            tokens = sum(len(job.ids) for job in jobs)
            seconds = time.perf_counter() - started
            self._on_batch(BatchRun(len(jobs), tokens, ids.size, seconds))
        return results


def choose(jobs: Sequence[_Job], tokens_a_batch: int) -> list[_Job]:
    """Return the first of some jobs and those near enough to it in length, the nearest first."""
    ordered = sorted(jobs, key=_length)
    place = next(number for number, job in enumerate(ordered) if job is jobs[0])
    own = _length(jobs[0])
    sides = [deque(reversed(ordered[:place])), deque(ordered[place + 1 :])]
    chosen, width = [jobs[0]], padded(own)
    while any(sides):
        side = min((side for side in sides if side), key=lambda side: abs(_length(side[0]) - own))
        length = padded(_length(side[0]))
        wider = max(width, length)
        wasted = (len(chosen) + 1) * wider - len(chosen) * width - length
        if wasted > WASTED_TOKENS:
            side.clear()  # what lies beyond wastes more
        elif (len(chosen) + 1) * wider > tokens_a_batch:
            break
        else:
            chosen.append(side.popleft())
            width = wider
    return chosen


def padded(tokens: int) -> int:
    """Return the length that a passage of so many tokens is padded to when it is the longest."""
    return -(-tokens // BUCKET_TOKENS) * BUCKET_TOKENS


def pad(passages: Sequence[Ids]) -> tuple[Ids, Ids]:
    """Return ids and mask, both ``[passages, padded tokens]``; padding is 0 in both."""
    shape = (len(passages), padded(max(map(len, passages))))
    ids, mask = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, passage in enumerate(passages):
        ids[row, : len(passage)] = passage
        mask[row, : len(passage)] = 1
    return ids, mask


def _rows(logits: Logits, lengths: Sequence[int]) -> list[PassageLogits]:
    # Copies, so that one passage's answer does not keep the whole batch's alive.
    return [
        PassageLogits(
            logits.labels[row].copy(),
            logits.tokens[row, :length].copy(),
            None if logits.topics is None else logits.topics[row].copy(),
            None if logits.sentiment is None else logits.sentiment[row].copy(),
            None if logits.panel is None else logits.panel[row].copy(),
        )
        for row, length in enumerate(lengths)
    ]


def _deliver(answers: Iterable[tuple[_Job, PassageLogits | Exception]]) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Job, PassageLogits | Exception]]] = {}
    for answer in answers:
        by_loop.setdefault(answer[0].loop, []).append(answer)
    for loop, own in by_loop.items():
        # A loop that is closed has no callers left. One call for all of them: each wakes the loop.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_answer, own)


def _answer(answers: Iterable[tuple[_Job, PassageLogits | Exception]]) -> None:
    for job, result in answers:
        job.answer(result)


def _length(job: _Job) -> int:
    return len(job.ids)
