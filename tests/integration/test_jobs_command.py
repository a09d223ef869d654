"""``gavel jobs`` and ``gavel worker``, as an operator uses them."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from gaveld.adapters.storage.jobs import SqlJobStore
from gaveld.adapters.storage.migrations import migrate
from gaveld.bootstrap.cli import app
from gaveld.domain.jobs import JobState
from tests.databases import opened
from tests.jobs import a_job


async def gavel(*arguments: str, url: str, **environment: str) -> Result:
    runner = CliRunner(env={"GAVEL_STORAGE__URL": url, "COLUMNS": "80", **environment})
    return await asyncio.to_thread(runner.invoke, app, arguments)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/gavel.db"


async def dead_jobs(url: str, *projects: str) -> list[str]:
    """Have a job of each project die, and return their ids."""
    async with opened(url) as engine:
        await migrate(engine)
        store = SqlJobStore(engine)
        dead = [(await store.add(a_job(project, request_id=project))).id for project in projects]
        for lease in await store.lease("one", limit=len(dead), seconds=60):
            await store.fail(lease, "INTERNAL", "It failed.", retry_at=None)
        return dead


async def listed(url: str, *arguments: str) -> list[str]:
    done = await gavel("jobs", "list", "--json", *arguments, url=url)
    assert done.exit_code == 0, done.stderr
    return [job["id"] for job in json.loads(done.stdout)]


async def test_dead_jobs_are_listed_and_shown(url: str):
    """Law: an operator sees what is dead and why, by project, and nothing of what was asked."""
    of_shop, of_blog = await dead_jobs(url, "shop", "blog")
    assert set(await listed(url)) == {of_shop, of_blog}
    assert await listed(url, "--project", "blog") == [of_blog]
    assert await listed(url, "--state", "waiting") == []
    table = (await gavel("jobs", "list", "--limit", "1", url=url)).stdout
    assert ("INTERNAL" in table, of_shop in table) == (True, of_blog not in table)
    shown = await gavel("jobs", "show", f"operations/{of_shop}", url=url)
    job = json.loads(shown.stdout)
    assert (job["state"], job["error_message"]) == ("dead", "It failed.")
    assert "what is asked" not in shown.stdout
    assert (await gavel("jobs", "show", "nothing", url=url)).exit_code == 2


async def test_dead_jobs_are_tried_anew(url: str):
    """Law: those that are named, or all; what is not dead is said, and is no success."""
    of_shop, of_blog = await dead_jobs(url, "shop", "blog")
    assert (await gavel("jobs", "retry", of_shop, url=url)).exit_code == 0
    assert await listed(url) == [of_blog]
    refused = await gavel("jobs", "retry", of_shop, url=url)
    assert (refused.exit_code, of_shop in refused.stderr) == (1, True)
    assert (await gavel("jobs", "retry", "--all", "--project", "shop", url=url)).exit_code == 0
    assert await listed(url) == [of_blog]
    assert (await gavel("jobs", "retry", "--all", url=url)).exit_code == 0
    assert await listed(url) == []
    async with opened(url) as engine:
        leases = await SqlJobStore(engine).lease("one", limit=9, seconds=60)
    assert {lease.job.id for lease in leases} == {of_shop, of_blog}
    assert {lease.job.state for lease in leases} == {JobState.RUNNING}


@pytest.mark.parametrize("arguments", [(), ("some-job", "--all")])
async def test_what_is_to_be_tried_anew_must_be_said(url: str, arguments: tuple[str, ...]):
    """Law: nothing is requeued by accident."""
    assert (await gavel("jobs", "retry", *arguments, url=url)).exit_code == 2


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"GAVEL_WORK__WORKERS": "0", "GAVEL_CALLBACKS__MAX_AT_ONCE": "0"}, "work.workers"),
        ({"GAVEL_WORK__ENABLED": "false"}, "work.enabled"),
    ],
)
async def test_a_worker_with_nothing_to_do_says_so(
    url: str, environment: dict[str, str], named: str
):
    """Law: settings that give no work are an error, not a process that idles for ever."""
    refused = await gavel("worker", url=url, **environment)
    assert (refused.exit_code, named in refused.stderr) == (2, True)
