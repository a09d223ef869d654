"""``gavel callbacks``, as an operator uses it, over a file of SQLite."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import async_sessionmaker
from typer.testing import CliRunner, Result

from gaveld.adapters.storage.deliveries import SqlDeliveryStore
from gaveld.application.ports import Attempt
from gaveld.bootstrap.callbacks import open_deliveries
from gaveld.bootstrap.cli import app
from gaveld.bootstrap.settings import load_settings
from gaveld.bootstrap.stores import open_engine
from gaveld.domain.decision_records import Records
from gaveld.domain.deliveries import AttemptOutcome, Delivery, DeliveryState, Disabled

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
BAN_ID = "5f0c1a9e-5a43-4f0e-9a86-2a4c1b7f3d10"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def delivery(key: str, to: str = "hook", project: str = "shop") -> Delivery:
    return Delivery(
        id=key,
        project=project,
        event="content.decided",
        url=f"https://{to}.example/in?token=t0ken",
        body=b"{}",
        secret="whsec_bm90IG11Y2ggb2YgYSBzZWNyZXQ=",
        created_at=NOON,
        headers={"authorization": "Bearer h1dden"},
    )


@pytest.fixture
def config(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "gavel.yaml"
    path.write_text(f"storage: {{url: 'sqlite+aiosqlite:///{tmp_path}/gavel.db'}}\n")
    return path


@pytest.fixture
def stored(config: Path) -> Path:
    """A dead callback of a receiver that is gone, and one that waits."""
    dead, waiting = delivery("msg_dead"), delivery("msg_waiting", "other")

    async def store(store: SqlDeliveryStore, add: Callable[..., Awaitable[None]]) -> None:
        await add(dead, waiting)
        leased = await store.lease(NOON, limit=10, per_host=10, per_project=10, seconds=30)
        assert len(leased) == 2
        gone = Attempt(AttemptOutcome.GONE, 410, "http_status")
        taken = next(entry for entry in leased if entry.id == dead.id)
        await store.failed(taken, gone, NOON, retry_at=None)
        await store.disable_receiver("shop", dead.receiver_id, NOON, Disabled.GONE)

    with_store(config, store)
    return config


def with_store(config: Path, work: Callable[..., Awaitable[None]]) -> None:
    async def run() -> None:
        settings = load_settings(config)
        async with AsyncExitStack() as stack:
            store = await open_deliveries(settings, stack)
            engine = await open_engine(settings.storage.url, stack)

            async def add(*deliveries: Delivery) -> None:
                async with async_sessionmaker(engine).begin() as session:
                    await store.record(session, Records(deliveries=deliveries))

            await work(store, add)

    asyncio.run(run())


def callbacks(config: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["callbacks", *words, "--config", str(config)])


def listed(config: Path, *words: str) -> list[dict[str, object]]:
    done = callbacks(config, "list", "--json", *words)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_lists_say_how_callbacks_stand_and_nothing_private(stored: Path):
    """Law: host and state are shown; paths, tokens, headers, secrets and bodies are not."""
    (dead,) = listed(stored, "--state", "dead")
    assert (dead["id"], dead["host"], dead["last_status"]) == ("msg_dead", "hook.example", 410)
    (waiting,) = listed(stored, "--project", "shop", "--state", "waiting")
    assert (waiting["id"], waiting["attempt_count"]) == ("msg_waiting", 1)
    assert listed(stored, "--project", "bank") == []
    assert [entry["id"] for entry in listed(stored, "--receiver", str(dead["receiver"]))] == [
        "msg_dead"
    ]
    for shown in (callbacks(stored, "list").output, json.dumps(listed(stored))):
        assert "hook.example" in shown
        for private in ("t0ken", "h1dden", "whsec"):
            assert private not in shown


def test_a_receiver_is_enabled_and_what_it_missed_is_sent_again(stored: Path):
    """Law: the disabled are listed, enabled by their id once, and the dead come back to life."""
    (receiver,) = json.loads(callbacks(stored, "receivers", "--json").stdout)
    assert (receiver["project"], receiver["why"]) == ("shop", "gone")
    assert receiver["id"] in callbacks(stored, "receivers").output
    assert callbacks(stored, "enable", receiver["id"]).exit_code == 0
    assert callbacks(stored, "enable", receiver["id"]).exit_code == 2
    assert json.loads(callbacks(stored, "receivers", "--json").stdout) == []
    assert callbacks(stored, "resend", "--receiver", receiver["id"]).exit_code == 0
    (again,) = listed(stored, "--receiver", receiver["id"])
    assert (again["state"], again["attempt_count"]) == ("waiting", 0)


def test_receivers_are_listed_within_the_limit(config: Path):
    """Law: of more than fit the latest are shown."""

    async def store(store: SqlDeliveryStore, _: Callable[..., Awaitable[None]]) -> None:
        for day in range(3):
            at = NOON + timedelta(days=day)
            await store.disable_receiver("shop", f"r{day}", at, Disabled.GONE)

    with_store(config, store)
    shown = json.loads(callbacks(config, "receivers", "--json", "--limit", "2").stdout)
    assert [entry["id"] for entry in shown] == ["r2", "r1"]


def test_single_callbacks_are_sent_again_by_their_ids(stored: Path):
    """Law: what is dead is sent; what is not, or is nobody's, is named."""
    done = callbacks(stored, "resend", "msg_dead", "msg_waiting", "msg_nobody")
    assert done.exit_code == 2
    assert "msg_waiting, msg_nobody" in done.output
    assert {entry["state"] for entry in listed(stored)} == {DeliveryState.WAITING.value}
    assert callbacks(stored, "resend").exit_code == 2


def test_a_projects_secret_is_the_same_every_time(config: Path):
    """Law: the operator can hand it out again, and each project has its own."""
    first, again, other = (
        callbacks(config, "secret", project).stdout for project in ("shop", "shop", "bank")
    )
    assert first == again
    assert first.startswith("whsec_")
    assert first != other
    assert callbacks(config, "secret", "no project").exit_code == 2


def test_an_actions_secret_is_the_policys(config: Path):
    """Law: an action has the secret that its policy gives it, or one that is made up and kept."""
    ban = {"id": BAN_ID, "name": "Ban", "callback_url": "https://a.example/", "secret": SECRET}
    flag = {"name": "Flag", "callback_url": "https://b.example/"}
    policy = config.with_name("policy.yaml")
    policy.write_text(json.dumps({"categories": {}, "actions": [ban, flag]}))
    config.write_text(config.read_text() + f"policy: {{file: {policy}}}\n")
    for named in ("Ban", BAN_ID):
        assert callbacks(config, "secret", "shop", "--action", named).stdout == f"{SECRET}\n"
    made_up, again = (
        callbacks(config, "secret", "shop", "--action", "Flag").stdout for _ in range(2)
    )
    assert made_up == again
    assert made_up not in (callbacks(config, "secret", "shop").stdout, f"{SECRET}\n")
    assert callbacks(config, "secret", "shop", "--action", "Nothing").exit_code == 2


def test_what_waits_longest_is_listed_last(config: Path):
    """Law: lists are newest first, and a limit cuts off the oldest."""

    async def store(_: SqlDeliveryStore, add: Callable[..., Awaitable[None]]) -> None:
        await add(*(_later(delivery(f"msg_{place}"), place) for place in range(3)))

    with_store(config, store)
    assert [entry["id"] for entry in listed(config, "--limit", "2")] == ["msg_2", "msg_1"]


def _later(made: Delivery, minutes: int) -> Delivery:
    return replace(made, created_at=NOON + timedelta(minutes=minutes))
