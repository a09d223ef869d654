"""Loads the settings: environment over file over defaults; an unknown key is an error."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
)

from gaveld.bootstrap.settings.section import SettingsError
from gaveld.bootstrap.settings.tree import ENVIRONMENT_PREFIX, Settings

CONFIG_VARIABLE: Final = "GAVEL_CONFIG"


DEFAULT_CONFIG: Final = Path("gavel.yaml")


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
