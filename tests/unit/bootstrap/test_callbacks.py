"""What sends callbacks is put together as the settings say, or refused by name."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import create_async_engine

from gaveld.adapters.storage.deliveries import SqlDeliveryStore
from gaveld.application.deliver_callbacks import DeliverCallbacks
from gaveld.bootstrap.callbacks import build_deliver_callbacks
from gaveld.bootstrap.settings import CallbacksSettings, Settings, SettingsError
from tests.fakes.secret_box import FakeSecretBox


async def built(**callbacks: object) -> DeliverCallbacks | None:
    engine = create_async_engine("sqlite+aiosqlite://")
    settings = Settings(callbacks=CallbacksSettings(**callbacks))
    try:
        async with AsyncExitStack() as stack:
            store = SqlDeliveryStore(engine, FakeSecretBox())
            return build_deliver_callbacks(settings, store, CollectorRegistry(), stack)
    finally:
        await engine.dispose()


async def test_a_process_may_be_told_to_send_none():
    """Law: 0 sends nothing from here; anything else does."""
    assert await built(max_at_once=0) is None
    assert await built(max_at_once=1) is not None


async def test_certificates_that_are_none_are_refused(tmp_path: Path):
    """Law: a bad file is told at the start, by its setting."""
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match=r"callbacks\.ca_file"):
        await built(ca_file=tmp_path / "ca.pem")


@pytest.mark.parametrize("host", ["http://inside", "inside:8080", "inside/a", "a b", "", "a@b"])
def test_internal_hosts_are_names_alone(host: str):
    """Law: what could never match is refused, not silently without effect."""
    with pytest.raises(ValidationError):
        CallbacksSettings(internal_hosts=(host,))


def test_internal_hosts_are_known_however_they_are_spelt():
    """Law: case and the dot at the end make no difference; an IPv6 address is one."""
    named = CallbacksSettings(internal_hosts=("Hook.Inside.", "::1", "10.0.0.7"))
    assert named.internal_hosts == ("hook.inside", "::1", "10.0.0.7")
