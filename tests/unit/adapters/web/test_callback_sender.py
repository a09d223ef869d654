"""Callbacks are sent once, signed, to hosts that may be reached, and no receiver holds them up."""

import asyncio
import gzip
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpcore2
import pytest
from standardwebhooks import Webhook

from gaveld.adapters.web.callbacks import HttpCallbackSender
from gaveld.adapters.web.guard import GuardedTransport, Resolver, SystemResolver
from gaveld.application.ports import Attempt
from gaveld.domain.deliveries import AttemptOutcome, Delivery
from tests.callback_receiver import Answer, Arrival, Receiver, receiving, says
from tests.certificates import self_signed
from tests.fetch_target import PUBLIC, Names, Network
from tests.unit.adapters.web.test_guard import SPELLINGS

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"content": {"id": "c1", "text": "Grüße"}}'.encode()
LOOPBACK = frozenset({"127.0.0.1"})
AT = 1_795_350_000.7


def delivery(url: str, *, secret: str = SECRET, **headers: str) -> Delivery:
    return Delivery(
        id="msg_1",
        project="shop",
        event="content.decided",
        url=url,
        body=BODY,
        secret=secret,
        created_at=datetime(2026, 11, 20, tzinfo=UTC),
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


@asynccontextmanager
async def sending(
    names: Resolver | None = None,
    network: httpcore2.AsyncNetworkBackend | None = None,
    tls: ssl.SSLContext | None = None,
    **settings: object,
) -> AsyncIterator[HttpCallbackSender]:
    """A sender over given names and network; those of the system where none are given."""
    system = SystemResolver()
    transport = GuardedTransport(names or system, network=network, ssl_context=tls)
    try:
        yield HttpCallbackSender(transport, **settings)
    finally:
        await transport.aclose()
        system.close()


@asynccontextmanager
async def to_receiver(
    answer: Answer | None = None, **settings: object
) -> AsyncIterator[tuple[HttpCallbackSender, Receiver, str]]:
    """A receiver on loopback, a sender that may reach it, and its URL."""
    async with receiving(answer) as receiver:
        asked = {"internal_hosts": LOOPBACK, **settings}
        async with sending(**asked) as sender:
            yield sender, receiver, f"http://127.0.0.1:{receiver.port}/hook?for=shop"


async def test_a_callback_is_signed_as_the_published_verifier_expects():
    """Law: id, fresh timestamp and signature of the very bytes that were sent."""
    async with to_receiver(now=lambda: AT) as (sender, receiver, url):
        attempt = await sender.send(delivery(url, x_static="Tøken"))
    assert attempt == Attempt(AttemptOutcome.DELIVERED, 204)
    (arrived,) = receiver.arrivals
    assert (arrived.method, arrived.path, arrived.body) == ("POST", "/hook?for=shop", BODY)
    assert arrived.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert arrived.headers["content-type"] == "application/json"
    assert arrived.headers["webhook-id"] == "msg_1"
    assert arrived.headers["webhook-timestamp"] == "1795350000"
    assert arrived.headers["x-static"].encode("latin-1").decode() == "Tøken"
    theirs = Webhook(SECRET).sign("msg_1", datetime.fromtimestamp(AT, UTC), BODY.decode())
    assert arrived.headers["webhook-signature"] == theirs


@pytest.mark.parametrize("secret", ["a secret in words, unencoded", "whsec_not*base64"])
async def test_a_secret_that_is_no_key_is_its_text(secret: str):
    """Law: raw text signs as its bytes."""
    async with to_receiver() as (sender, receiver, url):
        await sender.send(delivery(url, secret=secret))
    (arrived,) = receiver.arrivals
    Webhook(secret.encode()).verify(arrived.body, dict(arrived.headers))


async def test_every_attempt_has_a_timestamp_of_its_own():
    """Law: the id stays, the time is the attempt's, and so is the signature."""
    times = iter([AT, AT + 300])
    async with to_receiver(now=lambda: next(times)) as (sender, receiver, url):
        for _ in range(2):
            await sender.send(delivery(url))
    first, second = receiver.arrivals
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert second.headers["webhook-timestamp"] == "1795350300"
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


async def test_static_headers_override_nothing_of_ours():
    """Law: an action can add headers and name its own agent, and forge none that Gavel sends."""
    forged = {
        "Webhook-Id": "msg_2",
        "WEBHOOK-SIGNATURE": "v1,AAAA",
        "webhook-timestamp": "1",
        "webhook-extra": "no",
        "Host": "inside.example",
        "Content-Length": "3",
        "content-type": "text/plain",
        "Transfer-Encoding": "chunked",
        "Connection": "close",
        "Proxy-Authorization": "no",
    }
    async with to_receiver() as (sender, receiver, url):
        asked = delivery(url, **forged, authorization="Bearer t", user_agent="theirs")
        assert (await sender.send(asked)).status == 204
    (arrived,) = receiver.arrivals
    Webhook(SECRET).verify(arrived.body, dict(arrived.headers))
    assert arrived.body == BODY
    assert arrived.headers["authorization"] == "Bearer t"
    assert arrived.headers["user-agent"] == "theirs"
    assert arrived.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert arrived.headers["content-type"] == "application/json"
    for name in ("webhook-extra", "transfer-encoding", "proxy-authorization"):
        assert name not in arrived.headers


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, AttemptOutcome.DELIVERED),
        (202, AttemptOutcome.DELIVERED),
        (299, AttemptOutcome.DELIVERED),
        (300, AttemptOutcome.REDIRECTED),
        (301, AttemptOutcome.REDIRECTED),
        (304, AttemptOutcome.REDIRECTED),
        (308, AttemptOutcome.REDIRECTED),
        (400, AttemptOutcome.REFUSED),
        (404, AttemptOutcome.REFUSED),
        (410, AttemptOutcome.GONE),
        (429, AttemptOutcome.THROTTLED),
        (500, AttemptOutcome.FAILED),
        (503, AttemptOutcome.THROTTLED),
        (599, AttemptOutcome.FAILED),
    ],
)
async def test_what_a_status_means(status: int, outcome: AttemptOutcome):
    """Law: 2xx alone is delivered; 410 is the end; 429 and 503 ask for patience."""
    async with to_receiver(says(status)) as (sender, _, url):
        attempt = await sender.send(delivery(url))
    assert (attempt.outcome, attempt.status) == (outcome, status)


@pytest.mark.parametrize(
    ("status", "value", "seconds"),
    [
        (429, "120", 120.0),
        (503, " 0 ", 0.0),
        (503, "Sun, 22 Nov 2026 12:21:00 GMT", 660.0),
        (429, "Sat, 01 Jan 2000 00:00:00 GMT", 0.0),
        (429, "soon", None),
        (429, "-5", None),
        (429, "", None),
        (429, "9" * 400, 999_999_999.0),
        (429, f"Sun, 22 Nov {'9' * 20} 12:21:00 GMT", None),
        (429, f"Sun, 22 Nov 2026 12:21:00 +{'9' * 20}", None),
        (500, "120", None),
    ],
)
async def test_when_a_receiver_asks_to_be_left_alone(status: int, value: str, seconds):
    """Law: Retry-After counts in both its forms, of 429 and 503 alone, and nonsense is none."""
    noon = datetime(2026, 11, 22, 12, 10, tzinfo=UTC).timestamp()
    answer = says(status, retry_after=value)
    async with to_receiver(answer, now=lambda: noon) as (sender, _, url):
        assert (await sender.send(delivery(url))).retry_after_seconds == seconds


async def test_redirects_are_not_followed():
    """Law: wherever a receiver points, nothing is sent there."""
    async with receiving() as inside:
        elsewhere = says(307, location=f"http://127.0.0.1:{inside.port}/")
        async with to_receiver(elsewhere) as (sender, receiver, url):
            attempt = await sender.send(delivery(url))
    assert attempt == Attempt(AttemptOutcome.REDIRECTED, 307, "http_status")
    assert len(receiver.arrivals) == 1
    assert inside.connections == 0


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_no_spelling_leads_inside(spelling: str):
    """Law: however an address is written, no connection to it is opened."""
    async with receiving() as receiver:
        network = Network(receiver.port)
        async with sending(network=network) as sender:
            attempt = await sender.send(delivery(f"http://{spelling}/"))
    assert attempt.outcome in (AttemptOutcome.NOT_ALLOWED, AttemptOutcome.UNREACHABLE)
    assert attempt.error in (
        "address_not_public",
        "address_malformed",
        "credentials_in_address",
        "name_not_resolved",
    )
    assert network.reached == []
    assert receiver.connections == 0


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "::1", "fd00::1"])
async def test_names_that_change_lead_nowhere(inside: str):
    """Law: what was checked is what is reached, and each connection is checked anew."""
    async with receiving(says(204, connection="close")) as receiver:
        network = Network(receiver.port)
        names = Names(hook_example=[[PUBLIC], [inside]])
        async with sending(names, network) as sender:
            first = await sender.send(delivery("http://hook.example/"))
            second = await sender.send(delivery("http://hook.example:8080/"))
    assert first.outcome is AttemptOutcome.DELIVERED
    assert second == Attempt(AttemptOutcome.NOT_ALLOWED, error="address_not_public")
    assert network.reached == [(PUBLIC, 80)]


async def test_internal_hosts_are_reached_by_their_name_alone():
    """Law: the operator's exceptions are hosts as URLs spell them; metadata is none ever."""
    async with receiving() as receiver:
        network = Network(receiver.port)
        names = Names(inside_example=[["10.0.0.1"]], meta_example=[["169.254.169.254"]])
        inside = frozenset({"inside.example", "meta.example"})
        async with sending(names, network, internal_hosts=inside) as sender:
            named = await sender.send(delivery("http://INSIDE.example:9000/"))
            address = await sender.send(delivery("http://10.0.0.1:9000/"))
            metadata = await sender.send(delivery("http://meta.example/"))
    assert named.outcome is AttemptOutcome.DELIVERED
    assert address.outcome is AttemptOutcome.UNREACHABLE
    assert metadata.outcome is AttemptOutcome.NOT_ALLOWED
    assert network.reached == [("10.0.0.1", 9000)]


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("ftp://hook.example/", "scheme_not_allowed"),
        ("http://user:word@hook.example/", "credentials_in_address"),
        ("http://hook.example:25/", "port_not_allowed"),
        ("http://hook.example/a b", "address_malformed"),
        ("http://hook.example/\r\nx: y", "address_malformed"),
    ],
)
async def test_what_is_no_receiver(url: str, error: str):
    """Law: only plain web addresses are sent to, and nothing is looked up for others."""
    names = Names(hook_example=[[PUBLIC]])
    async with sending(names, Network(1)) as sender:
        assert await sender.send(delivery(url)) == Attempt(AttemptOutcome.NOT_ALLOWED, error=error)
    assert names.asked == []


@pytest.mark.parametrize("facts", [{"secret": ""}, {"x_bad": "a\r\nhost: b"}, {"x_bad": "\x00"}])
async def test_what_cant_be_signed_or_sent_is_not_sent(facts):
    """Law: nothing goes out unsigned, and no header makes two."""
    async with to_receiver() as (sender, receiver, url):
        attempt = await sender.send(delivery(url, **facts))
    assert attempt == Attempt(AttemptOutcome.NOT_ALLOWED, error="request_malformed")
    assert receiver.arrivals == []


async def drips(_: Arrival, writer: asyncio.StreamWriter) -> None:
    """A head that never ends, a byte at a time."""
    writer.write(b"HTTP/1.1 200 X\r\nx-slow: ")
    while True:
        writer.write(b"a")
        await writer.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(0.02):
                await asyncio.Event().wait()


async def hangs(_: Arrival, __: asyncio.StreamWriter) -> None:
    """Nothing, for ever."""
    await asyncio.Event().wait()


@pytest.mark.parametrize("answer", [drips, hangs])
async def test_no_receiver_holds_an_attempt_longer_than_its_timeout(answer: Answer):
    """Law: the timeout is the whole attempt's, however busy the connection looks."""
    async with to_receiver(answer, timeout_seconds=0.3) as (sender, _, url):
        async with asyncio.timeout(10):
            attempt = await sender.send(delivery(url))
    assert attempt == Attempt(AttemptOutcome.TIMED_OUT, error="timed_out")


async def floods(_: Arrival, writer: asyncio.StreamWriter) -> None:
    """A good status and a body without an end."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 99999999999\r\n\r\n")
    while True:
        writer.write(b"a" * 65_536)
        await writer.drain()


async def dawdles(_: Arrival, writer: asyncio.StreamWriter) -> None:
    """A good status and a body that does not come."""
    writer.write(b"HTTP/1.1 200 X\r\ncontent-length: 10\r\n\r\n")
    await asyncio.Event().wait()


async def explodes(arrival: Arrival, writer: asyncio.StreamWriter) -> None:
    """A good status and a small body that would be a large one if anybody unpacked it."""
    await says(200, gzip.compress(bytes(1 << 24)), content_encoding="gzip")(arrival, writer)


@pytest.mark.parametrize("answer", [floods, dawdles, explodes])
async def test_bodies_are_neither_read_nor_waited_for(answer: Answer):
    """Law: the status decides; a body of any size or speed changes nothing."""
    async with to_receiver(answer) as (sender, receiver, url):
        async with asyncio.timeout(10):
            attempt = await sender.send(delivery(url))
    assert attempt == Attempt(AttemptOutcome.DELIVERED, 200)
    assert receiver.connections == 1


async def resets(_: Arrival, writer: asyncio.StreamWriter) -> None:
    """A reset instead of an answer."""
    opened = writer.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def raw(data: bytes) -> Answer:
    async def answer(_: Arrival, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.close()

    return answer


@pytest.mark.parametrize(
    ("answer", "outcomes"),
    [
        (resets, {AttemptOutcome.UNREACHABLE}),
        (raw(b""), {AttemptOutcome.FAILED, AttemptOutcome.UNREACHABLE}),
        (raw(b"SSH-2.0-OpenSSH_9\r\n"), {AttemptOutcome.FAILED}),
        (raw(b"HTTP/1.1 2"), {AttemptOutcome.FAILED}),
        (raw(b"HTTP/1.1 200 X\r\n" + b"x: y\r\n" * 100_000), {AttemptOutcome.FAILED}),
        (raw(b"HTTP/1.1 200 X\r\ncontent-length: nine\r\n\r\n"), {AttemptOutcome.FAILED}),
    ],
    ids=["reset", "closed", "not HTTP", "cut off", "endless head", "bad length"],
)
async def test_hostile_answers_are_failures(answer: Answer, outcomes: set[AttemptOutcome]):
    """Law: whatever comes back, or nothing, the sender says so and raises nothing."""
    async with to_receiver(answer) as (sender, _, url):
        attempt = await sender.send(delivery(url))
    assert attempt.outcome in outcomes
    assert attempt.status == 0
    assert attempt.error in ("response_malformed", "connection_lost")


async def test_nobody_there():
    """Law: a closed port is unreachable."""
    async with to_receiver() as (sender, _, url):
        pass
    async with sending(internal_hosts=LOOPBACK) as sender:
        attempt = await sender.send(delivery(url))
    assert attempt == Attempt(AttemptOutcome.UNREACHABLE, error="connection_failed")


async def test_callbacks_to_one_receiver_share_a_connection():
    """Law: a receiver that ends its answers is not dialled for each callback."""
    async with to_receiver(says(200, b"thanks")) as (sender, receiver, url):
        for _ in range(5):
            await sender.send(delivery(url))
    assert (len(receiver.arrivals), receiver.connections) == (5, 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
async def test_tls_verifies_the_receivers_name(tmp_path: Path, host: str):
    """Law: a trusted authority is not enough; the certificate must be the named host's."""
    certificate, key = self_signed(tmp_path, "receiver")
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(certificate, key)
    trusted = ssl.create_default_context(cafile=str(certificate))
    async with receiving(tls=served) as receiver:
        inside = frozenset({"127.0.0.1", "localhost"})
        async with sending(tls=trusted, internal_hosts=inside) as sender:
            attempt = await sender.send(delivery(f"https://{host}:{receiver.port}/"))
        async with sending(internal_hosts=inside) as sender:
            distrusted = await sender.send(delivery(f"https://{host}:{receiver.port}/"))
    is_named = host == "127.0.0.1"  # the only name that the certificate has
    failed = Attempt(AttemptOutcome.UNREACHABLE, error="tls_failed")
    assert attempt == (Attempt(AttemptOutcome.DELIVERED, 204) if is_named else failed)
    assert distrusted == failed
    assert len(receiver.arrivals) == (1 if is_named else 0)
