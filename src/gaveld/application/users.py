"""Tells what a project's user did, and forgets the user. It counts nothing itself."""

from collections.abc import Callable
from datetime import UTC, datetime

from gaveld.application.ports import Forgotten, UserStore
from gaveld.domain.errors import ErrorReason, NotFound
from gaveld.domain.rules import UserHistory


class GetUser:
    """The use case behind ``GetUser``."""

    def __init__(
        self, users: UserStore, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._users = users
        self._clock = clock

    async def __call__(self, project: str, actor_id: str) -> UserHistory:
        """Return the user's history as of now.

        Raises ``NotFound`` (RESOURCE_NOT_FOUND) for a user of whom nothing is known.
        """
        history = await self._users.history(project, actor_id, self._clock())
        if history is None:
            raise NotFound(
                ErrorReason.RESOURCE_NOT_FOUND,
                "Nothing is known of such a user.",
                metadata={"resource": "user"},
            )
        return history


class ForgetUser:
    """The use case behind ``ForgetUser``."""

    def __init__(self, users: UserStore) -> None:
        self._users = users

    async def __call__(self, project: str, actor_id: str) -> Forgotten:
        """Erase all that is kept of a user; for one of whom nothing is known, nothing happens."""
        return await self._users.forget(project, actor_id)
