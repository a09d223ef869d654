"""One suite for every ``PolicyHistory`` that is a ``PolicyStore`` too, and what only SQL can."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from gaveld.adapters.storage.migrations import migrate
from gaveld.adapters.storage.policies import SqlPolicyStore, YamlPolicyStore, sql
from gaveld.adapters.storage.sealing import reseal
from gaveld.adapters.text.lexicon import validate_term_lists
from gaveld.adapters.text.links import listed_domain
from gaveld.bootstrap.secrets import SEALED
from gaveld.domain.actions import Action
from gaveld.domain.errors import Aborted, ErrorReason, Unavailable
from gaveld.domain.policies import CategoryRule, Policy
from gaveld.domain.rules import Rule, RuleAction
from tests.contracts.conftest import NewDatabase
from tests.databases import opened
from tests.fakes.policies import FakePolicyHistory
from tests.fakes.secret_box import FakeSecretBox
from tests.fakes.telemetry import FakeTelemetry

FILE = """
name: house
categories: {L1: {review: 0.8}}
actions: [{name: Tell us, callback_url: "https://hooks.example/in"}]
projects: {kids: {on_incomplete: block}}
"""
ACTION = RuleAction(
    "7b0c0e2e-2f65-4f0e-9b0f-0d3f7e1c2a11",
    "Ban user",
    "https://hooks.example/ban",
    {"authorization": "Bearer a-credential-of-ours"},
    {"team": 7},
)
NEW = Policy(
    "",
    {"L1": CategoryRule(0.3, 0.6), "H1": CategoryRule(block=0.9, required=True)},
    Action.BLOCK,
    rules=(Rule("r1", "Spam", "scores.spam > 0.9", action_ids=(ACTION.id,)),),
    actions=(ACTION,),
)
OTHER = replace(NEW, description="Another one")


def file_store(folder: Path) -> YamlPolicyStore:
    path = folder / "policy.yaml"
    path.write_text(FILE, "utf-8")
    return YamlPolicyStore(path, validate_term_lists, listed_domain)


@asynccontextmanager
async def sql_store(
    url: str, folder: Path, box: FakeSecretBox | None = None
) -> AsyncIterator[SqlPolicyStore]:
    async with opened(url) as engine:
        await migrate(engine)
        yield SqlPolicyStore(engine, box or FakeSecretBox(), file_store(folder))


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def store(request, new_database: NewDatabase, tmp_path: Path) -> AsyncIterator:
    if request.param == "fake":
        file = file_store(tmp_path)
        yield FakePolicyHistory(await file.current("x"), kids=await file.current("kids"))
        return
    async with sql_store(await new_database(request.param), tmp_path) as opened_store:
        yield opened_store


async def test_the_files_policy_is_in_force_until_one_is_applied(store):
    """Law: a project starts with what the file says of it, as a history of one entry."""
    policy = await store.current("kids")
    assert (policy.on_incomplete, policy.revision[:5]) == (Action.BLOCK, "kids@")
    found = await store.find("kids")
    assert (found.policy, found.entry.author) == (policy, "file")
    assert await store.find("kids", policy.revision) == found
    assert await store.list("kids", limit=10) == [found.entry]
    assert found.entry.is_in_force
    assert await store.find("kids", "kids@000000000000") is None
    assert await store.find("kids", "nul \0") is None


async def test_what_is_applied_is_in_force_at_once_under_its_own_revision(store):
    """Law: the next call is judged by it, all of it, and no other project is."""
    before = await store.current("shop")
    applied = await store.apply("shop", NEW, author="key1", message="Stricter \u0000 now")
    assert applied.revision == store.revision_of("shop", NEW)
    assert applied.revision.startswith("shop@")
    assert await store.current("shop") == applied
    [action] = applied.actions
    assert replace(applied, revision="", actions=(replace(action, secret=""),)) == NEW
    assert (await store.current("blog")).revision == before.revision
    found = await store.find("shop")
    assert (found.policy, found.entry.author, found.entry.message, found.entry.is_in_force) == (
        applied,
        "key1",
        "Stricter \u0000 now",
        True,
    )


async def test_the_history_has_all_that_was_in_force(store):
    """Law: newest first, the file's policy last, in pages, each still to be had by its name."""
    file = await store.current("shop")
    first, second = [await store.apply("shop", policy) for policy in (NEW, OTHER)]
    entries = await store.list("shop", limit=10)
    revisions = [second.revision, first.revision, file.revision]
    assert [entry.revision for entry in entries] == revisions
    assert [entry.is_in_force for entry in entries] == [True, False, False]
    assert entries[-1].author == "file"
    page = await store.list("shop", limit=1, before=entries[0].number)
    assert page == entries[1:2]
    assert await store.list("shop", limit=5, before=entries[-1].number) == []
    for policy in (file, first, second):
        assert (await store.find("shop", policy.revision)).policy == policy


async def test_rolling_back_is_applying_what_was(store):
    """Law: an earlier policy gets its old name again, and the history says both times."""
    first = await store.apply("shop", NEW)
    await store.apply("shop", OTHER)
    assert await store.apply("shop", first) == first
    assert (await store.current("shop")) == first
    entries = await store.list("shop", limit=10)
    assert [entry.revision for entry in entries].count(first.revision) == 2
    assert (await store.find("shop", first.revision)).entry.is_in_force


async def test_what_changes_nothing_is_no_entry(store):
    """Law: applying what is in force leaves the history as it is."""
    first = await store.apply("shop", NEW)
    assert await store.apply("shop", first) == first
    assert await store.apply("shop", NEW) == first
    assert len(await store.list("shop", limit=10)) == 2


async def test_another_policy_in_force_than_expected_is_refused(store):
    """Law: a change of what somebody has not seen is not made."""
    seen = (await store.current("shop")).revision
    first = await store.apply("shop", NEW, replaces=seen)
    with pytest.raises(Aborted) as caught:
        await store.apply("shop", OTHER, replaces=seen)
    assert caught.value.reason is ErrorReason.ETAG_MISMATCH
    assert await store.current("shop") == first


async def test_of_changes_at_once_each_is_an_entry(store):
    """Law: of policies applied at the same time none is lost, and one is in force."""
    policies = [replace(NEW, description=str(number)) for number in range(6)]
    applied = await asyncio.gather(*(store.apply("shop", policy) for policy in policies))
    entries = await store.list("shop", limit=10)
    assert {entry.revision for entry in entries[:-1]} == {policy.revision for policy in applied}
    assert [entry.number for entry in entries] == [7, 6, 5, 4, 3, 2, 1]
    assert (await store.find("shop")).policy.revision == entries[0].revision


async def test_an_action_keeps_its_secret_by_its_id(store):
    """Law: one is made up where none is given, stays while none is given, and changes with one."""
    [action] = (await store.apply("shop", NEW)).actions
    assert action.secret.startswith("whsec_")
    assert (await store.apply("shop", OTHER)).actions == (action,)
    given = replace(action, secret="whsec_" + "b" * 32)
    renamed = await store.apply("shop", replace(OTHER, actions=(given,)))
    assert renamed.actions == (given,)
    assert renamed.revision == (await store.list("shop", limit=2))[1].revision
    await store.apply("shop", replace(NEW, rules=(), actions=()))
    assert (await store.apply("shop", NEW)).actions == (given,)
    assert (await store.apply("blog", NEW)).actions != (given,)


async def test_an_action_of_the_file_has_a_secret_that_stays(store):
    """Law: callbacks of a file's actions are signed too, before and after a policy is applied."""
    [action] = (await store.current("shop")).actions
    assert action.secret.startswith("whsec_")
    assert (await store.find("shop")).policy.actions == (action,)
    applied = await store.apply("shop", replace(NEW, actions=(replace(action, secret=""),)))
    assert applied.actions == (action,)


async def test_a_repeated_call_is_known_by_its_id(store):
    """Law: what a call changed can be told again, also after others changed more."""
    file = await store.current("shop")
    first = await store.apply("shop", NEW, request_id="call-1")
    await store.apply("shop", OTHER, request_id="call-2")
    turn = await store.turn_of("shop", "call-1")
    assert (turn.applied, turn.before) == (first, file)
    assert await store.turn_of("shop", "call-3") is None
    assert await store.turn_of("blog", "call-1") is None


async def test_another_server_follows_within_seconds(database_url: str, tmp_path, monkeypatch):
    """Law: what one server applies, the others judge by once they ask again."""
    now = 100.0
    monkeypatch.setattr(sql.time, "monotonic", lambda: now)
    async with sql_store(database_url, tmp_path) as one, sql_store(database_url, tmp_path) as two:
        file = await two.current("shop")
        applied = await one.apply("shop", NEW)
        assert await two.current("shop") == file
        now += sql.FRESH_SECONDS
        assert await two.current("shop") == applied
        renewed = replace(applied.actions[0], secret="whsec_" + "c" * 32)
        await one.apply("shop", replace(applied, actions=(renewed,)))
        now += sql.STALE_SECONDS
        assert {(await two.current("shop")).actions[0].secret for _ in range(3)} == {renewed.secret}


async def test_a_policy_outlives_the_storage(database_url: str, tmp_path, monkeypatch):
    """Law: with the storage gone what is known stays in force, and the unknown is not made up."""
    now = 100.0
    monkeypatch.setattr(sql.time, "monotonic", lambda: now)
    async with opened(database_url) as engine:
        await migrate(engine)
        telemetry = FakeTelemetry()
        store = SqlPolicyStore(engine, FakeSecretBox(), file_store(tmp_path), telemetry)
        applied = await store.apply("shop", NEW)
        async with engine.begin() as connection:
            await connection.execute(text("ALTER TABLE policies RENAME TO gone"))
        now += 3_600.0
        assert await store.current("shop") == applied
        assert telemetry.stale_policies == 1
        with pytest.raises(Unavailable):
            await store.current("blog")
        with pytest.raises(Unavailable):
            await store.apply("shop", OTHER)


async def test_nothing_secret_lies_open(database_url: str, tmp_path: Path):
    """Law: neither a signing secret nor a header's value can be read in the database."""
    async with opened(database_url) as engine:
        await migrate(engine)
        store = SqlPolicyStore(engine, FakeSecretBox(), file_store(tmp_path))
        applied = await store.apply("shop", NEW)
        async with engine.connect() as connection:
            rows = [
                *(await connection.execute(text("SELECT * FROM policies"))).all(),
                *(await connection.execute(text("SELECT * FROM action_secrets"))).all(),
            ]
    kept = repr(rows)
    assert len(rows) == 3
    assert "a-credential-of-ours" not in kept
    assert applied.actions[0].secret not in kept


async def test_all_is_sealed_again_with_a_new_key(database_url: str, tmp_path: Path):
    """Law: after a rotation the new key alone opens everything, and until then old ones do."""
    async with sql_store(database_url, tmp_path, FakeSecretBox("old")) as store:
        applied = await store.apply("shop", NEW)
    async with opened(database_url) as engine:
        late = SqlPolicyStore(engine, FakeSecretBox("new"), file_store(tmp_path))
        with pytest.raises(Unavailable, match="a key that this server doesn't have"):
            await late.current("shop")
        assert await reseal(engine, FakeSecretBox("new", "old"), *SEALED) == 3
        assert await late.current("shop") == applied
        with pytest.raises(ValueError, match="not listed"):
            await reseal(engine, FakeSecretBox("old"), *SEALED)
