"""A box that seals by turning bytes over, which tests can see through and do not."""

import hashlib
from itertools import count


class FakeSecretBox:
    """A ``SecretBox`` of keys that are names; the first seals."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys or ("first",)
        self._serial = count()

    def seal(self, plain: bytes) -> bytes:
        return f"{self.keys[0]} {next(self._serial)} ".encode() + plain[::-1]

    def open(self, sealed: bytes) -> bytes:
        key, _, rest = sealed.partition(b" ")
        if key.decode(errors="replace") not in self.keys:
            raise ValueError("sealed with a key that is not listed")
        return rest.partition(b" ")[2][::-1]

    def derive(self, purpose: str) -> bytes:
        return hashlib.sha256(f"{self.keys[0]} {purpose}".encode()).digest()
