"""What becomes of a classifier that is asked more than once."""

from gaveld.domain.outcomes import OutcomeTally
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, OutcomeStatus

CARD = ClassifierCard("words", "1", frozenset({"H3"}))
OTHER = ClassifierCard("links", "1", frozenset({"S2"}))


def outcome(status: OutcomeStatus, reason: str = "", card: ClassifierCard = CARD):
    return ClassifierOutcome(card, status, 0.5, reason)


def test_the_worst_counts_and_all_the_time():
    """Law: one miss in many looks is a miss, which says in how many; the seconds add up."""
    tally = OutcomeTally("looks")
    tally.add([outcome(OutcomeStatus.RAN), outcome(OutcomeStatus.RAN, card=OTHER)])
    tally.add([outcome(OutcomeStatus.TIMED_OUT, "It was late.")])
    tally.add([outcome(OutcomeStatus.SKIPPED, "It had no time.")])
    links, words = tally.merged()
    assert (links.card, links.missed_as, links.seconds) == (OTHER, None, 0.5)
    assert (words.status, words.seconds) == (OutcomeStatus.TIMED_OUT, 1.5)
    assert words.reason == "In 2 of 3 looks: It was late."


def test_its_size_does_not_grow():
    """Law: however often a classifier is asked, it is listed once."""
    tally = OutcomeTally("looks")
    for _ in range(1_000):
        tally.add([outcome(OutcomeStatus.RAN)])
    assert len(tally.merged()) == 1
