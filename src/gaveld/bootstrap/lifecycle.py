"""Starts what ``build`` made, waits for the end, and shuts down in order and in time."""

import asyncio
import gc
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import structlog

from gaveld import __version__
from gaveld.adapters.telemetry.loop_lag import LoopLag
from gaveld.adapters.telemetry.tracing import end_tracing, start_tracing
from gaveld.application.moderate_conversation import ModerateConversation
from gaveld.bootstrap.container import Application, build
from gaveld.bootstrap.endings import Ended, end_signals, opened, patiently, unusable
from gaveld.bootstrap.logs import configure_logs
from gaveld.bootstrap.rest import private_socket, rest_beside, rest_tls
from gaveld.bootstrap.settings import LogSettings, Settings, ShutdownSettings
from gaveld.bootstrap.work import BackgroundWork
from gaveld.transport.grpc.server import GrpcServer, GrpcServerOptions
from gaveld.transport.grpc.tls import TlsOptions, server_credentials
from gaveld.transport.ops.server import OpsServer
from gaveld.transport.rest import RestServer

_log = structlog.get_logger(__name__)


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    The ports are open and health says NOT_SERVING while models load and warm up. At the end:
    NOT_SERVING, take calls for the notice while callers move away, let those in progress finish
    within the grace, and jobs too, stop, close in reverse. A second signal ends the wait. Raises
    ``SettingsError`` for settings that can't be served.
    """
    configure_logs(settings.log)
    ended = end_signals()
    options = _options(settings)
    async with AsyncExitStack() as stack:
        application = await build(settings, stack)
        if application.count_usage is not None:  # before the server, and so until after its end
            application.count_usage.start()
            stack.push_async_callback(application.count_usage.stop)
        if settings.rest.enabled:
            options = replace(options, private_socket=private_socket(stack))
        server = _grpc_server(settings, application, stack, options)
        ops = OpsServer(
            settings.ops.host,
            settings.ops.port,
            registry=application.telemetry.registry,
            is_ready=lambda: server.is_serving,
        )
        ops_port = await opened("ops.port", settings.ops.port, ops.start())
        stack.push_async_callback(ops.stop)
        ports = await opened("grpc.port", settings.grpc.port, server.start())
        stack.push_async_callback(server.stop)
        rest, rest_port = None, 0
        if options.private_socket is not None:
            rest = rest_beside(settings, options.private_socket, application.telemetry.registry)
            rest_port = await opened("rest.port", settings.rest.port, rest.start())
            stack.push_async_callback(rest.stop)
        lag = asyncio.create_task(LoopLag(application.telemetry.registry).watch())
        stack.callback(lag.cancel)
        await application.warm_up()
        _keep_for_good()
        stack.callback(gc.unfreeze)
        if application.work is not None:
            application.work.start()
        await server.announce()
        _log.info(
            "serving",
            version=__version__,
            grpc=f"{settings.grpc.host}:{ports.grpc}",
            health_port=ports.health,
            rest=f"{settings.rest.host}:{rest_port}" if rest else None,
            ops=f"{settings.ops.host}:{ops_port}",
            authentication=settings.auth.enabled,
            classifiers={card.name: card.version for card in application.installed},
        )
        by_hand = await ended.get() is signal.SIGINT
        await _drain(server, rest, application.work, settings.shutdown, ended, by_hand=by_hand)
    _log.info("stopped")


async def prove(settings: Settings) -> None:
    """Do all that ``run`` does before it opens a port, and open none.

    Raises ``SettingsError`` or ``PolicyError`` where ``run`` would.
    """
    _options(settings)
    async with AsyncExitStack() as stack:
        application = await build(settings, stack)
        await application.warm_up()


@asynccontextmanager
async def served_on_socket(settings: Settings) -> AsyncIterator[str]:
    """Serve on a private unix socket for as long as the context lasts, and give its address.

    For the command line, which so goes the same way in as every caller. No keys, no ops port,
    no storage, no timing of engines, and no log below a warning.
    """
    configure_logs(LogSettings(level="warning", format="console"))
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="gavel-"))
        address = f"unix:{Path(folder) / 'gavel.sock'}"
        private = settings.model_copy(
            update={
                "auth": settings.auth.model_copy(update={"enabled": False}),
                "feedback": settings.feedback.model_copy(update={"enabled": False}),
                "work": settings.work.model_copy(update={"enabled": False}),
                "text": settings.text.model_copy(update={"engine": _engine_for_few(settings)}),
            }
        )
        application = await build(private, stack)
        server = _grpc_server(private, application, stack, GrpcServerOptions(host=address))
        stack.push_async_callback(server.stop)
        await server.start()
        await application.warm_up()
        await server.announce()
        yield address


def _engine_for_few(settings: Settings) -> str:
    # Timing the engines takes longer than a few texts do.
    return "onnxruntime" if settings.text.engine == "auto" else settings.text.engine


def _grpc_server(
    settings: Settings, application: Application, stack: AsyncExitStack, options: GrpcServerOptions
) -> GrpcServer:
    tracer_provider = None
    if settings.telemetry.otlp_endpoint is not None:
        tracer_provider = start_tracing(
            settings.telemetry.otlp_endpoint, settings.telemetry.service_name, __version__
        )
        stack.push_async_callback(end_tracing, tracer_provider)
    return GrpcServer(
        options,
        moderate_text=application.moderate_text,
        moderate_image=application.picture_path.moderate_image,
        check=application.check,
        review_compliance=application.review_compliance,
        moderate_conversation=ModerateConversation(
            application.review_compliance, max_turn_seconds=settings.grpc.max_deadline_seconds
        ),
        list_categories=application.list_categories,
        repeats=application.repeats,
        media_reviews=application.media_reviews,
        long_texts=application.long_texts,
        submit_feedback=application.submit_feedback,
        count_usage=application.count_usage,
        services=application.services,
        telemetry=application.telemetry,
        registry=application.telemetry.registry,
        authenticate=application.authenticate,
        authenticate_upload=application.authenticate_upload,
        rate_limiter=application.rate_limiter,
        tracer_provider=tracer_provider,
    )


def _keep_for_good() -> None:
    """Take what is loaded out of garbage collection: each round of it stops all calls for 50 ms."""
    gc.collect()
    gc.freeze()


def _options(settings: Settings) -> GrpcServerOptions:
    grpc, tls = settings.grpc, None
    if grpc.tls.certificate_file is not None and grpc.tls.key_file is not None:
        tls = TlsOptions(grpc.tls.certificate_file, grpc.tls.key_file, grpc.tls.client_ca_file)
        _prove_tls(tls)
    if settings.rest.enabled:
        rest_tls(settings.rest)  # proven before any port, too
    return GrpcServerOptions(tls=tls, **grpc.model_dump(exclude={"tls"}))


def _prove_tls(options: TlsOptions) -> None:
    try:
        server_credentials(options)
    except OSError as error:  # ssl.SSLError is one
        raise unusable("grpc.tls", options.files, error) from error


async def _drain(
    server: GrpcServer,
    rest: RestServer | None,
    work: BackgroundWork | None,
    settings: ShutdownSettings,
    ended: Ended,
    *,
    by_hand: bool,
) -> None:
    # Whoever presses Ctrl-C waits for the calls in progress, and not for callers to move away.
    notice_seconds = 0.0 if by_hand else settings.notice_seconds
    _log.info("draining", notice_seconds=notice_seconds, grace_seconds=settings.grace_seconds)
    if rest is not None:
        rest.leave()
    finish = rest.finish if rest is not None else None
    drains = [server.drain(notice_seconds, settings.grace_seconds, finish)]
    if work is not None:
        drains.append(work.drain(settings.grace_seconds))  # others work while callers move away
    await patiently(_all(drains), ended)
    if rest is not None:
        await rest.stop()


async def _all(drains: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*drains)
