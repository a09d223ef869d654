"""The commands that ask a server, against one that demands client certificates."""

from pathlib import Path

from gaveld.transport.grpc.server import GrpcServerOptions
from gaveld.transport.grpc.tls import TlsOptions
from tests.certificates import self_signed
from tests.e2e.command import gavel
from tests.integration.grpc_stand import Serve


async def test_commands_show_their_certificate(serve: Serve, tmp_path: Path):
    """Law: with --cert-file and --key-file each command comes in, and without them none."""
    certificate, key = self_signed(tmp_path, "both")
    tls = TlsOptions(certificate, key, certificate)
    running = await serve(options=GrpcServerOptions(port=0, tls=tls))
    trusting = ("--target", f"127.0.0.1:{running.ports.grpc}", "--ca-file", str(certificate))
    showing = ("--cert-file", str(certificate), "--key-file", str(key))
    for command in (("moderate", "hello there"), ("categories",), ("health",)):
        shown = await gavel(*command, *trusting, *showing)
        assert shown.status == 0, shown.errors
    refused = await gavel("health", *trusting)
    assert refused.status == 1
    assert "UNAVAILABLE" in refused.errors
