"""How the panel is put together from settings and policies."""

from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gaveld.adapters.storage.policies import PolicyError
from gaveld.bootstrap.container import build
from gaveld.bootstrap.settings import Settings


async def test_a_policy_with_an_unknown_reviewer_is_refused_at_the_start(tmp_path: Path):
    """Law: a panel that can't be seated is a mistake in the policy, named before serving."""
    path = tmp_path / "policy.yaml"
    path.write_text("{categories: {}, panel: {reviewers: [{name: nobody}]}}", "utf-8")
    settings = Settings(policy={"file": path}, text={"classifiers": ()})
    async with AsyncExitStack() as stack:
        with pytest.raises(
            PolicyError, match=r"panel.reviewers\[0\].name: 'nobody' is no reviewer of this server"
        ):
            await build(settings, stack)
