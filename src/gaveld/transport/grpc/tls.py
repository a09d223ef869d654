"""Server credentials from files, read again when they change, so that certificates can rotate.

A new pair that does not fit together is left alone and logged; the old one goes on serving.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc
import structlog

from gaveld.application.failures import place_of

Fetcher = Callable[[], grpc.ServerCertificateConfiguration]
"""What gRPC's stubs want; it takes None too, as its own documentation says."""


@dataclass(frozen=True, slots=True)
class TlsOptions:
    """Where the PEM files are. With ``client_ca_file``, clients must show a certificate (mTLS)."""

    certificate_file: Path
    key_file: Path
    client_ca_file: Path | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that matter."""
        files = (self.certificate_file, self.key_file, self.client_ca_file)
        return tuple(path for path in files if path is not None)


def server_credentials(options: TlsOptions) -> grpc.ServerCredentials:
    """Return credentials that follow their files.

    Raises ``OSError`` or ``ssl.SSLError`` if the files can't be used now.
    """
    certificates = Certificates(options)
    return grpc.dynamic_ssl_server_credentials(
        certificates.load(),
        cast("Fetcher", certificates.if_changed),
        require_client_authentication=options.client_ca_file is not None,
    )


class Certificates:
    """The files as they were last read. gRPC asks before every handshake, from its own thread."""

    def __init__(self, options: TlsOptions) -> None:
        self._options = options
        self._seen: tuple[tuple[int, int], ...] = ()
        self._log = structlog.get_logger("gaveld.tls")

    def load(self) -> grpc.ServerCertificateConfiguration:
        """Read and prove the files. Raises ``OSError`` or ``ssl.SSLError``.

        What is served is what was proven: files that change meanwhile are an ``OSError``, and are
        looked at again at the next handshake.
        """
        options = self._options
        self._seen = self._state()
        pems = self._pems()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.certificate_file, options.key_file, password="")
        if options.client_ca_file is not None:
            context.load_verify_locations(options.client_ca_file)
        if self._pems() != pems:
            raise OSError("the TLS files changed while they were read")
        certificate, key, *roots = pems
        return grpc.ssl_server_certificate_configuration([(key, certificate)], *roots)

    def if_changed(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the new configuration if the files changed and fit together, else None."""
        try:
            if self._state() == self._seen:
                return None
            configuration = self.load()
        except (OSError, ssl.SSLError) as failure:
            self._log.error("new TLS files can't be used", cause=place_of(failure))
            return None
        self._log.info("TLS files read again")
        return configuration

    def _pems(self) -> list[bytes]:
        return [path.read_bytes() for path in self._options.files]

    def _state(self) -> tuple[tuple[int, int], ...]:
        # Inode too: Kubernetes swaps whole folders by a link, maybe within one tick of the clock.
        stats = (path.stat() for path in self._options.files)
        return tuple((stat.st_mtime_ns, stat.st_ino) for stat in stats)
