"""Settings of NATS, over which machines tell one another of work."""

from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from gaveld.bootstrap.settings.section import ReadableFile, Section


def _nats_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"nats", "tls"} or not parts.hostname or parts.query:
        raise ValueError("must be a URL such as nats://nats:4222")
    if parts.path not in {"", "/"}:
        raise ValueError("nothing follows the host")
    if parts.password:
        raise ValueError("a password belongs into password_file, not into the URL")
    if parts.port == 0:  # urlsplit itself refuses what is no port
        raise ValueError("port 0 is nowhere")
    return url


class NatsSettings(Section):
    """The NATS JetStream that tells workers on all machines of work; none needs no other machine.

    Jobs themselves are in the storage, which workers ask while NATS is away.
    """

    url: Annotated[str, AfterValidator(_nats_url)] | None = None
    """``nats://host:4222``, or ``tls://`` to say nothing before the connection is encrypted."""
    password_file: ReadableFile | None = None
    """A file with the password, read at each connecting; the user's name is the URL's."""
    credentials_file: ReadableFile | None = None
    """A file of credentials (a JWT and a seed) as NATS' tools write it, read at each connecting."""
    ca_file: ReadableFile | None = None
    """Who signed the server's certificate; none are those that the system trusts."""
    certificate_file: ReadableFile | None = None
    """A certificate to show to the server."""
    key_file: ReadableFile | None = None
    stream: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = "GAVEL_JOBS"
    """The stream, which the server makes if it is missing."""
    subject: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,7}$")] = (
        "gavel.jobs"
    )
    """What words of work are sent to."""
    replicas: Annotated[int, Field(ge=1, le=5)] = 1
    """On how many servers of a cluster each word lies; an odd number."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        files = (self.password_file, self.credentials_file, self.ca_file, self.certificate_file)
        if self.url is None and any(files):
            raise ValueError("its files need url")
        if self.password_file is not None and self.credentials_file is not None:
            raise ValueError("password_file and credentials_file are two ways; choose one")
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        if (self.ca_file or self.certificate_file) and not (self.url or "").startswith("tls:"):
            raise ValueError("ca_file and certificate_file need a url that begins with tls://")
        return self
