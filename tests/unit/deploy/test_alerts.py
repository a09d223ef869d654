"""Alerts are about metrics that a server shows. `make manifests` runs them on made-up series."""

import re

import pytest
import yaml

from tests.unit.deploy.kustomization import rendered
from tests.unit.repo.test_docs import PARTS, rows
from tests.unit.repo.tree import ROOT, read

NAMES = re.compile(r"\b(?:gavel|grpc_server)_[a-z_]+\b")
SELECTORS = re.compile(r"\b(\w+)\{([^}]+)\}")


@pytest.fixture(scope="module")
def rules() -> list[dict]:
    """Every alert of the component."""
    (document,) = rendered(ROOT / "k8s" / "components" / "alerts")
    (group,) = document["spec"]["groups"]
    return group["rules"]


@pytest.fixture(scope="module")
def series() -> dict[str, str]:
    """The labels of every series that the guide's table of metrics stands for."""
    found = {}
    for name, (kind, labels, *_) in rows(read("docs/operations.md"), "metric").items():
        if kind == "histogram":
            found |= {f"{name}_{part}": f"{labels}, `le`" for part in PARTS}
        else:
            found[name] = labels
    return found


def test_alerts_ask_for_what_there_is(rules, series):
    """Every metric of an expression exists, with the labels that it is asked by."""
    for rule in rules:
        asked = set(NAMES.findall(rule["expr"]))
        assert asked, rule["alert"]
        assert asked <= set(series), rule["alert"]
        for name, selector in SELECTORS.findall(rule["expr"]):
            for label in re.findall(r"(\w+)=", selector):
                assert f"`{label}`" in series[name], (rule["alert"], label)


def test_every_alert_says_what_is_so_and_what_to_do(rules):
    """An alert wakes somebody, who is told both."""
    assert all(set(rule["annotations"]) == {"summary", "do"} for rule in rules)


def test_the_guide_lists_the_alerts(rules):
    """The guide has them all, in the file's order."""
    listed = list(rows(read("docs/operations.md"), "alert"))
    assert listed == [rule["alert"] for rule in rules]


def test_every_alert_has_been_seen_to_fire(rules):
    """The made-up series bring each alert about at least once."""
    tests = yaml.safe_load(read("tests/manifests/alerts.yaml"))["tests"]
    fired = {
        found
        for test in tests
        for asked in test["promql_expr_test"]
        for sample in asked.get("exp_samples", [])
        for found in re.findall(r'alertname="(\w+)"', sample["labels"])
    }
    assert fired == {rule["alert"] for rule in rules}
