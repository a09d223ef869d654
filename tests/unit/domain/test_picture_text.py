"""Words of a picture as one text, and the way back to where they stand."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.domain.content import Span
from gaveld.domain.image_signals import BoundingBox, ImageCode, ImageText
from gaveld.domain.picture_text import MOST_CHARACTERS, PictureText
from gaveld.domain.signals import Finding

fractions = st.integers(0, 8).map(lambda part: part / 16)
boxes = st.builds(BoundingBox, fractions, fractions, fractions, fractions)
lines = st.builds(
    ImageText,
    st.text(st.characters(exclude_characters="\n"), max_size=12),
    st.just(0.9),
    st.none() | boxes,
    st.integers(0, 3),
)
codes = st.builds(
    ImageCode, st.just("QRCode"), st.text(max_size=12), st.none() | boxes, st.integers(0, 3)
)


def finding(span: Span | None) -> Finding:
    return Finding("H2", 0.7, "A word.", "lexicon", "1", span)


@settings(deadline=None)
@given(st.lists(lines, max_size=8), st.lists(codes, max_size=3))
def test_every_line_is_in_the_text_once(read: list[ImageText], coded: list[ImageCode]):
    """Law: the text holds each different line once and nothing else, in the order of reading."""
    words = PictureText.of(read, coded)
    said = [entry.text.strip() for entry in (*read, *coded)]
    assert words.text == "\n".join(dict.fromkeys(line for line in said if line))
    assert not words.is_cut


@settings(deadline=None)
@given(st.lists(lines, min_size=1, max_size=8), st.data())
def test_a_line_leads_back_to_its_place(read: list[ImageText], data: st.DataObject):
    """Law: a finding within one line has the frame and the box of where that was read first."""
    line = data.draw(st.sampled_from(read))
    said = line.text.strip()
    words = PictureText.of(read, ())
    if not said:
        return
    first = next(entry for entry in read if entry.text.strip() == said)
    position = f"\n{words.text}\n".index(f"\n{said}\n")
    placed = words.placed(finding(Span(position, position + len(said))))
    assert (placed.frame_index, placed.box) == (first.frame_index, first.box)
    assert placed.span is None


@settings(deadline=None)
@given(st.lists(lines, min_size=1, max_size=8), st.data())
def test_any_span_gets_a_place_within_the_picture(read: list[ImageText], data: st.DataObject):
    """Law: whatever is found, its box holds every line that it is in, of its own frame."""
    words = PictureText.of(read, ())
    if not words.text:
        return
    start = data.draw(st.integers(0, len(words.text) - 1))
    end = data.draw(st.integers(start + 1, len(words.text)))
    placed = words.placed(finding(Span(start, end)))
    assert placed.frame_index in {entry.frame_index for entry in read}
    if placed.box is not None:
        assert 0 <= placed.box.left <= placed.box.left + placed.box.width <= 1
        assert 0 <= placed.box.top <= placed.box.top + placed.box.height <= 1


def test_a_finding_in_the_whole_text_has_a_frame_and_no_box():
    """Law: what is said of all the words is pinned to none of them."""
    words = PictureText.of([ImageText("one", 0.9, BoundingBox(0, 0, 0.5, 0.5), 3)], ())
    placed = words.placed(finding(None))
    assert (placed.frame_index, placed.box) == (3, None)


def test_a_finding_in_the_whole_text_is_in_the_frame_that_says_most():
    """Law: a stray sign in an early frame does not take the blame for a later one's sentence."""
    read = [ImageText("1", 0.9, None, 0), ImageText("much more", 0.9, None, 2)]
    read += [ImageText("is said here", 0.9, None, 2), ImageText("a little here", 0.9, None, 5)]
    assert PictureText.of(read, ()).placed(finding(None)).frame_index == 2


def test_lines_of_two_frames_have_the_box_of_the_first():
    """Law: a box is in one frame, the one that the finding begins in."""
    first, second = BoundingBox(0, 0, 0.5, 0.5), BoundingBox(0.5, 0.5, 0.5, 0.5)
    words = PictureText.of([ImageText("one", 0.9, first, 0), ImageText("two", 0.9, second, 4)], ())
    placed = words.placed(finding(Span(1, 6)))
    assert (placed.frame_index, placed.box) == (0, first)


def test_more_text_than_any_picture_holds_is_cut_and_said_to_be():
    """Law: what is judged of one picture is bounded, and what was left out is no secret."""
    words = PictureText.of([ImageText("a" * 40_000, 0.9), ImageText("b" * 40_000, 0.9)], ())
    assert len(words.text) == MOST_CHARACTERS
    assert words.is_cut
