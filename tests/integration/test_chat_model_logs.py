"""What a chat-model reviewer leaves in logs and reasons: nothing of content, key or prompt."""

import logging

import pytest
import structlog
from structlog.testing import LogCapture

from gaveld.domain.reviews import ContentKind, Decision
from tests.chat_models import review
from tests.chat_reviewers import reviewer_at, task_of
from tests.chat_server import (
    chat_server,
    hangs_up,
    hangs_up_midway,
    refuses,
    says,
    sends,
)

TROUBLES = {
    "well": says(review("unsafe", "H1", reason="canary-said")),
    "not JSON": says("canary-said"),
    "another rule": says(review("unsafe", "canary-rule")),
    "busy": refuses(429, ("retry-after", "0"), ("x-note", "quiet"), body=b"canary-body"),
    "broken": refuses(500, body=b"canary-body"),
    "refused": refuses(400, body=b"canary-body"),
    "no completion": sends(b"canary-body"),
    "gone": hangs_up,
    "gone midway": hangs_up_midway,
}


@pytest.fixture
def logs():
    """Keep what goes through structlog."""
    capture, before = LogCapture(), structlog.get_config()
    structlog.configure(processors=[capture])
    yield capture
    structlog.configure(**before)


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_nothing_private_is_logged(
    logs: LogCapture, caplog: pytest.LogCaptureFixture, trouble: str
):
    """Law: at the most talkative level, no log holds content, context, prompt, key or answer."""
    for logger in (None, "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, logger)
    tasks = [
        task_of("canary-content", ContentKind.COMMENT, context="canary-context"),
        task_of("canary-content", custom_prompt="canary-prompt"),
    ]
    async with (
        chat_server(TROUBLES[trouble]) as server,
        reviewer_at(server.url, read_key=lambda: "canary-key", attempts=2) as reviewer,
    ):
        ballots = [await reviewer.review(task) for task in tasks]
        assert server.received
    assert caplog.records
    assert "canary" not in caplog.text
    assert "canary" not in str(logs.entries)
    for ballot in ballots:
        if ballot.decision is Decision.FAILED:
            assert "canary" not in ballot.reason


async def test_a_failure_is_logged_with_the_reviewers_name(caplog: pytest.LogCaptureFixture):
    """Law: the operator learns who failed and why, in one line."""
    async with chat_server(refuses(401)) as server, reviewer_at(server.url) as reviewer:
        await reviewer.review(task_of("words"))
    told = [record.message for record in caplog.records if record.levelno >= logging.WARNING]
    assert told == ["chat model judge gave no ballot: Its endpoint refused the API key (HTTP 401)."]
