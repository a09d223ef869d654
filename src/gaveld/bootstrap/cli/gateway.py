"""``gavel gateway``: the REST gateway alone, in front of gRPC servers elsewhere."""

import asyncio
from typing import Annotated, Any

import typer

from gaveld.bootstrap.cli import options
from gaveld.bootstrap.cli.options import explained_failures, fail, settings_from
from gaveld.bootstrap.cli.target import tls_files
from gaveld.bootstrap.rest import run_gateway


def gateway(
    target: Annotated[
        list[str],
        typer.Option(
            "--target",
            "-t",
            help="A gRPC server at host:port. Several take calls in turn; one may be a name that "
            "stands for many, dns:///name:port.",
        ),
    ],
    host: Annotated[str | None, typer.Option(help="Listen here. Default: the settings'.")] = None,
    port: Annotated[int | None, typer.Option(help="HTTP port. Default: the settings'.")] = None,
    ca_file: options.CaFile = None,
    cert_file: options.CertFile = None,
    key_file: options.KeyFile = None,
    config: options.Config = None,
) -> None:
    """Serve REST in front of gRPC servers until SIGTERM or Ctrl-C. Keys are theirs to ask for."""
    tls = tls_files(ca_file, cert_file, key_file)
    listener = {"host": host, "port": port}
    chosen: dict[str, Any] = {key: value for key, value in listener.items() if value is not None}
    # Whether keys are asked for is the servers' to say; this process can't know.
    settings = settings_from(
        config, {"rest": {**chosen, "enabled": True}, "auth": {"insecure": True}}
    )
    try:
        credentials = tls.credentials() if tls else None
    except OSError as error:
        raise fail(f"the TLS files can't be read: {error}") from error
    with explained_failures():
        asyncio.run(run_gateway(settings, target, credentials))
