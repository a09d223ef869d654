"""Known pictures as findings and matches, on frames."""

from dataclasses import replace

import pytest

from gaveld.adapters.image.hashes import KnownPictures, PdqClassifier, StoredBank
from gaveld.adapters.image.hashes.banks import Entry
from gaveld.adapters.image.hashes.classifier import match_score
from gaveld.adapters.image.hashes.pdq import picture_hash
from gaveld.domain.image_signals import HashBank, HashBankKind, ImageSample
from gaveld.domain.policies import BankKind, Policy
from gaveld.domain.policies import HashBank as PolicyBank
from tests.frames import Rgb, frame_of, noise, plain, sample_of, waves

BAD = HashBank("bad", HashBankKind.BLOCK, 31, "A3")
WORSE = HashBank("worse", HashBankKind.BLOCK, 31, "V3")
GOOD = HashBank("good", HashBankKind.ALLOW, 31)


def bank(about: HashBank, **pictures: Rgb) -> StoredBank:
    return StoredBank.of(
        about,
        (Entry(picture_hash(frame_of(pixels)).value, name) for name, pixels in pictures.items()),
    )


@pytest.fixture(scope="module")
def classifier():
    banks = (
        bank(BAD, first=waves(1), second=waves(2)),
        bank(WORSE, second=waves(2)),
        bank(GOOD, logo=waves(3)),
    )
    made = PdqClassifier(KnownPictures(banks))
    yield made
    made.close()


async def test_a_known_picture_is_found_at_another_size(classifier):
    """Law: the answer names bank, id, distance, quality and frame."""
    report = await classifier.classify(sample_of(noise(1), waves(1, 480, 640)))
    (match,) = report.hash_matches
    assert (match.bank, match.entry_id, match.kind) == ("bad", "first", HashBankKind.BLOCK)
    assert 0 < match.distance <= 31
    assert match.quality == 100
    assert match.frame_index == 2
    (finding,) = report.findings
    assert (finding.category_id, finding.frame_index, finding.hash_match) == ("A3", 2, match)
    assert finding.score == match_score(match.distance)


async def test_each_category_has_its_own_finding(classifier):
    """Law: a picture in two banks is found in both, once in each, where it is nearest."""
    report = await classifier.classify(sample_of(waves(2, 60, 80), waves(2), waves(2, 480, 640)))
    assert [(entry.bank, entry.distance) for entry in report.hash_matches] == [
        ("bad", 0),
        ("worse", 0),
    ]
    assert [(entry.category_id, entry.frame_index) for entry in report.findings] == [
        ("A3", 2),
        ("V3", 2),
    ]
    assert all(finding.score == 1.0 for finding in report.findings)


async def test_a_known_good_picture_is_no_finding(classifier):
    """Law: a match in a bank that allows is told and accuses nobody."""
    report = await classifier.classify(sample_of(waves(3)))
    assert [entry.kind for entry in report.hash_matches] == [HashBankKind.ALLOW]
    assert report.findings == ()


async def test_an_unknown_picture_has_an_empty_report(classifier):
    """Law: nothing found is no finding, and the picture was read."""
    report = await classifier.classify(sample_of(waves(9), noise(3)))
    assert (report.findings, report.hash_matches, report.unread) == ((), (), "")


async def test_what_can_t_be_told_apart_is_never_compared():
    """Law: blank pictures don't match each other, and that nothing was compared is said."""
    classifier = PdqClassifier(KnownPictures([bank(BAD, blank=plain(255, 255, 255))]))
    blank = await classifier.classify(sample_of(plain(255, 255, 255), plain(0, 0, 0)))
    assert (blank.findings, blank.hash_matches) == ((), ())
    assert "too little detail" in blank.unread
    partly = await classifier.classify(sample_of(plain(255, 255, 255), waves(5)))
    assert partly.unread == ""
    classifier.close()


def test_the_card_follows_the_banks(classifier):
    """Law: it covers what its banks block, and its version changes with them."""
    assert classifier.card.categories == {"A3", "V3"}
    other = PdqClassifier(KnownPictures([bank(BAD, first=waves(1))]))
    assert other.card.version != classifier.card.version
    other.close()


def test_scores_fall_with_distance():
    """Law: the same hash scores 1, and every bit that differs takes as much away."""
    assert match_score(0) == 1.0
    assert match_score(31) == pytest.approx(0.879, abs=0.001)
    assert match_score(128) == 0.5


async def test_a_policy_says_which_banks_count_and_what_they_mean(classifier):
    """Law: what a policy names is compared in its terms, and what it does not is not looked at."""
    theirs = PolicyBank("worse", BankKind.BLOCK, 31, "V2")
    report = await classifier.classify(under(theirs, waves(1), waves(2)))
    assert [entry.bank for entry in report.hash_matches] == ["worse"]
    assert [finding.category_id for finding in report.findings] == ["V2"]
    assert report.looked_for == {"V2"}
    allowed = PolicyBank("bad", BankKind.ALLOW)
    report = await classifier.classify(under(allowed, waves(2)))
    assert [entry.kind for entry in report.hash_matches] == [HashBankKind.ALLOW]
    assert (report.findings, report.looked_for) == ((), frozenset())


async def test_a_policy_says_how_near_a_picture_must_come(classifier):
    """Law: the policy's distance counts, wider or narrower than the bank's own."""
    resized = waves(1, 480, 640)
    (match,) = (await classifier.classify(sample_of(resized))).hash_matches
    for distance, found in ((match.distance, 1), (match.distance - 1, 0)):
        named = PolicyBank("bad", BankKind.BLOCK, distance, "A3")
        assert len((await classifier.classify(under(named, resized))).hash_matches) == found


async def test_a_bank_that_is_gone_is_told(classifier):
    """Law: a policy that counts on a bank which the server lacks was not followed, and is told."""
    gone = PolicyBank("gone", BankKind.BLOCK, 31, "A3")
    report = await classifier.classify(under(gone, waves(1)))
    assert report.hash_matches == ()
    assert "does not have every bank" in report.unread


def under(named: PolicyBank, *frames: Rgb) -> ImageSample:
    """A picture, and a policy that names one bank."""
    return replace(sample_of(*frames), policy=Policy("p@1", {}, hash_banks=(named,)))
