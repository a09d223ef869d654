"""Settings of what is kept, in storage and in memory."""

from typing import Annotated

from pydantic import Field

from gaveld.bootstrap.settings.section import Section


class StorageSettings(Section):
    """Where API keys are kept: an SQLAlchemy URL with an asyncio driver."""

    url: str = "sqlite+aiosqlite:///var/gavel.db"


class FeedbackSettings(Section):
    """What people say of verdicts is kept in the storage, with the texts."""

    enabled: bool = True


class CacheSettings(Section):
    """What was learnt is remembered, so that equal texts and pictures are not looked at again."""

    max_bytes: Annotated[int, Field(ge=0, le=64 << 30)] = 32 << 20
    """How much memory this may take for texts; 0 remembers none."""
    max_image_bytes: Annotated[int, Field(ge=0, le=64 << 30)] = 8 << 20
    """How much memory this may take for pictures in which nothing was read; 0 remembers none."""
    max_answer_bytes: Annotated[int, Field(ge=0, le=64 << 30)] = 16 << 20
    """How much memory answers to calls with a request id may take, for repeats; 0 keeps none."""
