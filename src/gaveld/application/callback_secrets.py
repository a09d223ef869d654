"""Keeps what callbacks to callers' own addresses need secret: what signs them, and the addresses.

An address may hold a token, so it is stored sealed, and apart from what else was submitted.
"""

import base64

from gaveld.application.ports import SecretBox


def callback_secret(box: SecretBox, project: str) -> str:
    """Return the secret of callbacks to a call's own ``callback_url``, ``whsec_`` and base64.

    It is worked out of the box's first key and stored nowhere; another first key is another secret.
    """
    key = box.derive(f"callbacks of {project}")
    return f"whsec_{base64.b64encode(key).decode()}"


def sealed_url(box: SecretBox, url: str) -> bytes:
    """Return a call's own ``callback_url`` as it is stored; empty for none."""
    return box.seal(url.encode()) if url else b""


def opened_url(box: SecretBox, sealed: bytes) -> str:
    """Return the ``callback_url`` again; empty for none, and for one whose key is gone.

    A callback that is to go to the latter is stored all the same, and found unreadable.
    """
    try:
        return box.open(sealed).decode() if sealed else ""
    except ValueError:
        return ""
