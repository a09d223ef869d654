"""How the command reaches a server: one that is named, or its own on a private socket."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
from gavel.service_config import service_config_json

from gaveld.bootstrap.cli.options import fail, settings_from
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


def asked_server(
    target: str | None, key: str | None, tls: TlsFiles | None, config: Path | None
) -> Target | Settings:
    """Return the server that the options name, or the settings to start one here with."""
    if target:
        return Target(target, key, tls)
    if tls:
        raise fail("--ca-file, --cert-file and --key-file go with --target")
    return settings_from(config)


def running_server(
    target: str | None, key: str | None, tls: TlsFiles | None, config: Path | None
) -> Target:
    """Return the server that the options name, or the one that the settings would start."""
    if target is None:
        listener = settings_from(config).grpc
        host = "127.0.0.1" if listener.host in ("0.0.0.0", "::") else listener.host
        target = host if host.startswith("unix:") else f"{host}:{listener.port}"
    return Target(target, key, tls)


def metadata_for(where: Target | Settings) -> Metadata:
    """Return the headers of each call; a server that is started here wants none."""
    return where.metadata if isinstance(where, Target) else ()


@contextmanager
def explained_rpc_failures() -> Iterator[None]:
    """Turn a failed call into a line on standard error and exit status 2."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise fail(f"{error.code().name}: {error.details()}") from error


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
