"""Brings a database to the schema of this release, and tells whether it is there.

The steps are in ``versions``, written by hand and run in order; a released one never changes. Going
back is not among them: an older release is served from a backup.
"""

import io
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any, Final

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncEngine

STEPS: Final = ScriptDirectory(str(Path(__file__).parent))
LOCK: Final = 0x6761_7665_6C
"""The PostgreSQL advisory lock that one migration at a time holds: "gavel" in ASCII."""


class SchemaState(Enum):
    """How a database stands to this release."""

    CURRENT = "current"
    BEHIND = "behind"
    """Steps are missing, or all of them."""
    AHEAD = "ahead"
    """A later release migrated it."""


async def schema_state(engine: AsyncEngine) -> SchemaState:
    """Return how the database stands to this release; changes nothing."""
    async with engine.connect() as connection:
        return await connection.run_sync(_state)


async def migrate(engine: AsyncEngine) -> SchemaState:
    """Run the steps that are missing, all or none of them, and return how the database was before.

    Of several at once one works, and the others wait and find nothing left to do. A database that
    is ahead is left alone.
    """
    before = await schema_state(engine)
    if before is not SchemaState.BEHIND:
        return before
    async with engine.connect() as connection:
        # Two locks, one meaning: sqlite3 would otherwise take its own with the first write only.
        if connection.dialect.name == "sqlite":
            await connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        before = await connection.run_sync(_state)
        if before is SchemaState.BEHIND:
            await connection.run_sync(_run)
        await connection.commit()
    return before


def migration_sql(dialect_name: str) -> str:
    """Return the statements that make an empty database of this dialect current."""
    statements = io.StringIO()
    _environment(
        as_sql=True, dialect_name=dialect_name, output_buffer=statements, literal_binds=True
    )
    return statements.getvalue()


def _state(connection: Connection) -> SchemaState:
    heads = set(MigrationContext.configure(connection).get_current_heads())
    if heads == set(STEPS.get_heads()):
        return SchemaState.CURRENT
    known = {step.revision for step in STEPS.walk_revisions()}
    return SchemaState.BEHIND if heads <= known else SchemaState.AHEAD


def _run(connection: Connection) -> None:
    _environment(connection=connection)


def _environment(*, as_sql: bool = False, **options: Any) -> None:
    def steps(revision: Any, _: MigrationContext) -> Iterable[Any]:
        return STEPS._upgrade_revs("head", revision)  # noqa: SLF001 (alembic's own way)

    with EnvironmentContext(
        Config(), STEPS, fn=steps, as_sql=as_sql, starting_rev=None, destination_rev="head"
    ) as environment:
        environment.configure(**options)
        with environment.begin_transaction():
            environment.run_migrations()
