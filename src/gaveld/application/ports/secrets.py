"""The port of what keeps secrets unreadable at rest."""

from typing import Protocol


class SecretBox(Protocol):
    """Seals what is written to storage, with the operator's key, and opens what was sealed.

    After the key was changed, what an older key sealed still opens while that key is listed.
    """

    def seal(self, plain: bytes) -> bytes:
        """Return the sealed form; equal secrets are sealed differently."""
        ...

    def open(self, sealed: bytes) -> bytes:
        """Return what was sealed. Raises ``ValueError`` if no key fits."""
        ...

    def derive(self, purpose: str) -> bytes:
        """Return 32 bytes that only the holder of the first key can tell, by purpose."""
        ...
