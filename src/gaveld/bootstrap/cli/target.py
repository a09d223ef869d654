"""How the command reaches a server: one that is named, or its own on a private socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
from gavel.service_config import service_config_json

from gaveld.bootstrap.lifecycle import served_on_socket
from gaveld.bootstrap.settings import Settings

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """A server to ask: where it is, and what it wants to see."""

    address: str
    key: str | None = None
    ca_file: Path | None = None

    @property
    def metadata(self) -> Metadata:
        """The headers of each call."""
        return (("authorization", f"Bearer {self.key}"),) if self.key else ()


@asynccontextmanager
async def channel_to(target: Target | Settings) -> AsyncIterator[grpc.aio.Channel]:
    """Give a channel to a named server, or to one that is started here for as long as it lasts."""
    options = (("grpc.service_config", service_config_json()),)
    if isinstance(target, Settings):
        async with (
            served_on_socket(target) as address,
            grpc.aio.insecure_channel(address, options) as channel,
        ):
            yield channel
        return
    if target.ca_file is not None:
        credentials = grpc.ssl_channel_credentials(target.ca_file.read_bytes())
        opened = grpc.aio.secure_channel(target.address, credentials, options)
    else:
        opened = grpc.aio.insecure_channel(target.address, options)
    async with opened as channel:
        yield channel
