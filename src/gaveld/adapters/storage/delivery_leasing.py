"""The statement that leases callbacks which are due, a fair share of each host and project.

It is made once: to build it anew for each lease would cost more than to run it. It takes ``at``,
``until`` (when the lease ends), ``most``, ``per_host``, ``per_project``, ``but_not_hosts`` and
``but_not_projects``, and returns whole rows.
"""

from typing import Final

from sqlalchemy import Select, Subquery, bindparam, func, select, update

from gaveld.adapters.storage.delivery_rows import DELIVERIES, ReceiverRow
from gaveld.domain.deliveries import DeliveryState

LOOKED_AT: Final = 1_000
"""So many of those that are due are looked at for one lease, whatever waits."""

_ROW: Final = DELIVERIES.c
_PAUSED: Final = select(ReceiverRow.id).where(ReceiverRow.paused_until > bindparam("at"))
_DUE: Final = (
    _ROW.state == DeliveryState.WAITING,
    _ROW.next_attempt_at <= bindparam("at"),
    _ROW.receiver_id.not_in(_PAUSED),
    _ROW.host_id.not_in(bindparam("but_not_hosts", expanding=True)),
    _ROW.project.not_in(bindparam("but_not_projects", expanding=True)),
)


def _fairly() -> Select[tuple[str]]:
    """Return the ids of what has been due the longest, so many of a host and project at most."""
    oldest = (
        select(_ROW.id, _ROW.host_id, _ROW.project, _ROW.next_attempt_at)
        .where(*_DUE)
        .order_by(_ROW.next_attempt_at, _ROW.id)
        .limit(LOOKED_AT)
        .subquery()
    )
    of_hosts = _first_of_each(oldest, "host_id", "per_host")
    return select(_first_of_each(of_hosts, "project", "per_project").c.id)


def _first_of_each(rows: Subquery, key: str, most: str) -> Subquery:
    place = func.row_number().over(
        partition_by=rows.c[key], order_by=(rows.c.next_attempt_at, rows.c.id)
    )
    placed = select(*rows.c, place.label(f"{key}_place")).subquery()
    return select(*placed.c).where(placed.c[f"{key}_place"] <= bindparam(most)).subquery()


_CHOSEN: Final = _fairly().cte("chosen")
_TAKEN: Final = (
    select(_ROW.id)
    .where(_ROW.id.in_(select(_CHOSEN.c.id)), *_DUE)
    .order_by(_ROW.next_attempt_at, _ROW.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True, of=DELIVERIES)
    .cte("taken")
)
LEASE: Final = (
    update(DELIVERIES)
    .where(_ROW.id.in_(select(_TAKEN.c.id)))
    .values(attempt_count=_ROW.attempt_count + 1, next_attempt_at=bindparam("until"))
    .returning(*_ROW)
)
