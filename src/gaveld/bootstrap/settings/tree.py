"""All settings of one server together, and what they may not say together."""

import ipaddress
from typing import Final

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from gaveld.bootstrap.settings.judging import (
    ImagesSettings,
    ModelsSettings,
    PanelSettings,
    PolicySettings,
    TextSettings,
    VideoSettings,
)
from gaveld.bootstrap.settings.keeping import (
    CacheSettings,
    FeedbackSettings,
    RedisSettings,
    StorageSettings,
    UsageSettings,
)
from gaveld.bootstrap.settings.messaging import NatsSettings
from gaveld.bootstrap.settings.plugins import (
    AntivirusSettings,
    DescriptionSettings,
    SpeechSettings,
)
from gaveld.bootstrap.settings.rest import RestSettings
from gaveld.bootstrap.settings.serving import (
    AuthSettings,
    GrpcSettings,
    LogSettings,
    OpsSettings,
    ShutdownSettings,
    TelemetrySettings,
)
from gaveld.bootstrap.settings.working import CallbacksSettings, SecretsSettings, WorkSettings

ENVIRONMENT_PREFIX: Final = "GAVEL_"


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
    rest: RestSettings = RestSettings()
    ops: OpsSettings = OpsSettings()
    auth: AuthSettings = AuthSettings()
    storage: StorageSettings = StorageSettings()
    policy: PolicySettings = PolicySettings()
    text: TextSettings = TextSettings()
    panel: PanelSettings = PanelSettings()
    images: ImagesSettings = ImagesSettings()
    video: VideoSettings = VideoSettings()
    antivirus: AntivirusSettings = AntivirusSettings()
    speech: SpeechSettings = SpeechSettings()
    description: DescriptionSettings = DescriptionSettings()
    models: ModelsSettings = ModelsSettings()
    feedback: FeedbackSettings = FeedbackSettings()
    usage: UsageSettings = UsageSettings()
    cache: CacheSettings = CacheSettings()
    redis: RedisSettings = RedisSettings()
    nats: NatsSettings = NatsSettings()
    work: WorkSettings = WorkSettings()
    secrets: SecretsSettings = SecretsSettings()
    callbacks: CallbacksSettings = CallbacksSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    shutdown: ShutdownSettings = ShutdownSettings()

    @model_validator(mode="after")
    def _refuse_one_port_for_two(self) -> "Settings":
        named = {"ops.port": self.ops.port}
        if not self.grpc.host.startswith("unix:"):
            named |= {"grpc.port": self.grpc.port, "grpc.health_port": self.grpc.health_port or 0}
        if self.rest.enabled:
            named["rest.port"] = self.rest.port
        taken: dict[int, str] = {}
        for key, port in named.items():
            other = taken.setdefault(port, key)
            if port and other != key:
                raise ValueError(f"{other} and {key} are both {port}; each needs its own")
        return self

    @model_validator(mode="after")
    def _refuse_open_doors(self) -> "Settings":
        if self.auth.enabled or self.auth.insecure:
            return self
        hosts = {"grpc.host": self.grpc.host}
        if self.rest.enabled:
            hosts["rest.host"] = self.rest.host
        for key, host in hosts.items():
            if not is_loopback(host):
                raise ValueError(
                    f"{key} {host!r} is not loopback and auth.enabled is false, so anyone could "
                    "call: set auth.enabled and create a key, or say --insecure"
                )
        return self


def is_loopback(host: str) -> bool:
    """Whether a listening address can be reached from this machine alone."""
    if host == "localhost" or host.startswith("unix:"):
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
