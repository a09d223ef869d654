"""Signs callbacks as the Standard Webhooks specification says: HMAC-SHA256, symmetric keys."""

import base64
import binascii
import hashlib
import hmac
from typing import Final

PREFIX: Final = "whsec_"


def key_of(secret: str) -> bytes:
    """Return the key that a secret stands for: what follows ``whsec_`` in base64, or its text.

    What follows the prefix and is no base64 is text, too, prefix and all.
    """
    if secret.startswith(PREFIX):
        encoded = secret.removeprefix(PREFIX)
        try:
            return base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the ``webhook-signature`` of one attempt; ``timestamp`` is in Unix seconds.

    Raises ``ValueError`` for an empty secret: nothing is sent that anybody could have signed.
    """
    key = key_of(secret)
    if not key:
        raise ValueError("the secret is empty")
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
