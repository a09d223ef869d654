"""What `k8s/overlays/scaled` must be: valid, locked down, and of one mind with the server."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from gaveld import __version__
from gaveld.adapters.nats.stream import CONSUMER
from gaveld.bootstrap.settings import Settings, load_settings
from tests.unit.deploy.conftest import Manifests
from tests.unit.deploy.test_manifests import KUBERNETES, holds

FOLDER = Path(__file__).parents[3] / "k8s" / "overlays" / "scaled"
# Kinds of operators, whose schemas no validator of Kubernetes has; their shapes have tests here.
CUSTOM = {"ServiceMonitor", "PodMonitor", "ScaledObject"}
WORKLOADS = ("gavel", "gavel-worker", "gavel-gateway", "gavel-migration")
NAME = "app.kubernetes.io/name"
PUBLIC = ("8.8.8.8", "2606:4700::1111")
PRIVATE = ("10.1.2.3", "192.168.0.1", "169.254.169.254", "127.0.0.1", "fd00::1", "::1")


def workload(scaled: Manifests, name: str) -> dict:
    kind = "Job" if name == "gavel-migration" else "Deployment"
    return scaled.one(kind, name)


def pod(scaled: Manifests, name: str) -> dict:
    return workload(scaled, name)["spec"]["template"]


def container(scaled: Manifests, name: str) -> dict:
    (found,) = pod(scaled, name)["spec"]["containers"]
    return found


def selects(selector: dict, labels: dict) -> bool:
    """Whether a label selector finds an object with these labels."""
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    exact = selector.get("matchLabels", {}).items() <= labels.items()
    expressions = selector.get("matchExpressions", [])
    assert all(entry["operator"] == "In" for entry in expressions)
    return exact and all(labels.get(entry["key"]) in entry["values"] for entry in expressions)


def policies(scaled: Manifests, name: str, direction: str) -> list[dict]:
    """The network policies of a workload's pods that are about one direction."""
    labels = pod(scaled, name)["metadata"]["labels"]
    return [
        entry["spec"]
        for entry in scaled.documents
        if entry["kind"] == "NetworkPolicy"
        and direction in entry["spec"]["policyTypes"]
        and selects(entry["spec"]["podSelector"], labels)
    ]


def ways_out(scaled: Manifests, name: str) -> Iterator[tuple[dict, set[int | str]]]:
    """Every peer that a workload's pods reach, with its ports; no ports are all of them."""
    for policy in policies(scaled, name, "Egress"):
        for rule in policy["egress"]:
            for peer in rule["to"]:
                yield peer, {entry["port"] for entry in rule.get("ports", [])}


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_document_is_valid(scaled, version):
    """Kubernetes takes each document as it is, without a field that it does not know."""
    for document in scaled.documents:
        if document["kind"] not in CUSTOM:
            kubernetes_validate.validate(document, version, strict=True)


def test_every_file_is_rendered():
    """Nothing lies in the overlay that `kubectl apply -k` would leave out."""
    kustomization = yaml.safe_load((FOLDER / "kustomization.yaml").read_text("utf-8"))
    used = {"kustomization.yaml", *kustomization["resources"]}
    used |= {entry["path"] for entry in kustomization["patches"]}
    used |= {name for entry in kustomization["configMapGenerator"] for name in entry["files"]}
    assert used == {"../../base", *(path.name for path in FOLDER.iterdir())}


def test_what_the_overlay_holds(scaled):
    """API, workers, gateway and migration, what scales and guards them; no secret and no store."""
    found = sorted((entry["kind"], entry["metadata"]["name"]) for entry in scaled.documents)
    assert found == [
        ("ConfigMap", "gavel"),
        ("ConfigMap", "gavel-gateway"),
        ("Deployment", "gavel"),
        ("Deployment", "gavel-gateway"),
        ("Deployment", "gavel-worker"),
        ("HorizontalPodAutoscaler", "gavel"),
        ("Job", "gavel-migration"),
        ("NetworkPolicy", "gavel"),
        ("NetworkPolicy", "gavel-fetches-and-callbacks"),
        ("NetworkPolicy", "gavel-from-gateway"),
        ("NetworkPolicy", "gavel-gateway"),
        ("NetworkPolicy", "gavel-migration"),
        ("NetworkPolicy", "gavel-names"),
        ("NetworkPolicy", "gavel-stores"),
        ("NetworkPolicy", "gavel-worker"),
        ("PodDisruptionBudget", "gavel"),
        ("PodDisruptionBudget", "gavel-gateway"),
        ("PodDisruptionBudget", "gavel-worker"),
        ("PodMonitor", "gavel-worker-and-gateway"),
        ("ScaledObject", "gavel-worker"),
        ("Service", "gavel"),
        ("Service", "gavel-gateway"),
        ("Service", "gavel-headless"),
        ("ServiceAccount", "gavel"),
        ("ServiceMonitor", "gavel"),
    ]
    assert all("namespace" not in entry["metadata"] for entry in scaled.documents)


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_pod_is_restricted(scaled, name):
    """Each pod passes the restricted Pod Security Standard, can't write its root, is bounded."""
    spec, one = pod(scaled, name)["spec"], container(scaled, name)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert one["image"] == f"gavel:{__version__}"
    assert set(one["resources"]["limits"]) == {"memory"}
    kinds = {kind for volume in spec["volumes"] for kind in set(volume) - {"name"}}
    assert kinds <= {"configMap", "secret", "emptyDir"}
    writable = {volume["name"] for volume in spec["volumes"] if "emptyDir" in volume}
    mounts = {mount["name"]: mount for mount in one["volumeMounts"]}
    assert set(mounts) == {volume["name"] for volume in spec["volumes"]}
    for mounted, mount in mounts.items():
        assert mount.get("readOnly", False) is (mounted not in writable), mounted


@pytest.mark.parametrize("name", WORKLOADS)
def test_nothing_goes_in_or_out_that_no_policy_opens(scaled, name):
    """Each pod is under a policy of both directions, so what is not opened is closed."""
    assert policies(scaled, name, "Ingress")
    assert policies(scaled, name, "Egress")


def test_only_those_that_fetch_and_call_back_go_out(scaled):
    """Public addresses are open to worker pods alone, and private ones to nobody by address."""
    for name in WORKLOADS:
        blocks = [peer["ipBlock"] for peer, _ in ways_out(scaled, name) if "ipBlock" in peer]
        reached = {ip for ip in PUBLIC + PRIVATE if any(holds(block, ip) for block in blocks)}
        assert reached == (set(PUBLIC) if name == "gavel-worker" else set()), name
        for block in blocks:
            assert ipaddress.ip_network(block["cidr"])


def test_each_pod_reaches_what_it_needs_and_no_more(scaled):
    """All look names up; who keeps things reaches the stores, the gateway the API pods alone."""
    stores = {"gavel": {5432, 4222, 6379}, "gavel-migration": {5432}, "gavel-gateway": set()}
    stores["gavel-worker"] = stores["gavel"]
    pods = {"gavel-gateway": {"gavel": {"grpc"}}}
    for name in WORKLOADS:
        spaces: dict[str, set] = {}
        among: dict[str, set] = {}
        for peer, ports in ways_out(scaled, name):
            if "namespaceSelector" in peer:
                ((label, value),) = peer["namespaceSelector"]["matchLabels"].items()
                spaces.setdefault(f"{label}={value}", set()).update(ports)
            elif "podSelector" in peer:
                among[peer["podSelector"]["matchLabels"][NAME]] = ports
        assert spaces.pop("kubernetes.io/metadata.name=kube-system") == {53}
        assert spaces.pop("gavel-stores=true", set()) == stores[name], name
        assert not spaces
        assert among == pods.get(name, {}), name


def test_calls_come_in_where_they_should(scaled):
    """Callers reach gRPC and the gateway's REST, the gateway reaches gRPC, and nobody a worker."""
    found = {
        name: sorted(
            str(port["port"])
            for policy in policies(scaled, name, "Ingress")
            for rule in policy["ingress"]
            for port in rule["ports"]
            if rule["from"]
        )
        for name in WORKLOADS
    }
    assert found == {
        "gavel": ["grpc", "grpc", "http", "metrics"],
        "gavel-worker": ["metrics"],
        "gavel-gateway": ["http", "metrics"],
        "gavel-migration": [],
    }


def test_services_and_monitors_reach_their_pods(scaled):
    """Each Service's ports are ports of the pods that it selects, and each monitor's too."""
    for name, service in (("gavel",) * 2, ("gavel", "gavel-headless"), ("gavel-gateway",) * 2):
        spec = scaled.one("Service", service)["spec"]
        assert spec["selector"].items() <= pod(scaled, name)["metadata"]["labels"].items()
        ports = {port["name"] for port in container(scaled, name)["ports"]}
        assert {port["targetPort"] for port in spec["ports"]} <= ports
    monitor = scaled.one("PodMonitor", "gavel-worker-and-gateway")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(monitor["spec"]) == {"selector", "podMetricsEndpoints"}
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    watched = {
        name
        for name in WORKLOADS
        if selects(monitor["spec"]["selector"], pod(scaled, name)["metadata"]["labels"])
    }
    assert watched == {"gavel-worker", "gavel-gateway"}
    for name in watched:
        assert endpoint["port"] in {port["name"] for port in container(scaled, name)["ports"]}


def test_no_two_say_how_many_pods_there_are(scaled):
    """What an autoscaler scales has no replicas of its own, and never fewer than one."""
    scaler = scaled.one("HorizontalPodAutoscaler", "gavel")["spec"]
    assert (scaler["scaleTargetRef"]["kind"], scaler["scaleTargetRef"]["name"]) == (
        "Deployment",
        "gavel",
    )
    assert scaler["minReplicas"] >= 2
    assert "replicas" not in workload(scaled, "gavel")["spec"]
    assert "replicas" not in workload(scaled, "gavel-worker")["spec"]
    assert workload(scaled, "gavel-gateway")["spec"]["replicas"] >= 2


def test_workers_scale_by_the_words_that_wait(scaled, settings):
    """The ScaledObject has its documented shape and names the server's own stream and consumer."""
    document = scaled.one("ScaledObject", "gavel-worker")
    assert document["apiVersion"] == "keda.sh/v1alpha1"
    spec = document["spec"]
    assert set(spec) == {
        "scaleTargetRef",
        "pollingInterval",
        "cooldownPeriod",
        "minReplicaCount",
        "maxReplicaCount",
        "fallback",
        "triggers",
    }
    assert spec["scaleTargetRef"] == {"name": "gavel-worker"}
    assert set(spec["fallback"]) == {"failureThreshold", "replicas"}
    assert 1 <= spec["minReplicaCount"] <= spec["fallback"]["replicas"] <= spec["maxReplicaCount"]
    (trigger,) = spec["triggers"]
    assert set(trigger) == {"type", "metadata"}
    assert trigger["type"] == "nats-jetstream"
    metadata = trigger["metadata"]
    assert all(isinstance(value, str) for value in metadata.values()), "KEDA wants strings"
    assert int(metadata.pop("lagThreshold")) > 0
    host = settings["gavel-worker"].nats.url.rpartition("@")[2].partition(":")[0]
    assert metadata == {
        "natsServerMonitoringEndpoint": f"{host}:8222",
        "account": "$G",
        "stream": settings["gavel-worker"].nats.stream,
        "consumer": CONSUMER,
    }


def test_one_disruption_takes_one_pod_of_a_kind(scaled):
    """Each Deployment has a budget, whose selector finds its pods."""
    for name in ("gavel", "gavel-worker", "gavel-gateway"):
        spec = scaled.one("PodDisruptionBudget", name)["spec"]
        assert spec["maxUnavailable"] == 1
        assert selects(spec["selector"], pod(scaled, name)["metadata"]["labels"])
        assert selects(
            workload(scaled, name)["spec"]["selector"], pod(scaled, name)["metadata"]["labels"]
        )


def test_the_migration_is_done_once_and_makes_room_for_the_next(scaled):
    """It migrates, is tried again where it fails, and goes, for a Job can't be changed."""
    spec = workload(scaled, "gavel-migration")["spec"]
    assert container(scaled, "gavel-migration")["args"] == ["migrate"]
    assert spec["ttlSecondsAfterFinished"] <= 3600
    assert spec["backoffLimit"] > 0
    assert spec["template"]["spec"]["restartPolicy"] == "OnFailure"
    assert "initContainers" not in pod(scaled, "gavel")["spec"], "pods wait by starting again"


@pytest.fixture
def settings(scaled, dockerfile, monkeypatch, tmp_path) -> dict[str, Settings]:
    """What each Deployment's pods come to, with mounted paths moved under a scratch folder."""
    found = {}
    for name in ("gavel", "gavel-worker", "gavel-gateway"):
        with monkeypatch.context() as patched:
            found[name] = settings_of(scaled, dockerfile, name, patched, tmp_path / name)
    return found


def settings_of(scaled, dockerfile, name, patched, folder) -> Settings:
    spec, one = pod(scaled, name)["spec"], container(scaled, name)
    variables = {key: value for key, value in dockerfile.environment.items() if "GAVEL_" in key}
    given = {entry["name"]: entry.get("value") for entry in one["env"]}
    if "GAVEL_STORAGE__URL" in given:
        (entry,) = (entry for entry in one["env"] if entry["name"] == "GAVEL_STORAGE__URL")
        assert entry["valueFrom"]["secretKeyRef"] == {"name": "gavel-stores", "key": "database-url"}
        given["GAVEL_STORAGE__URL"] = "postgresql://gavel:secret@postgres/gavel"
    config_file = Path(given.pop("GAVEL_CONFIG"))
    for key, value in {**variables, **given}.items():
        patched.setenv(key, value)
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    mounts = {mount["name"]: mount["mountPath"] for mount in one["volumeMounts"]}
    contents = {"api-keys": ["keys.yaml"], "stores": None, "sealing": ["secrets.key"]}
    text = scaled.one("ConfigMap", volumes["config"]["configMap"]["name"])["data"][config_file.name]
    for volume, names in contents.items():
        if volume not in mounts:
            continue
        items = volumes[volume]["secret"].get("items", [])
        for file in names or [item["path"] for item in items]:
            path = folder / mounts[volume].lstrip("/") / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("[]\n", "utf-8")
        text = text.replace(mounts[volume], str(folder / mounts[volume].lstrip("/")))
    path = folder / str(config_file).lstrip("/")
    path.parent.mkdir(parents=True)
    path.write_text(text, "utf-8")
    return load_settings(path)


def test_the_server_takes_the_settings(settings, scaled):
    """API pods answer and do nothing else, workers work, and all of them on the same stores."""
    api, worker = settings["gavel"], settings["gavel-worker"]
    for name in ("storage", "nats", "redis"):
        ours, theirs = (getattr(part, name).model_dump() for part in (api, worker))
        assert {k: v for k, v in ours.items() if not k.endswith("_file")} == {
            k: v for k, v in theirs.items() if not k.endswith("_file")
        }
    assert api.storage.url.startswith("postgresql://")
    assert api.secrets.key_file is not None
    assert worker.secrets.key_file is not None
    assert (api.work.workers, api.callbacks.max_at_once) == (0, 0)
    assert worker.work.workers > 0
    assert worker.callbacks.max_at_once > 0
    assert not api.rest.enabled
    ports = {port["name"]: port["containerPort"] for port in container(scaled, "gavel")["ports"]}
    assert ports == {
        "grpc": api.grpc.port,
        "health": api.grpc.health_port,
        "metrics": api.ops.port,
    }
    (metrics,) = container(scaled, "gavel-worker")["ports"]
    assert metrics == {"name": "metrics", "containerPort": worker.ops.port}


def test_the_gateway_dials_every_api_pod(settings, scaled):
    """The gateway asks for no key itself, and its one target is the name of all API pods."""
    gateway = settings["gavel-gateway"]
    ports = {
        port["name"]: port["containerPort"] for port in container(scaled, "gavel-gateway")["ports"]
    }
    assert ports == {"http": gateway.rest.port, "metrics": gateway.ops.port}
    headless = scaled.one("Service", "gavel-headless")
    (port,) = headless["spec"]["ports"]
    target = f"dns:///{headless['metadata']['name']}:{port['port']}"
    assert container(scaled, "gavel-gateway")["args"] == ["gateway", "--target", target]
    assert "env" in container(scaled, "gavel-gateway")
    assert "secret" not in str(pod(scaled, "gavel-gateway")["spec"]["volumes"])


@pytest.mark.parametrize("name", ["gavel", "gavel-worker", "gavel-gateway"])
def test_pods_outlive_their_drain(settings, scaled, name):
    """Kubernetes kills a pod only after notice and grace have had their time."""
    patience = pod(scaled, name)["spec"]["terminationGracePeriodSeconds"]
    shutdown = settings[name].shutdown
    assert patience >= shutdown.notice_seconds + shutdown.grace_seconds + 5
