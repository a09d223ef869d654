"""``gavel usage`` over a file of SQLite."""

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from typer.testing import CliRunner

from gaveld.adapters.storage.usage import SqlUsageStore
from gaveld.bootstrap.cli import app
from gaveld.bootstrap.settings import load_settings
from gaveld.bootstrap.stores import open_usage
from gaveld.domain.usage import Usage

TODAY = datetime.now(UTC).date()


async def _kept(config: Path, used: list[Usage]) -> None:
    async with AsyncExitStack() as stack:
        await (await open_usage(load_settings(config), stack)).add(used)


def test_sums_are_whole_however_little_is_read_at_once(tmp_path: Path, monkeypatch):
    """Law: no reading has more rows than it may, and the sums are of all that is kept."""
    config = tmp_path / "gavel.yaml"
    config.write_text(f"storage: {{url: 'sqlite+aiosqlite:///{tmp_path}/gavel.db'}}\n")
    days = [TODAY - timedelta(days=ago) for ago in range(3)]
    used = [Usage(day, project, "/m", 1, 2, 3) for day in days for project in ("blog", "shop")]
    asyncio.run(_kept(config, [*used, Usage(TODAY, "shop", "/other", 10)]))
    monkeypatch.setattr("gaveld.bootstrap.cli.usage.ROWS_AT_ONCE", 2)
    read, pages = SqlUsageStore.read, []

    async def watched(self, **asked):
        pages.append(await read(self, **asked))
        return pages[-1]

    monkeypatch.setattr(SqlUsageStore, "read", watched)
    words = ["usage", "--json", "--config", str(config)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == [
        {"project": "blog", "calls": 3, "refused": 6, "items": 9},
        {"project": "shop", "calls": 13, "refused": 6, "items": 9},
    ]
    assert [len(page) for page in pages] == [2, 2, 2, 1, 0]
