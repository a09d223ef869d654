"""Laws about how the tree is set up: locks, make targets, hooks and the CI script."""

import re
import subprocess
import tomllib

import pytest
import yaml

from tests.unit.repo.tree import ROOT, read

LOCKS = ("server", "openvino", "nudenet", "models", "dev", "train")
# fmt: off
ALWAYS_THERE = {
    "help", "run", "test", "check", "gen", "check-gen", "format", "lint", "types", "breaking",
    "train-linear", "bench", "clean",
}
# fmt: on


def names_in(requirements: str) -> set[str]:
    """The packages of a requirements file, without versions, includes and comments."""
    lines = (line.partition("#")[0].strip() for line in requirements.splitlines())
    return {re.split(r"[\s=<>;]", line)[0] for line in lines if line and line[0] not in "-\\"}


def phony_targets() -> set[str]:
    """The targets that the Makefile declares."""
    return set(" ".join(re.findall(r"^\.PHONY: (.+)$", read("Makefile"), re.MULTILINE)).split())


@pytest.mark.parametrize("lock", [*LOCKS, "e2e", "manifests"])
def test_every_locked_package_has_a_version_and_hashes(lock):
    """Nothing is installed that is not the very file that was locked."""
    text = read(f"requirements/{lock}.lock").replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert entries
    for entry in entries:
        name, *rest = entry.split()
        marker = " ".join(word for word in rest if not word.startswith("--hash="))
        hashes = [word for word in rest if word.startswith("--hash=")]
        assert re.fullmatch(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==[\w.+!-]+", name), entry[:80]
        assert marker == "" or marker.startswith(";"), entry[:80]
        assert hashes, name
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", word) for word in hashes), name


@pytest.mark.parametrize("lock", [*LOCKS, "e2e", "manifests"])
def test_locks_hold_what_was_asked_for(lock):
    """A package that is added to an input is in its lock, too."""
    asked = {name.partition("[")[0].lower() for name in names_in(read(f"requirements/{lock}.in"))}
    locked = {name.partition("[")[0] for name in names_in(read(f"requirements/{lock}.lock"))}
    assert asked <= locked


def test_locks_agree():
    """Development and training run on the server's own versions."""
    server, openvino, nudenet, models, dev, train = (
        set(re.findall(r"^([\w.\[\],-]+==\S+)", read(f"requirements/{lock}.lock"), re.MULTILINE))
        for lock in LOCKS
    )
    assert server < openvino < dev < train
    assert server < nudenet < dev
    assert models < dev


def test_the_distribution_names_what_the_server_lock_resolves():
    """`pip install gaveld` and the lock know the same packages, but for the build's own."""
    project = tomllib.loads(read("pyproject.toml"))["project"]
    ours = set(project["dependencies"]) - {"gavel-api"}
    assert ours == names_in(read("requirements/server.in")) - {"editables", "hatchling"}
    for name, packages in project["optional-dependencies"].items():
        assert set(packages) == names_in(read(f"requirements/{name}.in"))


def test_help_lists_what_exists():
    """`make` alone lists the targets; each is phony, explained, and one that make can plan."""
    listing = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    plain = re.sub(r"\x1b\[[0-9]*m", "", listing)
    listed = dict(line.split(None, 1) for line in plain.splitlines())
    assert set(listed) >= ALWAYS_THERE
    assert set(listed) <= phony_targets()
    for target, explanation in listed.items():
        assert explanation.strip()
        subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True, text=True
        )


def test_hooks_call_make():
    """Every pre-commit hook is one make target that exists."""
    (repo,) = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]
    assert repo["repo"] == "local"
    entries = [hook["entry"].split() for hook in repo["hooks"]]
    assert entries == [["make", name] for name in ("format-check", "lint", "types", "check-gen")]
    assert {target for _, target in entries} <= phony_targets()
    assert all(hook["pass_filenames"] is False for hook in repo["hooks"])


def test_ci_runs_the_readmes_commands():
    """CI types what a stranger is told to type, and stops at the first thing that fails."""
    script, readme = read(".ci/run"), read("README.md")
    assert (ROOT / ".ci/run").stat().st_mode & 0o111, "it can be executed"
    assert "set -euo pipefail" in script
    blocks = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)
    told = {line for block in blocks for line in block.splitlines()}
    typed = {line.removesuffix(" &") for line in script.splitlines()}
    (call,) = re.findall(r"answer=\$\((buf curl .+)\)$", script, re.MULTILINE)
    assert {"make check", "make test", "make run"} <= typed & told
    assert call in told
