"""Operators, accounts and users of NATS: keys and tokens as its own tools make them."""

import base64
import binascii
import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

OPERATOR, ACCOUNT, USER = 14 << 3, 0, 20 << 3
SEED = 18 << 3
UNLIMITED = -1


@dataclass(frozen=True)
class Identity:
    """A key pair of one kind."""

    kind: int
    key: Ed25519PrivateKey

    @property
    def name(self) -> str:
        """The public key as NATS writes it."""
        return encoded(bytes([self.kind]) + self.key.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        """The private key as NATS writes it."""
        head = bytes([SEED | (self.kind >> 5), (self.kind & 31) << 3])
        return encoded(head + self.key.private_bytes_raw())

    def token(self, of: "Identity", claims: Mapping[str, object]) -> str:
        """Sign a token that says this of another, or of itself."""
        body = {"iss": self.name, "sub": of.name, "iat": 1, "nats": {**claims, "version": 2}}
        digest = hashlib.sha256(json.dumps(body).encode()).digest()
        body["jti"] = base64.b32encode(digest).decode().rstrip("=")
        parts = [{"typ": "JWT", "alg": "ed25519-nkey"}, body]
        said = ".".join(url_safe(json.dumps(part).encode()) for part in parts)
        return f"{said}.{url_safe(self.key.sign(said.encode()))}"


def made(kind: int) -> Identity:
    return Identity(kind, Ed25519PrivateKey.generate())


def encoded(raw: bytes) -> str:
    checked = raw + struct.pack("<H", binascii.crc_hqx(raw, 0))
    return base64.b32encode(checked).decode().rstrip("=")


def url_safe(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def guarded() -> tuple[str, str]:
    """Return a server's configuration that lets in holders of a token, and such credentials."""
    operator, account, system, user = made(OPERATOR), made(ACCOUNT), made(ACCOUNT), made(USER)
    limits = dict.fromkeys(
        ("subs", "data", "payload", "conn", "leaf", "imports", "exports"), UNLIMITED
    )
    storage = {"mem_storage": UNLIMITED, "disk_storage": UNLIMITED, "consumer": UNLIMITED}
    ours = {"type": "account", "limits": {**limits, **storage, "streams": UNLIMITED}}
    tokens = {
        account.name: operator.token(account, ours),
        system.name: operator.token(system, {"type": "account", "limits": limits}),
    }
    resolved = "\n".join(f"{name}: {token}" for name, token in tokens.items())
    config = (
        f"operator: {operator.token(operator, {'type': 'operator'})}\n"
        f"system_account: {system.name}\n"
        f"resolver: MEMORY\nresolver_preload: {{\n{resolved}\n}}\n"
    )
    token = account.token(user, {"type": "user", "subs": -1, "data": -1, "payload": -1})
    credentials = (
        f"-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n"
        "Keep this file to yourself.\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n"
    )
    return config, credentials
