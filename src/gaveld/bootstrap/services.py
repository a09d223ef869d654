"""Puts together the services that need the storage: operations, content, policies, reviews, users.

Each is built from the same parts, by a function of its own.
"""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncEngine

from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.application.moderate import ModerateText
from gaveld.application.ports import JobDispatcher, JobStore, PolicyStore
from gaveld.bootstrap.pictures import PicturePath
from gaveld.bootstrap.settings import Settings
from gaveld.transport.grpc.services import Service


@dataclass(frozen=True, slots=True)
class Parts:
    """What the services, and the workers, that need the storage are made of."""

    settings: Settings
    engine: AsyncEngine
    telemetry: PrometheusTelemetry
    policies: PolicyStore
    moderate_text: ModerateText
    picture_path: PicturePath
    jobs: JobStore
    dispatcher: JobDispatcher


def build_services(_: Parts) -> tuple[Service, ...]:
    """Return the services, in the order in which they are listed."""
    return ()
