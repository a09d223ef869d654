"""How the command reaches a server: one that is named, or its own on a private socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
from gavel.service_config import service_config_json

from gaveld.bootstrap.cli.options import fail
from gaveld.bootstrap.lifecycle import served_on_socket
from gaveld.bootstrap.settings import Settings

Metadata = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. Without a CA those are trusted that gRPC trusts; a certificate is for mTLS."""

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def credentials(self) -> grpc.ChannelCredentials:
        """Read the files. Raises ``OSError``."""
        files = (self.ca, self.key, self.certificate)
        return grpc.ssl_channel_credentials(
            *(path.read_bytes() if path else None for path in files)
        )


def tls_files(ca: Path | None, certificate: Path | None, key: Path | None) -> TlsFiles | None:
    """Return the files that a command was given, None if none, or end it if half a pair is."""
    if (certificate is None) != (key is None):
        raise fail("--cert-file and --key-file go together")
    return TlsFiles(ca, certificate, key) if ca or certificate else None


@dataclass(frozen=True, slots=True)
class Target:
    """A server to ask: where it is, and what it wants to see."""

    address: str
    key: str | None = None
    tls: TlsFiles | None = None
    """None speaks plaintext."""

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
    if target.tls is not None:
        opened = grpc.aio.secure_channel(target.address, target.tls.credentials(), options)
    else:
        opened = grpc.aio.insecure_channel(target.address, options)
    async with opened as channel:
        yield channel
