"""What a file is, told from its first bytes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gaveld.domain.media_formats import (
    SIGNATURE_BYTES,
    MediaFamily,
    MediaFormat,
    described,
    format_of,
)
from tests.pictures import ANIMATED_FORMATS, STILL_FORMATS, animated, encoded, quarters, shades


@pytest.mark.parametrize("name", STILL_FORMATS)
def test_every_picture_is_known_by_its_bytes(name: str):
    """Law: what an encoder writes is found as what it is."""
    assert format_of(encoded(quarters(), name)[:SIGNATURE_BYTES]) is MediaFormat(name)


@pytest.mark.parametrize("name", ANIMATED_FORMATS)
def test_animations_have_their_format(name: str):
    """Law: moving or not, the format is the same."""
    assert format_of(animated(shades(3), name)[:SIGNATURE_BYTES]) is MediaFormat(name)


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42", MediaFormat.MP4),
        (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", MediaFormat.MP4),
        (b"\0\0\0\x08wide\0\0\x10\0mdat", MediaFormat.MP4),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", MediaFormat.AVIF),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", None),
        (b"\x1aE\xdf\xa3\x9f", MediaFormat.MATROSKA),
        (b"RIFF\0\0\0\0AVI LIST", MediaFormat.AVI),
        (b"RIFF\0\0\0\0WAVEfmt ", MediaFormat.WAV),
        (b"RIFF\0\0\0\0RMIDdata", None),
        (b"ID3\4\0\0", MediaFormat.MP3),
        (b"\xff\xfb\x90\x64", MediaFormat.MP3),
        (b"\xff\xfeh\0i\0", None),
        (b"\xff", None),
        (b"OggS\0\2", MediaFormat.OGG),
        (b"fLaC\0\0\0\x22", MediaFormat.FLAC),
        (b"G" + bytes(187) + b"G", MediaFormat.MPEG_TS),
        (b"BM is how letters begin, now and then.", None),
        (b"GIF88a", None),
        (b"", None),
    ],
)
def test_signatures_by_hand(head: bytes, found: MediaFormat | None):
    """Law: containers are told by their brands, and what only resembles a format is not one."""
    assert format_of(head) is found


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"\xef\xbb\xbf\n<?xml version='1.0'?><!-- x --><svg width='1'>", "image/svg+xml"),
        (b"  <!DOCTYPE html><title>x</title>", "text/html"),
        (b"<HTML><img src=x>", "text/html"),
        (b"<?xml version='1.0'?><rss/>", "application/xml"),
        (b"%PDF-1.7\n\xff\xd8\xff", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"\x1f\x8b\x08", "application/gzip"),
        (b"\0\0\0\x1cftypheic\0\0\0\0mif1heic", "image/heic"),
        (b"just words", "text/plain"),
        (b"\0\1\2\3", "application/octet-stream"),
        (b"", "application/x-empty"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
    ],
)
def test_what_is_not_judged_is_named(head: bytes, media_type: str):
    """Law: a refusal can say what came, by its bytes."""
    assert described(head) == media_type


@settings(deadline=None)
@given(st.binary(max_size=SIGNATURE_BYTES))
def test_any_bytes_have_an_answer(head: bytes):
    """Law: no bytes fail, and what has a format is described by it."""
    found = format_of(head)
    assert "/" in described(head)
    assert found is None or described(head) == found.media_type


def test_families():
    """Law: each format is for pictures, for videos or for sounds, and named so."""
    kinds = {
        MediaFamily.PICTURE: "image",
        MediaFamily.VIDEO: "video",
        MediaFamily.SOUND: "audio",
    }
    for entry in MediaFormat:
        assert entry.media_type.startswith(f"{kinds[entry.family]}/")
