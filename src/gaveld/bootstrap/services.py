"""Puts together the services that need the storage: operations, content, policies, reviews, users.

Each is built from the same parts, by a function of its own, and so is what workers do.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from google.longrunning import operations_pb2
from sqlalchemy.ext.asyncio import AsyncEngine

from gaveld.adapters.queue.local import LocalJobDispatcher
from gaveld.adapters.storage.decisions import record_decision
from gaveld.adapters.storage.deliveries import SqlDeliveryStore
from gaveld.adapters.storage.jobs import SqlJobStore
from gaveld.adapters.storage.review_items import record_review_item
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.application.moderate import ModerateText
from gaveld.application.operations import Operations
from gaveld.application.ports import JobDispatcher, JobStore, PolicyStore, SecretBox
from gaveld.bootstrap.nats import open_nats
from gaveld.bootstrap.pictures import PicturePath
from gaveld.bootstrap.secrets import open_secret_box
from gaveld.bootstrap.settings import Settings
from gaveld.transport.grpc.operations_servicer import OperationsServicer
from gaveld.transport.grpc.services import Service


@dataclass(frozen=True, slots=True)
class Judging:
    """What judges content, from where the policies are."""

    policies: PolicyStore
    moderate_text: ModerateText
    picture_path: PicturePath


@dataclass(frozen=True, slots=True)
class Parts:
    """What the services, and the workers, that need the storage are made of."""

    settings: Settings
    engine: AsyncEngine
    telemetry: PrometheusTelemetry
    judging: Judging
    secret_box: SecretBox
    jobs: JobStore
    dispatcher: JobDispatcher
    deliveries: SqlDeliveryStore


async def open_parts(
    settings: Settings,
    stack: AsyncExitStack,
    *,
    engine: AsyncEngine,
    telemetry: PrometheusTelemetry,
    judging: Judging,
) -> Parts:
    """Open what jobs are kept in and what tells of them. Raises ``SettingsError``."""
    secret_box = open_secret_box(settings)
    deliveries = SqlDeliveryStore(engine, secret_box)
    jobs = SqlJobStore(
        engine,
        (record_decision, deliveries.record, record_review_item),
        keep_words_seconds=settings.work.keep_answers_seconds,
    )
    nats = await open_nats(
        settings.nats, stack, telemetry, lease_seconds=settings.work.lease_seconds
    )
    return Parts(
        settings=settings,
        engine=engine,
        telemetry=telemetry,
        judging=judging,
        secret_box=secret_box,
        jobs=jobs,
        dispatcher=nats or LocalJobDispatcher(),
        deliveries=deliveries,
    )


def build_services(parts: Parts) -> tuple[Service, ...]:
    """Return the services, in the order in which they are listed."""
    return (_operations(parts),)


def _operations(parts: Parts) -> Service:
    descriptor = operations_pb2.DESCRIPTOR.services_by_name["Operations"]
    return Service(descriptor, OperationsServicer(Operations(parts.jobs)))
