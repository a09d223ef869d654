"""The guide to callbacks says what the code does, and its receiver verifies what Gavel sends."""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

from gaveld.adapters.web.callbacks import HttpCallbackSender
from gaveld.adapters.web.guard import GuardedTransport, SystemResolver
from gaveld.application.callback_secrets import callback_secret
from gaveld.domain.deliveries import RETRY_DELAYS_SECONDS, AttemptOutcome, Delivery, Disabled
from tests.fakes.secret_box import FakeSecretBox
from tests.unit.repo.test_docs import blocks, rows
from tests.unit.repo.tree import read

GUIDE = read("docs/callbacks.md")
SECRET = callback_secret(FakeSecretBox(), "my-project")


@contextmanager
def the_guides_receiver() -> Iterator[tuple[type[BaseHTTPRequestHandler], int]]:
    (example,) = blocks(GUIDE, "python")
    names: dict[str, type[BaseHTTPRequestHandler]] = {}
    exec(compile(example, "docs/callbacks.md", "exec"), names)
    receiver = type("Quiet", (names["Receiver"],), {"log_message": lambda *_: None})
    receiver.secret, receiver.handled = SECRET, {}
    server = HTTPServer(("127.0.0.1", 0), receiver)
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield receiver, server.server_port
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


async def outcomes(*deliveries: Delivery) -> list[AttemptOutcome]:
    resolver = SystemResolver()
    transport = GuardedTransport(resolver)
    sender = HttpCallbackSender(transport, internal_hosts=frozenset({"127.0.0.1"}))
    try:
        return [(await sender.send(delivery)).outcome for delivery in deliveries]
    finally:
        await transport.aclose()
        resolver.close()


def test_the_guides_receiver_takes_what_is_signed_once_and_nothing_else():
    """Law: the example verifies, drops repeats, and refuses what another secret signed."""
    with the_guides_receiver() as (receiver, port):
        good = Delivery(
            id="msg_1",
            project="my-project",
            event="content.decided",
            url=f"http://127.0.0.1:{port}/hook",
            body=b'{"content_id": "c1"}',
            secret=SECRET,
            created_at=datetime(2026, 11, 20, tzinfo=UTC),
        )
        forged = replace(good, id="msg_2", secret=callback_secret(FakeSecretBox(), "another"))
        found = asyncio.run(outcomes(good, good, forged))
    delivered = AttemptOutcome.DELIVERED
    assert found == [delivered, delivered, AttemptOutcome.REFUSED]
    assert receiver.handled == {"msg_1": {"content_id": "c1"}}


def test_every_outcome_is_explained():
    """Law: whoever sees an outcome in a metric finds it in the guide, and none that is not."""
    assert set(rows(GUIDE, "outcome")) == {outcome.value for outcome in AttemptOutcome}


def test_every_reason_to_disable_is_explained():
    """Law: both reasons of the metric are in the table of metrics."""
    table = rows(read("docs/operations.md"), "metric")
    said = " ".join(table["gavel_callback_receivers_disabled_total"])
    assert all(f"`{why.value}`" in said for why in Disabled)


def test_the_schedule_is_the_guides():
    """Law: the waits that the guide names are the waits that are made."""
    (said,) = re.findall(r"the next comes (.+?) hours later", GUIDE)
    seconds, minutes, hours = 1, 60, 3600
    units = [seconds, minutes, minutes, *[hours] * 6]
    numbers = [int(number) for number in re.findall(r"\d+", said)]
    assert [number * unit for number, unit in zip(numbers, units, strict=True)] == list(
        RETRY_DELAYS_SECONDS
    )
    assert f"{sum(RETRY_DELAYS_SECONDS) / 3600:.1f} hours after the first" in GUIDE
