"""Looking at pictures: in which order, until when, and what is told of what was not asked."""

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.application.describing import DescribingClassifier
from gaveld.application.look_at_picture import LookAtPicture, PictureDetectors
from gaveld.domain.actions import Action
from gaveld.domain.image_signals import (
    BoundingBox,
    HashBankKind,
    HashMatch,
    ImageCode,
    ImageFinding,
    ImageReport,
    ImageSample,
    ImageText,
    PictureSignals,
    blind_spot,
)
from gaveld.domain.media import Picture
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, OutcomeStatus
from gaveld.domain.verdicts import CoverageStatus, Verdict, judge
from tests.fakes.pictures import FakeDescriber, FakeNetwork, FakePictureReader
from tests.fakes.telemetry import FakeTelemetry
from tests.fakes.text_reader import LEXICON, LINKS, TERMS, FakeTextReader
from tests.frames import plain, sample_of

RED, GREY, GREEN = plain(255, 0, 0), plain(128, 128, 128), plain(0, 255, 0)
STILL = sample_of(GREY).picture
POLICY = Policy(
    "house@1",
    {
        "A1": CategoryRule(0.3, 0.9, required=True),
        "H1": CategoryRule(0.5, 0.9, required=True),
        "H2": CategoryRule(0.4, required=True),
        "L2": CategoryRule(0.5, 0.8, required=True),
        "S2": CategoryRule(0.5, 0.9, required=True),
    },
)
LEFT, RIGHT = BoundingBox(0.1, 0.2, 0.3, 0.1), BoundingBox(0.5, 0.4, 0.25, 0.1)


class Known:
    """A comparison with known pictures that finds what a test says."""

    def __init__(self, *matches: HashMatch) -> None:
        self.card = ClassifierCard("hashes", "1", frozenset({"A3"}))
        self._matches = matches

    async def warm_up(self) -> None:
        return None

    async def classify(self, sample: ImageSample) -> ImageReport:
        return ImageReport(hash_matches=self._matches)


class House:
    """The use case with its parts within reach."""

    def __init__(
        self, *, known: tuple[Known, ...] = (), reader: FakeTextReader | None = None, **groups
    ) -> None:
        self.network = FakeNetwork()
        self.ocr, self.codes = FakePictureReader("ocr"), FakePictureReader("codes")
        self.reader = reader or FakeTextReader()
        self.telemetry = FakeTelemetry()
        detectors = PictureDetectors(
            known=known,
            networks=(self.network,),
            codes=(self.codes,),
            text=(self.ocr,),
            absent=(blind_spot({"A1", "A2"}),),
        )
        self._look = LookAtPicture(replace(detectors, **groups), self.reader, self.telemetry)

    async def look(
        self,
        picture: Picture = STILL,
        policy: Policy = POLICY,
        deadline_seconds: float = 30,
        *,
        until_settled: bool = True,
        **more,
    ) -> PictureSignals:
        return await self._look(
            picture,
            policy,
            deadline_seconds=deadline_seconds,
            until_settled=until_settled,
            **more,
        )

    async def judge(self, *args, **options) -> Verdict:
        return judge((await self.look(*args, **options)).signals, POLICY)


@pytest.fixture
def house() -> House:
    return House()


def outcome(signals: PictureSignals, name: str) -> ClassifierOutcome:
    (found,) = (entry for entry in signals.signals.outcomes if entry.card.name == name)
    return found


def good(frame_index: int, kind: HashBankKind = HashBankKind.ALLOW) -> HashMatch:
    return HashMatch("logos", kind, "1", 3, 90, frame_index)


async def test_a_clean_picture_is_allowed_and_its_blind_spots_are_told(house: House):
    """Law: where every detector ran, coverage is complete, and what pixels hide is not checked."""
    verdict = await house.judge()
    assert verdict.action is Action.ALLOW
    assert verdict.coverage.status is CoverageStatus.COMPLETE
    assert {"A1", "A2", "L1", "L2", "S2"} <= set(verdict.coverage.checked)
    blind = {entry.category_id: entry for entry in verdict.coverage.unchecked}
    assert {"H1", "H2", "V2", "C2"} <= set(blind)
    assert blind["H1"].classifiers == ("pixels",)
    assert blind["H1"].status is OutcomeStatus.NOT_INSTALLED
    assert not any(entry.required for entry in blind.values())


async def test_where_nothing_is_written_the_text_path_has_nothing_to_do(house: House):
    """Law: a picture without words is not read, and counts as checked for what words could say."""
    signals = await house.look()
    assert house.reader.texts == []
    lexicon = outcome(signals, "lexicon")
    assert (lexicon.status, lexicon.missed_as) == (OutcomeStatus.SKIPPED, None)
    assert signals.language is None
    assert signals.signals.topics == ()


async def test_what_is_read_is_judged_as_text_and_found_where_it_stands(house: House):
    """Law: a finding in words has the frame and the box of their lines, and no span."""
    house = House(reader=FakeTextReader({"fool\nand knave": (LEXICON, "H2", 0.8)}))
    house.ocr.texts = (
        ImageText("Good day", 0.9, BoundingBox(0, 0, 1, 0.1)),
        ImageText("you fool", 0.9, LEFT),
        ImageText("and knave", 0.8, RIGHT),
    )
    signals = await house.look()
    assert house.reader.texts == ["Good day\nyou fool\nand knave"]
    (finding,) = signals.signals.findings
    assert isinstance(finding, ImageFinding)
    assert (finding.category_id, finding.score, finding.span) == ("H2", 0.8, None)
    assert finding.box == pytest.approx((0.1, 0.2, 0.65, 0.3))
    assert signals.texts == house.ocr.texts
    assert signals.language is not None


async def test_codes_are_judged_with_the_words():
    """Law: what a code says is read as text, where the code stands."""
    house = House(reader=FakeTextReader({"192.0.2.7": (LINKS, "S2", 0.95)}))
    house.codes.codes = (ImageCode("QRCode", "http://192.0.2.7/login", RIGHT),)
    signals = await house.look()
    (finding,) = signals.signals.findings
    assert (finding.category_id, finding.box) == ("S2", RIGHT)
    assert judge(signals.signals, POLICY).action is Action.BLOCK


async def test_the_pattern_of_a_code_is_no_text(house: House):
    """Law: what a reader of text takes the squares of a code for is left out."""
    house.codes.codes = (ImageCode("QRCode", "hello", BoundingBox(0.4, 0.3, 0.4, 0.4)),)
    house.ocr.texts = (ImageText("l1I", 0.7, RIGHT), ImageText("scan me", 0.9, LEFT))
    signals = await house.look()
    assert [entry.text for entry in signals.texts] == ["scan me"]
    assert house.reader.texts == ["scan me\nhello"]


async def test_equal_lines_of_several_frames_are_judged_once(house: House):
    """Law: a caption that stays is one text, found where it was read first."""
    house = House(reader=FakeTextReader({"fool": (LEXICON, "H2", 0.8)}))
    house.ocr.texts = (
        ImageText("hello", 0.9, LEFT, 0),
        ImageText("fool", 0.9, LEFT, 2),
        ImageText(" fool ", 0.9, RIGHT, 4),
    )
    signals = await house.look(sample_of(GREY, GREY, GREY).picture)
    assert house.reader.texts == ["hello\nfool"]
    (finding,) = signals.signals.findings
    assert (finding.frame_index, finding.box) == (2, LEFT)
    assert len(signals.texts) == 3


async def test_terms_of_the_call_are_looked_for_in_the_words(house: House):
    """Law: terms blocked by one call are found in what is written in its picture."""
    house.ocr.texts = (ImageText("buy a globex now", 0.9, LEFT),)
    assert not (await house.look()).signals.findings
    (finding,) = (await house.look(blocked_terms=("globex",))).signals.findings
    assert (finding.category_id, finding.classifier) == ("L2", TERMS.name)


@pytest.mark.parametrize("broken", ["ocr", "codes"])
async def test_what_could_not_be_read_was_not_checked(house: House, broken: str):
    """Law: where a reader failed, no classifier of text counts as having looked."""
    getattr(house, broken).failure = RuntimeError("down")
    verdict = await house.judge()
    assert verdict.action is Action.REVIEW
    missing = {entry.category_id for entry in verdict.coverage.unchecked if entry.required}
    assert missing == {"H1", "H2", "L2", "S2"}


@pytest.mark.parametrize("group", ["text", "codes"])
async def test_what_nobody_can_read_was_not_checked(group: str):
    """Law: a server without a reader claims nothing about words."""
    house = House(**{group: ()})
    verdict = await house.judge()
    assert not {"L2", "S2"} & set(verdict.coverage.checked)
    assert verdict.by_incompleteness


async def test_what_was_read_in_part_counts_as_found_and_not_as_checked(house: House):
    """Law: findings in the words that were read stand, and the rest is said to be unread."""
    house = House(reader=FakeTextReader({"fool": (LEXICON, "H2", 0.8)}))
    house.ocr.texts, house.ocr.unread = (ImageText("fool", 0.9),), "The rest is too small."
    signals = await house.look()
    verdict = judge(signals.signals, POLICY)
    assert [entry.finding.category_id for entry in verdict.findings] == ["H2"]
    assert outcome(signals, "links").missed_as is OutcomeStatus.SKIPPED
    assert verdict.coverage.status is CoverageStatus.PARTIAL


async def test_nothing_more_is_asked_once_the_verdict_is_settled(house: House):
    """Law: what can't change the verdict is skipped and listed, unless everything is wanted."""
    picture = sample_of(RED).picture
    house.ocr.texts = (ImageText("fool", 0.9),)
    signals = await house.look(picture)
    assert judge(signals.signals, POLICY).action is Action.BLOCK
    assert house.ocr.calls == 0
    assert house.reader.texts == []
    for name in ("ocr", "lexicon", "links"):
        assert outcome(signals, name).missed_as is OutcomeStatus.SKIPPED
    assert signals.is_cut_short
    full = await house.look(picture, until_settled=False)
    assert (house.ocr.calls, house.reader.texts) == (1, ["fool"])
    assert not full.is_cut_short


async def test_a_verdict_that_may_still_change_is_not_settled(house: House):
    """Law: a picture that goes to review is looked at to the end, for it may yet be blocked."""
    house = House(reader=FakeTextReader({"vile": (LEXICON, "H1", 0.95)}))
    house.ocr.texts = (ImageText("vile", 0.9),)
    verdict = await house.judge(sample_of(plain(200, 100, 100)).picture)
    assert verdict.causes[0].category_id == "H1"
    assert verdict.action is Action.BLOCK


async def test_a_known_good_picture_is_not_shown_to_the_networks():
    """Law: a match in a bank that allows stands for the networks' look, and for nothing else."""
    house = House(known=(Known(good(0)),), reader=FakeTextReader({"fool": (LEXICON, "H2", 0.8)}))
    house.ocr.texts = (ImageText("fool", 0.9),)
    signals = await house.look(sample_of(RED).picture)
    assert house.network.seen == []
    assert outcome(signals, "nsfw").missed_as is None
    assert outcome(signals, "nsfw").status is OutcomeStatus.SKIPPED
    verdict = judge(signals.signals, POLICY)
    assert "A1" in verdict.coverage.checked
    assert [cause.category_id for cause in verdict.causes] == ["H2"]


async def test_only_the_frames_that_are_known_are_passed_over():
    """Law: one good frame vouches for no other of an animation."""
    house = House(known=(Known(good(0)),))
    signals = await house.look(sample_of(RED, GREY, RED).picture)
    assert house.network.seen == [[2, 4]]
    assert judge(signals.signals, POLICY).action is Action.BLOCK


async def test_a_known_bad_picture_is_shown_to_the_networks():
    """Law: a match in a bank that blocks spares nothing by itself."""
    house = House(known=(Known(good(0, HashBankKind.BLOCK)),))
    await house.look()
    assert house.network.seen == [[0]]


async def test_what_was_not_decoded_was_not_seen(house: House):
    """Law: of a damaged file no detector counts as having checked it."""
    signals = await house.look(replace(STILL, unread="The file ends too early."))
    assert outcome(signals, "nsfw").reason == "The file ends too early."
    verdict = judge(signals.signals, POLICY)
    assert "A1" not in verdict.coverage.checked
    assert verdict.action is Action.REVIEW


async def test_a_detector_that_breaks_costs_coverage(house: House):
    """Law: one failure is one outcome, and everything else is asked all the same."""
    house.network.failure = RuntimeError("the content itself")
    house.ocr.texts = (ImageText("hello", 0.9),)
    signals = await house.look()
    assert outcome(signals, "nsfw").status is OutcomeStatus.FAILED
    assert house.reader.texts == ["hello"]


async def test_a_detector_that_hangs_is_given_up(house: House):
    """Law: the deadline is one for all, and what has no time left is listed as timed out."""
    house.network.gate = asyncio.Event()
    signals = await house.look(deadline_seconds=0.05)
    assert outcome(signals, "nsfw").status is OutcomeStatus.TIMED_OUT
    assert house.network.cancelled.is_set()
    assert judge(signals.signals, POLICY).action is Action.REVIEW


async def test_a_caller_that_goes_away_stops_the_work(house: House):
    """Law: cancelling the look cancels the detector that is at work."""
    house.network.gate = asyncio.Event()
    looking = asyncio.create_task(house.look())
    await house.network.asked.wait()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert house.network.cancelled.is_set()


async def test_a_description_is_made_from_evidence_or_by_who_looked():
    """Law: whoever describes pictures is believed; without, the evidence makes the sentence."""
    describer = FakeDescriber("A cat on a mat.")
    house = House(describers=(DescribingClassifier(describer),))
    described = await house.look()
    assert (described.description, described.is_described) == ("A cat on a mat.", True)
    assert outcome(described, "description").missed_as is None
    describer.failure = RuntimeError("down")
    plain_words = await house.look()
    assert not plain_words.is_described
    assert "64 × 64" in plain_words.description
    assert outcome(plain_words, "description").status is OutcomeStatus.FAILED


async def test_every_detector_is_listed_and_timed(house: House):
    """Law: no outcome is lost, and telemetry hears of each detector that was asked."""
    signals = await house.look()
    names = [entry.card.name for entry in signals.signals.outcomes]
    assert sorted(names) == sorted(
        ["codes", "nsfw", "ocr", "pixels", "language", "lexicon", "links", "personal_data", "terms"]
    )
    assert {name for name, _, _ in house.telemetry.outcomes} == {"codes", "nsfw", "ocr"}
    assert [stage for stage, _ in house.telemetry.stages] == [
        "known_pictures",
        "networks",
        "read_text",
        "judge_text",
    ]


@settings(deadline=None)
@given(
    red=st.integers(0, 255),
    allowed=st.booleans(),
    words=st.lists(st.sampled_from(["fool", "vile", "link", "nice"]), max_size=3),
    broken=st.sets(st.sampled_from(["ocr", "codes", "network"])),
    rules=st.dictionaries(
        st.sampled_from(["A1", "H1", "H2", "S2", "L2"]),
        st.builds(
            CategoryRule,
            st.none() | st.floats(0, 1),
            st.none() | st.floats(0, 1),
            st.booleans(),
        ),
    ),
    on_incomplete=st.sampled_from(Action),
)
async def test_stopping_early_never_changes_the_verdict(
    red, allowed, words, broken, rules, on_incomplete
):
    """Law: whatever is found, fails or is asked for, the action is that of a look at everything."""
    policy = Policy("any@1", rules, on_incomplete)
    actions = []
    for until_settled in (True, False):
        reader = FakeTextReader(
            {"fool": (LEXICON, "H2", 0.6), "vile": (LEXICON, "H1", 0.9), "link": (LINKS, "S2", 0.8)}
        )
        house = House(known=(Known(good(0)),) if allowed else (), reader=reader)
        house.ocr.texts = tuple(ImageText(word, 0.9) for word in words)
        for name in broken:
            getattr(house, name).failure = RuntimeError("down")
        picture = sample_of(plain(red, 0, 0)).picture
        signals = await house.look(picture, policy, until_settled=until_settled)
        actions.append(judge(signals.signals, policy).action)
    assert actions[0] is actions[1]
