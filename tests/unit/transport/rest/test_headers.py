"""What is read of a request's headers."""

import pytest

from gaveld.transport.rest.headers import Headers


@pytest.mark.parametrize("value", [b"key", b"key ", b" \tkey\t "])
def test_white_space_around_a_value_is_no_part_of_it(value: bytes):
    """Law: a key that was copied with a blank is the same key, as HTTP has it."""
    headers = Headers([(b"X-API-Key", value)])
    assert headers["x-api-key"] == "key"


def test_of_a_header_that_came_twice_the_first_counts():
    """Law: nothing that was added behind a caller's own header takes its place."""
    assert Headers([(b"Host", b"a"), (b"host", b"b")])["host"] == "a"
