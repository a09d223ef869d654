"""Reaches for the NATS that the settings name, over which workers everywhere hear of work."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gaveld.adapters.nats.metrics import NatsMetrics
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.application.ports import JobDispatcher
from gaveld.bootstrap.settings import NatsSettings

if TYPE_CHECKING:
    from gaveld.adapters.nats.address import NatsAddress


async def open_nats(
    settings: NatsSettings,
    stack: AsyncExitStack,
    telemetry: PrometheusTelemetry,
    *,
    lease_seconds: float,
) -> JobDispatcher | None:
    """Return what carries word of jobs between machines; None where the settings name no NATS.

    A NATS that is not there yet stops nothing. After ``lease_seconds`` of a worker's silence its
    word goes to another, as its job does.
    """
    metrics = NatsMetrics(telemetry.registry)
    if settings.url is None:
        return None
    from gaveld.adapters.nats.dispatcher import NatsJobDispatcher
    from gaveld.adapters.nats.link import NatsLink
    from gaveld.adapters.nats.stream import StreamPlan

    plan = StreamPlan(settings.stream, settings.subject, settings.replicas, lease_seconds)
    link = NatsLink(_address(settings, settings.url), plan, metrics)
    stack.push_async_callback(link.close)
    await link.open()
    return NatsJobDispatcher(link)


def _address(settings: NatsSettings, url: str) -> "NatsAddress":
    from gaveld.adapters.nats.address import NatsAddress

    return NatsAddress(
        url,
        password_file=settings.password_file,
        credentials_file=settings.credentials_file,
        ca_file=settings.ca_file,
        certificate_file=settings.certificate_file,
        key_file=settings.key_file,
    )
