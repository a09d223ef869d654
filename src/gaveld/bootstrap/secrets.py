"""Opens the box in which secrets are sealed before they are stored, with the operator's keys."""

import base64
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from gaveld.adapters.secrets import AesSecretBox, keys_in, made_key_file, new_key
from gaveld.adapters.storage.delivery_rows import DeliveryRow
from gaveld.adapters.storage.job_rows import JobRow
from gaveld.adapters.storage.policies.rows import ActionSecretRow, PolicyRow
from gaveld.adapters.storage.review_item_rows import ReviewItemRow
from gaveld.adapters.storage.sealing import reseal
from gaveld.application.ports import SecretBox
from gaveld.bootstrap.settings import Settings, SettingsError
from gaveld.bootstrap.stores import database_url, open_engine
from gaveld.domain.errors import Unavailable

KEY_FILE: Final = "secrets.key"
"""The file of keys that is made beside SQLite's when the settings name none."""

SEALED: Final = (PolicyRow, ActionSecretRow, DeliveryRow, JobRow, ReviewItemRow)
"""All rows that hold something sealed."""


def open_secret_box(settings: Settings) -> SecretBox:
    """Return the box with the keys of ``secrets.key_file``.

    Without one, SQLite's file gets a key of its own beside it. Raises ``SettingsError`` for a file
    that holds no good keys, and for a shared database that was given none.
    """
    file = settings.secrets.key_file
    try:
        keys = _own_keys(database_url(settings.storage.url)) if file is None else keys_in(file)
    except (OSError, ValueError) as error:
        raise SettingsError(f"secrets.key_file: {error}") from error
    return AesSecretBox(keys)


async def reseal_secrets(settings: Settings) -> int:
    """Seal everything stored with the first key; return how many secrets. See ``reseal``.

    Raises ``SettingsError``, also for what no key of the file opens.
    """
    box = open_secret_box(settings)
    async with AsyncExitStack() as stack:
        engine = await open_engine(settings.storage.url, stack)
        try:
            return await reseal(engine, box, *SEALED)
        except ValueError as error:
            raise SettingsError(f"secrets.key_file: something is {error}") from error
        except Unavailable as error:
            raise SettingsError(f"storage.url: {error.message}") from error


def _own_keys(database: URL) -> tuple[bytes, ...]:
    if database.get_backend_name() != "sqlite":
        raise SettingsError(
            "secrets.key_file: a database that servers share needs one, the same for all of them; "
            "make it with `umask 077; gavel secrets new-key > secrets.key`"
        )
    if not database.database or database.database == ":memory:":
        return (base64.b64decode(new_key()),)  # what it seals is gone when the process is
    return made_key_file(Path(database.database).with_name(KEY_FILE))
