"""How the embedded members vote on pictures and videos: by what was found, and by the words."""

import pytest

from gaveld.adapters.reviewers.embedded.looks import SUBSTANTIAL_CHARACTERS
from gaveld.adapters.reviewers.embedded.members import MEMBERS, Point, Witness
from gaveld.domain.image_signals import ImageFinding, blind_spot
from gaveld.domain.reviews import (
    ContentKind,
    Decision,
    FrameEvidence,
    ImageEvidence,
    VideoEvidence,
)
from gaveld.domain.signals import (
    ClassifierCard,
    ClassifierOutcome,
    Finding,
    OutcomeStatus,
)
from gaveld.domain.video_findings import VideoFinding
from tests.embedded_panel import Panel, flagged, task_of
from tests.fakes.panel_scorer import FakePanelScorer
from tests.fakes.text_reader import LINKS

NSFW = ClassifierCard("nsfw", "1", frozenset({"A1", "A2"}))
RAN = ClassifierOutcome(NSFW, OutcomeStatus.RAN)
BLIND = ClassifierOutcome(blind_spot(NSFW.categories), OutcomeStatus.NOT_INSTALLED)
INSULT = {"idiot": ("H2", 0.9)}
FRENCH = "[fr] " + "mots " * SUBSTANTIAL_CHARACTERS


def nudity(score: float) -> Finding:
    return ImageFinding("A2", score, "Bare skin.", "nsfw", "1")


def picture(*found: Finding, text: str = "", outcomes=(RAN, BLIND)) -> ImageEvidence:
    return ImageEvidence(b"", "image/jpeg", "00", text, "", found, outcomes)


async def votes(content: ImageEvidence | VideoEvidence, panel: Panel | None = None):
    return await (panel or Panel()).review(task_of(content, ContentKind.IMAGE))


@pytest.mark.parametrize(
    ("score", "points"),
    [
        (0.2, set()),
        (0.4, {Point.STRICT}),
        (0.5, {Point.STRICT}),
        (0.6, {Point.STRICT, Point.BALANCED}),
        (0.9, set(Point)),
    ],
)
async def test_members_object_from_their_own_points_on(score: float, points: set[Point]):
    """Law: what was seen counts for the strict first and for the lenient last."""
    ballots = await votes(picture(nudity(score)))
    expected = {member.name for member in MEMBERS if member.point in points}
    assert {name for name, ballot in ballots.items() if ballot.is_unsafe} == expected


async def test_a_link_in_a_picture_counts_for_those_who_hear_of_links():
    """Law: what was found in a picture's words and codes is weighed by the witnesses' rules."""
    link = ImageFinding("S2", 0.9, "A bad link.", "links", "1")
    ran = ClassifierOutcome(LINKS, OutcomeStatus.RAN)
    ballots = await votes(picture(link, outcomes=(RAN, ran)))
    expected = {member.name for member in MEMBERS if Witness.LINKS in member.witnesses}
    assert {name for name, ballot in ballots.items() if ballot.is_unsafe} == expected


async def test_words_in_a_picture_are_read_by_every_head():
    """Law: a picture that says something harmful is unsafe, whatever it shows."""
    panel = Panel(FakePanelScorer(INSULT))
    ballots = await votes(picture(text="What an idiot."), panel)
    assert all(ballot.is_unsafe for ballot in ballots.values())
    assert flagged(ballots["gavel-all-round"]).keys() == {"H2"}


async def test_what_is_found_in_words_keeps_its_place_in_the_picture():
    """Law: what the picture's own look found in its words is the evidence, and is listed once."""
    model = Panel().scorer.card
    placed = ImageFinding("H2", 0.9, "An insult.", model.name, model.version, frame_index=3)
    evidence = picture(
        placed, text="What an idiot.", outcomes=(RAN, ClassifierOutcome(model, OutcomeStatus.RAN))
    )
    ballots = await votes(evidence, Panel(FakePanelScorer(INSULT)))
    found = [entry.finding for entry in ballots["gavel-all-round"].evidence]
    assert found == [placed]


async def test_a_harmless_picture_is_safe_with_what_nobody_saw_on_record():
    """Law: safe rests on those who looked, and a blind spot stays in the ballot's outcomes."""
    ballots = await votes(picture())
    assert {ballot.decision for ballot in ballots.values()} == {Decision.SAFE}
    assert BLIND in ballots["gavel-plain"].outcomes


@pytest.mark.parametrize("status", [OutcomeStatus.FAILED, OutcomeStatus.NOT_INSTALLED])
async def test_nobody_who_looked_is_no_vote(status: OutcomeStatus):
    """Law: a picture at which nobody looked is never safe."""
    ballots = await votes(picture(outcomes=(ClassifierOutcome(NSFW, status), BLIND)))
    assert {ballot.decision for ballot in ballots.values()} == {Decision.FAILED}


async def test_rules_that_nobody_looked_for_get_no_vote():
    """Law: with only rules in force that no one looked for, a member does not vote safe."""
    without = [rule.id for rule in task_of("x").rules if rule.id != "V2"]
    task = task_of(picture(), ContentKind.IMAGE, without=without)
    ballots = await Panel().review(task)
    assert {ballot.decision for ballot in ballots.values()} == {Decision.FAILED}


async def test_much_text_in_another_language_is_no_vote():
    """Law: a page of words that a member can't read is not safe; a sign in the street may be."""
    page = await votes(picture(text=FRENCH))
    assert {ballot.decision for ballot in page.values()} == {Decision.FAILED}
    sign = await votes(picture(text="[fr] Sortie"))
    assert {ballot.decision for ballot in sign.values()} == {Decision.SAFE}
    assert any(entry.missed_as for entry in sign["gavel-plain"].outcomes if entry != BLIND)


async def test_what_is_seen_counts_whatever_the_words():
    """Law: words in another language excuse nothing that was seen."""
    ballots = await votes(picture(nudity(0.9), text=FRENCH))
    assert all(ballot.is_unsafe for ballot in ballots.values())


async def test_a_video_is_judged_by_all_that_was_found_and_said():
    """Law: stretches of findings, the transcript and the words in frames all count."""
    seen = VideoFinding("A2", 0.9, "Bare skin.", "nsfw", "1", start_seconds=3.0, end_seconds=6.0)
    panel = Panel(FakePanelScorer(INSULT))
    found = VideoEvidence("00", 9.0, (), "", (seen,), (RAN,))
    ballots = await votes(found, panel)
    assert [entry.finding for entry in ballots["gavel-plain"].evidence] == [seen]
    said = VideoEvidence("00", 9.0, (), "You idiot.", (), (RAN,))
    written = VideoEvidence("00", 9.0, (FrameEvidence(0.0, picture(text="idiot")),), "", (), (RAN,))
    for content in (said, written):
        assert all(ballot.is_unsafe for ballot in (await votes(content, panel)).values())
    calm = VideoEvidence("00", 9.0, (), "Good morning.", (), (RAN,))
    assert not any(ballot.is_unsafe for ballot in (await votes(calm, panel)).values())


async def test_a_reason_says_by_what_a_picture_was_judged():
    """Law: nobody claims to have read a picture without words, and both senses are named."""
    for content, how in (
        (picture(), "By what was seen in it, it finds no rule broken."),
        (picture(nudity(0.9)), "By what was seen in it, it finds: "),
        (picture(text="Good morning."), "By what was seen in it, and its words read as sent, "),
    ):
        ballots = await votes(content)
        assert ballots["gavel-all-round"].reason.startswith(how)
