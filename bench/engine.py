"""The transformer through the server against its engine's own limit, on the same texts.

The limit is what the engine alone gets through when texts are tokenised, sorted by length and cut
into batches beforehand, at the batch size that suits it best. Then callers send those texts one by
one: in batches, each alone, and with the cache on. The callers run on the same machine.
"""

import asyncio
import os
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from gavel.v1.moderation_service_pb2 import ModerateTextRequest
from rich.console import Console
from rich.table import Table

from bench.load import Seen, load
from bench.overhead import PATH
from bench.samples import SHORT
from bench.servers import gavel_server
from gaveld.adapters.text.transformer_model import (
    Manifest,
    OnnxRuntimeEngine,
)
from gaveld.adapters.text.transformer_model.batcher import pad
from gaveld.adapters.text.transformer_model.classifier import OVERLAP_PARTS
from gaveld.adapters.text.transformer_model.engine import Engine, Ids
from gaveld.adapters.text.transformer_model.passages import PassageCutter

SECONDS: Final = 5.0
CALLERS: Final = (1, 16, 64)
ROWS: Final = (1, 4, 8, 16, 32, 64)
THREADS: Final = 2
FOLDER_VARIABLE: Final = "GAVEL_TEXT__TRANSFORMER_FOLDER"
TEXTS: Final = 400


def texts() -> list[str]:
    """Return different texts of one to four sentences, the same at every run."""
    chooser = random.Random(0)
    return [
        f"{number}: {' '.join(chooser.sample(SHORT, chooser.choice((1, 1, 2, 2, 3, 4))))}"
        for number in range(TEXTS)
    ]


def limit(console: Console, engine: Engine, passages: Sequence[Ids]) -> float:
    """Return the most texts a second that the engine reads, over several batch sizes."""
    ordered = sorted(passages, key=len)
    table = Table("rows a batch", "texts/s", "ms a batch", title=f"The engine alone: {engine.name}")
    best = 0.0
    for rows in ROWS:
        batches = [pad(ordered[first : first + rows]) for first in range(0, len(ordered), rows)]
        batches = random.Random(0).sample(batches, min(len(batches), 200 // rows + 4))
        engine.run(*batches[0])
        started = time.perf_counter()
        for batch in batches:
            engine.run(*batch)
        elapsed = time.perf_counter() - started
        done = sum(len(ids) for ids, _ in batches)
        best = max(best, done / elapsed)
        table.add_row(str(rows), f"{done / elapsed:,.0f}", f"{elapsed / len(batches) * 1e3:.1f}")
    console.print(table)
    return best


def main(console: Console) -> None:
    """Run the benchmark; without a model say so and how to name one."""
    if FOLDER_VARIABLE not in os.environ:
        console.print(f"No transformer to measure: name a folder in {FOLDER_VARIABLE}.")
        return
    folder = Path(os.environ[FOLDER_VARIABLE]).absolute()
    manifest = Manifest.read(folder)
    sent = texts()
    most_tokens = manifest.max_tokens
    cutter = PassageCutter(manifest.tokenizer, most_tokens, most_tokens // OVERLAP_PARTS)
    passages = [cutter.cut(text, lambda: None).passages[0].ids for text in sent]
    most = limit(console, OnnxRuntimeEngine(manifest.weights, THREADS), passages)

    alone = {
        FOLDER_VARIABLE: str(folder),
        "GAVEL_TEXT__CLASSIFIERS": '["transformer"]',
        "GAVEL_TEXT__ENGINE_THREADS": str(THREADS),
        "GAVEL_GRPC__MAX_CONCURRENT_CALLS": "64",
        "GAVEL_GRPC__MAX_WAITING_CALLS": "64",
        "GAVEL_CACHE__MAX_BYTES": "0",
    }
    everything = '["lexicon", "terms", "links", "personal_data", "linear", "transformer"]'
    ways: dict[str, Mapping[str, str]] = {
        "in batches": alone,
        "each alone": {**alone, "GAVEL_TEXT__ENGINE_BATCH_TOKENS": "1"},
        "in batches, all classifiers": {**alone, "GAVEL_TEXT__CLASSIFIERS": everything},
        "from the cache": {**alone, "GAVEL_CACHE__MAX_BYTES": str(64 << 20)},
    }
    requests = [ModerateTextRequest(text=text).SerializeToString() for text in sent]
    table = Table("", "callers", "texts/s", "p50 ms", "p99 ms", "of the engine's limit")
    for name, environment in ways.items():
        with gavel_server(environment) as address:
            if name == "from the cache":
                asyncio.run(load(address, PATH, requests, 16, _enough(requests, most)))
            for callers in CALLERS:
                seen = asyncio.run(load(address, PATH, requests, callers, SECONDS))
                _row(table, name, callers, seen, most)
        table.add_section()
    console.print(table)


def _enough(requests: Sequence[bytes], per_second: float) -> float:
    """Return for how long to call so that every text was asked for once, in seconds."""
    return 4 * len(requests) / per_second


def _row(table: Table, name: str, callers: int, seen: Seen, most: float) -> None:
    table.add_row(
        name,
        str(callers),
        f"{seen.per_second:,.0f}",
        f"{seen.quantile(0.5) * 1e3:.1f}",
        f"{seen.quantile(0.99) * 1e3:.1f}",
        f"{seen.per_second / most:.2f}" + (f" {dict(seen.failures)}" if seen.failures else ""),
    )
