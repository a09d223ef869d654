"""Signatures that let somebody without a key upload one thing: what they cover, and for how long.

The scheme is the one that ContentMod's clients sign with.
"""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

MOST_SECONDS: Final = 7 * 86_400
"""No signature is good for longer."""
MOST_AHEAD: Final = timedelta(minutes=5)
"""How far the clock of whoever signs may be ahead of ours."""


class UploadKind(StrEnum):
    """What an upload may hold, as it is signed."""

    TEXT = "text"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class UploadSignature:
    """What came with an upload to prove that it is allowed, word for word as it was signed.

    ``hosts`` are what may have stood before ``/public/`` in the signed address; the uploader may
    name any, as only the one that was signed fits. ``signature`` is lower-case hex.
    """

    upload_id: str
    public_key: str
    signature: str = field(repr=False)
    signed_time: str
    expires: str
    kind: UploadKind
    hosts: tuple[str, ...]

    def is_signed_with(self, secret: str) -> bool:
        """Whether the secret made it. Takes as long whether or not it nearly did."""
        fits = False
        for host in self.hosts:
            digest = self._digest(secret, host)
            # ContentMod's public client leaves zero bytes out of the hex.
            for form in (digest.hex(), bytes(byte for byte in digest if byte).hex()):
                fits |= hmac.compare_digest(form.encode(), self.signature.encode())
        return fits

    def is_good_at(self, now: datetime) -> bool:
        """Whether ``now``, in UTC, is within its time. A time that can't be read never is."""
        try:
            signed = datetime.fromisoformat(self.signed_time)
            age = now - (signed if signed.tzinfo else signed.replace(tzinfo=UTC))
            seconds = int(self.expires)
        except (ValueError, OverflowError):
            return False
        return 1 <= seconds <= MOST_SECONDS and -MOST_AHEAD <= age < timedelta(seconds=seconds)

    def _digest(self, secret: str, host: str) -> bytes:
        key = f"cmod{secret}".encode()
        for part in (
            self.signed_time,
            f"pub-{self.public_key}",
            f"exp-{self.expires}",
            f"type-{self.kind}",
            "contentmod_request",
            f"{host}/public/{self.upload_id}",
        ):
            key = hmac.digest(key, part.encode(), hashlib.sha256)
        return key
