"""What callers of the network may rely on, with one that waits for the test's word."""

import asyncio
import queue
import threading

import numpy as np
import pytest

from gaveld.adapters.image.nsfw_model.batcher import FrameBatcher, NetworkOverloaded
from tests.frames import frame_of, plain

PATIENCE_SECONDS = 60


class HeldNetwork:
    """A network whose one class is a frame's index; each batch waits for one release."""

    name = "held"

    def __init__(self) -> None:
        self.begun: queue.SimpleQueue[list[int]] = queue.SimpleQueue()
        self.threads: set[str] = set()
        self.failure: Exception | None = None
        self._permits = threading.Semaphore(0)

    def look_at(self, frames):
        numbers = [frame.index for frame in frames]
        self.threads.add(threading.current_thread().name)
        self.begun.put(numbers)
        assert self._permits.acquire(timeout=PATIENCE_SECONDS)
        if self.failure is not None:
            raise self.failure
        return np.array(numbers, np.float32)[:, None]

    def release(self, batches: int = 1) -> None:
        self._permits.release(batches)


def frame(number: int):
    return frame_of(plain(1, 2, 3, 2), number)


def ask(batcher: FrameBatcher, number: int) -> asyncio.Task:
    return asyncio.create_task(batcher.classes(frame(number)))


async def turn() -> None:
    """Return once every task that was made before has run as far as it can."""
    await asyncio.to_thread(lambda: None)


async def begun(network: HeldNetwork) -> list[int]:
    """The frames of the next batch that begins."""
    return await asyncio.to_thread(network.begun.get, timeout=PATIENCE_SECONDS)


@pytest.fixture
def network():
    return HeldNetwork()


@pytest.fixture
async def batcher(network):
    made = FrameBatcher(network, frames_a_batch=3, max_waiting=6)
    yield made
    network.release(1_000)
    await asyncio.to_thread(made.close)


async def test_an_idle_network_begins_at_once(batcher, network):
    """Law: nothing is waited for when there is nothing else to do."""
    first = ask(batcher, 7)
    assert await begun(network) == [7]
    network.release()
    assert (await first).tolist() == [7]


async def test_the_next_batch_fills_while_the_network_is_busy(batcher, network):
    """Law: what came in the meantime goes together, the oldest first, up to the limit."""
    tasks = [ask(batcher, 1)]
    await begun(network)
    tasks += [ask(batcher, number) for number in (2, 3, 4, 5)]
    await turn()
    network.release(3)
    assert await begun(network) == [2, 3, 4]
    assert await begun(network) == [5]
    assert [float(classes[0]) for classes in await asyncio.gather(*tasks)] == [1, 2, 3, 4, 5]
    assert len(network.threads) == 1


async def test_as_many_batches_run_as_there_are_threads(network):
    """Law: a second thread takes what waits while the first is busy."""
    batcher = FrameBatcher(network, threads=2)
    tasks = [ask(batcher, number) for number in (1, 2, 3)]
    assert sorted([*await begun(network), *await begun(network)]) == [1, 2]
    network.release(2)
    assert await begun(network) == [3]
    network.release()
    assert [float(classes[0]) for classes in await asyncio.gather(*tasks)] == [1, 2, 3]
    assert len(network.threads) == 2
    await asyncio.to_thread(batcher.close)


async def test_a_cancelled_caller_drops_out(batcher, network):
    """Law: what nobody waits for any more is not computed."""
    first = ask(batcher, 1)
    await begun(network)
    gone, stays = ask(batcher, 2), ask(batcher, 3)
    await turn()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    network.release(2)
    assert await begun(network) == [3]
    assert [float(classes[0]) for classes in await asyncio.gather(first, stays)] == [1, 3]


async def test_a_caller_that_leaves_a_running_batch_harms_nobody(batcher, network):
    """Law: the others of the batch get their answers."""
    blocker = ask(batcher, 0)
    await begun(network)
    gone, stays = ask(batcher, 1), ask(batcher, 2)
    await turn()
    network.release()
    assert await begun(network) == [1, 2]
    gone.cancel()
    network.release()
    await asyncio.gather(blocker, stays)
    assert float((await stays)[0]) == 2


async def test_too_many_are_refused(batcher, network):
    """Law: waiting is bounded, and whoever waits already is not harmed."""
    tasks = [ask(batcher, 0)]
    await begun(network)
    tasks += [ask(batcher, number) for number in range(6)]
    await turn()
    with pytest.raises(NetworkOverloaded):
        await batcher.classes(frame(9))
    network.release(10)
    assert len(await asyncio.gather(*tasks)) == 7


async def test_an_answer_of_another_length_ends_no_thread(batcher, network):
    """Law: whatever the network answers, its callers hear of it, and later ones get answers."""
    looked = network.look_at
    network.look_at = lambda frames: looked(frames)[1:]
    first = ask(batcher, 1)
    await begun(network)
    network.release()
    with pytest.raises(ValueError, match="longer"):
        await first
    network.look_at = looked
    after = ask(batcher, 2)
    await begun(network)
    network.release()
    assert (await after).tolist() == [2]


async def test_a_failure_reaches_the_callers_of_its_batch_alone(batcher, network):
    """Law: the network goes on after it failed."""
    network.failure = RuntimeError("out of memory")
    bad = ask(batcher, 1)
    await begun(network)
    network.release()
    with pytest.raises(RuntimeError, match="out of memory"):
        await bad
    network.failure = None
    good = ask(batcher, 2)
    await begun(network)
    network.release()
    assert float((await good)[0]) == 2


async def test_closing_refuses_what_waits(network):
    """Law: nobody waits for ever, neither now nor later."""
    batcher = FrameBatcher(network, frames_a_batch=1)
    running, waiting = ask(batcher, 1), ask(batcher, 2)
    await begun(network)
    closing = asyncio.create_task(asyncio.to_thread(batcher.close))
    with pytest.raises(RuntimeError, match="closed"):
        await waiting
    network.release()
    await closing
    assert float((await running)[0]) == 1
    with pytest.raises(RuntimeError, match="closed"):
        await batcher.classes(frame(3))
