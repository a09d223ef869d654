"""An engine that works when the test says so, and whose answers tell which passage they are for."""

import os
import queue
import threading

import numpy as np

from gaveld.adapters.text.transformer_model.engine import Ids, Logits


class FakeEngine:
    """An ``Engine``: a row's one label is the sum of its ids, a token's one kind its id.

    While ``hold`` is set, each batch waits for one ``release``. ``failure`` is raised instead of
    the next answer. ``begun`` gets the passages of each batch as it begins.
    """

    name = "fake"

    def __init__(self, *, hold: bool = False, lanes: int = 1) -> None:
        self.hold = hold
        self.lanes = lanes
        self.failure: Exception | None = None
        self.begun: queue.SimpleQueue[list[tuple[int, ...]]] = queue.SimpleQueue()
        self.batches: list[list[tuple[int, ...]]] = []
        self.shapes: list[tuple[int, ...]] = []
        self.threads: set[str] = set()
        self.niceness: set[int] = set()
        self._permits = threading.Semaphore(0)

    def run(self, ids: Ids, mask: Ids) -> Logits:
        rows = [tuple(row[there == 1].tolist()) for row, there in zip(ids, mask, strict=True)]
        self.batches.append(rows)
        self.shapes.append(ids.shape)
        self.threads.add(threading.current_thread().name)
        self.niceness.add(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        self.begun.put(rows)
        if self.hold:
            assert self._permits.acquire(timeout=60)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        labels = (ids * mask).sum(axis=1, keepdims=True).astype(np.float32)
        return Logits(labels, ids[:, :, None].astype(np.float32))

    def release(self, batches: int = 1) -> None:
        """Let so many batches end."""
        self._permits.release(batches)
