"""What is kept of a video for reviewers is bounded, and is what matters."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from gaveld.application.video_keepsakes import (
    MOST_CHARACTERS,
    MOST_SPREAD,
    MOST_TELLING,
    Album,
    Transcript,
)
from gaveld.domain.actions import Action
from tests.fakes.videos import FakeFrameEncoder, frame

CALM = (Action.ALLOW, 0.0)


async def filled(ranks: dict[int, tuple[Action, float]], count: int) -> list[float]:
    """The times of the frames kept of so many, one a second."""
    album = Album(FakeFrameEncoder())
    for index in range(count):
        shown = frame(index, float(index)).frame
        await album.add(shown, f"sign {index}", "", ranks.get(index, CALM))
    return [kept.seconds for kept in album.frames()]


async def test_all_of_a_short_video_is_kept():
    """Law: a video of a few frames is shown whole, in order."""
    assert await filled({}, MOST_SPREAD) == [float(index) for index in range(MOST_SPREAD)]


async def test_a_long_video_is_kept_from_all_over():
    """Law: of a calm video the first frame and evenly spread others stay."""
    times = await filled({}, 1_000)
    gaps = {later - earlier for earlier, later in pairwise(times)}
    assert times[0] == 0.0
    assert MOST_SPREAD // 2 <= len(times) <= MOST_SPREAD
    assert len(gaps) == 1
    assert times[-1] >= 500


async def test_what_tells_most_stays():
    """Law: frames that block stay before those that only ask for review, whatever came first."""
    ranks = dict.fromkeys(range(101, 151, 2), (Action.REVIEW, 0.9))
    ranks |= {777: (Action.BLOCK, 0.6), 779: (Action.BLOCK, 0.7)}
    times = await filled(ranks, 1_000)
    assert {777.0, 779.0} <= set(times)
    assert len(times) <= MOST_TELLING + MOST_SPREAD


def test_a_line_that_stays_on_is_kept_once():
    """Law: a caption that many frames show is one line."""
    transcript = Transcript()
    for _ in range(50):
        transcript.add("Breaking  news", tells=False)
        transcript.add("BREAKING news", tells=False)
    assert transcript.text() == "Breaking news"


@given(st.lists(st.tuples(st.integers(0, 5_000), st.booleans()), max_size=40))
def test_a_transcript_is_bounded_and_keeps_what_tells(lines: list[tuple[int, bool]]):
    """Law: however much is said, so much is kept; calm lines go first, and order stays."""
    transcript = Transcript()
    for number, (length, tells) in enumerate(lines):
        transcript.add(f"{number} " + "x" * length, tells=tells)
    kept = transcript.text().splitlines()
    assert sum(len(line) + 1 for line in kept) <= MOST_CHARACTERS
    numbers = [int(line.split()[0]) for line in kept]
    assert numbers == sorted(numbers)
    telling = [number for number, (_, tells) in enumerate(lines) if tells]
    size = sum(lines[number][0] + 5 for number in telling)
    if size <= MOST_CHARACTERS:
        assert set(telling) <= set(numbers)
