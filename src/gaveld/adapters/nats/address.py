"""Where NATS is, and how it knows us: a password, a certificate, or a file of credentials.

All files are read at each connecting, so that they may change.
"""

import base64
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_CREDENTIALS: Final = re.compile(
    r"-+BEGIN NATS USER JWT-+\s+(?P<token>[\w.-]+)\s.*"
    r"-+BEGIN USER NKEY SEED-+\s+(?P<seed>[A-Z2-7]+)\s",
    re.DOTALL,
)
_SEED_BYTES: Final = slice(2, 34)
"""Where the seed is in what its base 32 stands for: between the kind of key and a checksum."""


@dataclass(frozen=True, slots=True)
class NatsAddress:
    """One NATS, or a name that stands for those of a cluster.

    ``url`` is ``nats://`` or ``tls://``, with a user's name if there is one; over ``tls://``
    no secret is told before the connection is encrypted. ``credentials_file`` is what NATS' own
    tools write: a token and the seed of a key.
    """

    url: str
    password_file: Path | None = None
    credentials_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None
    key_file: Path | None = None

    @property
    def is_encrypted(self) -> bool:
        """Whether nothing may go in the clear."""
        return urlsplit(self.url).scheme == "tls"

    def options(self, prove_encrypted: Callable[[], None]) -> dict[str, Any]:
        """Return how to connect, for ``nats.aio.client.Client.connect``.

        ``prove_encrypted`` is called before any secret is told. Raises ``OSError`` for a file that
        can't be read, ``ValueError`` for one that holds something else.
        """
        parts = urlsplit(self.url)
        options: dict[str, Any] = {
            "servers": parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(),
            "tls": self._context() if self.is_encrypted else None,
        }
        if self.password_file is not None:
            password = self.password_file.read_text("utf-8").strip()

            def told() -> str:
                prove_encrypted()
                return password

            options |= {"user": parts.username or "", "password": told}
        if self.credentials_file is not None:
            options |= _signing(self.credentials_file.read_text("utf-8"))
        return options

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self.ca_file)
        if self.certificate_file is not None:
            context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def _signing(credentials: str) -> dict[str, Any]:
    """Return the token to show, and how to prove that it is ours; the seed itself is never told."""
    found = _CREDENTIALS.search(credentials)
    if found is None:
        raise ValueError("not a file of NATS credentials")
    seed = found["seed"]
    raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    key = Ed25519PrivateKey.from_private_bytes(raw[_SEED_BYTES])
    return {
        "user_jwt_cb": found["token"].encode,
        "signature_cb": lambda nonce: base64.b64encode(key.sign(nonce.encode())),
    }
