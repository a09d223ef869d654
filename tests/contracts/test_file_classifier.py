"""One suite for every classifier of files. A new one joins with one line in ``CASES``."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from gaveld.adapters.antivirus import ClamdAddress, ClamdClassifier, ClamdClient
from gaveld.application.ports import Classifier
from gaveld.domain.categories import CATALOGUE
from gaveld.domain.media import MediaFile
from gaveld.domain.media_formats import MediaFormat
from gaveld.domain.signals import ClassifierReport
from tests.clamd import EICAR, clamd_server

FileClassifier = Classifier[MediaFile]


def file_of(data: bytes) -> MediaFile:
    return MediaFile(data, MediaFormat.GIF, hashlib.sha256(data).hexdigest())


HARMFUL = file_of(b"GIF89a" + EICAR)
HARMLESS = file_of(b"GIF89a")


@asynccontextmanager
async def antivirus() -> AsyncIterator[FileClassifier]:
    async with clamd_server() as clamd:
        yield ClamdClassifier(ClamdClient(ClamdAddress.parse(clamd.address)), max_concurrent=2)


CASES: dict[str, Callable[[], AbstractAsyncContextManager[FileClassifier]]] = {
    "antivirus": antivirus,
}


@pytest.fixture(params=CASES)
async def classifier(request) -> AsyncIterator[FileClassifier]:
    async with CASES[request.param]() as opened:
        yield opened


async def test_the_card_says_what_the_classifier_is(classifier: FileClassifier):
    """Law: a card is complete, and speaks of the catalogue's categories only."""
    card = classifier.card
    assert card.name
    assert card.version
    assert card.limits
    assert card.categories
    assert card.categories <= set(CATALOGUE)


async def test_findings_are_the_cards(classifier: FileClassifier):
    """Law: findings are of the card's categories, under its name and version, without a place."""
    report = await classifier.classify(HARMFUL)
    assert report.findings
    for found in report.findings:
        assert found.category_id in classifier.card.categories
        assert (found.classifier, found.version) == (classifier.card.name, classifier.card.version)
        assert found.span is None
        assert found.reason


@pytest.mark.parametrize("file", [HARMLESS, file_of(b"")], ids=["harmless", "empty"])
async def test_nothing_found_is_an_empty_report(classifier: FileClassifier, file: MediaFile):
    """Law: a harmless file is no error and has no finding."""
    assert await classifier.classify(file) == ClassifierReport()


async def test_the_same_file_gives_the_same_report(classifier: FileClassifier):
    """Law: nothing is kept from one call to the next, nor between calls at once."""
    await classifier.warm_up()
    await classifier.warm_up()
    first = await classifier.classify(HARMFUL)
    files = [HARMLESS, HARMFUL] * 4
    reports = await asyncio.gather(*map(classifier.classify, files))
    assert reports == [ClassifierReport(), first] * 4


async def test_a_cancelled_call_leaves_the_next_one_whole(classifier: FileClassifier):
    """Law: a caller that goes away takes nothing from those that stay."""
    before = await classifier.classify(HARMFUL)
    gone = [asyncio.create_task(classifier.classify(HARMLESS)) for _ in range(4)]
    stays = asyncio.create_task(classifier.classify(HARMFUL))
    await asyncio.sleep(0)
    for task in gone:
        task.cancel()
    results = await asyncio.gather(*gone, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    assert await stays == before
