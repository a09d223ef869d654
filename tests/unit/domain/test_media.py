"""What a refusal tells a caller, and what a frame must be."""

import pytest
from gavel.v1 import error_reason_pb2

from gaveld.domain.errors import ErrorReason, FailedPrecondition, InvalidRequest
from gaveld.domain.media import Frame, MediaReference, MediaRefusal, MediaRefused, Picture


@pytest.mark.parametrize("refusal", MediaRefusal)
def test_every_refusal_has_a_reason_of_the_contract_and_a_sentence(refusal: MediaRefusal):
    """Law: the list of refusals is closed, and each tells the caller what is wrong."""
    error = MediaRefused(refusal, limit="pixels").as_error("images[1]")
    assert f"ERROR_REASON_{error.reason}" in error_reason_pb2.ErrorReason.keys()  # noqa: SIM118
    assert error.reason.value.startswith("MEDIA_")
    assert error.metadata == {"field": "images[1]", "why": refusal.value, "limit": "pixels"}
    assert error.message
    assert refusal.value == refusal.name


def test_no_two_refusals_say_the_same():
    """Law: each cause has words of its own."""
    messages = {MediaRefused(refusal).message for refusal in MediaRefusal}
    assert len(messages) == len(MediaRefusal)


def test_a_failed_fetch_may_be_repeated_and_the_rest_may_not():
    """Law: only what may be different next time is no fault of the request."""
    for refusal in MediaRefusal:
        error = MediaRefused(refusal).as_error("media")
        is_fetch = error.reason is ErrorReason.MEDIA_FETCH_FAILED
        assert type(error) is (FailedPrecondition if is_fetch else InvalidRequest)


def test_content_is_in_no_representation():
    """Law: neither an address nor bytes can be logged by accident."""
    assert "secret" not in repr(MediaReference(uri="https://example.com/secret"))
    assert "secret" not in repr(MediaReference(data=b"secret"))


@pytest.mark.parametrize("given", [{}, {"uri": "https://example.com", "data": b""}])
def test_a_reference_is_one_thing(given: dict):
    """Law: a file is either at an address or inline."""
    with pytest.raises(ValueError, match="exactly one"):
        MediaReference(**given)


@pytest.mark.parametrize(("width", "height", "size"), [(2, 2, 11), (-1, -1, 3), (0, 0, 0)])
def test_a_frame_has_its_pixels(width: int, height: int, size: int):
    """Law: three bytes for every pixel, and at least one pixel."""
    with pytest.raises(ValueError, match="three bytes"):
        Frame(0, 0.0, width, height, memoryview(bytes(size)))


def test_a_picture_shows_something():
    """Law: nothing can be judged without a frame."""
    with pytest.raises(ValueError, match="at least one frame"):
        Picture(None, ())
