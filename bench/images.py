"""What looks at pictures, against its own limits: the NSFW network's, and one pass over memory.

Frames are given decoded, and everything runs in this process; decoding and the server are measured
elsewhere.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from gaveld.adapters.image.hashes import KnownPictures, StoredBank
from gaveld.adapters.image.hashes.banks import EntryIds
from gaveld.adapters.image.hashes.pdq import HASH_BYTES, picture_hash
from gaveld.adapters.image.nsfw_model.classifier import OnnxNsfwClassifier
from gaveld.adapters.image.nsfw_model.installation import InstallationState, NsfwInstallation
from gaveld.adapters.image.nsfw_model.network import SIDE, NsfwNetwork, Pixels, prepared
from gaveld.domain.image_signals import HashBank, HashBankKind, ImageSample
from gaveld.domain.media import Frame, MediaFacts, MediaKind, Picture
from gaveld.domain.media_formats import MediaFormat
from gaveld.domain.policies import Policy

FOLDER_VARIABLE: Final = "GAVEL_MODELS__FOLDER"
THREADS: Final = 2
BATCHES: Final = (1, 2, 4, 8, 16)
CALLERS: Final = (1, 4, 16)
PICTURES: Final = 160
HASHES: Final = 1_000_000
TRIES: Final = 15


def frame(side: int, seed: int = 0) -> Frame:
    """Return a square of random pixels."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    return Frame(0, 0.0, side, side, memoryview(pixels.tobytes()))


def sample(entry: Frame) -> ImageSample:
    """Return a still picture of one frame."""
    facts = MediaFacts(
        "0" * 64, MediaFormat.PNG, MediaKind.IMAGE, entry.width, entry.height, 1, 1, 1
    )
    return ImageSample(Picture(facts, (entry,)), Policy("bench", {}))


def milliseconds(work: Callable[[], object]) -> float:
    """Return how long it takes in the median, after a first time that does not count."""
    work()
    times = []
    for _ in range(TRIES):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return 1e3 * median(times)


def side_by_side(network: NsfwNetwork, pixels: Pixels) -> None:
    """Run the network on this batch once on each thread."""
    threads = [threading.Thread(target=network.classes, args=(pixels,)) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def limit(console: Console, network: NsfwNetwork) -> float:
    """Return the most frames a second that the network gets through, over several batch sizes."""
    table = Table("frames a batch", "frames/s", title=f"{network.name}, {THREADS} threads")
    best = 0.0
    for size in BATCHES:
        pixels = np.random.default_rng(0).random((size, SIDE, SIDE, 3), np.float32)
        took = milliseconds(partial(side_by_side, network, pixels)) / THREADS
        best = max(best, 1e3 * size / took)
        table.add_row(str(size), f"{1e3 * size / took:,.0f}")
    console.print(table)
    return best


async def through(classifier: OnnxNsfwClassifier, callers: int) -> float:
    """Return how many pictures a second so many callers get judged, each one after another."""
    samples = [sample(frame(512, seed)) for seed in range(8)]

    async def call(number: int) -> None:
        for turn in range(number, PICTURES, callers):
            await classifier.classify(samples[turn % len(samples)])

    started = time.perf_counter()
    await asyncio.gather(*map(call, range(callers)))
    return PICTURES / (time.perf_counter() - started)


def nsfw(console: Console) -> None:
    """Print the network's limit, and what callers get of it."""
    installation = NsfwInstallation(Path(os.environ.get(FOLDER_VARIABLE, "var/models")))
    if installation.state() is not InstallationState.INSTALLED:
        console.print("No NSFW model to measure: make models installs it.")
        return
    network = NsfwNetwork(installation.file)
    best = limit(console, network)
    entry = frame(512)
    made_ready = milliseconds(partial(prepared, entry))
    console.print(f"To make a frame of 512 × 512 ready takes {made_ready:.1f} ms.")
    classifier = OnnxNsfwClassifier(network, threads=THREADS)
    table = Table("callers", "pictures/s", "of the limit", title="The classifier, 512 × 512")
    for callers in CALLERS:
        rate = asyncio.run(through(classifier, callers))
        table.add_row(str(callers), f"{rate:,.0f}", f"{rate / best:.0%}")
    console.print(table)
    classifier.close()


def hashes(console: Console) -> None:
    """Print what hashing and looking up cost, beside copying what is looked through."""
    random = np.random.default_rng(0)
    known = random.integers(0, 256, (HASHES, HASH_BYTES), np.uint8)
    about = HashBank("bench", HashBankKind.BLOCK, category_id="A3")
    bank = KnownPictures([StoredBank(about, known, EntryIds.of("" for _ in range(HASHES)))])
    copied, wanted = np.empty_like(known), known[HASHES // 2].tobytes()
    copying = milliseconds(partial(np.copyto, copied, known))
    looking = milliseconds(partial(bank.matches, wanted))
    table = Table("known pictures", "ms", "a second", title="PDQ hashes, on one core")
    table.add_row(f"look-up among {HASHES:,}", f"{looking:.1f}", f"{1e3 / looking:,.0f}")
    table.add_row("copying these once", f"{copying:.1f}", f"{1e3 / copying:,.0f}")
    for side in (512, 1024, 2000):
        entry = frame(side)
        took = milliseconds(partial(picture_hash, entry))
        table.add_row(f"hash of {side} × {side}", f"{took:.1f}", f"{1e3 / took:,.0f}")
    console.print(table)


def main(console: Console) -> None:
    """Run both."""
    nsfw(console)
    hashes(console)
