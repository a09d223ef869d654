"""Builds the REST gateway from settings: beside a gRPC server, or alone in front of several."""

import signal
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import grpc
import structlog
from gavel.service_config import service_config_json
from prometheus_client import CollectorRegistry

from gaveld import __version__
from gaveld.bootstrap.dialects import DIALECTS
from gaveld.bootstrap.endings import end_signals, opened, patiently, unusable
from gaveld.bootstrap.logs import configure_logs
from gaveld.bootstrap.settings import RestSettings, Settings, SettingsError
from gaveld.transport.ops.server import OpsServer
from gaveld.transport.rest import (
    Certificates,
    ContractSurface,
    Gateway,
    GatewayOptions,
    Pages,
    Playground,
    RestMetrics,
    RestServer,
    RestServerOptions,
    ReviewPage,
    Upstream,
    UpstreamOptions,
    contract_services,
)

_log = structlog.get_logger(__name__)


def private_socket(stack: AsyncExitStack) -> str:
    """Return the path of a unix socket that only this user can open, for as long as the stack."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gavel-"))
    return str(Path(folder) / "gavel.sock")


def rest_beside(settings: Settings, socket: str, registry: CollectorRegistry) -> RestServer:
    """Return the gateway in front of the gRPC server of this process.

    It neither repeats calls nor watches health: callers are told at once what the server says.
    """
    options = UpstreamOptions((f"unix:{socket}",), max_seconds=settings.grpc.max_deadline_seconds)
    return _rest(settings, Upstream(options), registry)


def rest_tls(settings: RestSettings) -> Certificates | None:
    """Return what serves TLS, None without its settings. Raises ``SettingsError``."""
    certificate_file, key_file = settings.tls.certificate_file, settings.tls.key_file
    if certificate_file is None or key_file is None:
        return None
    try:
        return Certificates(certificate_file, key_file)
    except OSError as error:
        raise unusable("rest.tls", (certificate_file, key_file), error) from error


async def run_gateway(
    settings: Settings, targets: Sequence[str], credentials: grpc.ChannelCredentials | None
) -> None:
    """Serve REST alone, in front of gRPC servers elsewhere, until SIGTERM or SIGINT.

    Calls go to the targets in turn, to those that say SERVING. Raises ``SettingsError``.
    """
    configure_logs(settings.log)
    ended = end_signals()
    registry = CollectorRegistry()
    try:
        upstream = Upstream(
            UpstreamOptions(
                tuple(targets),
                credentials,
                service_config_json(),
                settings.grpc.max_deadline_seconds,
            )
        )
    except (OSError, ValueError) as error:
        raise SettingsError(f"--target: {error}") from error
    async with AsyncExitStack() as stack:
        stack.push_async_callback(upstream.close)
        ops = OpsServer(settings.ops.host, settings.ops.port, registry, upstream.is_connected)
        ops_port = await opened("ops.port", settings.ops.port, ops.start())
        stack.push_async_callback(ops.stop)
        rest = _rest(settings, upstream, registry)
        rest_port = await opened("rest.port", settings.rest.port, rest.start())
        stack.push_async_callback(rest.stop)
        _log.info(
            "gateway serving",
            version=__version__,
            rest=f"{settings.rest.host}:{rest_port}",
            ops=f"{settings.ops.host}:{ops_port}",
            targets=len(targets),
        )
        by_hand = await ended.get() is signal.SIGINT
        notice_seconds = 0.0 if by_hand else settings.shutdown.notice_seconds
        grace_seconds = settings.shutdown.grace_seconds
        _log.info("draining", notice_seconds=notice_seconds, grace_seconds=grace_seconds)
        await patiently(rest.drain(notice_seconds, grace_seconds), ended)
    _log.info("stopped")


def _rest(settings: Settings, upstream: Upstream, registry: CollectorRegistry) -> RestServer:
    rest = settings.rest
    services = contract_services()
    contract = ContractSurface(services, as_declared=rest.declared_field_names)
    Pages(services, __version__).serve(contract)
    if rest.playground:
        Playground().serve(contract)
    if rest.review:
        ReviewPage().serve(contract)
    gateway = Gateway(
        GatewayOptions(
            max_body_bytes=rest.max_body_bytes,
            max_bytes_in_flight=rest.max_bytes_in_flight,
            allowed_origins=rest.cors_origins,
        ),
        contract,
        upstream,
        RestMetrics(registry),
        [DIALECTS[name]() for name in rest.dialects],
    )
    options = RestServerOptions(
        host=rest.host,
        port=rest.port,
        cors_origins=rest.cors_origins,
        certificates=rest_tls(rest),
        max_websocket_message_bytes=rest.max_body_bytes,
    )
    return RestServer(options, gateway)
