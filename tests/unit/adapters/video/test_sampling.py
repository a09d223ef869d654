"""Which moments of a video are looked at."""

import itertools

import pytest

from gaveld.adapters.video.sampling import SamplingPlan


def sampled(
    seconds: float,
    claimed: float | None,
    *,
    rate: int = 10,
    max_frames: int = 600,
    every: float = 1,
) -> list[float]:
    """The moments at which a video with so many frames a second is sampled."""
    plan, taken = SamplingPlan(every, max_frames, claimed), []
    for number in range(round(seconds * rate)):
        at = number / rate
        if not plan.is_spent and at >= plan.due_seconds:
            plan.take(at)
            taken.append(at)
    return taken


def gaps(taken: list[float]) -> list[float]:
    return [later - earlier for earlier, later in itertools.pairwise(taken)]


@pytest.mark.parametrize("claimed", [None, 60.0, 5.0, 36_000.0], ids=str)
def test_a_short_video_is_sampled_at_least_every_so_often(claimed: float | None):
    """Law: whatever a short video says of its length, it is looked at every second."""
    taken = sampled(60, claimed)
    assert taken[0] == 0
    assert max(gaps(taken)) <= 1.1
    assert taken[-1] >= 59


@pytest.mark.parametrize("claimed", [None, 3_600.0, 60.0, 1e9], ids=str)
def test_a_long_video_is_sampled_to_its_end_within_the_cap(claimed: float | None):
    """Law: no video takes more samples than the cap, and none of its parts goes unseen."""
    taken = sampled(3_600, claimed, rate=2)
    assert len(taken) <= 600
    assert taken[-1] >= 3_500
    assert max(gaps(taken)) <= 3_600 / 20


def test_a_long_video_that_tells_its_length_is_sampled_evenly():
    """Law: with an honest length the later parts are looked at as often as each other."""
    steps = gaps(sampled(3_600, 3_600.0))
    later = steps[-100:]
    assert max(later) - min(later) <= 0.2
    assert max(later) <= 3_600 / 600 * 2.5


def test_a_claim_is_believed_no_further_than_what_was_seen():
    """Law: a video can't have its first minutes skipped by claiming to be days long."""
    assert len(sampled(120, 1e9)) >= 100


@pytest.mark.parametrize("max_frames", [1, 2, 10])
def test_the_cap_holds_however_small(max_frames: int):
    """Law: there are never more samples than the cap."""
    assert len(sampled(100, None, max_frames=max_frames)) <= max_frames


def test_scenes_are_looked_for_a_few_times_between_samples():
    """Law: looking for new scenes costs a few looks, however many frames there are."""
    plan = SamplingPlan(1.0, 600, None)
    plan.take(0.0)
    looks = sum(plan.may_look(at / 1000) for at in range(1000))
    assert looks == 3


def test_flicker_takes_nothing_from_the_rest():
    """Law: a video that changes all the time is still looked at to its end, within the cap."""
    plan, taken = SamplingPlan(1.0, 30, 100.0), []
    for number in range(1_000):
        at = number / 10
        is_due = at >= plan.due_seconds
        if not plan.is_spent and (is_due or (plan.may_look(at) and plan.may_take_scene())):
            plan.take(at)
            taken.append(at)
    assert len(taken) <= 30
    assert taken[-1] > 85


def test_a_spent_plan_takes_no_scenes():
    """Law: a plan for a single sample has none left for scenes, and is spent with the first."""
    plan = SamplingPlan(1.0, 1, None)
    assert not plan.is_spent
    plan.take(0.0)
    assert plan.is_spent
    assert not plan.may_take_scene()
