"""The parts that the services, and the workers, that need the storage are made of."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine

from gaveld.adapters.queue.local import LocalJobDispatcher
from gaveld.adapters.storage.decisions import record_decision
from gaveld.adapters.storage.deliveries import SqlDeliveryStore
from gaveld.adapters.storage.jobs import SqlJobStore
from gaveld.adapters.storage.review_items import record_review_item
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.application.check_policy import CheckPolicy
from gaveld.application.judge_content import JudgeContent
from gaveld.application.ports import JobDispatcher, JobStore, PolicyHistory, PolicyStore, SecretBox
from gaveld.bootstrap.nats import open_nats
from gaveld.bootstrap.secrets import open_secret_box
from gaveld.bootstrap.settings import Settings


@dataclass(frozen=True, slots=True)
class Judging:
    """What judges content, from where the policies are."""

    policies: PolicyStore
    history: PolicyHistory
    check_policy: CheckPolicy
    judge_content: JudgeContent


@dataclass(frozen=True, slots=True)
class Parts:
    """What the services, and the workers, that need the storage are made of.

    ``leaving`` is set when the process is about to end.
    """

    settings: Settings
    engine: AsyncEngine
    telemetry: PrometheusTelemetry
    judging: Judging
    secret_box: SecretBox
    jobs: JobStore
    dispatcher: JobDispatcher
    deliveries: SqlDeliveryStore
    leaving: asyncio.Event = field(default_factory=asyncio.Event)


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
