"""Runs workers alone: jobs and callbacks, metrics and probes, and not one call is taken."""

import asyncio
from contextlib import AsyncExitStack

import structlog

from gaveld import __version__
from gaveld.adapters.telemetry.loop_lag import LoopLag
from gaveld.bootstrap.container import build
from gaveld.bootstrap.endings import end_signals, opened, patiently
from gaveld.bootstrap.logs import configure_logs
from gaveld.bootstrap.settings import Settings, SettingsError
from gaveld.transport.ops.server import OpsServer

_log = structlog.get_logger(__name__)


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; then end what is in progress within the grace.

    What is not done by then goes back, for other workers. A second signal ends the wait. Raises
    ``SettingsError`` for settings that give no work.
    """
    if not settings.work.enabled:
        raise SettingsError("work.enabled: is false, so there is nothing to work on")
    if not settings.work.workers and not settings.callbacks.max_at_once:
        raise SettingsError("work.workers: is 0, and so is callbacks.max_at_once: nothing to do")
    configure_logs(settings.log)
    ended = end_signals()
    is_ready = False
    async with AsyncExitStack() as stack:
        application = await build(settings, stack)
        work = application.work
        if work is None:
            raise SettingsError("storage.url: there is no storage to work on")
        registry = application.telemetry.registry
        ops = OpsServer(
            settings.ops.host, settings.ops.port, registry=registry, is_ready=lambda: is_ready
        )
        ops_port = await opened("ops.port", settings.ops.port, ops.start())
        stack.push_async_callback(ops.stop)
        lag = asyncio.create_task(LoopLag(registry).watch())
        stack.callback(lag.cancel)
        await application.warm_up()
        work.start()
        is_ready = True
        _log.info(
            "working",
            version=__version__,
            workers=settings.work.workers,
            ops=f"{settings.ops.host}:{ops_port}",
            nats=settings.nats.url is not None,
            classifiers={card.name: card.version for card in application.installed},
        )
        await ended.get()
        is_ready = False
        _log.info("draining", grace_seconds=settings.shutdown.grace_seconds)
        await patiently(work.drain(settings.shutdown.grace_seconds), ended)
    _log.info("stopped")
