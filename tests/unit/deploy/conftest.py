"""The manifests as `kubectl apply -k` would send them, and the image's recipe."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.deploy.kustomization import rendered

ROOT = Path(__file__).parents[3]


class Manifests:
    """The rendered documents, found by kind and name."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.documents = documents

    def one(self, kind: str, name: str = "gavel") -> dict[str, Any]:
        found = [
            document
            for document in self.documents
            if (document["kind"], document["metadata"]["name"]) == (kind, name)
        ]
        assert len(found) == 1, f"{len(found)} documents are {kind}/{name}"
        return found[0]

    @property
    def pod(self) -> dict[str, Any]:
        return self.one("Deployment")["spec"]["template"]

    @property
    def container(self) -> dict[str, Any]:
        (container,) = self.pod["spec"]["containers"]
        return container

    @property
    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.container["ports"]}


class Dockerfile:
    """The instructions of the image's last stage, and those of all stages."""

    def __init__(self, text: str) -> None:
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        joined = "\n".join(lines).replace("\\\n", " ")
        self.all = [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]
        last = max(index for index, (word, _) in enumerate(self.all) if word == "FROM")
        self.last = self.all[last:]

    def of(self, word: str) -> list[str]:
        """The arguments of one kind of instruction in the last stage."""
        return [rest for found, rest in self.last if found == word]

    @property
    def environment(self) -> dict[str, str]:
        pairs = " ".join(self.of("ENV")).split()
        return dict(pair.split("=", 1) for pair in pairs)


@pytest.fixture(scope="session")
def manifests() -> Manifests:
    """What `kubectl apply -k k8s/base` would send."""
    return Manifests(rendered(ROOT / "k8s" / "base"))


@pytest.fixture(scope="session")
def scaled() -> Manifests:
    """What `kubectl apply -k k8s/overlays/scaled` would send."""
    return Manifests(rendered(ROOT / "k8s" / "overlays" / "scaled"))


@pytest.fixture(scope="session")
def dockerfile() -> Dockerfile:
    """The image's recipe."""
    return Dockerfile((ROOT / "Dockerfile").read_text("utf-8"))
