"""Renders `k8s/base` the way `kubectl kustomize` does, for what the base uses and nothing more."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
BASE = ROOT / "k8s" / "base"
UNDERSTOOD = {"apiVersion", "kind", "resources", "configMapGenerator"}


def rendered(folder: Path) -> list[dict[str, Any]]:
    """Every document of a kustomization, config maps under their own names, without the hash."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    unknown = set(kustomization) - UNDERSTOOD
    assert not unknown, f"this renderer does not know {sorted(unknown)}"
    documents = []
    for name in kustomization["resources"]:
        documents += list(yaml.safe_load_all((folder / name).read_text("utf-8")))
    for entry in kustomization["configMapGenerator"]:
        assert set(entry) == {"name", "files", "options"}
        assert set(entry["options"]) == {"labels"}
        documents.append(
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {"name": entry["name"], "labels": entry["options"]["labels"]},
                "data": {name: (folder / name).read_text("utf-8") for name in entry["files"]},
            }
        )
    return documents


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
    return Manifests(rendered(BASE))


@pytest.fixture(scope="session")
def dockerfile() -> Dockerfile:
    """The image's recipe."""
    return Dockerfile((ROOT / "Dockerfile").read_text("utf-8"))
