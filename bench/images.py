"""What looks at pictures, beside the NSFW network's and the look-up's limits, and stage by stage.

Everything but decoding runs in this process; the server is measured elsewhere.
"""

import asyncio
import hashlib
import io
import os
import threading
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table

from gaveld.adapters.image.codes import ZxingClassifier
from gaveld.adapters.image.decode.decoder import ProcessImageDecoder
from gaveld.adapters.image.hashes import KnownPictures, PdqClassifier, StoredBank
from gaveld.adapters.image.hashes.banks import EntryIds
from gaveld.adapters.image.hashes.pdq import HASH_BYTES, picture_hash
from gaveld.adapters.image.nsfw_model.classifier import OnnxNsfwClassifier
from gaveld.adapters.image.nsfw_model.installation import InstallationState, NsfwInstallation
from gaveld.adapters.image.nsfw_model.network import SIDE, NsfwNetwork, Pixels, prepared
from gaveld.adapters.image.ocr.classifier import RapidOcrClassifier
from gaveld.adapters.image.ocr.engine import TextEngine
from gaveld.domain.image_signals import HashBank, HashBankKind, ImageSample
from gaveld.domain.media import Frame, MediaFacts, MediaFile, MediaKind, Picture
from gaveld.domain.media_formats import MediaFormat
from gaveld.domain.policies import Policy

FOLDER_VARIABLE: Final = "GAVEL_MODELS__FOLDER"
THREADS: Final = 2
BATCHES: Final = (1, 2, 4, 8, 16)
CALLERS: Final = (1, 4, 16)
PICTURES: Final = 160
HASHES: Final = 1_000_000
TRIES: Final = 15
ROUNDS: Final = 3
STAGE_TRIES: Final = 5
LINE: Final = "The quick brown fox jumps over"
"""Thirty letters, of which pages are made."""


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


def limit(network: NsfwNetwork, size: int) -> float:
    """Return how many frames a second the network gets through in batches of this size."""
    pixels = np.random.default_rng(0).random((size, SIDE, SIDE, 3), np.float32)
    return 1e3 * size * THREADS / milliseconds(partial(side_by_side, network, pixels))


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
    classifier = OnnxNsfwClassifier(network, threads=THREADS)
    limits, rates = dict.fromkeys(BATCHES, 0.0), dict.fromkeys(CALLERS, 0.0)
    # In turns, and the best of each counts: so other work on the machine changes the ratio least.
    for _ in range(ROUNDS):
        for size in BATCHES:
            limits[size] = max(limits[size], limit(network, size))
        for callers in CALLERS:
            rates[callers] = max(rates[callers], asyncio.run(through(classifier, callers)))
    classifier.close()
    table = Table("frames a batch", "frames/s", title=f"{network.name}, {THREADS} threads")
    for size, rate in limits.items():
        table.add_row(str(size), f"{rate:,.0f}")
    console.print(table)
    made_ready = milliseconds(partial(prepared, frame(512)))
    console.print(f"To make a frame of 512 × 512 ready takes {made_ready:.1f} ms.")
    table = Table("callers", "pictures/s", "of the limit", title="The classifier, 512 × 512")
    for callers, rate in rates.items():
        table.add_row(str(callers), f"{rate:,.0f}", f"{rate / max(limits.values()):.0%}")
    console.print(table)


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


def page(width: int, height: int, lines: int) -> Image.Image:
    """Return a soft picture with film grain, and lines of text over its height."""
    grain = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    light = Image.linear_gradient("L").point(lambda level: 127 + level // 2)
    picture = Image.blend(light.resize((width, height)).convert("RGB"), Image.fromarray(grain), 0.1)
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(max(20, height // 40))
    for number in range(lines):
        draw.text((40, 30 + number * (height - 60) // lines), LINE, fill="black", font=font)
    return picture


def file_of(picture: Image.Image, of: MediaFormat, repeats: int = 1) -> MediaFile:
    """Return the picture as a file; repeated, as an animation in which a square moves."""
    frames = [picture.copy() for _ in range(repeats)]
    for number, entry in enumerate(frames[1:], 1):
        ImageDraw.Draw(entry).rectangle((number * 8, 2, number * 8 + 8, 10), fill="red")
    file = io.BytesIO()
    many = {"save_all": True, "append_images": frames[1:]} if repeats > 1 else {}
    frames[0].save(file, of.value, **many)
    data = file.getvalue()
    return MediaFile(data, of, hashlib.sha256(data).hexdigest())


async def stage_milliseconds(work: Callable[[], Awaitable[object]]) -> float:
    """Return how long one call takes at best, after a first that does not count."""
    await work()
    times = []
    for _ in range(STAGE_TRIES):
        started = time.perf_counter()
        await work()
        times.append(time.perf_counter() - started)
    return 1e3 * min(times)


Detector = OnnxNsfwClassifier | PdqClassifier | RapidOcrClassifier | ZxingClassifier


def detectors() -> dict[str, Detector]:
    """Return what looks at pictures, the cheapest first; the NSFW network if it is installed."""
    about = HashBank("bench", HashBankKind.BLOCK, category_id="A3")
    hashes = np.zeros((1, HASH_BYTES), np.uint8)
    known = KnownPictures([StoredBank(about, hashes, EntryIds.of([""]))])
    found: dict[str, Detector] = {"hashes": PdqClassifier(known), "codes": ZxingClassifier()}
    installation = NsfwInstallation(Path(os.environ.get(FOLDER_VARIABLE, "var/models")))
    if installation.state() is InstallationState.INSTALLED:
        found["nsfw"] = OnnxNsfwClassifier(NsfwNetwork(installation.file), threads=THREADS)
    return found | {"ocr": RapidOcrClassifier(TextEngine(), threads=THREADS)}


async def stages(console: Console) -> None:
    """Print what each stage takes of one picture at a time."""
    files = {
        "512 × 512 JPEG, no text": file_of(page(512, 512, 0), MediaFormat.JPEG),
        "1280 × 960 JPEG, 2 lines": file_of(page(1280, 960, 2), MediaFormat.JPEG),
        "1920 × 1080 PNG, 20 lines": file_of(page(1920, 1080, 20), MediaFormat.PNG),
        "4000 × 3000 JPEG, 2 lines": file_of(page(4000, 3000, 2), MediaFormat.JPEG),
        "480 × 360 GIF, 24 frames, 2 lines": file_of(page(480, 360, 2), MediaFormat.GIF, 24),
    }
    decoder, looking = ProcessImageDecoder(workers=1), detectors()
    await decoder.warm_up()
    table = Table("ms", "decode", *looking, "lines read", title="One picture at a time")
    for name, file in files.items():
        given = ImageSample(await decoder.decode(file), Policy("bench", {}))
        took = [await stage_milliseconds(partial(decoder.decode, file))]
        for detector in looking.values():
            took += [await stage_milliseconds(partial(detector.classify, given))]
        lines = len((await looking["ocr"].classify(given)).texts)
        table.add_row(name, *(f"{entry:,.0f}" for entry in took), str(lines))
    console.print(table)
    for each in (decoder, *looking.values()):
        each.close()


def main(console: Console) -> None:
    """Run all three."""
    nsfw(console)
    hashes(console)
    asyncio.run(stages(console))
