"""Decodes pictures on a few worker processes, each driven by a thread of its own."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from gaveld.adapters.image.decode.limits import DecodeLimits
from gaveld.adapters.image.decode.process import WorkerProcess
from gaveld.domain.media import MediaFile, Picture


class ProcessImageDecoder:
    """An ``ImageDecoder`` that survives every file.

    ``workers`` files are decoded at once; more wait in line for as long as their callers do. A
    worker that crashes, hangs or outgrows its limits is killed and started anew.
    """

    def __init__(self, limits: DecodeLimits | None = None, *, workers: int = 2) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="gavel-decode")
        self._workers = [WorkerProcess(limits or DecodeLimits()) for _ in range(workers)]
        self._idle: SimpleQueue[WorkerProcess] = SimpleQueue()
        self._is_closed = False
        for worker in self._workers:
            self._idle.put(worker)

    @property
    def pids(self) -> list[int]:
        """The ids of the worker processes that were started."""
        return [worker.pid for worker in self._workers if worker.pid is not None]

    async def warm_up(self) -> None:
        """Start every worker and wait for it. Idempotent."""
        for worker in self._workers:
            worker.start()
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            *(loop.run_in_executor(self._threads, self._prove) for _ in self._workers)
        )

    async def decode(self, file: MediaFile) -> Picture:
        """Return what the file shows; see the port."""
        job = _Job(file)
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._run, job)
        finally:
            job.is_abandoned = True

    def close(self) -> None:
        """End every worker, also one that is at work, and wait until all are gone. Idempotent."""
        self._is_closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers:
            worker.stop()

    def _prove(self) -> None:
        worker = self._idle.get()
        try:
            worker.wait_ready(lambda: self._is_closed)
        finally:
            self._idle.put(worker)

    def _run(self, job: "_Job") -> Picture:
        worker = self._idle.get()
        try:
            return worker.decode(job.file, lambda: job.is_abandoned or self._is_closed)
        finally:
            self._idle.put(worker)


class _Job:
    def __init__(self, file: MediaFile) -> None:
        self.file = file
        self.is_abandoned = False
