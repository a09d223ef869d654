"""What is proven before a port is opened, and how the end is kept short."""

import asyncio
import gc
import signal
import threading
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.adapters.telemetry.tracing import end_tracing
from gaveld.bootstrap import lifecycle
from gaveld.bootstrap.lifecycle import prove, run
from gaveld.bootstrap.settings import Settings, SettingsError, TextSettings
from gaveld.bootstrap.texts import build_text_path
from tests.certificates import self_signed


def served_with(certificate: Path, key: Path, authority: Path | None = None) -> Settings:
    tls = {"certificate_file": certificate, "key_file": key, "client_ca_file": authority}
    return Settings(
        grpc={"tls": tls, "port": 0},
        ops={"port": 0},
        text={"classifiers": []},
        feedback={"enabled": False},
        work={"enabled": False},
    )


async def test_tls_files_that_fit_are_proven(tmp_path: Path):
    """Law: a certificate with its key passes."""
    certificate, key = self_signed(tmp_path, "one")
    await prove(served_with(certificate, key, certificate))


async def test_tls_files_that_do_not_fit_are_named(tmp_path: Path):
    """Law: a key that is another certificate's, or an authority that is none, is named."""
    (one, key_of_one), (_, key_of_two) = self_signed(tmp_path, "one"), self_signed(tmp_path, "two")
    for settings in (served_with(one, key_of_two), served_with(one, key_of_one, key_of_one)):
        with pytest.raises(SettingsError, match=r"^grpc\.tls: .*one\.crt"):
            await prove(settings)


async def test_a_region_without_phones_is_a_mistake_in_the_settings():
    """Law: a region that nobody numbers is named with its key, not a failure of the server."""
    async with AsyncExitStack() as stack:
        settings = TextSettings(phone_regions=("US", "ZZ"))
        with pytest.raises(SettingsError, match=r"^text\.phone_regions: .*ZZ"):
            build_text_path(settings, stack, PrometheusTelemetry())


class Collector:
    """Takes spans only once it is let."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.taken = threading.Event()

    def shutdown(self) -> None:
        if self.let.wait(60):
            self.taken.set()


async def test_a_collector_that_does_not_answer_holds_up_no_end():
    """Law: the end waits for spans outside the event loop, and only for so long."""
    collector = Collector()
    await end_tracing(collector, seconds=0.01)
    assert not collector.taken.is_set()
    collector.let.set()


async def test_a_collector_that_answers_gets_the_last_spans():
    """Law: the end waits until what is left was sent."""
    collector = Collector()
    collector.let.set()
    await end_tracing(collector, seconds=60)
    assert collector.taken.is_set()


async def test_what_is_loaded_is_in_no_round_of_garbage_collection(
    monkeypatch: pytest.MonkeyPatch,
):
    """Law: while calls are taken the collector passes over the models, and no longer after."""
    kept: list[int] = []

    class Ends(asyncio.Queue):
        async def get(self) -> signal.Signals:
            kept.append(gc.get_freeze_count())
            return signal.SIGINT

    monkeypatch.setattr(lifecycle, "end_signals", Ends)
    monkeypatch.setattr(lifecycle, "configure_logs", lambda _: None)
    ports = {section: {"port": 0} for section in ("grpc", "ops", "rest")}
    await run(Settings(**ports, text={"classifiers": []}))
    assert kept[0] > 10_000
    assert gc.get_freeze_count() == 0
