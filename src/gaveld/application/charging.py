"""Charges a call to its project, and gives the credits back if the call comes to nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from gaveld.application.failures import place_of
from gaveld.application.ports import Credits
from gaveld.domain.errors import ErrorReason, ResourceExhausted

_log = logging.getLogger(__name__)


class Charging:
    """Takes credits for the length of a call. Without ``balances``, everything is free."""

    def __init__(self, balances: Credits | None = None) -> None:
        self._balances = balances
        self._giving_back: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def charged(self, project: str, cost: int) -> AsyncIterator[None]:
        """Spend ``cost`` credits on what is done inside; whatever ends it early refunds them.

        Raises ``ResourceExhausted`` (INSUFFICIENT_CREDITS) when the balance does not cover it, and
        ``Unavailable`` when the balance can't be reached.
        """
        if self._balances is None:
            yield
            return
        spending = asyncio.ensure_future(self._balances.spend(project, cost))
        try:
            balance = await asyncio.shield(spending)
        except asyncio.CancelledError:  # it may yet be spent
            await self._in_any_case(self._undo(spending, project, cost))
            raise
        if balance is not None:
            raise ResourceExhausted(
                ErrorReason.INSUFFICIENT_CREDITS,
                f"The call costs {cost} credits and the project has {balance}.",
                metadata={"balance": str(balance), "cost": str(cost)},
            )
        try:
            yield
        except BaseException:
            await self._in_any_case(self._refund(project, cost))
            raise

    async def _in_any_case(self, work: Coroutine[Any, Any, None]) -> None:
        # Whoever waits may be cancelled again; the work goes on.
        task = asyncio.create_task(work)
        self._giving_back.add(task)
        task.add_done_callback(self._giving_back.discard)
        await asyncio.shield(task)

    async def _undo(self, spending: "asyncio.Future[int | None]", project: str, cost: int) -> None:
        try:
            is_spent = await spending is None
        except Exception:  # noqa: BLE001 - the caller is gone, and nothing was spent
            return
        if is_spent:
            await self._refund(project, cost)

    async def _refund(self, project: str, cost: int) -> None:
        if self._balances is None:
            return
        try:
            await self._balances.refund(project, cost)
        except Exception as failure:  # noqa: BLE001 - the call's own failure is what counts
            _log.error(
                "credits not refunded",
                extra={"project": project, "cost": cost, "cause": place_of(failure)},
            )
