"""Options that several commands share, and how they fail: one red line each, exit status 2."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text

from gaveld.adapters.storage.policies import PolicyError
from gaveld.bootstrap.settings import Settings, SettingsError, load_settings

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file. Default: $GAVEL_CONFIG, else gavel.yaml."),
]
Target = Annotated[
    str | None,
    typer.Option("--target", "-t", help="Ask the server at host:port instead of judging here."),
]
Key = Annotated[
    str | None, typer.Option("--key", envvar="GAVEL_API_KEY", help="API key for --target.")
]
CaFile = Annotated[
    Path | None,
    typer.Option("--ca-file", help="Speak TLS to --target and trust this CA (PEM).", exists=True),
]
CertFile = Annotated[
    Path | None,
    typer.Option("--cert-file", help="Show --target this certificate (PEM chain).", exists=True),
]
KeyFile = Annotated[
    Path | None, typer.Option("--key-file", help="The key of --cert-file (PEM).", exists=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

_STRETCH: Final = re.compile(r"(\d{1,5})\s*([mhdw])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

out = Console()
err = Console(stderr=True)


def fail(message: str) -> typer.Exit:
    """Print what is wrong and return the exit to raise."""
    for line in message.splitlines():
        err.print(Text(line, style="red"), soft_wrap=True)
    return typer.Exit(2)


@contextmanager
def explained_failures() -> Iterator[None]:
    """Turn faults in settings and policies into lines on standard error and exit status 2."""
    try:
        yield
    except (SettingsError, PolicyError) as error:
        raise fail(str(error)) from error


def settings_from(config: Path | None, overrides: dict[str, Any] | None = None) -> Settings:
    """Load the settings or end the command saying which key is wrong."""
    with explained_failures():
        return load_settings(config, overrides)


def time_from(said: str, now: datetime) -> datetime:
    """Return what ``7d`` (m, h, d, w: so long before now) or a time, UTC unless it says, names."""
    stretch = _STRETCH.fullmatch(said)
    if stretch:
        return now - timedelta(**{_UNITS[stretch[2]]: int(stretch[1])})
    try:
        time = datetime.fromisoformat(said)
    except ValueError as error:
        raise fail(f"{said}: neither a stretch such as 7d nor a time such as 2026-11-01") from error
    return time if time.tzinfo else time.replace(tzinfo=UTC)
