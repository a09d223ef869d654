"""The TLS of HTTP from files, read again when they change, so that certificates can rotate.

A new pair that does not fit together is left alone and logged; the old one goes on serving.
"""

import ssl
from pathlib import Path

import structlog

from gaveld.application.failures import place_of


class Certificates:
    """A pair of PEM files, and what was last made of them.

    Raises ``OSError``, of which ``ssl.SSLError`` is one, for files that can't be used at the start.
    """

    def __init__(self, certificate_file: Path, key_file: Path) -> None:
        self._files = (certificate_file, key_file)
        self._seen: tuple[tuple[int, int], ...] = ()
        self._log = structlog.get_logger("gaveld.tls")
        self._current = self.context = self._read()
        """``context`` is the listener's; before each handshake it hands over to the current one."""
        self.context.sni_callback = self._hand_over

    def _hand_over(
        self, connection: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _: ssl.SSLContext
    ) -> None:
        try:
            if self._state() != self._seen:
                self._current = self._read()
                self._log.info("TLS files read again")
        except OSError as failure:
            self._log.error("new TLS files can't be used", cause=place_of(failure))
        connection.context = self._current

    def _read(self) -> ssl.SSLContext:
        self._seen = self._state()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self._files, password="")  # never asks at a terminal
        return context

    def _state(self) -> tuple[tuple[int, int], ...]:
        # Inode too: Kubernetes swaps whole folders by a link, maybe within one tick of the clock.
        stats = (path.stat() for path in self._files)
        return tuple((stat.st_mtime_ns, stat.st_ino) for stat in stats)
