"""In which order the lines of a picture are read, from their boxes alone."""

from hypothesis import given
from hypothesis import strategies as st

from gaveld.adapters.image.ocr.reading_order import Rect, reading_order


def laid_out(*rows: str, width: int = 10, height: int = 20) -> tuple[str, str]:
    """What is read of a drawn page, and what stands in it: a letter is a line, '=' is more of it.

    Each place of a row is ``width`` pixels wide, and a line is as high as a row less a little.
    """
    rects, names = [], []
    for row, places in enumerate(rows):
        for place, name in enumerate(places):
            if name.isalpha():
                end = place + 1
                while places[end : end + 1] == "=":
                    end += 1
                rects.append(Rect(place * width, row * height, end * width, (row + 0.8) * height))
                names.append(name)
    return "".join(names[index] for index in reading_order(rects)), "".join(names)


def test_rows_are_read_from_the_top_and_from_the_left():
    """Law: lines beside each other come from the left, whatever comes below."""
    read, _ = laid_out("a==   b==", "", "   c=====", "d=== e==")
    assert read == "abcde"


def test_columns_are_read_one_after_another():
    """Law: where rows have one gap in common, what is left of it is read first."""
    read, _ = laid_out("a===    d===", "b====   e==", "c===    f===")
    assert read == "abcdef"


def test_what_spans_the_columns_is_read_before_and_after_them():
    """Law: a heading and a last line stay where they are, as in a picture with two halves."""
    read, _ = laid_out("  a========", "b===    d===", "c====   e==", " f=========")
    assert read == "abcdef"


def test_columns_need_not_have_their_lines_at_one_height():
    """Law: a column is what a gap separates, even if its lines are half a line lower."""
    rects = [
        Rect(0, 0, 80, 20),
        Rect(0, 30, 80, 50),
        Rect(120, 10, 200, 30),
        Rect(120, 40, 200, 60),
    ]
    assert reading_order(rects) == [0, 1, 2, 3]


def test_turns_of_a_chat_stay_in_order():
    """Law: lines that are never beside each other are read from the top, however far apart."""
    read, _ = laid_out("a====", "         b====", "c===", "           d==")
    assert read == "abcd"


def test_words_of_one_line_that_stand_a_little_askew_stay_together():
    """Law: what overlaps for the larger part is one row."""
    rects = [Rect(100, 0, 180, 20), Rect(0, 6, 90, 26), Rect(0, 40, 90, 60)]
    assert reading_order(rects) == [1, 0, 2]


sides = st.tuples(st.integers(0, 400), st.integers(0, 400), st.integers(1, 300), st.integers(1, 90))


@given(st.lists(sides, max_size=40))
def test_every_line_is_read_once(some):
    """Law: whatever lies where, nothing is left out and nothing is read twice."""
    rects = [Rect(x, y, x + wide, y + high) for x, y, wide, high in some]
    assert sorted(reading_order(rects)) == list(range(len(rects)))
