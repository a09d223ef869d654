"""One suite for every ``DecisionStore``, and what the ones in SQL leave on disk."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import text

from gaveld.adapters.storage.decisions import SqlDecisionStore
from gaveld.adapters.storage.journal import EmptyJournal, write_ahead
from gaveld.adapters.storage.migrations import migrate
from gaveld.domain.actions import Action
from gaveld.domain.decision_records import JudgedPart, Records, Ruling
from gaveld.domain.errors import ErrorReason, Unavailable
from gaveld.domain.media import MediaReference
from gaveld.domain.rules import RuleFacts, RuleStatus, UserHistory, UserWindow
from gaveld.domain.signals import ClassifierCard, ClassifierOutcome, Finding, OutcomeStatus
from gaveld.domain.typed_content import FieldType, MediaValue, Url
from gaveld.domain.verdicts import combined, judge_weighed
from tests.contracts.conftest import NewDatabase
from tests.contracts.records import Kept, fake, on, sql
from tests.databases import opened
from tests.decisions import LOOKED, NOON, POLICY, decided, found

DAY = timedelta(days=1)
FOR_EVER = {"since": NOON - 1000 * DAY, "until": NOON + 1000 * DAY, "most": 1000}
FACTS = RuleFacts(
    scores={"toxicity": 0.1234567890123456, "spam": 1.0},
    categories={"H3": 0.95, "L1": 0.0},
    findings=frozenset({"H3", "L1"}),
    image_scores={"porn": 1e-9},
    language=None,
    verdict="block",
    coverage="partial",
    ocr_text="read in a picture\0",
    content={
        "body": "naïve 👍 \0 words",
        "age": 17,
        "price": 17.0,
        "hidden": False,
        "made": datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        "link": Url("https://example.test/a"),
        "face": MediaValue(FieldType.IMAGE, MediaReference("https://example.test/a.png")),
        "tags": ("a", ("b", {"c": 1})),
        "object": {"url": {"url": "x"}},
    },
    content_type="Comment",
    user=UserHistory(
        "ann/\0",
        (UserWindow(24, 3, 1, {"H3": 1}), UserWindow(168, 3, 1), UserWindow(720, 9, 2)),
        0.75,
        NOON - 9 * DAY,
        NOON - DAY,
    ),
)
PARTS = (
    JudgedPart(
        "body",
        found(H3=0.95, L1=0.6),
        (
            *LOOKED,
            ClassifierOutcome(
                ClassifierCard("deaf", "1", frozenset({"H3"}), is_blind_spot=True),
                OutcomeStatus.TIMED_OUT,
            ),
            ClassifierOutcome(
                ClassifierCard("idle", "1", frozenset({"S3"})),
                OutcomeStatus.SKIPPED,
                is_needless=True,
            ),
        ),
    ),
    JudgedPart("tags[0]", (), (replace(LOOKED[0], is_check=False),)),
)
FULL = decided(
    "full",
    *PARTS,
    facts=FACTS,
    content_id="a/\0",
    actor_id="ann/\0",
    content_type="Comment",
    rules=(("r1", RuleStatus.MATCHED), ("r2", RuleStatus.FAILED)),
    payload=b"\0payload",
    strike_half_life_days=7,
    content_retention_days=3,
    decision_retention_days=9,
)
BARE = decided("bare", at=NOON + timedelta(hours=1), actor_id="", facts=replace(FACTS, user=None))


@pytest.fixture(params=["fake", "sqlite", "postgres"])
async def kept(request, new_database: NewDatabase) -> AsyncIterator[Kept]:
    if request.param == "fake":
        yield fake()
        return
    async with sql(await new_database(request.param)) as stores:
        yield stores


async def ids(kept: Kept, project: str = "shop", **changed) -> list[str]:
    wanted = {**FOR_EVER, **changed}
    return [entry.id async for entry in kept.decisions.read(project, **wanted)]


async def test_what_is_kept_is_given_back_whole(kept: Kept):
    """Law: every field of a decision comes back, its content too where a policy keeps it."""
    await kept.keep(FULL)
    (read,) = [entry async for entry in kept.decisions.read("shop", **FOR_EVER)]
    assert read == FULL


async def test_content_that_no_policy_keeps_is_unknown_afterwards(kept: Kept):
    """Law: without a payload nothing that quotes content is kept; unknown is not empty."""
    await kept.keep(replace(BARE, facts=replace(BARE.facts, content=None, ocr_text=None)))
    (read,) = [entry async for entry in kept.decisions.read("shop", **FOR_EVER)]
    assert (read.payload, read.facts.content, read.facts.ocr_text) == (b"", None, None)
    await kept.keep(replace(BARE, id="seen", facts=replace(BARE.facts, content=None, ocr_text="")))
    _, read = [entry async for entry in kept.decisions.read("shop", **FOR_EVER)]
    assert read.facts.ocr_text == ""


async def test_judging_what_was_kept_gives_what_was_decided(kept: Kept):
    """Law: of many findings those are kept on which verdicts rest, and coverage is not lost."""
    findings = (*found(L1=0.4), *found(L1=0.7), *found(H3=0.5), *found(H3=0.45))
    noted = Finding("H2", 0.6, "a reason", "other", "1", span=None)
    decision = decided("many", JudgedPart("body", (*findings, noted), PARTS[0].outcomes))
    await kept.keep(decision)
    (read,) = [entry async for entry in kept.decisions.read("shop", **FOR_EVER)]

    def verdict(parts):
        return combined([judge_weighed(part.findings, part.outcomes, POLICY) for part in parts])

    again, first = verdict(read.parts), verdict(decision.parts)
    assert (again.action, again.causes, again.coverage) == (
        first.action,
        first.causes,
        first.coverage,
    )


async def test_a_project_reads_its_own_of_a_stretch_of_time_oldest_first(kept: Kept):
    """Law: ``since`` belongs to the stretch, ``until`` does not, and nobody reads another's."""
    await kept.keep(
        decided("c", at=NOON + DAY),
        decided("b", at=NOON),
        decided("a", at=NOON),
        decided("z", at=NOON, project="blog"),
    )
    assert await ids(kept) == ["a", "b", "c"]
    assert await ids(kept, until=NOON + DAY) == ["a", "b"]
    assert await ids(kept, since=NOON + DAY) == ["c"]
    assert await ids(kept, "blog") == ["z"]
    assert await kept.decisions.count("shop", since=NOON, until=NOON + DAY) == 2


async def test_of_too_many_a_sample_is_even_and_exactly_as_large(kept: Kept):
    """Law: a sample has as many as it may, and as many of each stretch of time."""
    await kept.keep(
        *(decided(f"{n:03}", at=NOON + n * timedelta(seconds=1), actor_id="") for n in range(30))
    )
    for most in (1, 7, 10, 29):
        sample = [int(name) for name in await ids(kept, most=most)]
        assert len(sample) == most
        gaps = {later - earlier for earlier, later in pairwise(sample)}
        assert gaps <= {30 // most, 30 // most + 1}
    assert len(await ids(kept, most=30)) == 30


async def test_more_than_a_page_is_read_once_each(kept: Kept, monkeypatch):
    """Law: paging neither skips nor repeats, also among decisions of one moment."""
    monkeypatch.setattr("gaveld.adapters.storage.decisions.KEYS_AT_ONCE", 3)
    monkeypatch.setattr("gaveld.adapters.storage.decisions.ROWS_AT_ONCE", 2)
    names = [f"{n:03}" for n in range(11)]
    await kept.keep(*(decided(name, actor_id="") for name in names))
    assert await ids(kept) == names


async def test_a_decision_is_written_once(kept: Kept):
    """Law: the same decision again changes nothing and counts nothing."""
    for _ in range(2):
        await kept.keep(FULL)
    assert await ids(kept) == ["full"]
    history = await kept.users.history("shop", FULL.actor_id, NOON)
    assert history.windows[0].contents == 1


async def test_content_goes_before_its_decision(kept: Kept):
    """Law: each is erased once its own time is over, and not a moment before."""
    await kept.keep(FULL, BARE)
    assert await kept.decisions.erase_expired(NOON + 3 * DAY - timedelta(seconds=1)) == 0
    assert await kept.decisions.erase_expired(NOON + 3 * DAY) == 1
    read = [entry async for entry in kept.decisions.read("shop", **FOR_EVER)]
    assert [(entry.payload, entry.facts.content) for entry in read] == [(b"", None)] * 2
    assert await kept.decisions.erase_expired(NOON + 9 * DAY) == 1
    assert await ids(kept) == ["bare"]


async def test_content_never_outlives_its_decision(kept: Kept):
    """Law: a policy that would keep content longer than decisions keeps both as long as those."""
    await kept.keep(replace(FULL, content_retention_days=30))
    assert await kept.decisions.erase_expired(NOON + 9 * DAY) == 2
    assert await ids(kept) == []


async def test_a_ruling_leaves_what_was_decided_as_it_is(kept: Kept):
    """Law: a backtest compares with what the policy said, not with what people said."""
    await kept.keep(FULL)
    await kept.record(Records(ruling=Ruling("shop", "full", NOON, Action.ALLOW, "ann/\0")))
    (read,) = [entry async for entry in kept.decisions.read("shop", **FOR_EVER)]
    assert read == FULL


async def rows_of(url: str) -> str:
    async with opened(url) as engine, engine.connect() as connection:
        tables = ("decisions", "decision_contents", "users", "user_hours")
        rows = [(await connection.execute(text(f"SELECT * FROM {name}"))).all() for name in tables]
        return str(rows)


@pytest.mark.parametrize("how", ["in time", "forgotten"])
async def test_erased_words_are_in_no_table(database_url: str, how: str):
    """Law: once erased, no row of any kind holds the words or the bytes of the content."""
    words = replace(FACTS, content={"body": "canarywords"}, ocr_text="canaryread")
    async with sql(database_url) as kept:
        await kept.keep(replace(FULL, facts=words, payload=b"canarybytes"))
        before = await rows_of(database_url)
        assert all(word in before for word in ("canarywords", "canaryread", "canarybytes"))
        if how == "in time":
            await kept.decisions.erase_expired(NOON + 3 * DAY)
        else:
            await kept.users.forget("shop", FULL.actor_id)
    assert "canary" not in await rows_of(database_url)


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("gavel.db*"))


async def test_erased_words_are_not_in_the_file_of_sqlite(new_database, tmp_path: Path):
    """Law: what is erased is overwritten, and nothing beside the file holds it either."""
    url = await new_database("sqlite")
    words = replace(FACTS, content={"body": "canarywords " * 2000}, ocr_text="canaryread")
    async with opened(url) as engine:
        write_ahead(engine)  # as the server does
        await migrate(engine)
        kept = on(engine)
        await kept.keep(replace(FULL, facts=words, payload=b"canarybytes " * 2000))
        assert bytes_of(tmp_path).count(b"canary") > 3000
        await kept.decisions.erase_expired(NOON + 3 * DAY)
        await EmptyJournal(engine)(NOON)
        assert b"canary" not in bytes_of(tmp_path)


async def test_storage_without_its_table_is_unavailable(database_url: str):
    """Law: without its table the store fails as unavailable, with when to try again."""
    async with opened(database_url) as engine:
        with pytest.raises(Unavailable) as caught:
            await SqlDecisionStore(engine).count("shop", since=NOON, until=NOON)
    assert caught.value.reason is ErrorReason.STORAGE_UNAVAILABLE
