"""The calls that a stranger makes first, with the client that the README names."""

import asyncio
import json
import sys
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.conftest import running

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLUR = "n i g g e r"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def moderate(tmp_path_factory):
    """Return a call to ModerateText through ``buf curl``, which learns it by reflection."""
    async with running(tmp_path_factory.mktemp("first")) as server:

        async def call(text: str) -> dict:
            process = await asyncio.create_subprocess_exec(
                Path(sys.executable).with_name("buf"),
                *("curl", "--protocol", "grpc", "--http2-prior-knowledge"),
                *("-d", json.dumps({"text": text})),
                f"http://{server.address}/gavel.v1.ModerationService/ModerateText",
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            output, errors = await asyncio.wait_for(process.communicate(), 60)
            assert process.returncode == 0, errors.decode()
            return json.loads(output)

        yield call


@pytest.mark.parametrize(
    ("text", "action"),
    [
        ("I will find you and kill you tonight", "ACTION_BLOCK"),
        ("You are a stupid idiot", "ACTION_REVIEW"),
        ("The weather is lovely and I am off to the park with my dog", "ACTION_ALLOW"),
        ("Could somebody tell me how to kill a process on Linux?", "ACTION_ALLOW"),
        ("The train to Scunthorpe stops at Essex Road", "ACTION_ALLOW"),
    ],
)
async def test_a_verdict_is_what_a_person_expects(moderate, text: str, action: str):
    """Law: out of the box a threat is blocked, an insult reviewed, ordinary talk allowed."""
    answer = await moderate(text)
    assert answer["verdict"]["action"] == action
    assert answer["verdict"]["coverage"]["status"] == "COVERAGE_STATUS_COMPLETE"


@pytest.mark.parametrize(
    ("before", "hit", "after", "category"),
    [
        ("write to ", "anna@example.com", " 😀 please", "P1"),
        ("😀 what a ", SLUR, ", he said", "H1"),
        ("ünïcödé 😀 oh ", "f u c k", " that noise", "L1"),
        ("you ", "sh\u200bit", " head", "L1"),
    ],
)
async def test_a_span_points_at_the_words_in_both_units(moderate, before, hit, after, category):
    """Law: spans are of the text as sent, in bytes and UTF-16 units, also for disguised words."""
    text = before + hit + after
    answer = await moderate(text)
    byte_start = len(before.encode())
    utf16_start = len(before.encode("utf-16-le")) // 2
    expected = {
        "byteStart": byte_start,
        "byteEnd": byte_start + len(hit.encode()),
        "utf16Start": utf16_start,
        "utf16End": utf16_start + len(hit.encode("utf-16-le")) // 2,
    }
    spans = [entry.get("span") for entry in answer["findings"] if entry["categoryId"] == category]
    assert expected in spans
    assert hit not in answer["filteredText"]
    assert answer["filteredText"].startswith(before)
    assert answer["filteredText"].endswith(after)


async def test_a_language_that_no_model_reads_is_not_passed_as_clean(moderate):
    """Law: text in another language says what was not checked, and the policy decides on it."""
    answer = await moderate("Der Zug nach München hat heute leider wieder große Verspätung")
    assert answer["language"]["code"] == "de"
    assert answer["verdict"]["coverage"]["status"] == "COVERAGE_STATUS_PARTIAL"
    assert answer["verdict"]["incompleteAction"] == "ACTION_REVIEW"
    reader = next(e for e in answer["classifierOutcomes"] if e["name"] == "transformer")
    assert reader["status"] == "CLASSIFIER_STATUS_SKIPPED"
