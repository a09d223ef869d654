"""Holds documents of KEDA and the Prometheus Operator to models of their own definitions.

`python custom_kinds.py FILE…`, in the environment that requirements/manifests.lock makes.
"""

import sys
from pathlib import Path

import yaml
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as prometheus
from pydantic import BaseModel, ValidationError

GROUPS = {"keda.sh/v1alpha1": keda, "monitoring.coreos.com/v1": prometheus}


def unknown_fields(given: object, taken: object, path: str) -> list[str]:
    """Name the fields that a model dropped without a word."""
    match given, taken:
        case dict(), dict():
            lost = [f"{path}.{name} is no field" for name in given if name not in taken]
            both = [name for name in given if name in taken]
            return lost + [
                fault
                for name in both
                for fault in unknown_fields(given[name], taken[name], f"{path}.{name}")
            ]
        case list(), list():
            return [
                fault
                for index, (ours, theirs) in enumerate(zip(given, taken, strict=True))
                for fault in unknown_fields(ours, theirs, f"{path}[{index}]")
            ]
    return []


def faults(document: dict) -> list[str]:
    """What is wrong with one document, nothing for one that its operator takes."""
    name = f"{document['kind']}/{document['metadata']['name']}"
    model: type[BaseModel] = getattr(GROUPS[document["apiVersion"]], document["kind"])
    try:
        read = model.model_validate(document)
    except ValidationError as error:
        return [f"{name}: {fault['loc']}: {fault['msg']}" for fault in error.errors()]
    return unknown_fields(document, read.model_dump(mode="json", by_alias=True), name)


def main(files: list[str]) -> int:
    """Read every file. Returns an exit status."""
    documents = [
        document
        for file in files
        for document in yaml.safe_load_all(Path(file).read_text("utf-8"))
        if document["apiVersion"] in GROUPS
    ]
    found = [fault for document in documents for fault in faults(document)]
    found.append(f"{len(documents)} documents of custom kinds, {len(found)} faults")
    sys.stdout.write("\n".join(found) + "\n")
    return 1 if len(found) > 1 or not documents else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
