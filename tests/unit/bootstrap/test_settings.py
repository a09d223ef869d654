"""Where settings come from, which wins, and what is refused by name."""

import os
import re
from pathlib import Path

import pytest

from gaveld.bootstrap.settings import Settings, SettingsError, is_loopback, load_settings


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch) -> Path:
    """Run each test in an empty folder with no GAVEL_ variables."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("GAVEL_")]:
        monkeypatch.delenv(name)
    return tmp_path


def test_the_defaults_serve_loopback_alone():
    """Law: with nothing set, nothing outside this machine can call."""
    settings = load_settings()
    assert settings == Settings()
    assert is_loopback(settings.grpc.host)
    assert is_loopback(settings.ops.host)


def test_the_environment_wins_over_the_file_and_the_command_over_both(nowhere, monkeypatch):
    """Law: command line, then environment, then file, then default; key by key."""
    (nowhere / "gavel.yaml").write_text(
        "grpc: {port: 1, max_waiting_calls: 7, channelz: true}", "utf-8"
    )
    monkeypatch.setenv("GAVEL_GRPC__PORT", "2")
    monkeypatch.setenv("GAVEL_GRPC__MAX_WAITING_CALLS", "8")
    grpc = load_settings(overrides={"grpc": {"port": 3}}).grpc
    assert (grpc.port, grpc.max_waiting_calls, grpc.channelz) == (3, 8, True)


def test_a_file_may_be_named(nowhere, monkeypatch):
    """Law: --config goes before GAVEL_CONFIG, which goes before gavel.yaml."""
    for name, port in (("gavel.yaml", 1), ("a.yaml", 2), ("b.yaml", 3)):
        (nowhere / name).write_text(f"ops: {{port: {port}}}", "utf-8")
    assert load_settings().ops.port == 1
    monkeypatch.setenv("GAVEL_CONFIG", "a.yaml")
    assert load_settings().ops.port == 2
    assert load_settings(Path("b.yaml")).ops.port == 3


@pytest.mark.parametrize(
    ("yaml", "named"),
    [
        ("grpc: {prot: 1}", "grpc.prot: no such setting"),
        ("gprc: {port: 1}", "gprc: no such setting"),
        ("grpc: {port: 70000}", "GAVEL_GRPC__PORT"),
        ("text: {max_text_bytes: 0}", "text.max_text_bytes"),
        ("text: {classifiers: [magic]}", "text.classifiers"),
        ("text: {engine_threads: 0}", "text.engine_threads"),
        ("text: {engine: torch}", "text.engine"),
        ("cache: {max_bytes: -1}", "cache.max_bytes"),
        ("text: {phone_regions: [usa]}", "text.phone_regions"),
        ("policy: {file: missing.yaml}", "missing.yaml"),
        ("grpc: {tls: {certificate_file: gavel.yaml}}", "go together"),
        ("grpc: {host: 0.0.0.0}", "anyone could call"),
        ("log: {level: loud}", "log.level"),
        ("- 1", "gavel.yaml"),
        ("a: [", "gavel.yaml"),
        ("text: {classifiers: [linear, terms, linear]}", "text.classifiers: named twice: linear"),
        ("telemetry: {otlp_endpoint: not a url}", "telemetry.otlp_endpoint: must be a URL"),
        ("telemetry: {otlp_endpoint: 'collector:4317'}", "telemetry.otlp_endpoint: must be a URL"),
        ("telemetry: {otlp_endpoint: 'http://a:70000'}", "telemetry.otlp_endpoint: Port"),
        ("{grpc: {port: 9090}}", "ops.port and grpc.port are both 9090"),
        ("{grpc: {health_port: 50051}}", "grpc.port and grpc.health_port are both 50051"),
        ("{ops: {port: 7}, grpc: {health_port: 7}}", "ops.port and grpc.health_port are both 7"),
    ],
)
def test_a_bad_file_is_refused_by_key(nowhere: Path, yaml: str, named: str):
    """Law: the message names the key, and how to set it from the environment."""
    (nowhere / "gavel.yaml").write_text(yaml, "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert named in str(refused.value)


@pytest.mark.parametrize(
    ("variable", "named"),
    [
        ("GAVEL_GRPC__PROT", "grpc.prot"),
        ("GAVEL_GPRC__PORT", "gprc"),
        ("GAVEL_GRPC__PORT", "grpc.port"),
    ],
)
def test_a_bad_variable_is_refused_by_name(monkeypatch, variable: str, named: str):
    """Law: a misspelt variable is an error, never without effect."""
    monkeypatch.setenv(variable, "x")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert named in str(refused.value)


@pytest.mark.parametrize("value", ["linear,terms", "linear", "[linear]"])
def test_a_list_that_is_not_json_is_refused_by_variable(monkeypatch, value: str):
    """Law: a list that is written wrongly is one line with its variable and the right form."""
    monkeypatch.setenv("GAVEL_TEXT__CLASSIFIERS", value)
    with pytest.raises(SettingsError) as refused:
        load_settings()
    assert str(refused.value) == (
        'GAVEL_TEXT__CLASSIFIERS: not JSON; a list is written ["one", "two"]'
    )


def test_a_list_in_the_environment_is_json(monkeypatch):
    """Law: what the message above tells people to write is what is read."""
    monkeypatch.setenv("GAVEL_TEXT__CLASSIFIERS", '["linear", "terms"]')
    assert load_settings().text.classifiers == ("linear", "terms")


@pytest.mark.parametrize(
    ("yaml", "variable"),
    [
        ("text: {phone_regions: [US, usa]}", "GAVEL_TEXT__PHONE_REGIONS"),
        ("grpc: {tls: {key_file: nowhere}}", "GAVEL_GRPC__TLS__KEY_FILE"),
        ("grpc: {tls: {certificate_file: gavel.yaml}}", None),
        ("grpc: {host: 0.0.0.0}", None),
        ("grpc: 7", None),
        ("grpc: {prot: 7}", None),
    ],
)
def test_only_variables_that_exist_are_advised(nowhere: Path, yaml: str, variable: str | None):
    """Law: the message names the variable of the setting at fault, and none if there is none."""
    (nowhere / "gavel.yaml").write_text(yaml, "utf-8")
    with pytest.raises(SettingsError) as refused:
        load_settings()
    told = re.findall(r"\(environment: (\w+)\)", str(refused.value))
    assert told == ([variable] if variable else [])


def test_ports_that_the_system_chooses_may_be_equal():
    """Law: 0 is any free port, so two of it are two ports."""
    overrides = {"grpc": {"port": 0, "health_port": 0}, "ops": {"port": 0}}
    assert load_settings(overrides=overrides).ops.port == 0


def test_the_variables_that_kubernetes_sets_are_left_alone(monkeypatch):
    """Law: a Service named gavel does not keep its own pods from starting."""
    monkeypatch.setenv("GAVEL_PORT", "tcp://10.0.0.1:50051")
    monkeypatch.setenv("GAVEL_SERVICE_HOST", "10.0.0.1")
    assert load_settings() == Settings()


def test_a_missing_file_is_an_error(monkeypatch):
    """Law: a file that was named and is not there stops the start."""
    monkeypatch.setenv("GAVEL_CONFIG", "nowhere.yaml")
    with pytest.raises(SettingsError, match=r"nowhere\.yaml"):
        load_settings()


@pytest.mark.parametrize("auth", [{"enabled": True}, {"insecure": True}])
def test_beyond_loopback_with_keys_or_knowingly(auth):
    """Law: another address needs authentication, or the operator's word."""
    overrides = {"grpc": {"host": "0.0.0.0"}, "auth": auth}
    assert load_settings(overrides=overrides).grpc.host == "0.0.0.0"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("unix:/run/gavel.sock", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("example.com", False),
    ],
)
def test_what_counts_as_loopback(host: str, loopback: bool):
    """Law: only what this machine alone can reach is loopback."""
    assert is_loopback(host) is loopback
