"""What the log has, and what it never has."""

import logging
from collections.abc import Iterator

import aiosqlite
import pytest
import structlog

from gaveld.bootstrap.logs import configure_logs
from gaveld.bootstrap.settings import LogSettings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was."""
    root, ours = logging.getLogger(), logging.getLogger("gaveld")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    structlog.reset_defaults()


async def test_no_level_logs_what_is_written_to_the_storage(capsys: pytest.CaptureFixture[str]):
    """Law: even when everything is logged, what a database driver is given is not."""
    configure_logs(LogSettings(level="debug"))
    async with aiosqlite.connect(":memory:") as connection:
        await connection.execute("SELECT ?", ("canary",))
    logging.getLogger("gaveld.somewhere").debug("we speak")
    said = capsys.readouterr().err
    assert "we speak" in said
    assert "canary" not in said


def test_the_level_is_also_that_of_libraries_warnings(capsys: pytest.CaptureFixture[str]):
    """Law: a library's warning is logged at info and debug, and not where only errors are."""
    for level in ("debug", "error"):
        configure_logs(LogSettings(level=level))
        logging.getLogger("library").warning("heard at %s", level)
    said = capsys.readouterr().err
    assert "heard at debug" in said
    assert "heard at error" not in said
