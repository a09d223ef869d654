"""What happens when a real NATS is killed, hangs, loses its disk, or was never there."""

import asyncio
import shutil
from pathlib import Path

import pytest
from nats.aio.client import Client
from structlog.testing import capture_logs

from gaveld.adapters.nats.address import NatsAddress
from gaveld.adapters.nats.dispatcher import NatsJobDispatcher
from gaveld.adapters.nats.link import NatsLink
from gaveld.adapters.nats.metrics import NatsState
from gaveld.adapters.nats.stream import CONSUMER, MAX_DELIVERIES, StreamPlan
from tests.nats_server import PLAN, NatsServer, Watched, linked, running_nats

PATIENCE = 30.0


async def test_a_nats_that_is_killed_and_comes_back_loses_no_word():
    """Law: workers are told to ask the store meanwhile, and what NATS had is told when it is up."""
    metrics = Watched()
    with capture_logs() as logs:
        async with running_nats() as server, linked(server, metrics) as link:
            dispatcher = NatsJobDispatcher(link, poll_seconds=0.01)
            await dispatcher.publish(["kept"])
            await server.kill()
            await metrics.becomes(NatsState.DOWN)
            look = await dispatcher.next(PATIENCE)
            assert look is not None
            assert look.job_count == 0, "as many as there are"
            for answer in (look.working(), look.done(), look.give_back(1)):
                await answer
            await dispatcher.publish(["a", "b"])
            assert metrics.missed_words() == 2
            await server.start()
            await metrics.becomes(NatsState.UP)
            word = await dispatcher.next(PATIENCE)
            assert word is not None
            await word.done()
            assert await dispatcher.next(0.2) is None
    assert [line["event"] for line in logs] == ["nats_up", "nats_down", "nats_up"]


async def test_whoever_waits_is_told_of_the_loss_and_of_the_return():
    """Law: a worker that waits for word as NATS goes is told to ask the store, not kept waiting."""
    metrics = Watched()
    async with running_nats() as server, linked(server, metrics) as link:
        dispatcher = NatsJobDispatcher(link, poll_seconds=0.01)
        waiting = asyncio.create_task(dispatcher.next(3_600))
        await asyncio.sleep(0)
        await server.kill()
        assert await waiting is not None
        patient = NatsJobDispatcher(link, poll_seconds=3_600)
        waiting = asyncio.create_task(patient.next(3_600))
        await server.start()
        await metrics.becomes(NatsState.UP)
        await patient.publish(["a"])
        assert await waiting is not None


async def test_word_of_a_worker_that_died_goes_to_another():
    """Law: what nobody acknowledges within the lease is told again."""
    plan = StreamPlan("GAVEL_JOBS", "gavel.jobs", replicas=1, ack_seconds=1)
    async with running_nats() as server, linked(server, plan=plan) as other:
        async with linked(server, plan=plan) as mortal:
            dying = NatsJobDispatcher(mortal)
            await dying.publish(["a"])
            assert await dying.next(PATIENCE) is not None
        word = await NatsJobDispatcher(other).next(PATIENCE)
        assert word is not None
        await word.done()


async def test_work_that_goes_on_is_said_to_go_on():
    """Law: word of long work is kept from others by saying so, until it is done."""
    async with running_nats() as server, linked(server) as link, server.jetstream() as stream:
        answers = await stream._nc.subscribe(f"$JS.ACK.{PLAN.name}.{CONSUMER}.>")
        await stream._nc.flush()
        dispatcher = NatsJobDispatcher(link)
        await dispatcher.publish(["a"])
        word = await dispatcher.next(PATIENCE)
        assert word is not None
        await word.working()
        await word.working()
        await word.done()
        said = [(await answers.next_msg(PATIENCE)).data for _ in range(3)]
        assert said == [b"+WPI", b"+WPI", b"+ACK"]


async def test_the_same_word_twice_is_told_once():
    """Law: a word that sweepers on several machines send at the same time lies there once."""
    async with running_nats() as server, linked(server) as one, linked(server) as two:
        for link in (one, two, one):
            await NatsJobDispatcher(link).publish(["a"])
        word = await NatsJobDispatcher(two).next(PATIENCE)
        assert word is not None
        await word.done()
        assert await NatsJobDispatcher(one).next(0.2) is None


async def test_a_word_that_was_given_out_too_often_leaves_the_stream():
    """Law: redelivery is bounded, and nothing stays behind that nobody will be given."""
    async with running_nats() as server, linked(server) as link:
        dispatcher = NatsJobDispatcher(link)
        await dispatcher.publish(["a"])
        for _ in range(MAX_DELIVERIES):
            word = await dispatcher.next(PATIENCE)
            assert word is not None
            await word.give_back(0)
        assert await dispatcher.next(0.2) is None
        async with server.jetstream() as stream:
            assert (await stream.stream_info(PLAN.name)).state.messages == 0


async def test_a_nats_that_lost_its_disk_is_made_ready_again(tmp_path: Path):
    """Law: a stream that is gone, or differs from the settings, is set right by itself."""
    metrics, server = Watched(), NatsServer(tmp_path)
    await server.start()
    try:
        async with linked(server, metrics) as link:
            dispatcher = NatsJobDispatcher(link)
            await server.kill()
            await metrics.becomes(NatsState.DOWN)
            shutil.rmtree(tmp_path / "store")
            await server.start()
            await metrics.becomes(NatsState.UP)
            await dispatcher.publish(["a"])
            assert await dispatcher.next(PATIENCE) is not None
        changed = StreamPlan(PLAN.name, "gavel.others", replicas=1, ack_seconds=7)
        async with linked(server, plan=changed), server.jetstream() as stream:
            assert (await stream.stream_info(PLAN.name)).config.subjects == ["gavel.others"]
            assert (await stream.consumer_info(PLAN.name, CONSUMER)).config.ack_wait == 7
    finally:
        await server.kill()


async def test_a_stream_that_is_deleted_under_it_is_made_again():
    """Law: word that no stream takes is missed, and the stream is made anew without a restart."""
    metrics = Watched()
    async with running_nats() as server, linked(server, metrics) as link:
        dispatcher = NatsJobDispatcher(link)
        async with server.jetstream() as stream:
            await stream.delete_stream(PLAN.name)
        await dispatcher.publish(["a"])
        assert metrics.missed_words() == 1
        await link.until_up()
        await dispatcher.publish(["b"])
        assert await dispatcher.next(PATIENCE) is not None


async def test_a_full_stream_costs_a_word_and_not_the_connection():
    """Law: a word that an operator's own bound refuses is counted, and the next goes through."""
    metrics = Watched()
    async with running_nats() as server, linked(server, metrics) as link:
        dispatcher = NatsJobDispatcher(link)
        async with server.jetstream() as stream:
            config = (await stream.stream_info(PLAN.name)).config
            await stream.update_stream(config, max_msgs=1, discard="new")
        before = link.connection
        await dispatcher.publish(["a"])
        await dispatcher.publish(["b"])
        assert metrics.missed_words() == 1
        assert link.connection is before
        word = await dispatcher.next(PATIENCE)
        assert word is not None
        await word.done()


async def test_a_nats_that_hangs_is_taken_to_be_down():
    """Law: one that takes words and answers none is left, and tried again."""
    metrics = Watched()
    async with running_nats() as server, linked(server, metrics, ping_seconds=0.05) as link:
        server.freeze()
        await metrics.becomes(NatsState.DOWN)
        await NatsJobDispatcher(link).publish(["a"])
        assert metrics.missed_words() == 1
        await server.kill()


async def test_a_nats_that_is_not_there_stops_no_start(tmp_path: Path):
    """Law: opening fails for nobody, and words go once NATS is there."""
    metrics, server = Watched(), NatsServer(tmp_path)
    async with linked(server, metrics) as link:
        assert link.connection is None
        await server.start()
        try:
            await metrics.becomes(NatsState.UP)
            dispatcher = NatsJobDispatcher(link)
            await dispatcher.publish(["a"])
            assert await dispatcher.next(PATIENCE) is not None
        finally:
            await server.kill()


async def test_a_client_that_fails_unforeseen_is_tried_again(monkeypatch: pytest.MonkeyPatch):
    """Law: whatever the client raises, a start isn't kept waiting, and a connection is made."""
    faults = [asyncio.InvalidStateError("a secret"), AttributeError("a secret")]

    class Faulty(Client):
        async def connect(self, *given: object, **options: object) -> None:
            if faults:
                raise faults.pop()
            await super().connect(*given, **options)

        async def close(self) -> None:
            await super().close()
            raise AssertionError("a secret")

    monkeypatch.setattr("gaveld.adapters.nats.link.Client", Faulty)
    with capture_logs() as logs:
        async with asyncio.timeout(2 * PATIENCE), running_nats() as server, linked(server) as link:
            await link.until_up()
    assert [(line["event"], line.get("why")) for line in logs] == [
        ("nats_down", "AttributeError"),
        ("nats_up", None),
    ]


async def test_a_client_that_takes_a_cancellation_holds_up_no_end(
    monkeypatch: pytest.MonkeyPatch,
):
    """Law: a link that is closed ends, whatever its client makes of that: it connects no more."""
    connecting = asyncio.Event()

    class Deaf(Client):
        async def connect(self, *_: object, **__: object) -> None:
            connecting.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                raise AttributeError("a secret") from None

        async def close(self) -> None:
            pass

    monkeypatch.setattr("gaveld.adapters.nats.link.Client", Deaf)
    monkeypatch.setattr("gaveld.adapters.nats.link.CONNECT_SECONDS", 3_600)
    link = NatsLink(NatsAddress("nats://127.0.0.1:1"), PLAN, Watched(), retry_seconds=0)
    async with asyncio.timeout(2 * PATIENCE):
        opening = asyncio.create_task(link.open())
        await connecting.wait()
        await link.close()
        await opening


async def test_a_connection_that_fails_unforeseen_is_made_anew():
    """Law: what the client raises is nobody's error: the word is missed, or looked for instead."""

    async def fail(*_: object, **__: object) -> None:
        raise AttributeError("a secret")

    metrics = Watched()
    async with (
        asyncio.timeout(2 * PATIENCE),
        running_nats() as server,
        linked(server, metrics) as link,
    ):
        dispatcher = NatsJobDispatcher(link, poll_seconds=3_600)
        first = await link.until_up()
        first.stream.publish = fail
        await dispatcher.publish(["a"])
        assert metrics.missed_words() == 1
        second = await link.until_up()
        assert second is not first
        second.words.one = fail
        asked = asyncio.create_task(dispatcher.next(3_600))
        await second.lost.wait()
        await link.until_up()
        await dispatcher.publish(["b"])
        word = await asked
        assert word is not None
        assert word.job_count == 1
        assert metrics.missed_words() == 1
