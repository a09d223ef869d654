"""What the settings make of NATS: none by default, the metric that says so, and a real one."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from pydantic import ValidationError

from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.bootstrap.nats import open_nats
from gaveld.bootstrap.settings import NatsSettings
from tests.nats_server import running_nats


def state(telemetry: PrometheusTelemetry) -> str:
    """The one state that the metric shows."""
    (shown,) = [
        name
        for name in ("off", "up", "down")
        if telemetry.registry.get_sample_value("gavel_nats_state", {"state": name})
    ]
    return shown


async def test_without_nats_there_is_none():
    """Law: no NATS is the default, and the metric says so."""
    telemetry = PrometheusTelemetry()
    async with AsyncExitStack() as stack:
        assert await open_nats(NatsSettings(), stack, telemetry, lease_seconds=30) is None
    assert state(telemetry) == "off"


async def test_words_go_over_the_nats_that_is_named(tmp_path: Path):
    """Law: stream, subject and lease are the settings', and a password's file is used."""
    password = tmp_path / "password"
    password.write_text("ours")
    telemetry = PrometheusTelemetry()
    async with running_nats("authorization: {user: gavel, password: ours}") as server:
        settings = NatsSettings(
            url=server.url.replace("//", "//gavel@"),
            password_file=password,
            stream="OTHERS",
            subject="others.jobs",
        )
        async with AsyncExitStack() as stack:
            dispatcher = await open_nats(settings, stack, telemetry, lease_seconds=7)
            assert state(telemetry) == "up"
            assert dispatcher is not None
            await dispatcher.publish(["a"])
            assert await dispatcher.next(30) is not None
            async with server.jetstream("gavel", "ours") as stream:
                assert (await stream.stream_info("OTHERS")).config.subjects == ["others.jobs"]
                assert (await stream.consumer_info("OTHERS", "workers")).config.ack_wait == 7


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"url": "http://nats:4222"}, "must be a URL such as"),
        ({"url": "nats://"}, "must be a URL such as"),
        ({"url": "nats://nats:4222/stream"}, "nothing follows the host"),
        ({"url": "nats://gavel:secret@nats:4222"}, "belongs into password_file"),
        ({"url": "nats://nats:0"}, "port 0"),
        ({"password_file": __file__}, "need url"),
        (
            {"url": "nats://n", "password_file": __file__, "credentials_file": __file__},
            "choose one",
        ),
        ({"url": "tls://n", "certificate_file": __file__}, "go together"),
        ({"url": "nats://n", "ca_file": __file__}, "begins with tls://"),
        ({"url": "nats://n", "stream": "a.b"}, "stream"),
        ({"url": "nats://n", "subject": "jobs.*"}, "subject"),
        ({"url": "nats://n", "replicas": 6}, "replicas"),
    ],
)
def test_what_can_not_be_is_refused(given: dict, said: str):
    """Law: settings that say two things, or nothing usable, are refused in words."""
    with pytest.raises(ValidationError, match=said):
        NatsSettings(**given)
