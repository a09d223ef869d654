"""``gavel usage``, as an operator uses it, on what a server counted."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import grpc.aio
from gavel.v1.category_service_pb2 import ListCategoriesRequest
from gavel.v1.category_service_pb2_grpc import CategoryServiceStub

from gaveld.adapters.storage.migrations import migrate
from gaveld.adapters.storage.usage import SqlUsageStore
from gaveld.domain.usage import Usage
from tests.databases import opened
from tests.e2e.command import gavel
from tests.e2e.conftest import Server, running

TEXT = "/gavel.v1.ModerationService/ModerateText"
BATCH = "/gavel.v1.ModerationService/BatchModerateText"
LIST = "/gavel.v1.CategoryService/ListCategories"
TODAY = datetime.now(UTC).date()
QUICK = {
    "GAVEL_TEXT__CLASSIFIERS": "[]",
    "GAVEL_IMAGES__CLASSIFIERS": "[]",
    "GAVEL_PANEL__EMBEDDED": "false",
    "GAVEL_SHUTDOWN__NOTICE_SECONDS": "0",
}


async def kept(folder: Path, *used: Usage) -> dict[str, str]:
    """Keep usage in a new file and return the settings that name it."""
    url = f"sqlite+aiosqlite:///{folder}/gavel.db"
    async with opened(url) as engine:
        await migrate(engine)
        await SqlUsageStore(engine).add(used)
    return {"GAVEL_STORAGE__URL": url}


async def told(folder: Path, known: dict[str, str], *arguments: str) -> list[dict[str, object]]:
    done = await gavel("usage", "--json", *arguments, folder=folder, environment=known)
    assert done.status == 0, done.errors
    return json.loads(done.output)


async def test_sums_are_told_by_project_day_and_method(tmp_path: Path):
    """Law: every way of telling sums up the same rows, and what is older than asked is left out."""
    known = await kept(
        tmp_path,
        Usage(date(2020, 1, 1), "shop", TEXT, 100, 100, 100),
        Usage(TODAY - timedelta(days=1), "shop", TEXT, 5, 1, 5),
        Usage(TODAY, "shop", TEXT, 2, 0, 2),
        Usage(TODAY, "shop", BATCH, 1, 0, 9),
        Usage(TODAY, "blog", TEXT, 3, 3, 3),
    )
    whole, by_day, by_both, mine, table, wrong = await asyncio.gather(
        told(tmp_path, known),
        told(tmp_path, known, "--by", "day", "--project", "shop"),
        told(tmp_path, known, "--by", "method", "--by", "day"),
        told(tmp_path, known, "--project", "shop", "--since", "2020-01-01", "--by", "method"),
        gavel("usage", "--by", "method", folder=tmp_path, environment=known),
        gavel("usage", "--since", "lately", folder=tmp_path, environment=known),
    )
    assert whole == [
        {"project": "blog", "calls": 3, "refused": 3, "items": 3},
        {"project": "shop", "calls": 8, "refused": 1, "items": 16},
    ]
    yesterday = str(TODAY - timedelta(days=1))
    assert by_day == [
        {"project": "shop", "day": yesterday, "calls": 5, "refused": 1, "items": 5},
        {"project": "shop", "day": str(TODAY), "calls": 3, "refused": 0, "items": 11},
    ]
    assert [(row["project"], row["day"], row["method"]) for row in by_both] == [
        ("blog", str(TODAY), TEXT),
        ("shop", yesterday, TEXT),
        ("shop", str(TODAY), BATCH),
        ("shop", str(TODAY), TEXT),
    ]
    assert [(row["method"], row["calls"]) for row in mine] == [(BATCH, 1), (TEXT, 107)]
    assert TEXT in table.output
    assert wrong.status == 2
    assert "lately" in wrong.errors


async def list_categories(server: Server, times: int) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        for _ in range(times):
            await CategoryServiceStub(channel).ListCategories(ListCategoriesRequest())


async def test_a_server_that_is_stopped_has_written_all_it_counted(tmp_path: Path):
    """Law: an orderly end loses no call, though nothing was due to be written."""
    settings = {**QUICK, "GAVEL_USAGE__WRITE_SECONDS": "3600"}
    async with running(tmp_path, settings) as server:
        await list_categories(server, 7)
        server.terminate()
        assert await server.exit_status() == 0
    rows = await told(tmp_path, {}, "--by", "method")
    assert rows == [{"project": "default", "method": LIST, "calls": 7, "refused": 0, "items": 7}]


async def test_a_server_that_is_killed_has_written_all_but_the_last_seconds(tmp_path: Path):
    """Law: what was written survives a kill, and days whose time is over are erased meanwhile."""
    known = await kept(tmp_path, Usage(date(2020, 1, 1), "shop", TEXT, 1, 0, 1))
    settings = {
        **QUICK,
        **known,
        "GAVEL_USAGE__WRITE_SECONDS": "0.1",
        "GAVEL_WORK__SWEEP_SECONDS": "0.1",
    }
    async with running(tmp_path, settings) as server, opened(known["GAVEL_STORAGE__URL"]) as engine:
        store = SqlUsageStore(engine)
        await list_categories(server, 7)
        async with asyncio.timeout(30):
            while sum(row.calls for row in await store.read(project="default")) < 7:
                pass
            while await store.read(project="shop"):
                pass
        server.process.kill()
        await server.process.wait()
    rows = await told(tmp_path, known, "--since", "2020-01-01", "--by", "method")
    assert rows == [{"project": "default", "method": LIST, "calls": 7, "refused": 0, "items": 7}]
