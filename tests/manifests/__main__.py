"""Renders what `make manifests` checks: `python -m tests.manifests FOLDER`.

Every folder of k8s becomes one file of manifests; the alerts become a file of rules, too,
beside their tests.
"""

import shutil
import sys
from pathlib import Path

import yaml

from tests.unit.deploy.kustomization import rendered

HERE = Path(__file__).parent
K8S = HERE.parents[1] / "k8s"


def main(out: Path) -> None:
    """Write everything anew."""
    shutil.rmtree(out, ignore_errors=True)
    (out / "k8s").mkdir(parents=True)
    for kustomization in sorted(K8S.rglob("kustomization.yaml")):
        folder = kustomization.parent
        documents = rendered(folder)
        (out / "k8s" / f"{folder.name}.yaml").write_text(yaml.safe_dump_all(documents), "utf-8")
        for document in documents:
            if document["kind"] == "PrometheusRule":
                rules = out / f"{document['metadata']['name']}.rules.yaml"
                rules.write_text(yaml.safe_dump(document["spec"]), "utf-8")
    shutil.copy(HERE / "alerts.yaml", out)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
