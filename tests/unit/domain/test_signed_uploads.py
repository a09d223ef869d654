"""Signatures of uploads: what they cover, which spellings count, and how long they are good."""

import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gaveld.domain.signed_uploads import MOST_SECONDS, UploadKind, UploadSignature

SECRET = "0123456789abcdef"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ID = "5f0c2d1e-0000-4000-8000-000000000001"
UNSIGNED = UploadSignature(
    ID, "key1", "", "2026-11-22T12:00:00.000Z", "3600", UploadKind.TEXT, ("https://gavel.example",)
)


def step(key: bytes, part: str) -> bytes:
    return hmac.new(key, part.encode(), hashlib.sha256).digest()


def digest(upload: UploadSignature = UNSIGNED, secret: str = SECRET) -> bytes:
    """Sign as the public description of the scheme says, step by step."""
    k1 = step(f"cmod{secret}".encode(), upload.signed_time)
    k2 = step(k1, f"pub-{upload.public_key}")
    k3 = step(k2, f"exp-{upload.expires}")
    k4 = step(k3, f"type-{upload.kind.value}")
    k5 = step(k4, "contentmod_request")
    return step(k5, f"{upload.hosts[0]}/public/{upload.upload_id}")


def signed(upload: UploadSignature = UNSIGNED) -> UploadSignature:
    return replace(upload, signature=digest(upload).hex())


def test_what_was_signed_fits():
    """Law: the documented scheme is the one that is checked, for each kind, to the letter."""
    assert signed().is_signed_with(SECRET)
    assert signed(replace(UNSIGNED, kind=UploadKind.IMAGE)).is_signed_with(SECRET)
    # Worked out once and written down, so that both halves of this test can't drift together.
    assert digest().hex() == "9f8ae58601dda8f5a28e79cad25264f31776dbfcf1dea19302d992864382a21f"


def test_the_public_clients_defect_is_forgiven():
    """Law: a signature whose zero bytes were left out counts, and no other shorter one."""
    number = next(n for n in range(9999) if 0 in digest(replace(UNSIGNED, public_key=f"key{n}")))
    upload = replace(UNSIGNED, public_key=f"key{number}")
    short = "".join(f"{byte:02x}" for byte in digest(upload) if byte)
    assert len(short) < 64
    assert replace(upload, signature=short).is_signed_with(SECRET)
    assert replace(upload, signature=digest(upload).hex()).is_signed_with(SECRET)
    assert not replace(upload, signature=short[:-2]).is_signed_with(SECRET)


@pytest.mark.parametrize(
    "change",
    [
        {"upload_id": "5f0c2d1e-0000-4000-8000-000000000002"},
        {"public_key": "key2"},
        {"signed_time": "2026-11-22T12:00:01.000Z"},
        {"expires": "7200"},
        {"kind": UploadKind.IMAGE},
        {"hosts": ("https://other.example",)},
        {"hosts": ()},
        {"signature": ""},
        {"signature": "00" * 32},
    ],
    ids=lambda change: next(iter(change)),
)
def test_everything_that_is_signed_is_covered(change: dict):
    """Law: nothing of what was signed can be changed."""
    assert not replace(signed(), **change).is_signed_with(SECRET)


def test_another_secret_does_not_fit():
    """Law: only the holder of the secret signs."""
    assert not signed().is_signed_with(SECRET + "0")


def test_any_of_the_hosts_may_be_the_signed_one():
    """Law: behind a proxy the address that was signed is one of several."""
    hosts = ("http://gavel.example", "https://gavel.example", "gavel.example")
    assert replace(signed(), hosts=hosts).is_signed_with(SECRET)


@pytest.mark.parametrize(
    ("signed_time", "expires", "good"),
    [
        ("2026-11-22T12:00:00.000Z", "1", True),
        ("2026-11-22T12:00:00", "1", True),
        ("2026-11-22T13:00:00+01:00", "1", True),
        ("2026-11-22T11:00:00Z", "3600", False),
        ("2026-11-22T11:00:01Z", "3600", True),
        ("2026-11-22T12:05:00Z", "60", True),
        ("2026-11-22T12:05:01Z", "60", False),
        ("2026-11-22T12:00:00Z", "0", False),
        ("2026-11-22T12:00:00Z", str(MOST_SECONDS), True),
        ("2026-11-22T12:00:00Z", str(MOST_SECONDS + 1), False),
        ("0001-01-01T00:00:00+23:59", "60", False),
        ("9999-12-31T23:59:59-23:59", "60", False),
        ("noon", "60", False),
        ("2026-11-22T12:00:00Z", "soon", False),
    ],
)
def test_a_signature_has_its_time(signed_time: str, expires: str, good: bool):
    """Law: it is good from when it was signed until it expires, and for a week at most."""
    upload = replace(UNSIGNED, signed_time=signed_time, expires=expires)
    assert upload.is_good_at(NOON) is good


@given(st.text(max_size=40), st.text(max_size=10))
def test_what_is_no_time_is_never_good(signed_time: str, expires: str):
    """Law: whatever stands there, the answer is yes or no."""
    upload = replace(UNSIGNED, signed_time=signed_time, expires=expires)
    assert upload.is_good_at(NOON + timedelta(days=9999)) in (True, False)
