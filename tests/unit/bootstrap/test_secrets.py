"""Which keys seal the secrets of a server, by its settings."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker
from typer.testing import CliRunner

from gaveld.adapters.secrets import new_key
from gaveld.adapters.storage.policies.rows import ActionSecretRow
from gaveld.adapters.storage.sealing import Sealed
from gaveld.adapters.storage.tables import Base
from gaveld.bootstrap.cli import app
from gaveld.bootstrap.secrets import SEALED, open_secret_box, reseal_secrets
from gaveld.bootstrap.settings import SecretsSettings, Settings, SettingsError, StorageSettings
from tests.databases import opened


def settings(url: str, key_file: Path | None = None) -> Settings:
    return Settings(storage=StorageSettings(url=url), secrets=SecretsSettings(key_file=key_file))


def test_sqlite_gets_a_key_beside_its_file(tmp_path: Path):
    """Law: a laptop needs no set-up, and what it sealed opens after a restart."""
    url = f"sqlite+aiosqlite:///{tmp_path}/var/gavel.db"
    sealed = open_secret_box(settings(url)).seal(b"kept")
    assert (tmp_path / "var" / "secrets.key").is_file()
    assert open_secret_box(settings(url)).open(sealed) == b"kept"


def test_a_database_in_memory_leaves_no_key(tmp_path: Path, monkeypatch):
    """Law: a key outlives nothing that it seals."""
    monkeypatch.chdir(tmp_path)
    box = open_secret_box(settings("sqlite+aiosqlite:///:memory:"))
    assert box.open(box.seal(b"kept")) == b"kept"
    assert not list(tmp_path.iterdir())


def test_a_shared_database_must_be_given_a_key(tmp_path: Path):
    """Law: no server makes up a key that others lack; the error says how to make one."""
    url = "postgresql://gavel@db/gavel"
    with pytest.raises(SettingsError, match=r"secrets.key_file.*gavel secrets new-key"):
        open_secret_box(settings(url))
    file = tmp_path / "secrets.key"
    file.write_text(f"{new_key()}\n")
    box = open_secret_box(settings(url, file))
    assert open_secret_box(settings(url, file)).open(box.seal(b"kept")) == b"kept"


def test_a_bad_file_of_keys_is_told(tmp_path: Path):
    """Law: a fault in the file names the setting and shows no key."""
    file = tmp_path / "secrets.key"
    file.write_text("a password\n")
    with pytest.raises(SettingsError, match=r"secrets.key_file: line 1 is not 32 bytes") as caught:
        open_secret_box(settings("sqlite+aiosqlite:///:memory:", file))
    assert "password" not in str(caught.value)


def test_everything_sealed_is_sealed_anew_by_a_rotation():
    """Law: no table that holds secrets is forgotten when the key changes."""
    holding = {
        table.name
        for table in Base.metadata.tables.values()
        if any(isinstance(column.type, Sealed) for column in table.columns)
    }
    assert holding == {row.__tablename__ for row in SEALED}


async def test_a_secret_that_no_key_opens_is_told(tmp_path: Path):
    """Law: a key taken out too early is named, with what it is needed for left as it is."""
    url = f"sqlite+aiosqlite:///{tmp_path}/gavel.db"
    assert await reseal_secrets(settings(url)) == 0
    async with opened(url) as engine, async_sessionmaker(engine).begin() as session:
        session.add(ActionSecretRow(project="shop", action_id="a", secret=b"of another key"))
    with pytest.raises(SettingsError, match=r"secrets.key_file: something is sealed with a key"):
        await reseal_secrets(settings(url))


def test_a_key_is_rotated_from_the_command_line(tmp_path: Path, monkeypatch):
    """Law: a printed key is a line for the file, and sealing anew is one command."""
    printed = CliRunner().invoke(app, ("secrets", "new-key"))
    file = tmp_path / "secrets.key"
    file.write_text(printed.stdout)
    monkeypatch.setenv("GAVEL_SECRETS__KEY_FILE", str(file))
    monkeypatch.setenv("GAVEL_STORAGE__URL", f"sqlite+aiosqlite:///{tmp_path}/gavel.db")
    sealed = CliRunner().invoke(app, ("secrets", "reseal"))
    assert (sealed.exit_code, sealed.stderr) == (0, "Sealed 0 secrets with the first key.\n")
    assert not (tmp_path / "var").exists()
