"""``gavel policy`` against a real server: tried, applied, read, compared and rolled back."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx2
import pytest
import yaml
from typer.testing import CliRunner

from gaveld.adapters.storage.policies import policy_schema
from gaveld.bootstrap.cli import app
from tests.e2e.command import Result, gavel
from tests.e2e.conftest import ANSWER_SECONDS, Server, running

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "policy.yaml"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    # The operator's own terms are enough to see which policy judges.
    environment = {"GAVEL_TEXT__CLASSIFIERS": '["terms"]', "GAVEL_PANEL__EMBEDDED": "false"}
    async with running(tmp_path, environment) as started:
        yield started


def rest_of(server: Server) -> httpx2.AsyncClient:
    url = f"http://127.0.0.1:{server.rest_port}"
    return httpx2.AsyncClient(base_url=url, timeout=ANSWER_SECONDS)


async def revision_of_a_verdict(server: Server) -> str:
    """Have a text judged, and return the revision that its verdict names."""
    async with rest_of(server) as client:
        answer = await client.post("/v1/text:moderate", json={"text": "buy it at acme"})
    return answer.json()["verdict"]["policyRevision"]


async def policy(server: Server, *arguments: str, stdin: str = "") -> Result:
    """Run the command in this process, which has loaded already what every new one would."""
    command = ("policy", *arguments, "--target", server.address)
    return await asyncio.to_thread(run, command, stdin)


def run(command: Sequence[str], stdin: str = "") -> Result:
    done = CliRunner().invoke(app, command, input=stdin)
    return Result(done.exit_code, done.stdout, done.stderr)


async def test_a_policy_is_tried_applied_compared_and_rolled_back(server: Server, tmp_path: Path):
    """Law: what the command applies judges the next call, and rolling back is one command."""
    first = await revision_of_a_verdict(server)
    assert first.startswith("default@")
    validated = await policy(server, "validate", str(EXAMPLE))
    assert validated.status == 0
    assert validated.errors.endswith("The policy is good.\n")
    assert "warning: categories.H1: is required and nothing here looks for it" in validated.errors
    differs = await policy(server, "diff", str(EXAMPLE))
    assert differs.status == 1
    assert "+ rule Hostile to a minor\n    content_types: [comment]\n" in differs.output
    assert "- category A2\n" in differs.output
    assert "~ category H2\n    - required: true\n" in differs.output
    assert await revision_of_a_verdict(server) == first

    applied = await policy(server, "apply", str(EXAMPLE), "--message", "Types and rules")
    assert applied.status == 0
    second = await revision_of_a_verdict(server)
    assert applied.errors.endswith(f"In force: {second}\n")
    assert second != first
    assert (await policy(server, "diff", str(EXAMPLE))).status == 0

    read = await policy(server, "get")
    assert read.output.startswith(f"# {second}\n")
    assert "secret" not in read.output
    again = await policy(server, "apply", "-", stdin=read.output)
    assert (again.status, again.output) == (0, "Nothing changes.\n")

    async with rest_of(server) as client:
        shown = (await client.get("/v1/projects/-/policy")).json()
        assert shown["revision"] == second
        shown["name"] = "projects/-/policy"
        tried = {"policy": shown, "validateOnly": True}
        answer = await client.post("/v1/projects/-/policy:apply", json=tried)
        assert answer.json()["policy"]["revision"] == second

    listed = json.loads((await policy(server, "history", "--json")).output)["revisions"]
    assert [(entry["revision"], entry.get("author", "")) for entry in listed] == [
        (second, ""),
        (first, "file"),
    ]
    assert listed[0]["message"] == "Types and rules"
    assert "Types and rules" in (await policy(server, "history")).output

    stale = await policy(server, "apply", str(EXAMPLE), "--if-revision", first)
    assert (stale.status, "ABORTED" in stale.errors) == (2, True)
    back = await policy(server, "rollback", first)
    assert back.status == 0
    assert "- rule Hostile to a minor\n" in back.output
    assert await revision_of_a_verdict(server) == first
    older = await policy(server, "get", "--revision", second)
    assert yaml.safe_load(older.output)["rules"][0]["actions"] == ["Hide comment"]


async def test_a_faulty_policy_is_told_and_changes_nothing(server: Server, tmp_path: Path):
    """Law: every fault is one line, and the policy in force stays."""
    before = await revision_of_a_verdict(server)
    broken = tmp_path / "broken.yaml"
    tree = yaml.safe_load(EXAMPLE.read_text("utf-8"))
    tree["rules"][0]["condition"] = "scores.toxicty > 0.8"
    tree["rules"][1]["review_queue"] = "lost"
    tree["rules"][1]["actions"] = ["Shout"]
    broken.write_text(yaml.safe_dump(tree), "utf-8")
    for command in ("validate", "apply", "diff"):
        refused = await policy(server, command, str(broken))
        assert refused.status == 2
        assert "rules[0].condition: 1:7: " in refused.errors
        assert "rules[1].review_queue: 'lost' is no review queue" in refused.errors
        assert "rules[1].actions[0]: 'Shout' is no action of this policy" in refused.errors
    assert await revision_of_a_verdict(server) == before


def test_a_file_is_checked_without_a_server(tmp_path: Path):
    """Law: a fault of the document names its key, one of a condition its line and column."""
    good = run(("policy", "validate", str(EXAMPLE)))
    assert (good.status, good.errors) == (0, "The policy is good.\n")
    bad = tmp_path / "policy.yaml"
    shutil.copy(EXAMPLE, bad)
    text = bad.read_text("utf-8")
    for old, new, said in (
        ("review: 0.35, block: 0.90, r", "reveiw: 0.35, r", "categories.A1.reveiw: no such key"),
        ("max: 5000", "max: -1", "content_types[0].fields[0].min: is above max"),
        ("shadow: true", "verdict: never", "rules[2].verdict"),
        ("spam > 0.3", "spam > ", "rules[2].condition: 1:"),
    ):
        assert old in text
        bad.write_text(text.replace(old, new), "utf-8")
        refused = run(("policy", "validate", str(bad)))
        assert refused.status == 2
        assert said in refused.errors


async def test_the_schema_is_printed(tmp_path: Path):
    """Law: editors get the schema of the release that is installed."""
    printed = await gavel("policy", "schema", folder=tmp_path)
    assert json.loads(printed.output) == policy_schema()
