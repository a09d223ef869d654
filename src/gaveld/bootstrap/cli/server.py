"""``gavel serve``, ``gavel check-config`` and ``gavel health``."""

import asyncio
from typing import Annotated, Any

import grpc.aio
import typer
from grpc_health.v1 import health_pb2, health_pb2_grpc

from gaveld.bootstrap.cli import options
from gaveld.bootstrap.cli.options import err, explained_failures, out, settings_from
from gaveld.bootstrap.cli.target import Target, channel_to, tls_files
from gaveld.bootstrap.lifecycle import prove, run

HEALTH_TIMEOUT_SECONDS = 5.0


def serve(
    host: Annotated[str | None, typer.Option(help="Listen here. Default: the settings'.")] = None,
    port: Annotated[int | None, typer.Option(help="gRPC port. Default: the settings'.")] = None,
    rest: Annotated[
        bool | None,
        typer.Option("--rest/--no-rest", help="Serve REST too. Default: the settings'."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Serve without keys beyond loopback, knowingly.")
    ] = False,
    config: options.Config = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then let the calls in progress finish."""
    overrides: dict[str, Any] = {}
    listener = {"host": host, "port": port}
    if chosen := {name: value for name, value in listener.items() if value is not None}:
        overrides["grpc"] = chosen
    if rest is not None:
        overrides["rest"] = {"enabled": rest}
    if insecure:
        overrides["auth"] = {"insecure": True}
    settings = settings_from(config, overrides)
    with explained_failures():
        asyncio.run(run(settings))


def check_config(config: options.Config = None) -> None:
    """Prove the settings: read them, load every model and policy, open the storage."""
    settings = settings_from(config)
    with explained_failures():
        asyncio.run(prove(settings))
    out.print("The settings are good.")


def health(
    target: options.Target = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    service: Annotated[str, typer.Option(help="One service. Default: the server.")] = "",
    config: options.Config = None,
) -> None:
    """Ask a server whether it serves; exit status 0 if it does, 1 if not."""
    tls = tls_files(ca_file, cert_file, key_file)
    if target is None:
        listener = settings_from(config).grpc
        target = f"{listener.host}:{listener.health_port or listener.port}"
    try:
        status = asyncio.run(_ask_health(Target(target, tls=tls), service))
    except grpc.aio.AioRpcError as error:
        err.print(f"{error.code().name}: {error.details()}", style="red", markup=False)
        raise typer.Exit(1) from error
    out.print(status)
    if status != "SERVING":
        raise typer.Exit(1)


async def _ask_health(target: Target, service: str) -> str:
    async with channel_to(target) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service=service)
        response = await stub.Check(request, timeout=HEALTH_TIMEOUT_SECONDS)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(response.status))
