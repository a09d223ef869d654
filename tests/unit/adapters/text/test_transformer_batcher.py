"""What callers of one engine may rely on, with an engine that waits for the test's word."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.adapters.text.transformer_model.batcher import (
    BUCKET_TOKENS,
    WASTED_TOKENS,
    Batcher,
    BatchRun,
    EngineOverloaded,
    choose,
    pad,
    padded,
)
from gaveld.adapters.text.transformer_model.engine import Ids
from gaveld.adapters.text.transformer_model.standing_back import NICENESS
from tests.fakes.engine import FakeEngine

PATIENCE_SECONDS = 60
LEAST_PRIORITY = 19
"""Linux knows no thread that stands back further."""


def passage(*ids: int) -> Ids:
    return np.array(ids, np.int64)


def ask(batcher: Batcher, *ids: int) -> asyncio.Task:
    return asyncio.create_task(batcher.read(passage(*ids)))


async def begun(engine: FakeEngine) -> list[tuple[int, ...]]:
    """The passages of the next batch that begins, sorted."""
    return sorted(await asyncio.to_thread(engine.begun.get, timeout=PATIENCE_SECONDS))


async def turn() -> None:
    """Return once every task that was made before has run as far as it can."""
    await asyncio.to_thread(lambda: None)


Stand = Callable[..., tuple[Batcher, FakeEngine]]


@pytest.fixture
async def stand() -> AsyncIterator[Stand]:
    """Make batchers on engines that hold, and close them after the test."""
    made: list[tuple[Batcher, FakeEngine]] = []

    def make(*, hold: bool = True, lanes: int = 1, **limits) -> tuple[Batcher, FakeEngine]:
        engine = FakeEngine(hold=hold, lanes=lanes)
        made.append((Batcher(engine, **limits), engine))
        return made[-1]

    yield make
    for batcher, engine in made:
        engine.release(1_000)
        await asyncio.to_thread(batcher.close)


async def test_an_idle_engine_begins_at_once(stand: Stand):
    """Law: nothing is waited for when the engine has nothing to do."""
    batcher, engine = stand()
    first = ask(batcher, 1, 2)
    assert await begun(engine) == [(1, 2)]
    engine.release()
    assert (await first).labels.tolist() == [3.0]


async def test_the_next_batch_fills_while_the_engine_is_busy(stand: Stand):
    """Law: whatever has arrived when the engine is free goes together."""
    batcher, engine = stand()
    first = ask(batcher, 1)
    await begun(engine)
    others = [ask(batcher, number, number) for number in (2, 3, 4)]
    await turn()
    engine.release(2)
    assert await begun(engine) == [(2, 2), (3, 3), (4, 4)]
    answers = await asyncio.gather(first, *others)
    assert [answer.labels.tolist() for answer in answers] == [[1.0], [4.0], [6.0], [8.0]]


async def test_lanes_work_side_by_side(stand: Stand):
    """Law: while a lane is free nobody waits for another's batch; then the next batch fills."""
    batcher, engine = stand(lanes=2)
    asks = []
    for number in (1, 2):
        asks.append(ask(batcher, number))
        assert await begun(engine) == [(number,)]
    asks += [ask(batcher, number) for number in (3, 4)]
    same = ask(batcher, 2)
    await turn()
    engine.release(3)
    assert await begun(engine) == [(3,), (4,)]
    answers = await asyncio.gather(*asks, same)
    assert [answer.labels.tolist() for answer in answers] == [[1.0], [2.0], [3.0], [4.0], [2.0]]
    assert engine.threads == {"gavel-engine-0", "gavel-engine-1"}


async def test_an_answer_has_no_padding(stand: Stand):
    """Law: tokens are the passage's own, however far its batch was padded."""
    batcher, engine = stand()
    asks = [ask(batcher, 9)]
    await begun(engine)
    asks += [ask(batcher, 5, 6), ask(batcher, *range(1, BUCKET_TOKENS + 2))]
    await turn()
    engine.release(2)
    answers = await asyncio.gather(*asks)
    assert answers[1].tokens[:, 0].tolist() == [5.0, 6.0]
    assert engine.shapes == [(1, BUCKET_TOKENS), (2, 2 * BUCKET_TOKENS)]


@pytest.mark.parametrize("is_running", [True, False])
async def test_equal_passages_are_computed_once(stand: Stand, is_running: bool):
    """Law: single flight, whether the first is computed already or still waits."""
    batcher, engine = stand()
    if not is_running:
        blocker = ask(batcher, 99)
        await begun(engine)
    first = ask(batcher, 7, 7)
    if is_running:
        await begun(engine)
    second = ask(batcher, 7, 7)
    await turn()
    engine.release(2)
    assert (await first).labels.tolist() == (await second).labels.tolist() == [14.0]
    assert sum(batch.count((7, 7)) for batch in engine.batches) == 1
    if not is_running:
        await blocker


async def test_a_cancelled_caller_drops_out(stand: Stand):
    """Law: what nobody wants any more is never computed."""
    batcher, engine = stand()
    first = ask(batcher, 1)
    await begun(engine)
    gone, stays = ask(batcher, 2), ask(batcher, 3)
    await turn()
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    engine.release(2)
    await asyncio.gather(first, stays)
    assert engine.batches == [[(1,)], [(3,)]]


async def test_one_caller_leaving_does_not_take_the_others_answer(stand: Stand):
    """Law: a passage is computed for as long as anybody wants it."""
    batcher, engine = stand()
    first = ask(batcher, 1)
    await begun(engine)
    gone, stays = ask(batcher, 2), ask(batcher, 2)
    await turn()
    gone.cancel()
    engine.release(2)
    assert (await stays).labels.tolist() == [2.0]
    await first


async def test_leaving_a_running_batch_leaves_the_engine_in_order(stand: Stand):
    """Law: a result that nobody waits for is dropped, and the next batch runs."""
    batcher, engine = stand()
    gone = ask(batcher, 1)
    await begun(engine)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    after = ask(batcher, 2)
    engine.release(2)
    assert (await after).labels.tolist() == [2.0]


async def test_the_queue_is_bounded(stand: Stand):
    """Law: one more than may wait is refused at once; equal ones and freed places are not."""
    batcher, engine = stand(max_waiting=2)
    running = ask(batcher, 1)
    await begun(engine)
    waiting = [ask(batcher, 2), ask(batcher, 3)]
    await turn()
    with pytest.raises(EngineOverloaded):
        await batcher.read(passage(4))
    same = ask(batcher, 3)
    await turn()
    waiting.pop(0).cancel()
    await turn()
    late = ask(batcher, 4)
    await turn()
    engine.release(2)
    answers = await asyncio.gather(running, *waiting, same, late)
    assert [answer.labels.tolist() for answer in answers] == [[1.0], [3.0], [3.0], [4.0]]


async def test_the_oldest_goes_next_however_many_fit_better(stand: Stand):
    """Law: nobody starves: the passage that waits longest is in the next batch."""
    batcher, engine = stand(tokens_a_batch=4 * BUCKET_TOKENS)
    asks = [ask(batcher, 1)]
    await begun(engine)
    odd = tuple(range(1, 3 * BUCKET_TOKENS))
    asks.append(ask(batcher, *odd))
    asks += [ask(batcher, 2, number) for number in range(8)]
    await turn()
    engine.release(4)
    assert odd in await begun(engine)
    await asyncio.gather(*asks)


async def test_a_failure_is_its_batchs_alone(stand: Stand):
    """Law: callers of a failed batch hear why, later ones get answers."""
    batcher, engine = stand()
    engine.failure = MemoryError("no room")
    first, same = ask(batcher, 1), ask(batcher, 1)
    await begun(engine)
    after = ask(batcher, 2)
    await turn()
    engine.release(2)
    for caller in (first, same):
        with pytest.raises(MemoryError, match="no room"):
            await caller
    assert (await after).labels.tolist() == [2.0]


async def test_a_failure_beside_the_engine_ends_no_thread(stand: Stand):
    """Law: whatever goes wrong with a batch, its callers hear of it, and later ones get answers."""
    faults = [RuntimeError("not counted")]

    def count(_: BatchRun) -> None:
        if faults:
            raise faults.pop()

    batcher, _ = stand(hold=False, on_batch=count)
    with pytest.raises(RuntimeError, match="not counted"):
        await batcher.read(passage(1))
    assert (await batcher.read(passage(2))).labels.tolist() == [2.0]


async def test_closing_fails_what_waits_and_what_comes():
    """Law: after the end nobody waits for ever."""
    engine = FakeEngine(hold=True, lanes=2)
    batcher = Batcher(engine)
    running = []
    for number in (1, 2):
        running.append(ask(batcher, number))
        await begun(engine)
    waiting = ask(batcher, 4)
    await turn()
    closing = asyncio.create_task(asyncio.to_thread(batcher.close))
    with pytest.raises(RuntimeError, match="closed"):
        await waiting
    engine.release(2)
    assert [answer.labels.tolist() for answer in await asyncio.gather(*running)] == [[1.0], [2.0]]
    await closing
    with pytest.raises(RuntimeError, match="closed"):
        await batcher.read(passage(3))


async def test_the_engine_never_runs_on_the_loop(stand: Stand):
    """Law: a thread of the lane's own calls the engine, and each batch is reported."""
    runs: list[BatchRun] = []
    batcher, engine = stand(hold=False, on_batch=runs.append)
    for number in range(5):
        await batcher.read(passage(1, number))
    assert engine.threads == {"gavel-engine-0"}
    assert [run[:3] for run in runs] == [(1, 2, BUCKET_TOKENS)] * 5


async def test_the_engine_stands_back_behind_the_loop(stand: Stand):
    """Law: where cores are too few the loop goes first, and nothing else is made to wait."""
    batcher, engine = stand(hold=False, lanes=2)
    loops = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    await asyncio.gather(*(batcher.read(passage(number)) for number in range(5)))
    assert engine.niceness == {min(loops + NICENESS, LEAST_PRIORITY)}
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == loops


class Job:
    """As much of a job as choosing looks at."""

    def __init__(self, length: int) -> None:
        self.ids = passage(*range(length))


LENGTHS = st.lists(st.integers(1, 128), min_size=1, max_size=60)


@given(lengths=LENGTHS, tokens=st.sampled_from([16, 64, 512, 4096]))
def test_a_batch_is_the_oldest_and_its_nearest_in_length(lengths: list[int], tokens: int):
    """Law: a batch holds the oldest, stays in bounds, and skips no length for one farther off."""
    jobs = [Job(length) for length in lengths]
    chosen = choose(jobs, tokens)
    assert chosen[0] is jobs[0]
    assert len({id(job) for job in chosen}) == len(chosen)
    taken = [len(job.ids) for job in chosen]
    assert len(chosen) == 1 or len(chosen) * padded(max(taken)) <= tokens
    left = [len(job.ids) for job in jobs if not any(job is other for other in chosen)]
    for length in left:
        # Anything left out lies at the rim or beyond what was taken.
        assert length <= min(taken) or length >= max(taken) or length == lengths[0]


@given(lengths=LENGTHS)
def test_company_never_costs_more_than_it_saves(lengths: list[int]):
    """Law: each that joins pads by a bounded number of tokens, itself and the others together."""
    chosen = choose([Job(length) for length in lengths], 1 << 20)
    taken = [padded(len(job.ids)) for job in chosen]
    assert len(taken) * max(taken) - sum(taken) <= WASTED_TOKENS * (len(taken) - 1)


@given(length=st.integers(1, 128), count=st.integers(1, 40), tokens=st.sampled_from([64, 512]))
def test_equal_lengths_fill_a_batch(length: int, count: int, tokens: int):
    """Law: nothing is left behind that would have fitted for nothing."""
    chosen = choose([Job(length) for _ in range(count)], tokens)
    assert len(chosen) == min(count, max(1, tokens // padded(length)))


@given(lengths=LENGTHS)
def test_padding_adds_nothing_that_counts(lengths: list[int]):
    """Law: the mask tells a passage's tokens from padding, row by row."""
    passages = [passage(*range(1, length + 1)) for length in lengths]
    ids, mask = pad(passages)
    assert ids.shape == mask.shape == (len(lengths), padded(max(lengths)))
    assert ids.shape[1] % BUCKET_TOKENS == 0
    for row, own in enumerate(passages):
        assert ids[row][mask[row] == 1].tolist() == own.tolist()
        assert not ids[row][mask[row] == 0].any()


@settings(max_examples=40, deadline=None)
@given(
    texts=st.lists(st.lists(st.integers(1, 3), min_size=1, max_size=4), min_size=1, max_size=30),
    leaving=st.sets(st.integers(0, 29)),
    tokens=st.sampled_from([BUCKET_TOKENS, 8 * BUCKET_TOKENS]),
)
async def test_everybody_who_stays_gets_their_own_answer(
    texts: list[list[int]], leaving: set[int], tokens: int
):
    """Law: whoever asks, repeats or leaves, an answer is the passage's own, and made once."""
    engine = FakeEngine(hold=True)
    batcher = Batcher(engine, tokens_a_batch=tokens)
    blocker = ask(batcher, 9, 9)
    await begun(engine)
    asks = [ask(batcher, *text) for text in texts]
    await turn()
    for number in leaving & set(range(len(asks))):
        asks[number].cancel()
    engine.release(1_000)
    answers = await asyncio.gather(*asks, return_exceptions=True)
    await blocker
    await asyncio.to_thread(batcher.close)
    stayed = {tuple(text) for number, text in enumerate(texts) if number not in leaving}
    for number, (text, answer) in enumerate(zip(texts, answers, strict=True)):
        if number in leaving:
            assert isinstance(answer, asyncio.CancelledError)
        else:
            assert answer.labels.tolist() == [float(sum(text))]
            assert answer.tokens[:, 0].tolist() == [float(one) for one in text]
    computed = [row for batch in engine.batches[1:] for row in batch]
    assert len(set(computed)) == len(computed)
    assert set(computed) >= stayed
    assert all(rows == 1 or rows * width <= tokens for rows, width in engine.shapes)
