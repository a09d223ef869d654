"""``gavel worker``: works on what servers have stored, and takes no calls."""

import asyncio
from typing import Annotated, Any

import typer

from gaveld.bootstrap.cli import options
from gaveld.bootstrap.cli.options import explained_failures, settings_from
from gaveld.bootstrap.worker import run_worker


def worker(
    workers: Annotated[
        int | None, typer.Option(min=1, help="Jobs at once. Default: the settings'.")
    ] = None,
    config: options.Config = None,
) -> None:
    """Work on stored jobs until SIGTERM or Ctrl-C, then let those in progress finish."""
    overrides: dict[str, Any] = {} if workers is None else {"work": {"workers": workers}}
    settings = settings_from(config, overrides)
    with explained_failures():
        asyncio.run(run_worker(settings))
