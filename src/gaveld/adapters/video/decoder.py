"""Decodes a few videos at once, each in a process of its own; more wait in line."""

import asyncio
from pathlib import Path

from gaveld.adapters.video.limits import VideoLimits
from gaveld.adapters.video.process import WorkerProcess
from gaveld.adapters.video.reading import ProcessVideoReading
from gaveld.adapters.video.spool import Spool


class ProcessVideoDecoder:
    """A ``VideoDecoder`` that survives every file.

    ``workers`` videos are decoded at once; more wait in line for as long as their callers do. A
    process reads one file and is killed; the next one is started before it is needed.
    ``spool_folder`` is where the files lie meanwhile, the system's folder for temporary files if
    None. Used from one event loop.
    """

    def __init__(
        self,
        limits: VideoLimits | None = None,
        *,
        workers: int = 2,
        spool_folder: Path | None = None,
    ) -> None:
        self._limits = limits or VideoLimits()
        self._spool_folder = spool_folder
        self._places = asyncio.Semaphore(workers)
        self._count = workers
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._is_closed = False

    @property
    def pids(self) -> list[int]:
        """The ids of the worker processes that there are."""
        return [worker.pid for worker in (*self._idle, *self._busy)]

    async def warm_up(self) -> None:
        """Start as many workers as there may be. Idempotent."""
        while len(self._idle) + len(self._busy) < self._count:
            self._idle.append(await asyncio.to_thread(self._started))

    def open(self, *, with_sound: bool = False, needs_pictures: bool = True) -> ProcessVideoReading:
        """Return a reading of a new file; see the port."""
        return ProcessVideoReading(
            self._limits,
            self._take_worker,
            self._end_worker,
            with_sound=with_sound,
            needs_pictures=needs_pictures,
        )

    def close(self) -> None:
        """End every worker, also one that is at work, and wait until all are gone. Idempotent."""
        self._is_closed = True
        for worker in (*self._idle, *self._busy):
            worker.stop()
            worker.close_pipe()
        self._idle.clear()
        self._busy.clear()

    async def _take_worker(self) -> WorkerProcess:
        if self._is_closed:
            raise RuntimeError("the decoder is closed")
        await self._places.acquire()
        try:
            worker = self._spare() or self._started()
        except BaseException:
            self._places.release()
            raise
        self._busy.add(worker)
        return worker

    async def _end_worker(self, worker: WorkerProcess) -> None:
        worker.close_pipe()
        ending = asyncio.ensure_future(self._replace(worker))
        await asyncio.shield(ending)

    async def _replace(self, worker: WorkerProcess) -> None:
        """End a worker, and have the next one ready; whoever is cancelled, this is done."""
        try:
            await asyncio.to_thread(worker.stop)
            self._busy.discard(worker)
            if not self._is_closed:
                self._idle.append(await asyncio.to_thread(self._started))
        finally:
            self._places.release()
        if self._is_closed:
            self.close()

    def _spare(self) -> WorkerProcess | None:
        """Return a worker that was started before and still lives; None if there is none."""
        while self._idle:
            worker = self._idle.pop()
            if worker.is_alive:
                return worker
            worker.stop()
            worker.close_pipe()
        return None

    def _started(self) -> WorkerProcess:
        spool = Spool(self._spool_folder)
        try:
            return WorkerProcess(self._limits, spool)
        except BaseException:
            spool.close()
            raise
