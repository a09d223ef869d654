"""``gavel migrate``: brings the storage that the settings name to this release's schema."""

import asyncio
import sys
from typing import Annotated

import typer

from gaveld.bootstrap.cli import options
from gaveld.bootstrap.cli.options import err, explained_failures, fail, settings_from
from gaveld.bootstrap.stores import migrate_storage, prove_storage, storage_sql


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit status 2 if there is work.")
    ] = False,
    sql: Annotated[
        bool, typer.Option("--sql", help="Print the statements for an empty database instead.")
    ] = False,
    config: options.Config = None,
) -> None:
    """Bring the storage to this release's schema. Several at once do it once."""
    if check and sql:
        raise fail("--check and --sql: one or the other")
    url = settings_from(config).storage.url
    with explained_failures():
        if sql:
            sys.stdout.write(storage_sql(url))
        elif check:
            asyncio.run(prove_storage(url))
            err.print("The schema is current.")
        else:
            changed = asyncio.run(migrate_storage(url))
            err.print("Migrated." if changed else "The schema was current already.")
