"""The transformer through the server, against its engine alone and its peers, on the same texts.

The limit is what the engine alone gets through when all passages that the server reads of these
texts are cut, sorted by length and put into batches beforehand, at the batch size that suits it
best. Then callers send the texts one by one: to Gavel in batches, each alone and with the cache on,
and to other servers of the same network. The callers run on the same machine.

CPU time stands beside the clock's, because it depends less on what else the machine does: where the
engine's best is 0.6 of what a server takes for a text, no more than 0.6 of its pace can be had.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from gavel.v1.moderation_service_pb2 import ModerateTextRequest
from rich.console import Console
from rich.table import Table

from bench.load import Client, load, over_grpc
from bench.model import FOLDER_VARIABLE, NO_MODEL, model_folder
from bench.overhead import PATH
from bench.peers.harness import PEERS, PeerFailed, running
from bench.samples import comments
from bench.servers import Processes, gavel_server
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

SECONDS: Final = 5.0
CALLERS: Final = (1, 16, 64)
ROWS: Final = (1, 4, 8, 16, 32, 64)
THREADS: Final = 2
TEXTS: Final = 400


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
        title = f"{self._engine.name}, {self._engine.lanes} batches at once"
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


class Measured(NamedTuple):
    """What is called in one way: who, how, with what, and its processes."""

    name: str
    client: Client
    requests: Sequence[bytes]
    processes: Processes


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
        f"{len(texts)} texts are {len(passages)} passages of {tokens:.0f} tokens on average."
    )
    console.print(limit.find())
    table = Table(
        *("", "callers", "texts/s", "p50 ms", "p99 ms", "of the engine's texts/s"),
        *("CPU ms a text", "of that the engine's best", "callers' CPU ms", "refused"),
    )
    _gavel(table, folder, texts, limit)
    _peers(table, folder, texts, limit, console)
    console.print(table)


def _gavel(table: Table, folder: Path, texts: Sequence[str], limit: Limit) -> None:
    alone = {
        FOLDER_VARIABLE: str(folder),
        "GAVEL_TEXT__CLASSIFIERS": '["transformer"]',
        "GAVEL_TEXT__ENGINE": "onnxruntime",
        "GAVEL_TEXT__ENGINE_THREADS": str(THREADS),
        "GAVEL_CACHE__MAX_BYTES": "0",
    }
    default = {key: value for key, value in alone.items() if key != "GAVEL_TEXT__CLASSIFIERS"}
    ways: dict[str, Mapping[str, str]] = {
        "Gavel": alone,
        "no batches": {**alone, "GAVEL_TEXT__ENGINE_BATCH_TOKENS": "1"},
        "all classifiers": default,
        "cached": {**alone, "GAVEL_CACHE__MAX_BYTES": str(64 << 20)},
    }
    requests = [ModerateTextRequest(text=text).SerializeToString() for text in texts]
    for name, environment in ways.items():
        with gavel_server(environment) as server:
            client = over_grpc(server.address, PATH)
            _rows(table, Measured(name, client, requests, server.processes), limit)


def _peers(
    table: Table, folder: Path, texts: Sequence[str], limit: Limit, console: Console
) -> None:
    for peer in PEERS:
        console.print(f"{peer.name}: {peer.how}")
        try:
            with running(peer, folder, texts) as (client, requests, processes):
                _rows(table, Measured(peer.name, client, requests, processes), limit)
        except PeerFailed as failure:
            console.print(f"[red]{peer.name} is not measured:[/red] {failure}")


def _rows(table: Table, measured: Measured, limit: Limit) -> None:
    """Ask for every text once, so that all is warm and what is cached is, then measure."""
    once = 4 * len(measured.requests) / limit.pace().per_second
    asyncio.run(load(measured.client, measured.requests, 16, once))
    for callers in CALLERS:
        alone = limit.pace()  # the machine is not equally fast all the time
        began = measured.processes.cpu_seconds(), time.process_time()
        seen = asyncio.run(load(measured.client, measured.requests, callers, SECONDS))
        ended = measured.processes.cpu_seconds(), time.process_time()
        count = max(1, len(seen.latencies))
        server, client = (
            (after - before) / count * 1e3 for before, after in zip(began, ended, strict=True)
        )
        table.add_row(
            measured.name,
            str(callers),
            f"{seen.per_second:,.0f}",
            f"{seen.quantile(0.5) * 1e3:.1f}",
            f"{seen.quantile(0.99) * 1e3:.1f}",
            f"{seen.per_second / alone.per_second:.2f}",
            f"{server:.2f}",
            f"{alone.cpu_milliseconds / server:.2f}",
            f"{client:.2f}",
            str(sum(seen.failures.values())),
        )
    table.add_section()
