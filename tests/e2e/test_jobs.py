"""Work that is done later, by a real server and by workers in processes of their own."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import grpc.aio
import httpx2
from gavel.v1 import content_service_pb2 as api
from gavel.v1.content_service_pb2_grpc import ContentServiceStub
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2_grpc import OperationsStub

from tests.e2e.conftest import (
    ANSWER_SECONDS,
    END_SECONDS,
    START_SECONDS,
    Server,
    free_port,
    running,
)

JOBS = 200
AT_ONCE = 16
DECIDED_SECONDS = 300
# The operator's own terms judge at once, and anything that waits is judged by somebody.
QUICK = {
    "GAVEL_TEXT__CLASSIFIERS": '["terms"]',
    "GAVEL_IMAGES__CLASSIFIERS": "[]",
    "GAVEL_PANEL__EMBEDDED": "false",
    "GAVEL_WORK__LEASE_SECONDS": "3",
    "GAVEL_WORK__ATTEMPTS": "100",  # however often a busy machine lets such short leases run out
    "GAVEL_SHUTDOWN__NOTICE_SECONDS": "0",
}
NOBODY_WORKS = {**QUICK, "GAVEL_WORK__WORKERS": "0"}


class Client:
    """Submits content, and waits until it is decided."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._contents = ContentServiceStub(channel)
        self._operations = OperationsStub(channel)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def submit(self, content_id: str) -> operations_pb2.Operation:
        request = api.SubmitContentRequest(content_id=content_id)
        request.fields["body"].string_value = f"What is said in {content_id}."
        async with self._places:
            return await self._contents.SubmitContent(request, timeout=ANSWER_SECONDS)

    async def decided(self, operation: operations_pb2.Operation) -> api.SubmitContentResponse:
        asked = operations_pb2.WaitOperationRequest(name=operation.name)
        asked.timeout.FromSeconds(10)  # so that no call comes near its own end
        async with self._places, asyncio.timeout(DECIDED_SECONDS):
            while not operation.done:
                operation = await self._operations.WaitOperation(asked, timeout=ANSWER_SECONDS)
        answer = api.SubmitContentResponse()
        assert operation.response.Unpack(answer), operation.error
        return answer

    async def submit_all(self) -> list[operations_pb2.Operation]:
        names = (f"post-{number}" for number in range(JOBS))
        return await asyncio.gather(*map(self.submit, names))

    async def all_decided(self, operations: list[operations_pb2.Operation]) -> None:
        answers = await asyncio.gather(*map(self.decided, operations))
        assert [answer.content_id for answer in answers] == [f"post-{n}" for n in range(JOBS)]


@asynccontextmanager
async def client_of(server: Server) -> AsyncIterator[Client]:
    async with grpc.aio.insecure_channel(server.address) as channel:
        yield Client(channel)


@asynccontextmanager
async def worker(
    folder: Path, ops_port: int, environment: Mapping[str, str] = QUICK
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``gavel worker`` in a folder; it is gone afterwards."""
    inherited = {name: value for name, value in os.environ.items() if "GAVEL_" not in name}
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("gavel"),
        "worker",
        cwd=folder,
        env={**inherited, **environment, "GAVEL_OPS__PORT": str(ops_port)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_ready(ops_port: int) -> None:
    patient = httpx2.AsyncClient(timeout=ANSWER_SECONDS)
    async with patient as client, asyncio.timeout(START_SECONDS):
        while True:
            try:
                answer = await client.get(f"http://127.0.0.1:{ops_port}/readyz")
            except httpx2.ConnectError:
                continue
            if answer.status_code == 200:
                return


async def test_a_server_does_all_that_it_accepted(tmp_path: Path):
    """Law: every accepted piece of content is decided, once, whoever asks for it again."""
    async with running(tmp_path, QUICK) as server, client_of(server) as client:
        operations = await client.submit_all()
        assert len({operation.name for operation in operations}) == JOBS
        await client.all_decided(operations)
        again = await client.submit("post-7")
        assert (again.name, again.done) == (operations[7].name, True)
        server.terminate()
        assert await server.exit_status() == 0


async def test_workers_alone_do_what_a_server_accepted(tmp_path: Path):
    """Law: a worker that is killed loses nothing, another does it; one that is told stops well."""
    first_port, second_port = free_port(), free_port()
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running(tmp_path, NOBODY_WORKS))
        client = await stack.enter_async_context(client_of(server))
        operations = await client.submit_all()
        assert not any(operation.done for operation in operations)
        first = await stack.enter_async_context(worker(tmp_path, first_port))
        await client.decided(operations[0])
        first.kill()
        second = await stack.enter_async_context(worker(tmp_path, second_port))
        await until_ready(second_port)
        await client.all_decided(operations)
        second.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(second.wait(), END_SECONDS) == 0


async def test_operations_are_seen_over_rest(tmp_path: Path):
    """Law: operations are listed by state and page, waited for and cancelled over REST too."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(running(tmp_path, NOBODY_WORKS))
        client = await stack.enter_async_context(client_of(server))
        rest = await stack.enter_async_context(
            httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{server.rest_port}/v1", timeout=ANSWER_SECONDS
            )
        )
        names = [(await client.submit(f"post-{number}")).name for number in range(3)]
        page = (await rest.get("/operations?page_size=2")).json()
        assert [operation["name"] for operation in page["operations"]] == names[:0:-1]
        query = {"page_size": 2, "page_token": page["nextPageToken"]}
        last = (await rest.get("/operations", params=query)).json()
        assert [operation["name"] for operation in last["operations"]] == names[:1]
        assert "nextPageToken" not in last
        waited = (await rest.post(f"/{names[0]}:wait", json={"timeout": "0.1s"})).json()
        assert waited["metadata"]["state"] == "SUBMIT_CONTENT_STATE_WAITING"
        assert (await rest.post(f"/{names[0]}:cancel", json={})).json() == {}
        cancelled = (await rest.get(f"/{names[0]}")).json()
        assert (cancelled["done"], cancelled["error"]["code"]) == (True, 1)
        listed = (await rest.get("/operations", params={"filter": "state = WAITING"})).json()
        assert [operation["name"] for operation in listed["operations"]] == names[:0:-1]
        assert (await rest.get("/operations/nothing")).status_code == 404
        assert (await rest.get("/operations", params={"filter": "age > 3"})).status_code == 400
        assert (await rest.delete(f"/{names[1]}")).status_code == 501
