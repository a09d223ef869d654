"""Settings of the REST gateway."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from gaveld.bootstrap.dialects import DIALECTS
from gaveld.bootstrap.settings.section import Port, ReadableFile, Section, each_once


def _origin(origin: str) -> str:
    parts = urlsplit(origin)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or parts.query:
        raise ValueError("must be an origin such as https://app.example, without a path")
    return origin


def _known_dialects(names: tuple[str, ...]) -> tuple[str, ...]:
    unknown = sorted(set(names) - set(DIALECTS))
    if unknown:
        raise ValueError(f"unknown: {', '.join(unknown)}; there are {', '.join(sorted(DIALECTS))}")
    return each_once(names)


class RestTlsSettings(Section):
    """TLS for HTTP: both files or neither. They are read again when they change."""

    certificate_file: ReadableFile | None = None
    key_file: ReadableFile | None = None

    @model_validator(mode="after")
    def _complete(self) -> "RestTlsSettings":
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        return self


class RestSettings(Section):
    """The REST gateway: the contract over HTTP and WebSockets. Port 0 takes any free one."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Port = 8080
    tls: RestTlsSettings = RestTlsSettings()
    max_body_bytes: Annotated[int, Field(ge=1024, le=96 << 20)] = 6 << 20
    """The largest body; a file in JSON takes a third more than in gRPC, being base64."""
    max_bytes_in_flight: Annotated[int, Field(ge=65_536, le=16 << 30)] = 64 << 20
    """All bodies that are held at once, together; a request beyond it is turned away."""
    cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...], AfterValidator(each_once)
    ] = ()
    """Origins whose pages may call from a browser, such as ``https://app.example``."""
    dialects: Annotated[tuple[str, ...], AfterValidator(_known_dialects)] = tuple(sorted(DIALECTS))
    """Vendors' APIs that are served beside the contract's own."""
    declared_field_names: bool = False
    """Answers name fields as the contract declares them: ``content_id``, not ``contentId``."""
    playground: bool = True
    """Serves the page to try Gavel on, at ``/playground``."""
    review: bool = True
    """Serves the page where people decide on what waits for them, at ``/review``."""
