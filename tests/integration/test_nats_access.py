"""How a real NATS that lets in few knows us: by passwords, credentials and certificates."""

import asyncio
from pathlib import Path

import pytest

from gaveld.adapters.nats.address import NatsAddress
from gaveld.adapters.nats.dispatcher import NatsJobDispatcher
from gaveld.adapters.nats.metrics import NatsState
from tests.certificates import self_signed
from tests.nats_accounts import guarded
from tests.nats_server import PLAN, NatsServer, Watched, linked, running_nats

PATIENCE = 30.0
PASSWORD = "authorization: {user: gavel, password: 'first'}"


async def told(server: NatsServer, address: NatsAddress) -> bool:
    """Whether words go through."""
    async with linked(server, address=address) as link:
        dispatcher = NatsJobDispatcher(link)
        await dispatcher.publish(["a"])
        return link.connection is not None and await dispatcher.next(PATIENCE) is not None


def written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


@pytest.fixture
def password(tmp_path: Path) -> Path:
    return written(tmp_path / "password", "first\n")


def as_user(server: NatsServer, scheme: str = "nats") -> str:
    return f"{scheme}://gavel@127.0.0.1:{server.port}"


async def test_a_password_lets_in_and_may_change(password: Path):
    """Law: a wrong password is an outage, which ends when the file holds the right one."""
    metrics = Watched()
    async with running_nats(PASSWORD) as server:
        address = NatsAddress(as_user(server), password_file=password)
        assert await told(server, address)
        written(password, "second")
        async with linked(server, metrics, address=address) as link:
            assert link.connection is None
            await NatsJobDispatcher(link).publish(["a"])
            assert metrics.missed_words() == 1
            written(password, "first")
            await metrics.becomes(NatsState.UP)
        assert not await told(server, NatsAddress(server.url))


async def test_an_account_of_its_own_needs_no_more_than_the_guide_says(password: Path):
    """Law: what docs/operations.md tells operators to permit is enough."""
    permitted = 'publish: ["gavel.jobs", "$JS.API.>", "$JS.ACK.>"], subscribe: ["_INBOX.>"]'
    user = f"{{user: gavel, password: first, permissions: {{{permitted}}}}}"
    async with running_nats(f"authorization: {{users: [{user}]}}") as server:
        address = NatsAddress(as_user(server), password_file=password)
        async with linked(server, address=address) as link:
            dispatcher = NatsJobDispatcher(link)
            await dispatcher.publish(["a"])
            word = await dispatcher.next(PATIENCE)
            assert word is not None
            await word.done()
        async with server.jetstream("gavel", "first") as stream:
            assert (await stream.stream_info(PLAN.name)).state.messages == 0


async def test_credentials_let_in(tmp_path: Path):
    """Law: a file of NATS' credentials is proof enough, and without it nobody comes in."""
    config, credentials = guarded()
    file = written(tmp_path / "gavel.creds", credentials)
    async with running_nats(config) as server:
        assert await told(server, NatsAddress(server.url, credentials_file=file))
        assert not await told(server, NatsAddress(server.url))
        written(file, "something else")
        assert not await told(server, NatsAddress(server.url, credentials_file=file))


async def test_certificates_prove_both_sides(tmp_path: Path):
    """Law: over TLS the server's name is verified, and ours is shown where it is asked for."""
    certificate, key = self_signed(tmp_path, "nats")
    ours, our_key = self_signed(tmp_path, "gavel")
    tls = f"cert_file: '{certificate}', key_file: '{key}', ca_file: '{ours}', verify: true"
    async with running_nats(f"tls: {{{tls}}}") as server:
        url = as_user(server, "tls")
        known = NatsAddress(url, ca_file=certificate, certificate_file=ours, key_file=our_key)
        assert await told(server, known)
        assert not await told(server, NatsAddress(url, ca_file=certificate))
        stranger = NatsAddress(url, ca_file=ours, certificate_file=ours, key_file=our_key)
        assert not await told(server, stranger)


async def test_no_password_is_told_in_the_clear(password: Path, tmp_path: Path):
    """Law: with ``tls://``, a server that doesn't encrypt never hears the password."""
    heard = bytearray()
    listening: list[asyncio.Task[None]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"version": "2.15.1", "auth_required": true, "max_payload": 1}\r\n')
        heard.extend(await reader.read())
        writer.close()

    def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listening.append(asyncio.ensure_future(talk(reader, writer)))

    certificate, _ = self_signed(tmp_path, "nats")
    impostor = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with impostor:
        port = impostor.sockets[0].getsockname()[1]
        server = NatsServer(tmp_path)
        server.port = port
        address = NatsAddress(as_user(server, "tls"), password_file=password, ca_file=certificate)
        assert not await told(server, address)
        await asyncio.gather(*listening)
    assert b"first" not in heard
