"""Stretches of a video in which something was found: how they join, and that they are bounded."""

from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.image_signals import BoundingBox, ImageFinding
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.signals import Finding
from gaveld.domain.video_findings import JOINED_SECONDS, FindingStretches, VideoFinding

POLICY = Policy("test@1", {"H3": CategoryRule(0.4, 0.8), "L1": CategoryRule(0.5)})
BOX = BoundingBox(0.1, 0.2, 0.3, 0.4)


def threat(score: float = 0.9, category_id: str = "H3") -> Finding:
    return ImageFinding(category_id, score, "a threat", "words", "1", box=BOX)


def times(stretches: FindingStretches) -> list[tuple[str, float, float]]:
    return [
        (entry.category_id, entry.start_seconds, entry.end_seconds) for entry in stretches.all()
    ]


def test_neighbouring_frames_are_one_stretch():
    """Law: what is seen in one frame after another is one finding, until the first without it."""
    stretches = FindingStretches(POLICY)
    assert stretches.see(0, 0.0, []) == []
    (begun,) = stretches.see(1, 3.0, [threat(0.7)])
    assert stretches.see(2, 4.5, [threat(0.9)]) == []
    assert stretches.see(3, 6.0, []) == []
    stretches.see(4, 8.0, [])
    (found,) = stretches.all()
    assert (begun.start_seconds, begun.frame_index) == (3.0, 1)
    assert (found.start_seconds, found.end_seconds) == (3.0, 6.0)
    assert (found.score, found.frame_index, found.frame_seconds, found.box) == (0.9, 2, 4.5, BOX)


def test_a_gap_makes_two():
    """Law: what goes away and comes back is two findings, and is told twice."""
    stretches = FindingStretches(POLICY)
    assert [len(stretches.see(i, float(i), found)) for i, found in enumerate(GAPPED)] == [1, 0, 1]
    assert times(stretches) == [("H3", 0.0, 1.0), ("H3", 2.0, 2.0)]


GAPPED = ([threat()], [], [threat()])


def test_the_last_frame_lasts_to_the_end():
    """Law: what the last frame shows is seen until the video ends."""
    stretches = FindingStretches(POLICY)
    stretches.see(0, 5.0, [threat()])
    stretches.last_until(9.0)
    assert times(stretches) == [("H3", 5.0, 9.0)]


def test_each_category_has_stretches_of_its_own():
    """Law: findings of different categories never join."""
    stretches = FindingStretches(POLICY)
    stretches.see(0, 0.0, [threat(), threat(category_id="L1")])
    stretches.see(1, 1.0, [threat(category_id="L1")])
    stretches.see(2, 2.0, [])
    assert times(stretches) == [("H3", 0.0, 1.0), ("L1", 0.0, 2.0)]


def test_words_join_when_they_follow_one_another():
    """Law: what is said again within a second is one stretch; later it is another."""
    stretches = FindingStretches(POLICY)
    assert len(stretches.hear(1.0, 2.0, [threat(0.5)])) == 1
    assert stretches.hear(2.0 + JOINED_SECONDS, 4.0, [threat(0.9)]) == []
    assert len(stretches.hear(8.0, 9.0, [threat(0.6)])) == 1
    assert times(stretches) == [("H3", 1.0, 4.0), ("H3", 8.0, 9.0)]
    assert [entry.score for entry in stretches.all()] == [0.9, 0.6]
    assert all(entry.frame_index is None for entry in stretches.all())


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.integers(1, 8))
def test_the_strictest_stay_and_all_are_counted(scores: list[float], most: int):
    """Law: so many stretches are kept, those that the policy minds most; none goes uncounted."""
    stretches = FindingStretches(POLICY, most)
    for place, score in enumerate(scores):
        stretches.see(2 * place, 2.0 * place, [threat(score)])
        stretches.see(2 * place + 1, 2.0 * place + 1, [])
    kept = sorted((entry.score for entry in stretches.all()), reverse=True)
    assert kept == sorted(scores, reverse=True)[:most]
    assert len(kept) + stretches.omitted == len(scores)


def test_a_milder_category_makes_room_for_a_graver():
    """Law: a finding that asks for nothing goes before one that blocks, whatever its score."""
    stretches = FindingStretches(POLICY, 1)
    stretches.see(0, 0.0, [threat(0.95, "A2")])
    stretches.see(1, 1.0, [threat(0.85)])
    stretches.see(2, 2.0, [])
    assert [entry.category_id for entry in stretches.all()] == ["H3"]


def test_they_come_in_the_order_of_time():
    """Law: stretches are listed by when they begin."""
    stretches = FindingStretches(POLICY)
    stretches.hear(7.0, 8.0, [threat()])
    stretches.see(0, 2.0, [threat()])
    assert [entry.start_seconds for entry in stretches.all()] == [2.0, 7.0]
    assert all(isinstance(entry, VideoFinding) for entry in stretches.all())
