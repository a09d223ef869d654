"""``google.longrunning.Operations`` over gRPC: waiting, cancelling, and what is refused."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf import descriptor_pb2
from google.rpc import code_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from gaveld.application.api_keys import Authenticate, new_api_key
from gaveld.application.operations import Operations
from gaveld.domain.jobs import JobKind
from gaveld.transport.grpc.operations_servicer import SCOPE, OperationsServicer
from gaveld.transport.grpc.services import Service
from tests.fakes.api_keys import FakeApiKeyStore
from tests.fakes.jobs import FakeJobStore
from tests.integration.content_stand import ContentStand, answer_of, comment, content_stand
from tests.integration.grpc_stand import Serve
from tests.jobs import a_job

CROWD = 80
"""More than a server has places for calls."""


@pytest.fixture
async def stand(serve: Serve, tmp_path: Path) -> AsyncIterator[ContentStand]:
    async with content_stand(serve, tmp_path) as stand:
        yield stand


def waiting(name: str, seconds: int) -> operations_pb2.WaitOperationRequest:
    request = operations_pb2.WaitOperationRequest(name=name)
    request.timeout.seconds = seconds
    return request


async def test_a_crowd_that_waits_keeps_nobody_out(stand: ContentStand):
    """Law: however many wait, other calls have their places; all are told when the work ends."""
    name = (await stand.submit(comment())).name
    crowd = []
    for _ in range(CROWD):
        crowd.append(asyncio.ensure_future(stand.operations.WaitOperation(waiting(name, 25))))
        assert not (await stand.operation(name)).done  # whoever asks gets an answer
    assert not any(waits.done() for waits in crowd)
    await stand.operations.CancelOperation(operations_pb2.CancelOperationRequest(name=name))
    told = await asyncio.gather(*crowd)
    assert {operation.error.code for operation in told} == {code_pb2.CANCELLED}


async def test_waiting_ends_with_the_work(stand: ContentStand):
    """Law: whoever waits is told the answer when a worker has it, and what it came to before."""
    operation = await stand.submit(comment())
    as_it_is = await stand.operations.WaitOperation(waiting(operation.name, 0))
    assert not as_it_is.done
    waits = asyncio.ensure_future(stand.operations.WaitOperation(waiting(operation.name, 25)))
    stand.start_work()
    assert answer_of(await waits).content_id == "c1"


@pytest.mark.parametrize("seconds", [10**15, -(10**15)])
async def test_any_number_of_seconds_may_be_waited(stand: ContentStand, seconds: int):
    """Law: the call's own deadline ends what nobody could wait for; no time is too far off."""
    stand.start_work()
    operation = await stand.finished(await stand.submit(comment()))
    assert await stand.operations.WaitOperation(waiting(operation.name, seconds)) == operation


async def test_done_work_can_not_be_cancelled(stand: ContentStand):
    """Law: cancelling what is done changes nothing and is no error."""
    stand.start_work()
    operation = await stand.finished(await stand.submit(comment()))
    await stand.operations.CancelOperation(
        operations_pb2.CancelOperationRequest(name=operation.name)
    )
    assert await stand.operation(operation.name) == operation


@pytest.mark.parametrize(
    ("method", "request_", "code"),
    [
        (
            "GetOperation",
            operations_pb2.GetOperationRequest(name="operations/nothing"),
            grpc.StatusCode.NOT_FOUND,
        ),
        ("GetOperation", operations_pb2.GetOperationRequest(), grpc.StatusCode.NOT_FOUND),
        ("WaitOperation", waiting("operations/nothing", 1), grpc.StatusCode.NOT_FOUND),
        (
            "CancelOperation",
            operations_pb2.CancelOperationRequest(name="operations/nothing"),
            grpc.StatusCode.NOT_FOUND,
        ),
        (
            "ListOperations",
            operations_pb2.ListOperationsRequest(page_size=-1),
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            "ListOperations",
            operations_pb2.ListOperationsRequest(page_size=1_001),
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            "ListOperations",
            operations_pb2.ListOperationsRequest(filter="state = SLEEPING"),
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            "ListOperations",
            operations_pb2.ListOperationsRequest(page_token="nowhere"),
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            "ListOperations",
            operations_pb2.ListOperationsRequest(name="projects/shop"),
            grpc.StatusCode.INVALID_ARGUMENT,
        ),
        (
            "DeleteOperation",
            operations_pb2.DeleteOperationRequest(name="operations/nothing"),
            grpc.StatusCode.UNIMPLEMENTED,
        ),
    ],
)
async def test_what_can_not_be_answered_is_refused(
    stand: ContentStand, method: str, request_: object, code: grpc.StatusCode
):
    """Law: each refusal has the code of the contract."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await getattr(stand.operations, method)(request_)
    assert refused.value.code() is code


async def test_health_knows_of_operations(stand: ContentStand):
    """Law: a client may ask whether operations are served, as of any service."""
    request = health_pb2.HealthCheckRequest(service="google.longrunning.Operations")
    answer = await health_pb2_grpc.HealthStub(stand.running.channel).Check(request)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_shows_the_rpcs_that_are_served(stand: ContentStand):
    """Law: tools find operations by themselves, and no RPC that is not served."""
    asked = reflection_pb2.ServerReflectionRequest(
        file_containing_symbol="google.longrunning.Operations"
    )
    stub = reflection_pb2_grpc.ServerReflectionStub(stand.running.channel)
    async for answer in stub.ServerReflectionInfo(iter([asked])):
        files = answer.file_descriptor_response.file_descriptor_proto
        described = [descriptor_pb2.FileDescriptorProto.FromString(file) for file in files]
    (service,) = [
        service
        for file in described
        for service in file.service
        if file.package == "google.longrunning"
    ]
    assert {method.name for method in service.method} == {
        "GetOperation",
        "ListOperations",
        "WaitOperation",
        "CancelOperation",
    }


@pytest.mark.parametrize(
    ("scopes", "seen"),
    [
        ({"moderate"}, {JobKind.CONTENT}),
        ({"policy"}, {JobKind.BACKTEST}),
        ({"moderate", "policy"}, set(JobKind)),
        ({"review", "policy"}, {JobKind.BACKTEST}),
        ({"admin"}, set(JobKind)),
        ({"review"}, None),
    ],
)
async def test_a_key_sees_the_work_that_it_may_start(serve: Serve, scopes, seen):
    """Law: whoever may start a sort of work reads, awaits and cancels it, and nothing else."""
    jobs = FakeJobStore()
    work = {kind: await jobs.add(replace(a_job("shop"), kind=kind)) for kind in JobKind}
    key, text = new_api_key(project="shop", scopes=frozenset(scopes))
    keys = FakeApiKeyStore()
    await keys.add(key)
    descriptor = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
    running = await serve(
        services=[Service(descriptor, OperationsServicer(Operations(jobs)), SCOPE)],
        authenticate=Authenticate(keys),
    )
    stub, shown = OperationsStub(running.channel), (("x-api-key", text),)

    async def ends(method: str, request: object) -> grpc.StatusCode:
        try:
            await getattr(stub, method)(request, metadata=shown)
        except grpc.aio.AioRpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    every = operations_pb2.ListOperationsRequest(name="operations")
    if seen is None:
        assert await ends("ListOperations", every) is grpc.StatusCode.PERMISSION_DENIED
        return
    listed = await stub.ListOperations(every, metadata=shown)
    names = {kind: f"operations/{job.id}" for kind, job in work.items()}
    assert {entry.name for entry in listed.operations} == {names[kind] for kind in seen}
    for kind, name in names.items():
        expected = grpc.StatusCode.OK if kind in seen else grpc.StatusCode.NOT_FOUND
        read = operations_pb2.GetOperationRequest(name=name)
        cancel = operations_pb2.CancelOperationRequest(name=name)
        assert await ends("GetOperation", read) is expected
        assert await ends("CancelOperation", cancel) is expected
        assert await ends("WaitOperation", waiting(name, 1)) is expected
        job = await jobs.find("shop", work[kind].id)
        assert job is not None
        assert job.state.is_final == (kind in seen)
