"""Settings of what is served to whom: listeners, keys, logs, traces and the end."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gaveld.bootstrap.settings.section import Port, PositiveSeconds, ReadableFile, Section, endpoint


class TlsSettings(Section):
    """TLS for gRPC. Files are read again when they change. Both or neither of the first two."""

    certificate_file: ReadableFile | None = None
    key_file: ReadableFile | None = None
    client_ca_file: ReadableFile | None = None
    """Set it to demand client certificates signed by one of these (mTLS)."""

    @model_validator(mode="after")
    def _complete(self) -> "TlsSettings":
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file go together")
        if self.client_ca_file is not None and self.certificate_file is None:
            raise ValueError("client_ca_file needs certificate_file and key_file")
        return self


class GrpcSettings(Section):
    """The gRPC listener. Port 0 takes any free one."""

    host: str = "127.0.0.1"
    port: Port = 50051
    health_port: Port | None = None
    """A second, plaintext port that serves health alone, for probes that can't do TLS."""
    tls: TlsSettings = TlsSettings()
    reflection: bool = True
    channelz: bool = False
    max_message_bytes: Annotated[int, Field(ge=65_536, le=64 << 20)] = 4 << 20
    max_connection_age_seconds: PositiveSeconds = 300
    max_connection_age_grace_seconds: PositiveSeconds = 30
    max_streams_per_connection: Annotated[int, Field(ge=1, le=10_000)] = 100
    min_ping_interval_seconds: PositiveSeconds = 30
    max_deadline_seconds: PositiveSeconds = 30
    """A call without a deadline, or with a longer one, gets this."""
    max_concurrent_calls: Annotated[int, Field(ge=1, le=10_000)] = 64
    max_waiting_calls: Annotated[int, Field(ge=0, le=100_000)] = 4
    """Calls beyond those running that may wait for a place; the next is turned away at once."""
    max_wait_seconds: PositiveSeconds = 0.5
    max_bytes_in_flight: Annotated[int, Field(ge=65_536, le=16 << 30)] = 32 << 20
    """All messages of calls that run or wait, together; a call beyond it is turned away."""
    max_open_streams: Annotated[int, Field(ge=1, le=100_000)] = 4_000
    """Streams that may be open, idle or not; each may take half a megabyte at worst."""
    max_open_streams_per_project: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    max_stream_age_seconds: PositiveSeconds = 3_600
    """A stream is ended after this, and says where to resume."""


class OpsSettings(Section):
    """The plain HTTP listener of /metrics, /livez and /readyz."""

    host: str = "127.0.0.1"
    port: Port = 9090


class AuthSettings(Section):
    """Who may call. Off is for loopback only, unless ``insecure`` says that you mean it."""

    enabled: bool = False
    insecure: bool = False
    keys_file: ReadableFile | None = None
    """YAML list of keys, as ``gavel keys create --print-entry`` prints them: a mounted secret."""


class LogSettings(Section):
    """Logs go to standard error, one JSON object a line, or coloured text for people."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class TelemetrySettings(Section):
    """Traces are sent when an OTLP/gRPC endpoint is named, such as ``http://collector:4317``."""

    otlp_endpoint: Annotated[str, AfterValidator(endpoint)] | None = None
    service_name: Annotated[str, Field(min_length=1)] = "gavel"


class ShutdownSettings(Section):
    """How a stopping server loses no call: first notice, then grace."""

    notice_seconds: Annotated[float, Field(ge=0, le=600)] = 3
    """For so long calls are still taken after NOT_SERVING, while callers move away."""
    grace_seconds: Annotated[float, Field(ge=0, le=600)] = 25
    """So long the calls in progress may then take to finish."""
