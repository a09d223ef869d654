"""Callers that call again and again, and what they saw: how fast, how slow, how refused."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle

import grpc
import grpc.aio


@dataclass
class Seen:
    """What a load of calls saw. Latencies are of answered calls, in seconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)

    @property
    def per_second(self) -> float:
        """Answered calls a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """Return the latency that ``share`` of the answered calls stayed under, in seconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def load(
    address: str, path: str, requests: Sequence[bytes], callers: int, seconds: float
) -> Seen:
    """Call with so many callers at once for so long; each waits for its answer.

    The callers take the requests in turn. A refused one waits 20 ms before it calls again.
    """
    seen, turn = Seen(), cycle(requests)
    async with grpc.aio.insecure_channel(address, [("grpc.enable_retries", 0)]) as channel:
        method = channel.unary_unary(path, None, None)
        await method(requests[0], wait_for_ready=True, timeout=60)
        started = time.perf_counter()

        async def call_again_and_again() -> None:
            while (began := time.perf_counter()) - started < seconds:
                try:
                    await method(next(turn), timeout=30)
                except grpc.aio.AioRpcError as error:
                    seen.failures[error.code().name] += 1
                    await asyncio.sleep(0.02)
                else:
                    seen.latencies.append(time.perf_counter() - began)

        await asyncio.gather(*(call_again_and_again() for _ in range(callers)))
        seen.seconds = time.perf_counter() - started
    return seen
