"""What the sections of the settings are made of, and how a bad one is told."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field


class SettingsError(Exception):
    """The settings can't be used; the message has one line a key, each saying what is wrong."""


def readable(path: Path) -> Path:
    """Return the path of a file that can be read, or raise ``ValueError``."""
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    if not os.access(path, os.R_OK):
        raise ValueError(f"not readable: {path}")
    return path


def endpoint(url: str) -> str:
    """Return a URL of http or https with a host, or raise ``ValueError``."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL such as http://collector:4317")
    if parts.port == 0:  # urlsplit itself refuses what is no port
        raise ValueError("port 0 is nowhere")
    return url


def each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of which none stands twice, or raise ``ValueError``."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"named twice: {', '.join(twice)}")
    return names


ReadableFile = Annotated[Path, AfterValidator(readable)]


Port = Annotated[int, Field(ge=0, le=65535)]


PositiveSeconds = Annotated[float, Field(gt=0, le=86_400)]


class Section(BaseModel):
    """One section: it never changes, and a key that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)
