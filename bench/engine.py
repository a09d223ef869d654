"""The transformer through the server, against its engine alone and its peers, on the same texts.

The limit is what the engine alone gets through when all passages that the server reads of these
texts are cut, sorted by length and put into batches beforehand, at the batch size that suits it
best. Then callers send the texts one by one: to Gavel in batches, each alone and with the cache on,
and to other servers of the same network. The callers run on the same machine.

Servers take turns, in several rounds, so that what else the machine does falls on all of them
alike; figures are the rounds' medians. CPU time stands beside the clock's: where the cores are all
taken, what of it the engine does not get says how far from the limit a server must stay.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from gavel.v1.moderation_service_pb2 import ModerateTextRequest
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.load import Seen, load, over_grpc, until_answered
from bench.model import FOLDER_VARIABLE, NO_MODEL, model_folder
from bench.overhead import PATH
from bench.peers.harness import PEERS, PeerFailed, Running, running
from bench.samples import comments
from bench.servers import gavel_server
from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.normalise import DisguiseNormaliser
from gaveld.adapters.text.transformer_model import (
    Manifest,
    OnnxRuntimeEngine,
    TransformerTextClassifier,
)
from gaveld.adapters.text.transformer_model.batcher import pad
from gaveld.adapters.text.transformer_model.engine import Engine, Ids, Logits
from gaveld.domain.content import DetectedLanguage, TextSample
from gaveld.domain.policies import Policy

SECONDS: Final = 2.0
SETTLE_SECONDS: Final = 1.0
ROUNDS: Final = 3
CALLERS: Final = (1, 16, 64)
ROWS: Final = (1, 4, 8, 16, 32, 64)
THREADS: Final = 2
TEXTS: Final = 400
GOAL: Final = 0.9
GAVEL: Final = "Gavel"
CACHED: Final = "Gavel, cached"


class Listener:
    """An ``Engine`` that keeps the passages it was asked about."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name, self.lanes = engine.name, 1
        self.passages: list[Ids] = []

    def run(self, ids: Ids, mask: Ids) -> Logits:
        """Keep the rows and ask the engine."""
        self.passages += [row[kept.astype(bool)] for row, kept in zip(ids, mask, strict=True)]
        return self._engine.run(ids, mask)


async def passages_of(texts: Sequence[str], manifest: Manifest, engine: Engine) -> list[Ids]:
    """Return all passages that the classifier reads of these texts."""
    lane, listener = CpuLane(1), Listener(engine)
    normaliser = DisguiseNormaliser(lane)
    classifier = TransformerTextClassifier(lane, manifest, listener)
    for text in texts:
        readings = await normaliser.normalise(text)
        english = DetectedLanguage("en", 1.0)
        await classifier.classify(TextSample(readings, english, Policy("bench", {})))
    classifier.close()
    lane.close()
    return listener.passages


class Pace(NamedTuple):
    """Texts a second, and the CPU's milliseconds for each text."""

    per_second: float
    cpu_milliseconds: float


class Limit:
    """What an engine gets through by itself of ``texts`` texts that are so many passages."""

    def __init__(self, engine: Engine, passages: Sequence[Ids], texts: int) -> None:
        self._engine = engine
        self._ordered = sorted(passages, key=len)
        self._texts = texts
        self._rows = 0

    def find(self) -> Table:
        """Find the best batch size, and return what was seen at each."""
        title = f"The limit: {self._engine.name} alone, {self._engine.lanes} batches at once"
        table = Table("rows a batch", "texts/s", "CPU ms a text", title=title)
        seen = {rows: self._pace(rows) for rows in ROWS}
        for rows, pace in seen.items():
            table.add_row(str(rows), f"{pace.per_second:,.0f}", f"{pace.cpu_milliseconds:.2f}")
        self._rows = max(seen, key=lambda rows: seen[rows].per_second)
        return table

    def pace(self) -> Pace:
        """Return the pace at the best batch size, measured now."""
        return self._pace(self._rows)

    def _pace(self, rows: int) -> Pace:
        ordered = self._ordered
        batches = [pad(ordered[first : first + rows]) for first in range(0, len(ordered), rows)]
        random.Random(0).shuffle(batches)
        with ThreadPoolExecutor(self._engine.lanes) as lanes:
            list(lanes.map(self._run, batches[: self._engine.lanes]))
            started, before = time.perf_counter(), time.process_time()
            list(lanes.map(self._run, batches))
            elapsed, cpu = time.perf_counter() - started, time.process_time() - before
        return Pace(self._texts / elapsed, cpu / self._texts * 1e3)

    def _run(self, batch: tuple[Ids, Ids]) -> None:
        self._engine.run(*batch)


@dataclass
class Runs:
    """What was seen of one way to call at one number of callers, one entry a round."""

    seen: list[Seen] = field(default_factory=list)
    alone: list[Pace] = field(default_factory=list)
    server_cpu: list[float] = field(default_factory=list)
    """Milliseconds a text, as the next."""
    callers_cpu: list[float] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Texts a second."""
        return median(seen.per_second for seen in self.seen)

    @property
    def of_the_engine(self) -> float:
        """The same as a share of the engine's own, which was measured just before."""
        pairs = zip(self.seen, self.alone, strict=True)
        return median(seen.per_second / alone.per_second for seen, alone in pairs)

    @property
    def possible(self) -> float:
        """The share that is possible where the engine could have every core if it were alone."""
        entries = zip(self.alone, self.server_cpu, self.callers_cpu, strict=True)
        return median(alone.cpu_milliseconds / (own + theirs) for alone, own, theirs in entries)

    def together(self) -> Seen:
        """Return all rounds' latencies and failures as one."""
        whole = Seen()
        for seen in self.seen:
            whole.latencies += seen.latencies
            whole.failures += seen.failures
        return whole


@dataclass(frozen=True)
class Way:
    """A way to be served: what starts it, and what was seen of it by the number of callers."""

    name: str
    start: Callable[[], AbstractContextManager[Running]]
    runs: Mapping[int, Runs] = field(default_factory=lambda: {count: Runs() for count in CALLERS})


def main(console: Console) -> None:
    """Run the benchmark; without a model say so and how to name one."""
    folder = model_folder()
    if folder is None:
        console.print(NO_MODEL)
        return
    manifest, texts = Manifest.read(folder), comments(TEXTS)
    engine = OnnxRuntimeEngine(manifest.weights, THREADS)
    passages = asyncio.run(passages_of(texts, manifest, engine))
    limit = Limit(engine, passages, len(texts))
    tokens = sum(map(len, passages)) / len(passages)
    console.print(
        f"{len(texts)} texts are {len(passages)} passages of {tokens:.0f} tokens on average; "
        f"{os.cpu_count()} cores."
    )
    console.print(limit.find())
    ways = [*_gavel(folder, texts), *_peers(folder, texts, console)]
    turns = [way for _ in range(ROUNDS) for way in ways]
    hidden = not console.is_terminal
    for way in track(turns, "rounds", console=console, transient=True, disable=hidden):
        try:
            with way.start() as served:
                _measure(way, served, limit)
        except PeerFailed as failure:
            console.print(f"[red]{way.name} is not measured:[/red] {failure}")
    measured = [way for way in ways if all(runs.seen for runs in way.runs.values())]
    console.print(_paces(measured), _processor_time(measured))
    for line in _findings(measured):
        console.print(line)


def _gavel(folder: Path, texts: Sequence[str]) -> Iterator[Way]:
    alone = {
        FOLDER_VARIABLE: str(folder),
        "GAVEL_TEXT__CLASSIFIERS": '["transformer"]',
        "GAVEL_TEXT__ENGINE": "onnxruntime",
        "GAVEL_TEXT__ENGINE_THREADS": str(THREADS),
        "GAVEL_CACHE__MAX_BYTES": "0",
    }
    ways: dict[str, Mapping[str, str]] = {
        GAVEL: alone,
        "Gavel, no batches": {**alone, "GAVEL_TEXT__ENGINE_BATCH_TOKENS": "1"},
        "Gavel, all classifiers": {
            key: value for key, value in alone.items() if key != "GAVEL_TEXT__CLASSIFIERS"
        },
        CACHED: {**alone, "GAVEL_CACHE__MAX_BYTES": str(64 << 20)},
    }
    requests = [ModerateTextRequest(text=text).SerializeToString() for text in texts]
    for name, environment in ways.items():
        yield Way(name, partial(_gavel_running, environment, requests))


@contextmanager
def _gavel_running(environment: Mapping[str, str], requests: list[bytes]) -> Iterator[Running]:
    with gavel_server(environment) as server:
        client = over_grpc(server.address, PATH)
        asyncio.run(until_answered(client, requests[0]))
        yield Running(client, requests, server.processes)


def _peers(folder: Path, texts: Sequence[str], console: Console) -> Iterator[Way]:
    for peer in PEERS:
        console.print(f"{peer.name}: {peer.how}")
        yield Way(peer.name, partial(running, peer, folder, texts))


def _measure(way: Way, served: Running, limit: Limit) -> None:
    """Ask for each text once, so that all is warm and what is cached is, then measure."""
    once = 6 * TEXTS / limit.pace().per_second
    asyncio.run(load(served.client, served.requests, 16, once))
    for callers, runs in way.runs.items():
        alone = limit.pace()  # the machine is not equally fast all the time
        asyncio.run(load(served.client, served.requests, callers, SETTLE_SECONDS))
        began = served.processes.cpu_seconds(), time.process_time()
        seen = asyncio.run(load(served.client, served.requests, callers, SECONDS))
        ended = served.processes.cpu_seconds(), time.process_time()
        server, client = (
            (after - before) / max(1, len(seen.latencies)) * 1e3
            for before, after in zip(began, ended, strict=True)
        )
        runs.seen.append(seen)
        runs.alone.append(alone)
        runs.server_cpu.append(server)
        runs.callers_cpu.append(client)


def _paces(ways: Sequence[Way]) -> Table:
    table = Table(
        *("", "callers", "texts/s", "p50 ms", "p99 ms", "of the engine's pace", "refused"),
        title=f"Through servers: medians of {ROUNDS} rounds",
    )
    for way in ways:
        for callers, runs in way.runs.items():
            whole = runs.together()
            table.add_row(
                way.name if callers == CALLERS[0] else "",
                str(callers),
                f"{runs.per_second:,.0f}",
                f"{whole.quantile(0.5) * 1e3:.1f}",
                f"{whole.quantile(0.99) * 1e3:.1f}",
                f"{runs.of_the_engine:.2f}",
                str(sum(whole.failures.values())),
                end_section=callers == CALLERS[-1],
            )
    return table


def _processor_time(ways: Sequence[Way]) -> Table:
    callers = CALLERS[-1]
    table = Table(
        *("", "engine alone", "server", "callers", "of the engine's pace", "possible"),
        title=f"CPU milliseconds a text at {callers} callers, and what they leave to the engine",
    )
    for way in ways:
        runs = way.runs[callers]
        if way.name == CACHED:
            continue  # it hardly asks the engine
        table.add_row(
            way.name,
            f"{median(alone.cpu_milliseconds for alone in runs.alone):.2f}",
            f"{median(runs.server_cpu):.2f}",
            f"{median(runs.callers_cpu):.2f}",
            f"{runs.of_the_engine:.2f}",
            f"{runs.possible:.2f}",
        )
    return table


def _findings(ways: Sequence[Way]) -> Iterator[str]:
    callers = CALLERS[-1]
    own = {way.name: way.runs[callers] for way in ways}
    gavel = own[GAVEL]
    yield (
        f"Goal: {GOAL} of the engine's own pace at {callers} callers. {GAVEL}: "
        f"{gavel.of_the_engine:.2f}, of {min(1.0, gavel.possible):.2f} that are possible where "
        f"{THREADS} cores are all that engine, server and callers have."
    )
    for peer in PEERS:
        if peer.name in own:
            pairs = zip(gavel.seen, own[peer.name].seen, strict=True)
            times = median(ours.per_second / theirs.per_second for ours, theirs in pairs)
            yield f"{GAVEL} reads {times:.2f} times as many texts a second as {peer.name} does."
