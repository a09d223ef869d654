"""The classifier over the detectors of personal data and secrets."""

import pytest

from gaveld.adapters.text.cpu_lane import STEP_CHARACTERS, CpuLane
from gaveld.adapters.text.normalise import DisguiseNormaliser
from gaveld.adapters.text.personal_data import PersonalDataClassifier
from gaveld.adapters.text.scanning import MAX_FINDINGS
from gaveld.domain.content import DetectedLanguage, TextReadings, TextSample, mask
from gaveld.domain.policies import Policy

POLICY = Policy("test", {})


@pytest.fixture
def lane():
    lane = CpuLane()
    yield lane
    lane.close()


@pytest.fixture
def classifier(lane: CpuLane) -> PersonalDataClassifier:
    return PersonalDataClassifier(lane)


def sample(text: str) -> TextSample:
    return TextSample(TextReadings.plain(text), DetectedLanguage(), POLICY)


async def places(classifier: PersonalDataClassifier, given: TextSample) -> list[tuple[str, str]]:
    report = await classifier.classify(given)
    return [(entry.category_id, given.text[slice(*entry.span)]) for entry in report.findings]


async def test_each_kind_is_found_in_one_text(classifier: PersonalDataClassifier):
    """Law: the detectors do not keep each other from finding."""
    text = (
        "I am bob@example.com, +44 20 7946 0958; pay 4111 1111 1111 1111 or "
        "GB82 WEST 1234 5698 7654 32 from 93.184.216.34, password: hunter2!"
    )
    assert await places(classifier, sample(text)) == [
        ("P1", "bob@example.com"),
        ("P1", "+44 20 7946 0958"),
        ("P1", "4111 1111 1111 1111"),
        ("P1", "GB82 WEST 1234 5698 7654 32"),
        ("P1", "93.184.216.34"),
        ("P2", "hunter2!"),
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("write to bob\u200b@exa\u200bmple.com now", "bob\u200b@exa\u200bmple.com"),
        ("\uff42\uff4f\uff42\uff20\uff45\uff58\uff0e\uff43\uff4f\uff4d!", None),
        ("card \uff14111 1111 1111 1111.", "\uff14111 1111 1111 1111"),
        ("card 4111\u2060 1111 1111 1111.", "4111\u2060 1111 1111 1111"),
    ],
)
async def test_disguised_characters_hide_nothing(
    classifier: PersonalDataClassifier, lane: CpuLane, text: str, place: str | None
):
    """Law: fullwidth and invisible characters are read through, and the span is in the original."""
    readings = await DisguiseNormaliser(lane).normalise(text)
    given = TextSample(readings, DetectedLanguage(), POLICY)
    assert await places(classifier, given) == [("P1", place or text[:-1])]


async def test_of_overlapping_finds_the_surest_counts(classifier: PersonalDataClassifier):
    """Law: one place gives one finding of a category, under its likeliest name."""
    report = await classifier.classify(sample("call 378282246310005"))
    assert [entry.reason for entry in report.findings] == ["A payment-card number."]


@pytest.mark.parametrize("ahead", range(-30, 4))
async def test_no_seam_hides_a_hit(classifier: PersonalDataClassifier, ahead: int):
    """Law: where a long text is cut into windows makes no difference to what is found."""
    before = "word " * (STEP_CHARACTERS // 5 + 1)
    text = before[: STEP_CHARACTERS + ahead - 1] + " bob.smith@example.com " + "word " * 4_000
    assert await places(classifier, sample(text)) == [("P1", "bob.smith@example.com")]


async def test_a_flood_of_hits_is_told_in_few_findings_and_masked_whole(
    classifier: PersonalDataClassifier,
):
    """Law: a report stays small, and what it no longer lists one by one is still masked."""
    text = " ".join(f"user{number}@example.com" for number in range(2 * MAX_FINDINGS))
    report = await classifier.classify(sample(text))
    assert len(report.findings) == MAX_FINDINGS + 1
    masked = mask(text, [entry.span for entry in report.findings])
    assert set(masked) == {"*", " "}


async def test_reasons_hold_nothing_of_the_content(classifier: PersonalDataClassifier):
    """Law: a reason can be logged."""
    report = await classifier.classify(sample("bob@example.com 93.184.216.34"))
    for entry in report.findings:
        assert "bob" not in entry.reason
        assert "93" not in entry.reason
