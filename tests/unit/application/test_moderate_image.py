"""Moderating pictures: what is done to a file in which order, what is kept, what is refused."""

import asyncio
from dataclasses import replace

import pytest

from gaveld.application.moderate_image import ImageJudgement, ImageSubmission, ModerateImage
from gaveld.domain.actions import Action
from gaveld.domain.errors import DeadlineExceeded, ErrorReason, InvalidRequest, ResourceExhausted
from gaveld.domain.image_signals import ImageText
from gaveld.domain.media import (
    MediaFacts,
    MediaFile,
    MediaKind,
    MediaReference,
    MediaRefusal,
    MediaRefused,
    Picture,
)
from gaveld.domain.policies import CategoryChange, CategoryRule, Policy, PolicyOverrides
from gaveld.domain.signals import ClassifierCard, ClassifierReport, Finding, OutcomeStatus
from tests.fakes.pictures import FakeNetwork
from tests.fakes.policies import FakePolicyStore
from tests.fakes.text_reader import LEXICON, FakeTextReader
from tests.fakes.verdict_cache import FakeVerdictCache
from tests.frames import plain, sample_of
from tests.picture_house import PictureParts
from tests.pictures import encoded, media_file, quarters

POLICY = Policy(
    "house@1",
    {
        "A1": CategoryRule(0.3, 0.9, required=True),
        "H2": CategoryRule(0.4, 0.95, required=True),
        "S3": CategoryRule(0.3, 0.7),
    },
    fetch_hosts=frozenset({"inside"}),
    expected_languages=frozenset({"en"}),
)
PNG = encoded(quarters(), "PNG")
RED, PINK, GREY = plain(255, 0, 0), plain(200, 90, 90), plain(90, 90, 90)
NO_OVERRIDES = PolicyOverrides()


class Files:
    """A fetcher that hands out one file, and a decoder that shows what a test puts into it."""

    def __init__(self, *frames) -> None:
        self.file = media_file(PNG)
        self.picture = sample_of(*(frames or (GREY,))).picture
        self.refusal: MediaRefusal | None = None
        self.damage: MediaRefusal | None = None
        self.hosts: list[frozenset[str]] = []
        self.decoded = 0
        self.gate: asyncio.Event | None = None

    async def fetch(self, reference, families, internal_hosts=frozenset()) -> MediaFile:
        self.hosts.append(internal_hosts)
        if self.refusal is not None:
            raise MediaRefused(self.refusal, limit="bytes")
        return self.file

    async def decode(self, file: MediaFile) -> Picture:
        self.decoded += 1
        if self.gate is not None:
            await self.gate.wait()
        if self.damage is not None:
            raise MediaRefused(self.damage)
        return self.picture


class Antivirus:
    """Finds malware where a test says so."""

    card = ClassifierCard("antivirus", "1", frozenset({"S3"}))

    def __init__(self, score: float = 0.0) -> None:
        self.score = score
        self.scanned = 0

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: MediaFile) -> ClassifierReport:
        self.scanned += 1
        found = Finding("S3", self.score, "Known malware.", "antivirus", "1")
        return ClassifierReport((found,) if self.score else ())


class House:
    """The use case with its parts within reach."""

    def __init__(self, *frames, **parts) -> None:
        self.files = Files(*frames)
        self.parts = PictureParts(**parts)
        self.telemetry = self.parts.telemetry
        policies = FakePolicyStore(POLICY)
        self.use_case: ModerateImage = self.parts.moderate_image(self.files, self.files, policies)

    async def judge(
        self,
        overrides: PolicyOverrides = NO_OVERRIDES,
        deadline_seconds: float = 30,
        *,
        explain: bool = False,
        **submission,
    ) -> ImageJudgement:
        reference = MediaReference(data=PNG)
        return await self.use_case(
            ImageSubmission(reference, **submission),
            project="any",
            overrides=overrides,
            deadline_seconds=deadline_seconds,
            explain=explain,
        )


async def test_a_clean_picture_is_allowed():
    """Law: the answer says what the file is, how it was judged, and how long each stage took."""
    house = House(GREY)
    judged = await house.judge()
    assert judged.verdict.action is Action.ALLOW
    assert judged.sha256 == house.files.picture.facts.sha256
    assert judged.facts == house.files.picture.facts
    assert judged.worst_index is None
    assert judged.description
    assert [timing.stage for timing in judged.timings] == [
        "fetch",
        "wait",
        "decode",
        "known_pictures",
        "networks",
        "read_text",
        "judge_text",
        "judge",
    ]
    assert house.telemetry.pictures == [(MediaKind.IMAGE, 1, False)]
    assert house.telemetry.verdicts == [(Action.ALLOW, ())]
    assert house.files.hosts == [frozenset({"inside"})]


async def test_the_frame_that_decided_is_named():
    """Law: of an animation the worst frame's classes are told, and which frame that is."""
    judged = await House(GREY, PINK, RED, GREY).judge()
    assert judged.verdict.action is Action.BLOCK
    assert judged.worst_index == 4
    assert judged.image_scores is not None
    assert judged.image_scores["porn"] == 1.0
    assert judged.frame_seconds[4] == pytest.approx(0.4)


async def test_words_can_decide_which_frame_is_the_worst():
    """Law: the frame of the strictest finding is named, whoever found it."""
    reader = FakeTextReader({"fool": (LEXICON, "H2", 0.8)})
    house = House(GREY, plain(120, 60, 60), GREY, reader=reader)
    house.parts.ocr.texts = (ImageText("fool", 0.9, None, 4),)
    judged = await house.judge()
    assert judged.verdict.action is Action.REVIEW
    assert judged.worst_index == 4


async def test_an_unexpected_language_is_said_to_be():
    """Law: words in a language that the policy does not expect are marked, as in a text."""
    house = House()
    house.parts.ocr.texts = (ImageText("[fr] Bonjour", 0.9),)
    judged = await house.judge()
    assert judged.language is not None
    assert judged.language_is_unexpected


async def test_what_is_refused_names_the_field_and_is_counted():
    """Law: a refusal tells the caller which field it is about, and why, in the contract's terms."""
    house = House()
    house.files.refusal = MediaRefusal.TOO_MANY_BYTES
    with pytest.raises(InvalidRequest) as refused:
        await house.judge(field_path="images[2]")
    assert refused.value.reason is ErrorReason.MEDIA_TOO_LARGE
    assert refused.value.metadata == {
        "field": "images[2]",
        "why": "TOO_MANY_BYTES",
        "limit": "bytes",
    }
    house.files.refusal, house.files.damage = None, MediaRefusal.DAMAGED
    with pytest.raises(InvalidRequest):
        await house.judge()
    assert house.telemetry.refusals == [MediaRefusal.TOO_MANY_BYTES, MediaRefusal.DAMAGED]


async def test_malware_is_never_decoded():
    """Law: a file that the policy blocks as malware is not opened, whatever the call asks for."""
    house = House(antivirus=Antivirus(0.99))
    judged = await house.judge(explain=True)
    assert judged.verdict.action is Action.BLOCK
    assert [cause.category_id for cause in judged.verdict.causes] == ["S3"]
    assert (house.files.decoded, judged.facts) == (0, None)
    skipped = {entry.card.name for entry in judged.outcomes if entry.missed_as is not None}
    assert {"nsfw", "ocr", "codes", "lexicon"} <= skipped
    assert judged.sha256 == house.files.file.sha256


async def test_what_is_only_suspected_is_looked_at():
    """Law: a finding that does not block keeps nothing from being asked."""
    house = House(antivirus=Antivirus(0.5))
    judged = await house.judge()
    assert judged.verdict.action is Action.REVIEW
    assert house.files.decoded == 1
    assert "S3" in judged.verdict.coverage.checked


async def test_a_picture_is_looked_at_once():
    """Law: the second answer is the first's, marked as cached; it is scanned and judged anew."""
    antivirus = Antivirus()
    house = House(PINK, cache=FakeVerdictCache(), antivirus=antivirus)
    first, second = await house.judge(), await house.judge()
    assert (first.is_cached, second.is_cached) == (False, True)
    assert house.files.decoded == 1
    assert antivirus.scanned == 2
    assert second == replace(
        first, timings=second.timings, outcomes=second.outcomes, is_cached=True
    )
    lenient = PolicyOverrides({"A1": CategoryChange(review=0.9)})
    third = await house.judge(lenient)
    assert (third.is_cached, third.verdict.action) == (True, Action.ALLOW)
    assert house.telemetry.lookups == [False, True, True]


async def test_what_was_cut_short_serves_only_whom_it_is_enough_for():
    """Law: a look that ended early is not taken for a whole one, under any thresholds."""
    reader = FakeTextReader({"fool": (LEXICON, "H2", 0.97)})
    house = House(RED, cache=FakeVerdictCache(), reader=reader)
    assert (await house.judge()).verdict.action is Action.BLOCK
    assert (await house.judge()).is_cached
    full = await house.judge(explain=True)
    assert not full.is_cached
    assert house.parts.ocr.calls == 1
    house = House(RED, cache=FakeVerdictCache())
    await house.judge()
    lenient = PolicyOverrides({"A1": CategoryChange(block=1.0, review=1.0, enabled=False)})
    seen = await house.judge(lenient)
    assert not seen.is_cached
    assert seen.verdict.coverage.status.name == "COMPLETE"


async def test_words_are_not_kept():
    """Law: what was read in a picture is content, and the cache holds none."""
    cache = FakeVerdictCache()
    house = House(cache=cache)
    house.parts.ocr.texts = (ImageText("a secret", 0.9),)
    await house.judge()
    assert not (await house.judge()).is_cached
    assert cache.kept == {}


async def test_what_may_be_otherwise_next_time_is_not_kept():
    """Law: after a failure the next call asks again."""
    house = House(cache=FakeVerdictCache())
    house.parts.network.failure = RuntimeError("down")
    assert (await house.judge()).verdict.action is Action.REVIEW
    house.parts.network.failure = None
    assert (await house.judge()).verdict.action is Action.ALLOW


async def test_a_deadline_that_is_over_is_said_to_be():
    """Law: without any time nothing is judged; a file that takes too long to decode is neither."""
    with pytest.raises(DeadlineExceeded):
        await House().judge(deadline_seconds=0)
    house = House()
    house.files.gate = asyncio.Event()
    with pytest.raises(DeadlineExceeded):
        await house.judge(deadline_seconds=0.05)


async def test_too_many_pictures_are_turned_away():
    """Law: places and the line are bounded; who finds them full is told when to come back."""
    gate = asyncio.Event()
    house = House(network=FakeNetwork(gate=gate), places=(1, 0, 30.0))
    running = asyncio.create_task(house.judge())
    await house.parts.network.asked.wait()
    with pytest.raises(ResourceExhausted) as full:
        await house.judge()
    assert full.value.reason is ErrorReason.SERVER_OVERLOADED
    assert full.value.retry_after_seconds
    assert house.telemetry.turned_away == 1
    gate.set()
    assert (await running).verdict.action is Action.ALLOW


async def test_whoever_finds_the_line_open_waits_for_a_place():
    """Law: no more pictures than places are looked at together, and the rest come in turn."""
    gate = asyncio.Event()
    house = House(network=FakeNetwork(gate=gate), places=(2, 3, 30.0))
    calls = [asyncio.create_task(house.judge()) for _ in range(5)]
    await house.parts.network.asked.wait()
    await asyncio.wait(calls, timeout=0.01)
    assert len(house.parts.network.seen) == 2
    gate.set()
    assert {judged.verdict.action for judged in await asyncio.gather(*calls)} == {Action.ALLOW}


async def test_whoever_waits_too_long_is_turned_away():
    """Law: a place in the line is no promise; a cancelled caller leaves both line and places."""
    gate = asyncio.Event()
    house = House(network=FakeNetwork(gate=gate), places=(1, 4, 0.01))
    running = asyncio.create_task(house.judge())
    await house.parts.network.asked.wait()
    with pytest.raises(ResourceExhausted):
        await house.judge()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    gate.set()
    assert (await house.judge()).verdict.action is Action.ALLOW


async def test_a_cut_animation_is_partial():
    """Law: of a file that could not be decoded to its end nothing counts as checked."""
    house = House(GREY, GREY)
    facts: MediaFacts = replace(house.files.picture.facts, is_partial=True)
    house.files.picture = replace(house.files.picture, facts=facts, unread="It is cut.")
    judged = await house.judge()
    assert judged.verdict.action is Action.REVIEW
    nsfw = next(entry for entry in judged.outcomes if entry.card.name == "nsfw")
    assert nsfw.missed_as is OutcomeStatus.SKIPPED
    assert house.telemetry.pictures == [(MediaKind.ANIMATION, 2, True)]
