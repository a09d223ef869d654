"""``make test-llm`` against a server of the tests' own: the live test passes, and can fail."""

import asyncio
import os
import sys

import pytest

from tests.chat_models import TEMPLATES, Obedient, review
from tests.chat_server import chat_server, says
from tests.unit.repo.tree import ROOT

WORDS = (("legs tonight", "H3"), ("pig", "H2"), ("apple", "CUSTOM"))


class Sensible(Obedient):
    """A model that knows the harm in the live test's texts, and fruit when asked about it."""

    def judged(self, document: dict, system: str) -> str:
        if "\n- CUSTOM " in system:
            return review("unsafe", "CUSTOM") if "apple" in str(document) else review("safe")
        return super().judged(document, system)


@pytest.mark.parametrize(
    ("model", "passes"),
    [(Sensible(TEMPLATES["chatml"], WORDS), True), (lambda _: review("safe"), False)],
)
async def test_the_live_test_tells_models_apart(model, passes: bool):
    """Law: it passes for a model that judges well and fails for one that finds all safe."""
    async with chat_server(says(model)) as server:
        run = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
            "tests/live/chat_model.py",
            cwd=ROOT,
            env={**os.environ, "LLM_URL": server.url, "LLM_MODEL": "m"},
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await run.communicate()
    summary = told.decode().splitlines()[-1]
    assert (run.returncode == 0) is passes, told.decode()
    assert ("failed" not in summary) is passes
    assert "passed" in summary


async def test_the_live_test_is_not_run_by_default():
    """Law: without a server there is no test to skip."""
    run = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "--collect-only", "tests/live"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await run.communicate()
    assert run.returncode == pytest.ExitCode.NO_TESTS_COLLECTED, told.decode()
