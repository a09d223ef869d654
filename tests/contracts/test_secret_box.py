"""One suite for every ``SecretBox``."""

from collections.abc import Callable
from hashlib import sha256

import pytest

from gaveld.adapters.secrets import AesSecretBox
from gaveld.application.ports.secrets import SecretBox
from tests.fakes.secret_box import FakeSecretBox

NewBox = Callable[..., SecretBox]
"""Takes the names of keys, the first to seal with."""


@pytest.fixture(params=["fake", "aes"])
def new_box(request) -> NewBox:
    if request.param == "fake":
        return FakeSecretBox
    return lambda *keys: AesSecretBox([sha256(key.encode()).digest() for key in keys])


@pytest.mark.parametrize("plain", [b"", b"\x00", b"whsec_" * 9, bytes(range(256)) * 300])
def test_what_is_sealed_opens_to_the_same(new_box: NewBox, plain: bytes):
    """Law: opening gives back every byte, also in another process with the same key."""
    sealed = new_box("a").seal(plain)
    assert new_box("a").open(sealed) == plain


def test_a_sealed_secret_can_not_be_read_nor_compared(new_box: NewBox):
    """Law: the sealed form shows nothing of the secret, and not that two are equal."""
    box = new_box("a")
    first, second = box.seal(b"a secret of ours"), box.seal(b"a secret of ours")
    assert first != second
    assert b"a secret of ours" not in first


def test_an_older_key_opens_while_it_is_listed(new_box: NewBox):
    """Law: after a rotation the new key seals, and the old one still opens what it sealed."""
    old = new_box("a").seal(b"kept")
    rotated = new_box("b", "a")
    assert rotated.open(old) == b"kept"
    assert new_box("b").open(rotated.seal(b"new")) == b"new"
    with pytest.raises(ValueError, match="not listed"):
        new_box("b").open(old)


def test_what_was_never_sealed_does_not_open(new_box: NewBox):
    """Law: bytes of anybody else are refused."""
    for stray in (b"", b"whsec_plain", bytes(64)):
        with pytest.raises(ValueError, match="not listed"):
            new_box("a").open(stray)


def test_derived_keys_differ_by_purpose_and_by_the_first_key(new_box: NewBox):
    """Law: 32 bytes, the same for the same first key and purpose and for nothing else."""
    box = new_box("a", "b")
    assert len(box.derive("uploads")) == 32
    assert box.derive("uploads") == new_box("a").derive("uploads")
    assert box.derive("uploads") != box.derive("tokens")
    assert box.derive("uploads") != new_box("b", "a").derive("uploads")
