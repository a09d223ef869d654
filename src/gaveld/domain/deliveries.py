"""Callbacks to the operators' own services: what is sent, when again, and when no more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class DeliveryState(StrEnum):
    """How far a callback is."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"
    """Every attempt failed, or the receiver wants no more."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One callback to one receiver.

    ``id`` is the ``webhook-id``, the same in every attempt. ``event`` is what happened, such as
    ``content.decided``. ``headers`` and ``secret`` are the receiver's own, and with ``url`` and
    ``body`` go into no log; ``secret`` is ``whsec_`` and base64, or any text. ``job_id`` and
    ``action_id`` say what it tells of, empty for none. Times are UTC.
    """

    id: str
    project: str
    event: str
    url: str = field(repr=False)
    body: bytes = field(repr=False)
    secret: str = field(repr=False)
    created_at: datetime
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    job_id: str = ""
    action_id: str = ""
    state: DeliveryState = DeliveryState.WAITING
    attempt_count: int = 0
    next_attempt_at: datetime | None = None
    last_status: int = 0
    last_error: str = ""
