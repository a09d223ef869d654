"""Laws about the files of the tree as a whole."""

import re

import pytest

from tests.unit.repo.tree import ROOT, python_files, read, text_of, tracked

# Put together here, so that this file does not break its own law.
REGISTRIES = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("npmjs", "org"),
        ("crates", "io"),
        ("docker", "io"),
        ("ghcr", "io"),
        ("gcr", "io"),
        ("quay", "io"),
        ("buf", "build"),
    )
)
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:home|Users|root|work)/[\w.-]+")
MOST_LINES = 400


def test_no_file_names_a_registry_or_a_machine_path():
    """Any mirror can serve the dependencies, and nothing tells where it was written."""
    faults = []
    for path in tracked():
        text = text_of(path)
        if text is None:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            named = [host for host in REGISTRIES if host in line]
            found = MACHINE_PATH.search(line)
            if named or found:
                faults.append(f"{path.relative_to(ROOT)}:{number}: {named or found}")
    assert faults == []


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("DATA=" + "/home" + "/ann/data", True),
        ("see " + "/work" + "/main/src", True),
        ("../shared/data/text", False),
        ("/v1/text:moderate", False),
        ("docs/home/page.md", False),
    ],
)
def test_machine_paths_are_told_from_others(line, is_found):
    """The pattern knows absolute paths of machines and leaves relative ones and routes alone."""
    assert bool(MACHINE_PATH.search(line)) is is_found


def test_source_files_are_short():
    """A file is read in one sitting."""
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in python_files("src", "tests", "training", "bench", "examples", "protos")
    }
    assert lengths
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_text_files_are_clean():
    """UTF-8, Unix line ends, a newline at the end; generated code is as its generator makes it."""
    faults = []
    for path in tracked():
        text = text_of(path)
        if text and ("\r" in text or not text.endswith("\n")):
            faults.append(str(path.relative_to(ROOT)))
    assert faults == []


def test_one_version():
    """The server, its contract package, the image and the manifests are one version."""
    (server,) = re.findall(r'^__version__ = "(.+)"$', read("src/gaveld/__init__.py"), re.MULTILINE)
    (package,) = re.findall(r'^version = "(.+)"$', read("gen/pyproject.toml"), re.MULTILINE)
    (image,) = re.findall(r"^ARG VERSION=(.+)$", read("Dockerfile"), re.MULTILINE)
    (pods,) = re.findall(r"image: gavel:(\S+)", read("k8s/base/deployment.yaml"))
    assert {server, package, image, pods} == {server}
    assert re.fullmatch(r"\d+\.\d+\.\d+", server)


def test_the_changelog_keeps_its_format():
    """Keep a Changelog: Unreleased first, dated versions newest first, known headings only."""
    text = read("CHANGELOG.md")
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert sections[0] == "[Unreleased]"
    dates = []
    for section in sections[1:]:
        match = re.fullmatch(r"\[\d+\.\d+\.\d+\] - (\d{4}-\d{2}-\d{2})", section)
        assert match, section
        dates.append(match[1])
    assert dates == sorted(dates, reverse=True)
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds


def test_decisions_are_numbered_and_short():
    """ADRs count from 1 without a gap, name their number and status, and stay readable."""
    records = sorted((ROOT / "docs" / "adr").iterdir())
    for number, path in enumerate(records, 1):
        assert path.name.startswith(f"{number:04}-"), path.name
        lines = path.read_text("utf-8").splitlines()
        assert lines[0].startswith(f"# {number}. "), path.name
        assert lines[2].startswith("Status: "), path.name
        assert len(lines) <= 30, path.name
