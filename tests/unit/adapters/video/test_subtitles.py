"""What is left of a line of subtitles when its marks are gone."""

import pytest

from gaveld.adapters.video.subtitles import shown_text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b"0,0,Default,,0,0,0,,Hello", "Hello"),
        (b"0,0,Default,,0,0,0,,one, two, three", "one, two, three"),
        (b"0,0,Default,,0,0,0,,first\\Nsecond\\nthird", "first\nsecond\nthird"),
        (b"0,0,Default,,0,0,0,,{\\i1}leaning{\\i0} {\\an8}up", "leaning up"),
        (b'0,0,Default,,0,0,0,,<i>leaning</i> <font color="red">red</font>', "leaning red"),
        (b"0,0,Default,,0,0,0,,a < b and c > d", "a < b and c > d"),
        (b"0,0,Default,,0,0,0,,wide\\hspace", "wide space"),
        (b"0,0,Default,,0,0,0,,{\\p1}", ""),
        (b"0,0,Default,,0,0,0,,\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
        (b"no commas", "no commas"),
    ],
)
def test_what_is_shown_is_what_is_read(line: bytes, text: str):
    """Law: readers get the words that viewers see, and none of the styling."""
    assert shown_text(line) == text
