"""Every setting of the server, from ``gavel.yaml`` and ``GAVEL_SECTION__NAME``; nowhere else.

The environment wins over the file, the file over the defaults. An unknown key is an error that
names it, never ignored.
"""

import ipaddress
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from gaveld.bootstrap.chat_models import ChatModelSettings, named_once

ENVIRONMENT_PREFIX: Final = "GAVEL_"
CONFIG_VARIABLE: Final = "GAVEL_CONFIG"
DEFAULT_CONFIG: Final = Path("gavel.yaml")


class SettingsError(Exception):
    """The settings can't be used; the message has one line a key, each saying what is wrong."""


def _readable(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"no such file: {path}")
    if not os.access(path, os.R_OK):
        raise ValueError(f"not readable: {path}")
    return path


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("must be a URL such as http://collector:4317")
    if parts.port == 0:  # urlsplit itself refuses what is no port
        raise ValueError("port 0 is nowhere")
    return url


def _each_once(names: tuple[str, ...]) -> tuple[str, ...]:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"named twice: {', '.join(twice)}")
    return names


ReadableFile = Annotated[Path, AfterValidator(_readable)]
ClassifierName = Literal["lexicon", "terms", "links", "personal_data", "linear", "transformer"]
Port = Annotated[int, Field(ge=0, le=65535)]
PositiveSeconds = Annotated[float, Field(gt=0, le=86_400)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TlsSettings(_Section):
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


class GrpcSettings(_Section):
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
    max_waiting_calls: Annotated[int, Field(ge=0, le=100_000)] = 16
    """Calls beyond those running that may wait for a place; the next is turned away at once."""
    max_wait_seconds: PositiveSeconds = 0.5
    max_bytes_in_flight: Annotated[int, Field(ge=65_536, le=16 << 30)] = 32 << 20
    """All messages of calls that run or wait, together; a call beyond it is turned away."""
    max_open_streams: Annotated[int, Field(ge=1, le=100_000)] = 4_000
    """Streams that may be open, idle or not; each may take half a megabyte at worst."""
    max_open_streams_per_project: Annotated[int, Field(ge=1, le=100_000)] = 2_000
    max_stream_age_seconds: PositiveSeconds = 3_600
    """A stream is ended after this, and says where to resume."""


class OpsSettings(_Section):
    """The plain HTTP listener of /metrics, /livez and /readyz."""

    host: str = "127.0.0.1"
    port: Port = 9090


class AuthSettings(_Section):
    """Who may call. Off is for loopback only, unless ``insecure`` says that you mean it."""

    enabled: bool = False
    insecure: bool = False
    keys_file: ReadableFile | None = None
    """YAML list of keys, as ``gavel keys create --print-entry`` prints them: a mounted secret."""


class StorageSettings(_Section):
    """Where API keys are kept: an SQLAlchemy URL with an asyncio driver."""

    url: str = "sqlite+aiosqlite:///var/gavel.db"


class PolicySettings(_Section):
    """The policy document; the default policy in the package when no file is named."""

    file: ReadableFile | None = None


class TextSettings(_Section):
    """The text path."""

    max_text_bytes: Annotated[int, Field(ge=1, le=1 << 20)] = 1 << 20
    threads: Annotated[int, Field(ge=1, le=64)] = 2
    """How many long texts are worked on at once."""
    phone_regions: tuple[Annotated[str, Field(pattern="^[A-Z]{2}$")], ...] = ("US",)
    """Regions (ISO 3166) whose national phone numbers are found; international ones always are."""
    classifiers: Annotated[tuple[ClassifierName, ...], AfterValidator(_each_once)] = (
        "lexicon",
        "terms",
        "links",
        "personal_data",
        "transformer",
    )
    """The installed classifiers; what is left out is not checked, and verdicts say so."""
    transformer_folder: Path | None = None
    """A folder with another trained transformer; the shipped one when none is named."""
    engine: Literal["auto", "onnxruntime", "openvino"] = "auto"
    """What runs the transformer; ``auto`` times the engines that are installed at the start."""
    engine_threads: Annotated[int, Field(ge=1, le=256)] = 2
    """How many batches of the transformer run at once, each on one core."""
    engine_batch_tokens: Annotated[int, Field(ge=1, le=65_536)] = 512
    """How many tokens, padding included, one batch may have; 1 reads each passage alone."""
    cascade_below: Annotated[float, Field(ge=0, le=0.2)] = 0.0
    """Texts that the linear model gives less than this for every label are not read further."""


class PanelSettings(_Section):
    """The panel of reviewers; who is on it, and how votes count, policies may change."""

    reviewer_timeout_seconds: PositiveSeconds = 30
    """How long one reviewer may take, or until the call's deadline if that is sooner."""
    embedded: bool = True
    """Whether the ten reviewers over the transformer are on the server's panel, ahead of others."""
    chat_models: Annotated[tuple[ChatModelSettings, ...], AfterValidator(named_once)] = ()
    """Reviewers over chat models: see docs/chat-models.md."""


class ImagesSettings(_Section):
    """What looks at pictures."""

    classifiers: Annotated[tuple[Literal["nsfw", "hashes"], ...], AfterValidator(_each_once)] = (
        "nsfw",
        "hashes",
    )
    """The detectors in use; what is left out is not checked, and verdicts say so."""
    hashes_folder: Path = Path("var/hashes")
    """The banks of known pictures, as ``gavel hashes`` keeps them; ``hashes`` compares with all."""
    engine_threads: Annotated[int, Field(ge=1, le=256)] = 2
    """How many batches of frames are worked on at once, each on one core."""
    engine_batch_frames: Annotated[int, Field(ge=1, le=256)] = 1
    """How many frames one batch may have; on a CPU more than one gains nothing."""


class VideoSettings(_Section):
    """How videos are decoded and how densely they are looked at."""

    workers: Annotated[int, Field(ge=1, le=64)] = 2
    """How many videos are decoded at once, each in a process of its own; more wait in line."""
    sample_seconds: Annotated[float, Field(ge=0.1, le=60)] = 1.0
    """A frame is looked at at least this often, up to ``max_frames``, and where scenes change."""
    max_frames: Annotated[int, Field(ge=10, le=10_000)] = 600
    """How many frames of one video are looked at; longer videos are looked at less often."""
    max_frame_pixels: Annotated[int, Field(ge=10_000, le=4_000_000)] = 921_600
    """Larger frames are made smaller before they are looked at."""
    cpu_seconds: Annotated[float, Field(ge=5, le=3_600)] = 120
    """Processor time that one video may take; then it is cut short, and verdicts say so."""
    memory_bytes: Annotated[int, Field(ge=256 << 20, le=16 << 30)] = 1 << 30
    """The address space of one worker."""
    spool_folder: Path | None = None
    """Where a video lies while it is decoded, up to 200 MB each; the system's folder if none."""


class ModelsSettings(_Section):
    """Models that are not shipped and that ``gavel models install`` gets."""

    folder: Path = Path("var/models")


class FeedbackSettings(_Section):
    """What people say of verdicts is kept in the storage, with the texts."""

    enabled: bool = True


class CacheSettings(_Section):
    """What was learnt about texts is remembered, so that equal texts are not read again."""

    max_bytes: Annotated[int, Field(ge=0, le=64 << 30)] = 32 << 20
    """How much memory this may take; 0 remembers nothing."""
    max_answer_bytes: Annotated[int, Field(ge=0, le=64 << 30)] = 16 << 20
    """How much memory answers to calls with a request id may take, for repeats; 0 keeps none."""


class LogSettings(_Section):
    """Logs go to standard error, one JSON object a line, or coloured text for people."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class TelemetrySettings(_Section):
    """Traces are sent when an OTLP/gRPC endpoint is named, such as ``http://collector:4317``."""

    otlp_endpoint: Annotated[str, AfterValidator(_endpoint)] | None = None
    service_name: Annotated[str, Field(min_length=1)] = "gavel"


class ShutdownSettings(_Section):
    """How a stopping server loses no call: first notice, then grace."""

    notice_seconds: Annotated[float, Field(ge=0, le=600)] = 3
    """For so long calls are still taken after NOT_SERVING, while callers move away."""
    grace_seconds: Annotated[float, Field(ge=0, le=600)] = 25
    """So long the calls in progress may then take to finish."""


class Settings(BaseSettings):
    """All settings of one server. Build it with ``load_settings``."""

    model_config = SettingsConfigDict(
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    grpc: GrpcSettings = GrpcSettings()
    ops: OpsSettings = OpsSettings()
    auth: AuthSettings = AuthSettings()
    storage: StorageSettings = StorageSettings()
    policy: PolicySettings = PolicySettings()
    text: TextSettings = TextSettings()
    panel: PanelSettings = PanelSettings()
    images: ImagesSettings = ImagesSettings()
    video: VideoSettings = VideoSettings()
    models: ModelsSettings = ModelsSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    cache: CacheSettings = CacheSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    shutdown: ShutdownSettings = ShutdownSettings()

    @model_validator(mode="after")
    def _refuse_one_port_for_two(self) -> "Settings":
        named = {"ops.port": self.ops.port}
        if not self.grpc.host.startswith("unix:"):
            named |= {"grpc.port": self.grpc.port, "grpc.health_port": self.grpc.health_port or 0}
        taken: dict[int, str] = {}
        for key, port in named.items():
            other = taken.setdefault(port, key)
            if port and other != key:
                raise ValueError(f"{other} and {key} are both {port}; each needs its own")
        return self

    @model_validator(mode="after")
    def _refuse_open_doors(self) -> "Settings":
        if self.auth.enabled or self.auth.insecure or is_loopback(self.grpc.host):
            return self
        raise ValueError(
            f"grpc.host {self.grpc.host!r} is not loopback and auth.enabled is false, so anyone "
            "could call: set auth.enabled and create a key, or say --insecure"
        )


def load_settings(
    config: Path | None = None, overrides: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings from a file, the environment and ``overrides`` (strongest).

    ``config`` defaults to what ``GAVEL_CONFIG`` names, else to ``gavel.yaml`` if there is one.
    Raises ``SettingsError`` that names each bad key.
    """
    named = config or (Path(os.environ[CONFIG_VARIABLE]) if CONFIG_VARIABLE in os.environ else None)
    if named is not None and not named.is_file():
        raise SettingsError(f"no such settings file: {named}")
    source = named or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    _refuse_unknown_variables()
    try:
        loaded = _loader(_tree(source) if source else {})(**(overrides or {}))
    except ValidationError as error:
        raise SettingsError("\n".join(_lines(error))) from error
    return Settings.model_construct(**dict(loaded))


def is_loopback(host: str) -> bool:
    """Whether a listening address can be reached from this machine alone."""
    if host == "localhost" or host.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _tree(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if tree is not None and not isinstance(tree, dict):
        raise SettingsError(f"{path}: not a mapping of sections to settings")
    return tree or {}


def _loader(tree: dict[str, Any]) -> type[Settings]:
    class FromAllSources(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del env_settings, dotenv_settings, file_secret_settings
            environment = _Environment(settings_cls)
            return init_settings, environment, InitSettingsSource(settings_cls, tree)

    return FromAllSources


class _Environment(EnvSettingsSource):
    """The environment, which names a variable that should be JSON and is not."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except json.JSONDecodeError as error:
            names = (name for name, text in self.env_vars.items() if text == value)
            name = next(name for name in names if name.endswith(field_name)).upper()
            raise SettingsError(f'{name}: not JSON; a list is written ["one", "two"]') from error


def _refuse_unknown_variables() -> None:
    # Names without "__" are left alone: Kubernetes sets GAVEL_PORT and the like for a Service.
    sections = set(Settings.model_fields)
    for name in sorted(os.environ):
        section, delimiter, _ = name.removeprefix(ENVIRONMENT_PREFIX).partition("__")
        if not name.startswith(ENVIRONMENT_PREFIX) or not delimiter:
            continue
        if section.lower() not in sections:
            known = ", ".join(sorted(sections))
            raise SettingsError(f"{name}: no section {section.lower()!r}; known are {known}")


def _lines(error: ValidationError) -> list[str]:
    lines = []
    for entry in error.errors(include_url=False, include_input=False):
        message = entry["msg"].removeprefix("Value error, ")
        if entry["type"] == "extra_forbidden":
            message = "no such setting"
        path = ".".join(str(part) for part in entry["loc"])
        setting = _setting(entry["loc"])
        variable = ENVIRONMENT_PREFIX + "__".join(setting).upper()
        hint = f" (environment: {variable})" if setting else ""
        lines.append(f"{path}: {message}{hint}" if path else message)
    return lines


def _setting(place: tuple[int | str, ...]) -> tuple[str, ...]:
    """Return the path of the setting that a place is in, empty if it is in none."""
    section: type[BaseModel] = Settings
    path: list[str] = []
    for part in place:
        field = section.model_fields.get(str(part))
        if field is None:
            return ()
        path.append(str(part))
        if not isinstance(field.default, BaseModel):
            return tuple(path)
        section = type(field.default)
    return ()
