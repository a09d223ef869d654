"""``gavel secrets``: makes keys for the secrets in the storage, and seals all of them anew."""

import asyncio
import sys

import typer

from gaveld.adapters.secrets import new_key
from gaveld.bootstrap.cli.options import Config, err, explained_failures, settings_from
from gaveld.bootstrap.secrets import reseal_secrets

app = typer.Typer(no_args_is_help=True, help="Keep the keys that seal secrets in the storage.")


@app.command("new-key")
def print_new_key() -> None:
    """Print a new key, a line for the file that secrets.key_file names."""
    sys.stdout.write(f"{new_key()}\n")


@app.command()
def reseal(config: Config = None) -> None:
    """Seal every stored secret again with the first key; servers may run meanwhile."""
    settings = settings_from(config)
    with explained_failures():
        count = asyncio.run(reseal_secrets(settings))
    err.print(f"Sealed {count} secrets with the first key.")
