"""Reflection, v1 and v1alpha: what it shows can be called, and what can be called it shows."""

import contextlib

import grpc
import grpc.aio
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import ServiceDescriptor
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha import reflection_pb2

from gaveld.transport.grpc.server import GrpcServerOptions
from tests.integration.grpc_stand import Running, Serve

VERSIONS = ("v1", "v1alpha")


async def ask(running: Running, version: str, **question: str):
    """Ask one question of one version; on the wire the two are the same."""
    method = running.channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    call = method(iter([reflection_pb2.ServerReflectionRequest(**question)]))
    return await anext(aiter(call))


async def services(running: Running, version: str) -> list[ServiceDescriptor]:
    """Return the services that reflection lists, built from the files that it hands out."""
    pool = descriptor_pool.DescriptorPool()
    seen: set[str] = set()
    listed = await ask(running, version, list_services="")
    names = [entry.name for entry in listed.list_services_response.service]
    for name in names:
        answer = await ask(running, version, file_containing_symbol=name)
        files = [
            descriptor_pb2.FileDescriptorProto.FromString(raw)
            for raw in answer.file_descriptor_response.file_descriptor_proto
        ]
        waiting = {entry.name: entry for entry in files if entry.name not in seen}
        while waiting:
            ready = next(
                entry for entry in waiting.values() if not set(entry.dependency) & set(waiting)
            )
            pool.Add(waiting.pop(ready.name))
            seen.add(ready.name)
    return [pool.FindServiceByName(name) for name in names]


@pytest.mark.parametrize("version", VERSIONS)
async def test_every_rpc_that_reflection_shows_is_implemented(serve: Serve, version: str):
    """Law: no RPC that a tool can find answers UNIMPLEMENTED."""
    running = await serve(options=GrpcServerOptions(port=0, channelz=True))
    found = await services(running, version)
    for service in found:
        for method in service.methods:
            path = f"/{service.full_name}/{method.name}"
            request = GetMessageClass(method.input_type)().SerializeToString()
            if method.server_streaming:
                call = running.channel.stream_stream(path)(iter([request]))
                with contextlib.suppress(grpc.aio.AioRpcError):  # an empty message may be refused
                    await anext(aiter(call))
                    call.cancel()
                assert await call.code() is not grpc.StatusCode.UNIMPLEMENTED, path
                continue
            code = await running.channel.unary_unary(path)(request).code()
            assert code is not grpc.StatusCode.UNIMPLEMENTED, path
    names = {service.full_name for service in found}
    assert names == {
        "gavel.v1.ModerationService",
        "gavel.v1.ComplianceService",
        "gavel.v1.CategoryService",
        "gavel.v1.CheckService",
        "gavel.v1.FeedbackService",
        "grpc.health.v1.Health",
        "grpc.channelz.v1.Channelz",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }


@pytest.mark.parametrize("version", VERSIONS)
async def test_rpcs_of_the_contract_that_are_not_served_are_not_shown(serve: Serve, version: str):
    """Law: a served service shows its served RPCs only."""
    running = await serve()
    by_name = {entry.full_name: entry for entry in await services(running, version)}
    methods = {entry.name for entry in by_name["gavel.v1.ModerationService"].methods}
    assert methods == {"ModerateText", "BatchModerateText", "ModerateImage"}


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_unknown_symbol_is_not_found(serve: Serve, version: str):
    """Law: what is not served has no file."""
    running = await serve()
    for question in (
        {"file_containing_symbol": "gavel.v1.PolicyService"},
        {"file_by_filename": "x"},
    ):
        answer = await ask(running, version, **question)
        assert answer.error_response.error_code == grpc.StatusCode.NOT_FOUND.value[0]


async def test_reflection_and_channelz_can_be_left_out(serve: Serve):
    """Law: what the operator switched off is not there."""
    running = await serve(options=GrpcServerOptions(port=0, reflection=False))
    for path in (
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.channelz.v1.Channelz/GetServers",
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.channel.unary_unary(path)(b"")
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["ErrorInfo", "BadRequest", "RetryInfo"])
async def test_what_errors_within_answers_are_made_of_is_shown(
    serve: Serve, version: str, name: str
):
    """Law: a tool can render a turn's error, whose details no message of the contract imports."""
    answer = await ask(await serve(), version, file_containing_symbol=f"google.rpc.{name}")
    files = map(
        descriptor_pb2.FileDescriptorProto.FromString,
        answer.file_descriptor_response.file_descriptor_proto,
    )
    assert name in {message.name for file in files for message in file.message_type}
