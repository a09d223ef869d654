"""Clients that submit content while servers die, ask again, and keep what they heard."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc.aio
from gavel.v1 import content_pb2, content_service_pb2, content_service_pb2_grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.kill.history import Answered, History

CALLERS = 8
CALL_SECONDS = 5.0
PAUSE_SECONDS = 0.05
APART_SECONDS = 0.2
"""How long at most a caller waits before a new request, so that they come all the time."""
AT_ONCE = 0.1
"""The share of submissions that are judged at once."""
IMPATIENT = 0.1
"""The share of requests of which nothing more is asked once an answer doesn't come."""
ASKED_ANEW = 0.3
"""The share of repeats under a new request id: the content alone says that it is a repeat."""
EXPECTED = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.UNKNOWN,  # what gRPC makes of a connection that ends in mid-answer
}
OPTIONS = (
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
)


@dataclass
class Clients:
    """Several callers that take requests off one queue. All that they heard is in ``history``."""

    address: str
    history: History
    rng: random.Random
    unheard: int = 0
    repeats: int = 0
    _due: asyncio.Queue[str] = field(default_factory=asyncio.Queue)

    def submit(self, requests: list[str]) -> None:
        """Have these submitted, each by the next caller who is free."""
        for request in requests:
            self._due.put_nowait(request)

    async def settled(self) -> None:
        """Wait until each was answered or given up."""
        await self._due.join()

    async def served(self) -> None:
        """Wait until the server takes calls."""
        async with grpc.aio.insecure_channel(self.address, OPTIONS) as channel:
            watch = health_pb2_grpc.HealthStub(channel).Watch(
                health_pb2.HealthCheckRequest(), timeout=60, wait_for_ready=True
            )
            async for answer in watch:
                if answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        """Call for as long as the context lasts; a caller's own failure ends it."""
        async with (
            grpc.aio.insecure_channel(self.address, OPTIONS) as channel,
            asyncio.TaskGroup() as group,
        ):
            stub = content_service_pb2_grpc.ContentServiceStub(channel)
            callers = [group.create_task(self._call(stub)) for _ in range(CALLERS)]
            yield
            for caller in callers:
                caller.cancel()

    async def operations(self) -> list[operations_pb2.Operation]:
        """Fetch every operation that was answered, once the server takes calls."""
        await self.served()
        names = sorted({entry.operation for entry in self.history.answered})
        async with grpc.aio.insecure_channel(self.address, OPTIONS) as channel:
            stub = operations_pb2_grpc.OperationsStub(channel)
            return [
                await stub.GetOperation(
                    operations_pb2.GetOperationRequest(name=name), timeout=30, wait_for_ready=True
                )
                for name in names
            ]

    async def _call(self, stub: content_service_pb2_grpc.ContentServiceStub) -> None:
        while True:
            request = await self._due.get()
            await self._until_answered(stub, request)
            self._due.task_done()

    async def _until_answered(
        self, stub: content_service_pb2_grpc.ContentServiceStub, request: str
    ) -> None:
        await asyncio.sleep(self.rng.uniform(0, APART_SECONDS))
        self.history.sent.add(request)
        is_patient = self.rng.random() > IMPATIENT
        asked = content_service_pb2.SubmitContentRequest(
            content_id=request,
            fields={"text": content_pb2.FieldValue(string_value=f"The words of {request}.")},
            sync=self.rng.random() < AT_ONCE,
            request_id=f"{request}.0",
        )
        attempt = 0
        while True:
            try:
                answer = await stub.SubmitContent(asked, timeout=CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                if error.code() not in EXPECTED:
                    raise
            else:
                self.history.answered.append(Answered(request, answer.name))
                return
            if not is_patient:
                self.unheard += 1
                return
            attempt += 1
            self.repeats += 1
            if self.rng.random() < ASKED_ANEW:
                asked.request_id = f"{request}.{attempt}"
            await asyncio.sleep(PAUSE_SECONDS)
