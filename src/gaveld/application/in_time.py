"""Bounds on what is done to a file: a time, and the name of the field that a refusal is about."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from gaveld.domain.errors import GavelError
from gaveld.domain.media import MediaRefused


@asynccontextmanager
async def in_time(seconds: float, failure: GavelError) -> AsyncIterator[None]:
    """Raise ``failure`` if what is done inside takes longer."""
    try:
        async with asyncio.timeout(max(0.0, seconds)) as patience:
            yield
    except TimeoutError:
        if not patience.expired():
            raise
        raise failure from None


@contextmanager
def named(field: str) -> Iterator[None]:
    """Turn a refusal of a file into what a caller is told of the field that it came in."""
    try:
        yield
    except MediaRefused as refused:
        raise refused.as_error(field) from refused
