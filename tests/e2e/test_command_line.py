"""The ``gavel`` command, as a person uses it."""

import json
from pathlib import Path

import pytest

from tests.e2e.command import gavel

THREAT = "I will find you and kill you tonight"


async def test_moderate_needs_no_server(tmp_path: Path):
    """Law: one command judges a text and prints what a person can read."""
    result = await gavel("moderate", THREAT, folder=tmp_path)
    assert result.status == 0, result.errors
    assert "block" in result.output
    assert "H3" in result.output


async def test_moderate_prints_the_answer_as_json(tmp_path: Path):
    """Law: --json prints the contract's own JSON and nothing else."""
    result = await gavel("moderate", "-", "--json", stdin=THREAT.encode(), folder=tmp_path)
    answer = json.loads(result.output)
    assert answer["verdict"]["action"] == "ACTION_BLOCK"


async def test_moderate_lines_of_a_file(tmp_path: Path):
    """Law: with --lines each line is judged by itself, in order."""
    path = tmp_path / "texts.txt"
    path.write_text(f"good morning\n{THREAT}\n", "utf-8")
    result = await gavel("moderate", "--file", str(path), "--lines", folder=tmp_path)
    first, second = result.output.splitlines()
    assert first.startswith("allow")
    assert second.startswith("block")


async def test_moderate_against_a_server_with_keys(tmp_path: Path, serve):
    """Law: --target asks that server, which wants a key, and takes one from gavel keys create."""
    url = f"sqlite+aiosqlite:///{tmp_path}/keys.db"
    storage = {"GAVEL_STORAGE__URL": url}
    server = await serve(GAVEL_AUTH__ENABLED="true", **storage)
    made = await gavel("keys", "create", "--project", "shop", environment=storage)
    key = made.output.strip()
    refused = await gavel("moderate", "hello", "--target", server.address)
    assert refused.status == 2
    assert "UNAUTHENTICATED" in refused.errors
    allowed = await gavel("moderate", "hello there", "--target", server.address, "--key", key)
    assert allowed.status == 0, allowed.errors
    assert "allow" in allowed.output

    listed = await gavel("keys", "list", environment=storage)
    key_id = key.split("_")[1]
    assert key_id in listed.output
    assert key not in listed.output
    revoked = await gavel("keys", "revoke", key_id, environment=storage)
    assert revoked.status == 0
    assert (await gavel("keys", "revoke", "nobody", environment=storage)).status == 2


async def test_a_printed_entry_opens_a_server_without_a_store(tmp_path: Path, serve):
    """Law: keys can come from a mounted file, as in Kubernetes."""
    made = await gavel("keys", "create", "--project", "shop", "--print-entry", folder=tmp_path)
    path = tmp_path / "keys.yaml"
    path.write_text(made.output, "utf-8")
    key = made.errors.splitlines()[-1].strip()
    server = await serve(GAVEL_AUTH__ENABLED="true", GAVEL_AUTH__KEYS_FILE=str(path))
    result = await gavel("moderate", "hello there", "--target", server.address, "--key", key)
    assert result.status == 0, result.errors


async def test_categories_say_what_nothing_covers(tmp_path: Path):
    """Law: the list shows every category, and which of them nothing here looks for."""
    result = await gavel("categories", folder=tmp_path)
    rows = {line.split()[1]: line for line in result.output.splitlines() if line.startswith("│")}
    assert len(rows) == 23
    assert "linear" in rows["H3"]
    assert "nothing installed" in rows["S3"]


async def test_health_tells_by_its_exit_status(server):
    """Law: 0 while the server serves, 1 when it can't be reached."""
    assert (await gavel("health", "--target", server.address)).status == 0
    server.terminate()
    await server.exit_status()
    assert (await gavel("health", "--target", server.address)).status == 1


async def test_check_config_proves_good_settings(tmp_path: Path):
    """Law: what check-config passes, serve can start with."""
    result = await gavel("check-config", folder=tmp_path)
    assert (result.status, result.errors) == (0, "")


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({"GAVEL_GRPC__PROT": "1"}, "grpc.prot"),
        ({"GAVEL_POLICY__FILE": "nowhere.yaml"}, "nowhere.yaml"),
        ({"GAVEL_GRPC__HOST": "0.0.0.0"}, "anyone could call"),
    ],
)
async def test_bad_settings_end_with_the_key_and_no_trace(tmp_path: Path, environment, named: str):
    """Law: an operator's mistake is one line that names the key, never a stack trace."""
    for command in ("check-config", "serve"):
        result = await gavel(command, folder=tmp_path, environment=environment)
        assert result.status == 2
        assert named in result.errors
        assert "Traceback" not in result.errors


async def test_a_bad_policy_names_its_line(tmp_path: Path):
    """Law: check-config finds a fault in the policy and says where it is."""
    path = tmp_path / "policy.yaml"
    path.write_text("categories: {H1: {review: 2}}", "utf-8")
    environment = {"GAVEL_POLICY__FILE": str(path)}
    result = await gavel("check-config", folder=tmp_path, environment=environment)
    assert result.status == 2
    assert "categories.H1.review" in result.errors


@pytest.mark.parametrize("arguments", [(), ("a", "--file", "b")])
async def test_moderate_wants_exactly_one_text(tmp_path: Path, arguments):
    """Law: no text, or two, is the person's mistake and said as such."""
    (tmp_path / "b").write_text("x", "utf-8")
    result = await gavel("moderate", *arguments, folder=tmp_path)
    assert result.status == 2
    assert "Traceback" not in result.errors


async def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path):
    """Law: bytes that are no text are named by position."""
    path = tmp_path / "latin"
    path.write_bytes(b"caf\xe9")
    result = await gavel("moderate", "--file", str(path), folder=tmp_path)
    assert result.status == 2
    assert "byte 3" in result.errors
