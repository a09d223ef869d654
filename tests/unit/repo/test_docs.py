"""What the guides say must be so: links, commands, settings, metrics, errors and examples."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
import yaml
from gavel.v1 import error_reason_pb2, moderation_service_pb2
from google.protobuf import json_format
from prometheus_client import CollectorRegistry
from pydantic import BaseModel

from gaveld.adapters.nats.metrics import NatsMetrics
from gaveld.adapters.redis.metrics import RedisMetrics
from gaveld.adapters.storage.policies import DEFAULT_POLICY, YamlPolicyStore
from gaveld.adapters.telemetry.callbacks import PrometheusCallbackTelemetry
from gaveld.adapters.telemetry.loop_lag import LoopLag
from gaveld.adapters.telemetry.prometheus import PrometheusTelemetry
from gaveld.adapters.text.lexicon import validate_term_lists
from gaveld.adapters.text.links import listed_domain
from gaveld.application.check_policy import Installed
from gaveld.bootstrap.cli import app
from gaveld.bootstrap.policies import policy_check
from gaveld.bootstrap.settings import Settings
from gaveld.transport.grpc.interceptors.metrics import RpcMetrics
from gaveld.transport.grpc.stream_metrics import StreamMetrics
from gaveld.transport.rest.metrics import RestMetrics
from tests.unit.repo.test_set_up import phony_targets
from tests.unit.repo.tree import ROOT, read, tracked

PARTS = ("bucket", "count", "sum")
"""What a histogram is shown as."""
GUIDES = [
    path for path in tracked() if path.suffix == ".md" and not path.is_relative_to(ROOT / "gen")
]


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The fragments that a Markdown file's headings can be linked by."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def rows(text: str, first: str) -> dict[str, list[str]]:
    """The rows of the table whose head starts with `first`, by their first cell."""
    table = text.partition(f"| {first} |")[2].partition("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table]
    assert len({row[0] for row in cells}) == len(cells), "no row twice"
    return {row[0].strip("`"): row[1:] for row in cells}


def leaves(section: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Every setting with its default."""
    for name, field in section.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from leaves(type(field.default), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field.default


def rendered(value: object) -> str:
    """A default as the guide writes it."""
    match value:
        case None | ():
            return "none"
        case bool():
            return f"`{str(value).lower()}`"
        case tuple():
            return ", ".join(f"`{entry}`" for entry in value)
        case float():
            return f"`{value:g}`"
        case _:
            return f"`{value}`"


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    """Every relative link names a file that is there, and a heading that it has."""
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, fragment = target.partition("#")
        linked = (path.parent / name).resolve() if name else path
        assert linked.exists(), target
        assert not fragment or fragment in anchors(linked), target


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_exist(path):
    """Every make target that a guide names is one."""
    named = set(re.findall(r"(?:^|`)make ([a-z][a-z-]+)", path.read_text("utf-8"), re.MULTILINE))
    assert named <= phony_targets()


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every `gavel …` that a guide tells people to type, with the guide's name."""
    for path in GUIDES:
        text = path.read_text("utf-8")
        lines = [
            line for block in blocks(text, "sh") for line in block.replace("\\\n", "").splitlines()
        ]
        lines += re.findall(r"`(gavel [^`…]+)`", text)
        for line in lines:
            for command in re.split(r" [|>]+ ", line):
                words = shlex.split(command)
                if words and Path(words[0]).name == "gavel":
                    yield path.name, words[1:]


def test_gavel_commands_exist():
    """Every `gavel` command in the guides is one, with options that it takes."""
    found = list(commands())
    assert found
    for guide, words in found:
        command, rest = typer.main.get_command(app), list(words)
        while rest and (commands_of := getattr(command, "commands", None)):
            name = rest.pop(0)
            assert name in commands_of, f"{guide}: gavel {' '.join(words)}"
            command = commands_of[name]
        known = {
            option
            for parameter in command.params
            for option in (*parameter.opts, *parameter.secondary_opts)
        }
        used = {word for word in rest if word.startswith("-") and word != "-"}
        assert used <= known, f"{guide}: {used - known}"


def test_the_settings_table_is_the_settings():
    """The reference lists every setting with its default, and nothing else."""
    table = {name: row[0] for name, row in rows(read("docs/operations.md"), "setting").items()}
    assert table == {name: rendered(default) for name, default in leaves(Settings)}


def test_settings_in_the_quickstart_exist():
    """Every gavel.yaml of the quickstart holds settings that the server knows."""
    known = {setting for setting, _ in leaves(Settings)}
    examples = blocks(read("docs/quickstart.md"), "yaml")
    assert examples
    for example in examples:
        used = set(paths_in(yaml.safe_load(example)))
        assert used <= known, used - known


def paths_in(tree: dict, prefix: str = "") -> Iterator[str]:
    """The dotted names of a nested mapping's leaves."""
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from paths_in(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


@pytest.fixture(scope="module")
def metrics() -> dict[str, list[str]]:
    """The type and labels of every metric that a server shows."""
    registry = CollectorRegistry()
    PrometheusTelemetry(registry)
    LoopLag(registry)
    RedisMetrics(registry)
    PrometheusCallbackTelemetry(registry)
    NatsMetrics(registry)
    RpcMetrics(registry)
    RestMetrics(registry)
    StreamMetrics(registry)
    found = {}
    for collector in registry._collector_to_names:
        name = f"{collector._name}_total" if collector._type == "counter" else collector._name
        labels = ", ".join(f"`{label}`" for label in collector._labelnames)
        found[name] = [collector._type, labels or "none"]
    return found


def test_the_metrics_table_is_the_registry(metrics):
    """The reference lists every metric with its type and labels, and nothing else."""
    table = rows(read("docs/operations.md"), "metric")
    assert {name: row[:2] for name, row in table.items()} == metrics


def test_metrics_in_the_guides_exist(metrics):
    """Alerts and prose name metrics that a server shows, and labels that they have."""
    histograms = {name: row for name, row in metrics.items() if row[0] == "histogram"}
    series = {f"{name}_{part}": histograms[name] for name in histograms for part in PARTS}
    shown = {**metrics, **series}
    for path in GUIDES:
        text = path.read_text("utf-8")
        used = set(re.findall(r"\b(?:gavel|grpc_server)_[a-z]+_[a-z_]+\b", text))
        used -= {"gavel_not_covered"}  # a field of the OpenAI dialect
        assert used <= set(shown), path.name
        for name, selector in re.findall(r"\b(\w+)\{([^}]+)\}", text):
            if name in shown:
                labels = shown[name][1]
                assert all(f"`{label}`" in labels for label in re.findall(r"(\w+)=", selector)), (
                    name
                )


def test_the_error_table_is_the_contracts():
    """Every reason of the contract is explained, with its status code, in the contract's order."""
    table = rows(read("docs/contract.md"), "reason")
    comments = read("protos/gavel/v1/error_reason.proto")
    codes = re.findall(r"// ERROR_REASON_(\w+) \((\w+)\)", comments)
    assert [(reason, f"`{code}`") for reason, code in codes] == [
        (reason, row[0]) for reason, row in table.items()
    ]
    values = error_reason_pb2.ErrorReason.DESCRIPTOR.values_by_name
    assert {f"ERROR_REASON_{reason}" for reason in table} | {"ERROR_REASON_UNSPECIFIED"} == set(
        values
    )


def test_json_examples_are_messages_of_the_contract():
    """Every JSON example is a request or a response as the contract has it."""
    examples = blocks(read("docs/contract.md"), "json")
    assert examples
    for example in examples:
        is_request = "text" in json.loads(example)
        kind = "ModerateTextRequest" if is_request else "ModerateTextResponse"
        json_format.Parse(example, getattr(moderation_service_pb2, kind)())


async def test_policy_examples_are_policies(tmp_path):
    """Every example of the policy guide holds together when it is put into the default policy."""
    examples = blocks(read("docs/policies.md"), "yaml")
    assert examples
    default = yaml.safe_load(DEFAULT_POLICY.read_text("utf-8"))
    for number, example in enumerate(examples):
        path = tmp_path / f"{number}.yaml"
        path.write_text(yaml.safe_dump(default | yaml.safe_load(example)), "utf-8")
        store = YamlPolicyStore(path, validate_term_lists, listed_domain)
        policy = await store.current("any")
        assert policy.revision.startswith("default@")
        assert policy_check(Installed())(policy).violations == ()
