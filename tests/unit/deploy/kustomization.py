"""Renders kustomizations the way `kubectl kustomize` does, for what ours use and nothing more."""

import base64
from pathlib import Path
from typing import Any

import yaml

Document = dict[str, Any]
UNDERSTOOD = {"apiVersion", "kind", "resources", "patches", "configMapGenerator"}
KEYS = {
    "containers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "ports": ("containerPort", "port"),
}
"""What tells the entries of a list from one another; other lists are replaced whole."""


def rendered(folder: Path) -> list[Document]:
    """Every document of a kustomization, config maps under their own names, without the hash."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text("utf-8"))
    unknown = set(kustomization) - UNDERSTOOD
    assert not unknown, f"this renderer does not know {sorted(unknown)}"
    documents: list[Document] = []
    for name in kustomization["resources"]:
        path = folder / name
        documents += rendered(path.resolve()) if path.is_dir() else read(path)
    for entry in kustomization.get("configMapGenerator", []):
        assert set(entry) - {"behavior"} == {"name", "files", "options"}
        assert set(entry["options"]) == {"labels"}
        config = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": entry["name"], "labels": entry["options"]["labels"]},
            **contents([folder / name for name in entry["files"]]),
        }
        there = [document for document in documents if named(document) == named(config)]
        assert len(there) == (entry.get("behavior") == "replace"), "replaced or new"
        documents = [document for document in documents if document not in there] + [config]
    for entry in kustomization.get("patches", []):
        assert set(entry) == {"path"}
        for patch in read(folder / entry["path"]):
            (target,) = (found for found in documents if named(found) == named(patch))
            merge(target, patch)
    return documents


def contents(files: list[Path]) -> Document:
    """What a config map holds of files: text as it is, anything else as base64."""
    found: Document = {}
    for file in files:
        data = file.read_bytes()
        try:
            found.setdefault("data", {})[file.name] = data.decode("utf-8")
        except UnicodeDecodeError:
            found.setdefault("binaryData", {})[file.name] = base64.b64encode(data).decode("ascii")
    return found


def read(path: Path) -> list[Document]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def named(document: Document) -> tuple[str, str]:
    return document["kind"], document["metadata"]["name"]


def merge(target: Document, patch: Document) -> None:
    """Apply a strategic merge patch: null takes a key away, `$patch: delete` an entry of a list."""
    for name, value in patch.items():
        if value is None:
            target.pop(name, None)
        elif isinstance(value, dict):
            merge(target.setdefault(name, {}), value)
        elif isinstance(value, list) and name in KEYS:
            merge_entries(target.setdefault(name, []), value, KEYS[name])
        else:
            target[name] = value


def merge_entries(target: list[Document], patch: list[Document], keys: tuple[str, ...]) -> None:
    for entry in patch:
        key = next(key for key in keys if key in entry)
        there = next((found for found in target if found.get(key) == entry[key]), None)
        if entry.get("$patch") == "delete":
            assert there is not None, f"there is no {key} {entry[key]} to delete"
            target.remove(there)
        elif there is None:
            target.append(dict(entry))
        else:
            merge(there, entry)
