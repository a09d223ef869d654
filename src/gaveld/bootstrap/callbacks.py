"""Puts together what keeps callbacks, and what sends them from this process."""

import ssl
from contextlib import AsyncExitStack
from typing import Final

import httpx2
from prometheus_client import CollectorRegistry

from gaveld import __version__
from gaveld.adapters.storage.deliveries import SqlDeliveryStore
from gaveld.adapters.telemetry.callbacks import PrometheusCallbackTelemetry
from gaveld.adapters.web.callbacks import HttpCallbackSender
from gaveld.adapters.web.guard import GuardedTransport, SystemResolver
from gaveld.application.deliver_callbacks import DeliverCallbacks, DeliveryPace
from gaveld.bootstrap.secrets import open_secret_box
from gaveld.bootstrap.settings import CallbacksSettings, Settings, SettingsError
from gaveld.bootstrap.stores import open_engine

RECORDING_SECONDS: Final = 15.0
"""How long after its timeout an attempt may take to be recorded before it counts as lost."""


def build_deliver_callbacks(
    settings: Settings,
    store: SqlDeliveryStore,
    registry: CollectorRegistry,
    stack: AsyncExitStack,
) -> DeliverCallbacks | None:
    """Return what sends the store's callbacks; None where this process is to send none.

    Raises ``SettingsError`` for certificates that can't be read.
    """
    wanted = settings.callbacks
    if wanted.max_at_once == 0:
        return None
    return DeliverCallbacks(
        store,
        _sender(wanted, stack),
        PrometheusCallbackTelemetry(registry),
        DeliveryPace(
            max_at_once=wanted.max_at_once,
            max_per_host=min(wanted.max_per_host, wanted.max_at_once),
            lease_seconds=wanted.timeout_seconds + RECORDING_SECONDS,
            poll_seconds=wanted.poll_seconds,
            keep_days=wanted.keep_days,
        ),
    )


async def open_deliveries(settings: Settings, stack: AsyncExitStack) -> SqlDeliveryStore:
    """Open the store of callbacks; see ``open_stores``. Raises ``SettingsError``."""
    box = open_secret_box(settings)
    return SqlDeliveryStore(await open_engine(settings.storage.url, stack), box)


def _sender(settings: CallbacksSettings, stack: AsyncExitStack) -> HttpCallbackSender:
    # A name server that stalls keeps its threads after the attempts are over.
    resolver = SystemResolver(threads=2 * settings.max_at_once)
    stack.callback(resolver.close)
    transport = GuardedTransport(
        resolver,
        ssl_context=_trusted(settings),
        max_connections=settings.max_at_once,
        keep_seconds=30.0,
    )
    stack.push_async_callback(transport.aclose)
    return HttpCallbackSender(
        transport,
        internal_hosts=frozenset(settings.internal_hosts),
        user_agent=f"gavel/{__version__}",
        timeout_seconds=settings.timeout_seconds,
    )


def _trusted(settings: CallbacksSettings) -> ssl.SSLContext:
    context = httpx2.create_ssl_context(trust_env=False)
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(settings.ca_file)
        except OSError as error:  # ssl.SSLError is one
            raise SettingsError("callbacks.ca_file: no certificates (PEM)") from error
    return context
