"""``examples/stream_guard.py`` as a stranger runs it, against the server as shipped."""

import asyncio
import os
import re
import sys

from examples.stream_guard import DIALOGUE

from tests.e2e.conftest import Server
from tests.unit.repo.test_docs import blocks
from tests.unit.repo.tree import ROOT, read

TIMING = re.compile(r"(?<=at most )\d+(?= were held back)|(?<=had written )\d+(?= more)")
"""What of the output depends on how fast model and server are."""
(_, CACTUS), (_, LETTER), (_, STAGE) = DIALOGUE


async def run(server: Server, pace: float) -> str:
    """Run the example to its end, and return what it printed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        ROOT / "examples" / "stream_guard.py",
        f"--address={server.address}",
        f"--pace={pace}",
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), 90)
    assert (process.returncode, errors.decode()) == (0, "")
    return output.decode()


async def test_nothing_harmful_is_ever_shown_and_all_that_is_harmless_is(server: Server):
    """Law: whatever the model's pace, people see harmless answers whole and no word of a threat."""
    for pace in (0, 0.01):
        output = await run(server, pace)
        lines = [line.removeprefix("assistant  ") for line in output.splitlines()]
        said = " ".join(line for line in lines if not line.startswith(("user", "  ")))
        assert CACTUS in said
        assert STAGE in said
        shown, harmful = LETTER.split("I know where")
        assert shown.strip() in said
        assert "I know" not in output
        for word in re.findall(r"\w{4,}", harmful):
            assert word in CACTUS + STAGE or word not in said, word
        assert output.count("stopped after 95 characters") == 1
        assert "H3: Reads like a threat." in output


async def test_the_recorded_run_is_what_it_prints(server: Server):
    """Law: the transcript in the guide is a run of the example, but for how fast things went."""
    (recorded,) = (block for block in blocks(read("docs/streams.md"), "text") if "user  " in block)
    assert TIMING.sub("N", await run(server, 0.01)).strip() == TIMING.sub("N", recorded).strip()
