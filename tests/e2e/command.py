"""Runs the ``gavel`` command as a person would."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    status: int
    output: str
    errors: str


async def gavel(
    *arguments: str,
    stdin: bytes = b"",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Result:
    """Run ``gavel`` with these arguments in a folder, with no GAVEL_ variable but those given."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GAVEL_")}
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("gavel"),
        *arguments,
        cwd=folder,
        env={**inherited, "COLUMNS": "200", **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(stdin), 90)
    return Result(process.returncode or 0, output.decode(), errors.decode())
