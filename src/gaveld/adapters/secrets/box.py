"""Seals secrets with AES-256-GCM under the operator's keys. Where the keys are kept, it is told."""

import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
ID_BYTES: Final = 8
FORM: Final = b"\x01"
"""The first byte of all that is sealed: another one is of another release."""


class AesSecretBox:
    """A ``SecretBox`` of several keys: the first seals, and each opens what it sealed.

    Sealed is ``FORM``, the key's id, a random nonce, and what AES-GCM makes of the plain. Neither
    the sealing key nor a derived one is the operator's own: each comes from it by HKDF (RFC 5869).
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take keys of 32 bytes, the first to seal with. Raises ``ValueError`` for any other."""
        if not keys:
            raise ValueError("there is no key")
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        self._first = keys[0]
        self._first_id = _key_id(keys[0])
        self._ciphers = {_key_id(key): AESGCM(_derived(key, "seal")) for key in keys}

    def seal(self, plain: bytes) -> bytes:
        """Seal with the first key; see ``SecretBox.seal``."""
        nonce = os.urandom(NONCE_BYTES)
        head = FORM + self._first_id
        return head + nonce + self._ciphers[self._first_id].encrypt(nonce, plain, head)

    def open(self, sealed: bytes) -> bytes:
        """Open what a listed key sealed; see ``SecretBox.open``."""
        head, rest = sealed[: 1 + ID_BYTES], sealed[1 + ID_BYTES :]
        cipher = self._ciphers.get(head[1:])
        if head[:1] != FORM or cipher is None:
            raise ValueError("sealed with a key that is not listed")
        try:
            return cipher.decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], head)
        except (InvalidTag, ValueError) as error:
            raise ValueError("what was sealed has been changed") from error

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes of the first key; see ``SecretBox.derive``."""
        return _derived(self._first, f"purpose {purpose}")


def _key_id(key: bytes) -> bytes:
    return _derived(key, "id")[:ID_BYTES]


def _derived(key: bytes, info: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"gavel {info}".encode()).derive(key)
