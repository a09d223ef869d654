"""Every setting of the server, from ``gavel.yaml`` and ``GAVEL_SECTION__NAME``; nowhere else.

The environment wins over the file, the file over the defaults. An unknown key is an error that
names it, never ignored.
"""

from gaveld.bootstrap.settings.judging import (
    ClassifierName,
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
)
from gaveld.bootstrap.settings.loading import CONFIG_VARIABLE, DEFAULT_CONFIG, load_settings
from gaveld.bootstrap.settings.messaging import NatsSettings
from gaveld.bootstrap.settings.plugins import (
    AntivirusSettings,
    DescriptionSettings,
    SpeechSettings,
)
from gaveld.bootstrap.settings.rest import RestSettings
from gaveld.bootstrap.settings.section import Port, PositiveSeconds, ReadableFile, SettingsError
from gaveld.bootstrap.settings.serving import (
    AuthSettings,
    GrpcSettings,
    LogSettings,
    OpsSettings,
    ShutdownSettings,
    TelemetrySettings,
    TlsSettings,
)
from gaveld.bootstrap.settings.tree import ENVIRONMENT_PREFIX, Settings, is_loopback
from gaveld.bootstrap.settings.working import CallbacksSettings, SecretsSettings, WorkSettings

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_CONFIG",
    "ENVIRONMENT_PREFIX",
    "AntivirusSettings",
    "AuthSettings",
    "CacheSettings",
    "CallbacksSettings",
    "ClassifierName",
    "DescriptionSettings",
    "FeedbackSettings",
    "GrpcSettings",
    "ImagesSettings",
    "LogSettings",
    "ModelsSettings",
    "NatsSettings",
    "OpsSettings",
    "PanelSettings",
    "PolicySettings",
    "Port",
    "PositiveSeconds",
    "ReadableFile",
    "RedisSettings",
    "RestSettings",
    "SecretsSettings",
    "Settings",
    "SettingsError",
    "ShutdownSettings",
    "SpeechSettings",
    "StorageSettings",
    "TelemetrySettings",
    "TextSettings",
    "TlsSettings",
    "VideoSettings",
    "WorkSettings",
    "is_loopback",
    "load_settings",
]
