"""HTTPS and secure WebSockets from files, and what happens when the files change."""

import ssl
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect

from gaveld.transport.rest import Certificates
from tests.certificates import self_signed
from tests.integration.rest.conftest import Rest, ServeRest


class Files:
    """The pair that a server follows, changed by renaming as a rotation does."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.certificate_file, self.key_file = folder / "tls.crt", folder / "tls.key"

    def issue(self, name: str) -> Path:
        """Make a pair of this name, kept beside those that are served; return its certificate."""
        return self_signed(self._folder, name)[0]

    def serve(self, certificate: str, key: str | None = None) -> None:
        """Put the certificate of one pair, and the key of another if so named, into service."""
        for source, target in (
            (f"{certificate}.crt", self.certificate_file),
            (f"{key or certificate}.key", self.key_file),
        ):
            new = target.with_suffix(".new")
            new.write_bytes((self._folder / source).read_bytes())
            new.replace(target)

    @property
    def options(self) -> dict[str, Certificates]:
        return {"certificates": Certificates(self.certificate_file, self.key_file)}


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def status(rest: Rest, trusted: Path) -> int:
    """Return the status of a call over a new connection by one who trusts a certificate."""
    context = ssl.create_default_context(cafile=trusted)
    async with httpx2.AsyncClient(verify=context, trust_env=False) as client:
        return (await client.get(f"https://127.0.0.1:{rest.port}/probe/query")).status_code


async def test_https_serves_those_who_trust_it(serve_rest: ServeRest, files: Files):
    """Law: TLS serves those who trust its certificate, and nobody in plain text."""
    ours, theirs = files.issue("ours"), files.issue("theirs")
    files.serve("ours")
    rest = await serve_rest(server_options=files.options)
    assert await status(rest, ours) == 200
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await status(rest, theirs)
    with pytest.raises(httpx2.TransportError):
        await rest.client.get("/probe/query")


async def test_websockets_are_secure_too(serve_rest: ServeRest, files: Files):
    """Law: a stream opens over the same TLS as a call."""
    context = ssl.create_default_context(cafile=files.issue("ours"))
    files.serve("ours")
    rest = await serve_rest(server_options=files.options)
    address = f"wss://127.0.0.1:{rest.port}/probe/talk"
    async with connect(address, ssl=context, proxy=None) as socket:
        await socket.send("")
        await socket.wait_closed()
    assert socket.close_code == 1000


async def test_new_files_serve_the_next_connection(serve_rest: ServeRest, files: Files):
    """Law: a rotated certificate is served from the next connection on, without a restart."""
    old, new = files.issue("old"), files.issue("new")
    files.serve("old")
    rest = await serve_rest(server_options=files.options)
    assert await status(rest, old) == 200
    files.serve("new")
    assert await status(rest, new) == 200
    with pytest.raises(httpx2.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        await status(rest, old)


async def test_files_that_do_not_fit_leave_the_old_pair_in_service(
    serve_rest: ServeRest, files: Files
):
    """Law: a half-written rotation harms nobody; once it is whole, it is taken up."""
    old, new = files.issue("old"), files.issue("new")
    files.serve("old")
    rest = await serve_rest(server_options=files.options)
    files.serve("new", key="old")
    assert await status(rest, old) == 200
    files.certificate_file.unlink()
    assert await status(rest, old) == 200
    files.serve("new")
    assert await status(rest, new) == 200


def test_files_that_do_not_fit_are_found_out_at_the_start(files: Files):
    """Law: there is no server whose first pair does not fit together."""
    files.issue("ours")
    files.issue("theirs")
    files.serve("ours", key="theirs")
    with pytest.raises(OSError, match="KEY_VALUES_MISMATCH"):
        Certificates(files.certificate_file, files.key_file)
