"""The ``gavel`` command, as a person uses it."""

import json
from pathlib import Path

import pytest

from tests.certificates import self_signed
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


async def test_the_list_of_keys_fits_a_terminal(tmp_path: Path):
    """Law: at 80 columns every id, project, scope and day of a key can be read whole."""
    names = ("--project", "web-shop-europe", "--client-id", "acme-incorporated")
    scopes = ("--scope", "moderate", "--scope", "admin", "--calls-per-minute", "600")
    scopes += ("--quota", "100000/day")
    made = await gavel("keys", "create", *names, *scopes, folder=tmp_path)
    key_id = made.output.split("_")[1]
    await gavel("keys", "revoke", key_id, folder=tmp_path)
    listed = await gavel("keys", "list", folder=tmp_path, environment={"COLUMNS": "80"})
    told = json.loads((await gavel("keys", "list", "--json", folder=tmp_path)).output)
    assert max(map(len, listed.output.splitlines())) <= 80
    words = set(listed.output.split())
    days = {told[0]["created_at"][:10], told[0]["revoked_at"][:10]}
    assert {key_id, names[1], names[3], "moderate", "admin", "100000/day", *days} <= words
    assert told[0] | {"created_at": "", "revoked_at": ""} == {
        "id": key_id,
        "project": names[1],
        "client_id": names[3],
        "scopes": ["admin", "moderate"],
        "rate_limit": {"calls": 600, "per_seconds": 60},
        "quota": {"calls": 100_000, "period": "day"},
        "created_at": "",
        "revoked_at": "",
    }


@pytest.mark.parametrize(
    "names",
    [
        ("--project", ""),
        ("--project", "p" * 300),
        ("--project", "two words"),
        ("--project", "shop", "--client-id", "café"),
        ("--project", "shop", "--client-id", ""),
        ("--project", "shop", "--quota", "0/day"),
        ("--project", "shop", "--quota", "5/week"),
    ],
)
async def test_what_could_not_be_sent_or_kept_is_refused(tmp_path: Path, names):
    """Law: no key is made for a name that no header or column holds, nor for half a quota."""
    for more in ((), ("--print-entry",)):
        result = await gavel("keys", "create", *names, *more, folder=tmp_path)
        assert (result.status, result.output) == (2, "")
        assert result.errors.startswith(names[-2])
        assert "Traceback" not in result.errors


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--target", "127.0.0.1:1", "--cert-file", "a.pem"), "--key-file go together"),
        (("--cert-file", "a.pem", "--key-file", "a.pem"), "go with --target"),
    ],
)
async def test_half_of_what_tls_needs_is_refused(tmp_path: Path, options, said: str):
    """Law: files that would have no effect are a mistake, and said as such."""
    (tmp_path / "a.pem").write_text("", "utf-8")
    result = await gavel("moderate", "hello", *options, folder=tmp_path)
    assert result.status == 2
    assert said in result.errors


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
    assert "transformer" in rows["H3"]
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
        ({"GAVEL_TEXT__CLASSIFIERS": "linear,terms"}, "GAVEL_TEXT__CLASSIFIERS: not JSON"),
        ({"GAVEL_TEXT__PHONE_REGIONS": '["ZZ"]'}, "text.phone_regions"),
    ],
)
async def test_bad_settings_end_with_the_key_and_no_trace(tmp_path: Path, environment, named: str):
    """Law: an operator's mistake is one line that names the key, never a stack trace."""
    for command in ("check-config", "serve"):
        result = await gavel(command, folder=tmp_path, environment=environment)
        assert result.status == 2
        assert named in result.errors
        assert "Traceback" not in result.errors


@pytest.mark.parametrize("section", ["grpc", "rest"])
async def test_a_key_of_another_certificate_is_blamed_and_no_port(tmp_path: Path, section: str):
    """Law: check-config finds TLS files that do not fit, and serve says the same."""
    (certificate, _), (_, key) = self_signed(tmp_path, "one"), self_signed(tmp_path, "two")
    environment = {
        f"GAVEL_{section.upper()}__TLS__CERTIFICATE_FILE": str(certificate),
        f"GAVEL_{section.upper()}__TLS__KEY_FILE": str(key),
    }
    for command in ("check-config", "serve"):
        result = await gavel(command, folder=tmp_path, environment=environment)
        assert result.status == 2
        assert result.errors.startswith(f"{section}.tls: ")
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
