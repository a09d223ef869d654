"""What `k8s/base` must be: valid, locked down, and of one mind with itself and the server."""

import copy
import ipaddress
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from gaveld import __version__
from gaveld.bootstrap.settings import load_settings
from tests.unit.deploy.conftest import Manifests
from tests.unit.deploy.kustomization import rendered

ROOT = Path(__file__).parents[3]
BASE = ROOT / "k8s" / "base"
# The oldest Kubernetes whose gRPC probes are stable, and the newest with a schema.
KUBERNETES = ("1.27", kubernetes_validate.latest_version())
POD_LABELS = {"app.kubernetes.io/name": "gavel"}


def selects(selector: dict, labels: dict) -> bool:
    """Whether matchLabels find an object with these labels."""
    return selector.items() <= labels.items()


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_document_is_valid(manifests, version):
    """Kubernetes takes each document as it is, without a field that it does not know."""
    for document in manifests.documents:
        if document["kind"] != "ServiceMonitor":
            kubernetes_validate.validate(document, version, strict=True)


def test_the_validator_sees_a_misspelt_field(manifests):
    """The strict schema refuses what Kubernetes would silently drop."""
    broken = copy.deepcopy(manifests.one("Deployment"))
    broken["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="livenesProbe"):
        kubernetes_validate.validate(broken, KUBERNETES[-1], strict=True)


def test_every_file_is_rendered():
    """Nothing lies in the base that `kubectl apply -k` would leave out."""
    kustomization = yaml.safe_load((BASE / "kustomization.yaml").read_text("utf-8"))
    (generator,) = kustomization["configMapGenerator"]
    used = {"kustomization.yaml", *kustomization["resources"], *generator["files"]}
    assert used == {path.name for path in BASE.iterdir()}


def test_what_the_base_holds(manifests):
    """The base is these documents; secrets are the operator's and never in it."""
    found = sorted((entry["kind"], entry["metadata"]["name"]) for entry in manifests.documents)
    assert found == [
        ("ConfigMap", "gavel"),
        ("Deployment", "gavel"),
        ("NetworkPolicy", "gavel"),
        ("PodDisruptionBudget", "gavel"),
        ("Service", "gavel"),
        ("Service", "gavel-headless"),
        ("ServiceAccount", "gavel"),
        ("ServiceMonitor", "gavel"),
    ]
    for document in manifests.documents:
        assert selects(POD_LABELS, document["metadata"]["labels"]), document["kind"]
        assert "namespace" not in document["metadata"], "an overlay names the namespace"


def test_the_pod_is_restricted(manifests):
    """The pod passes the restricted Pod Security Standard, and its root can't be written."""
    pod, container = manifests.pod["spec"], manifests.container
    user = pod["securityContext"]
    assert user["runAsNonRoot"] is True
    assert user["runAsUser"] > 0
    assert user["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all("hostPort" not in port for port in container["ports"])
    kinds = {kind for volume in pod["volumes"] for kind in set(volume) - {"name"}}
    assert kinds <= {"configMap", "secret", "emptyDir"}


def test_the_pod_has_no_way_into_the_cluster(manifests):
    """No token, no variables of other services, and no way out of the pod."""
    assert manifests.pod["spec"]["automountServiceAccountToken"] is False
    assert manifests.one("ServiceAccount")["automountServiceAccountToken"] is False
    assert manifests.pod["spec"]["serviceAccountName"] == "gavel"
    assert manifests.pod["spec"]["enableServiceLinks"] is False
    policy = manifests.one("NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["egress"] == []


def test_only_named_namespaces_come_in(manifests):
    """Every way in names who may use it and for which of the pod's ports; health is no one's."""
    open_ports = []
    for rule in manifests.one("NetworkPolicy")["spec"]["ingress"]:
        assert rule["from"], "an empty list would mean everybody"
        assert all(peer["namespaceSelector"]["matchLabels"] for peer in rule["from"])
        open_ports += [port["port"] for port in rule["ports"]]
    assert sorted(open_ports) == ["grpc", "http", "metrics"]


def test_every_selector_finds_the_pods(manifests):
    """A selector that misses the pods' labels would quietly select nothing."""
    labels = manifests.pod["metadata"]["labels"]
    deployment = manifests.one("Deployment")["spec"]
    selectors = [
        deployment["selector"]["matchLabels"],
        manifests.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        manifests.one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        manifests.one("Service")["spec"]["selector"],
        manifests.one("Service", "gavel-headless")["spec"]["selector"],
    ]
    spread = manifests.pod["spec"]["topologySpreadConstraints"]
    selectors += [entry["labelSelector"]["matchLabels"] for entry in spread]
    assert all(selector and selects(selector, labels) for selector in selectors)


def test_services_reach_the_container(manifests):
    """Every Service port leads to a port that the container opens, under the same number."""
    for name in ("gavel", "gavel-headless"):
        for port in manifests.one("Service", name)["spec"]["ports"]:
            assert manifests.ports[port["targetPort"]] == port["port"]
    assert manifests.one("Service", "gavel-headless")["spec"]["clusterIP"] == "None"


def test_metrics_are_scraped_once(manifests):
    """The ServiceMonitor has its CRD's shape and finds one Service, by a port that it has."""
    monitor = manifests.one("ServiceMonitor")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(monitor["spec"]) == {"selector", "endpoints"}
    services = [entry for entry in manifests.documents if entry["kind"] == "Service"]
    selector = monitor["spec"]["selector"]["matchLabels"]
    found = [entry for entry in services if selects(selector, entry["metadata"]["labels"])]
    assert [entry["metadata"]["name"] for entry in found] == ["gavel"]
    (endpoint,) = monitor["spec"]["endpoints"]
    assert endpoint["path"] == "/metrics"
    assert endpoint["port"] in {port["name"] for port in found[0]["spec"]["ports"]}
    assert int(endpoint["scrapeTimeout"].removesuffix("s")) < int(
        endpoint["interval"].removesuffix("s")
    )


def test_probes_ask_the_health_port(manifests):
    """All three probes are native gRPC ones on the plaintext port that serves health alone."""
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert manifests.container[probe]["grpc"] == {"port": manifests.ports["health"]}
    startup = manifests.container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 60, "models need time to load"


def test_a_rollout_never_lacks_a_pod(manifests):
    """A new pod serves before an old one goes, and one voluntary disruption leaves a pod."""
    deployment = manifests.one("Deployment")["spec"]
    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert deployment["replicas"] >= 2
    assert manifests.one("PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


def test_the_image_is_this_version(manifests):
    """The tag is the version in this tree, never one that moves, and no registry is presumed."""
    assert manifests.container["image"] == f"gavel:{__version__}"


def test_memory_is_bounded_and_processor_time_asked_for(manifests):
    """The scheduler knows what a pod needs, and a leak stops at the pod."""
    resources = manifests.container["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert set(resources["limits"]) == {"memory"}


def test_every_mount_has_a_volume(manifests):
    """Mounts and volumes pair up; what is configuration can't be written."""
    pod, container = manifests.pod["spec"], manifests.container
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert set(mounts) == set(volumes)
    for name, volume in volumes.items():
        writable = "emptyDir" in volume
        assert mounts[name].get("readOnly", False) is not writable, name
    assert volumes["config"]["configMap"]["name"] == "gavel"
    # Octal would be read differently by YAML 1.1 and 1.2.
    assert volumes["api-keys"]["secret"]["defaultMode"] == 0o440


@pytest.fixture
def settings(manifests, dockerfile, monkeypatch, tmp_path):
    """The settings that the pods come to, with mounted paths moved under a scratch folder."""
    for name, value in dockerfile.environment.items():
        if name.startswith("GAVEL_"):
            monkeypatch.setenv(name, value)
    text = manifests.one("ConfigMap")["data"]["gavel.yaml"]
    mounts = {mount["name"]: mount["mountPath"] for mount in manifests.container["volumeMounts"]}
    config, secret = (tmp_path / mounts[name].lstrip("/") for name in ("config", "api-keys"))
    for name, folder in (("config", config), ("api-keys", secret)):
        folder.mkdir(parents=True)
        text = text.replace(mounts[name], str(folder))
    (secret / "keys.yaml").write_text("[]\n", "utf-8")
    (config / "gavel.yaml").write_text(text, "utf-8")
    return load_settings(config / "gavel.yaml")


def test_the_server_takes_the_settings(settings, manifests):
    """The server accepts the pods' settings, and opens the ports that the pods name."""
    assert manifests.ports == {
        "grpc": settings.grpc.port,
        "http": settings.rest.port,
        "health": settings.grpc.health_port,
        "metrics": settings.ops.port,
    }
    assert settings.grpc.host == settings.rest.host == settings.ops.host == "0.0.0.0"
    assert settings.auth.enabled
    assert not settings.auth.insecure
    assert settings.auth.keys_file is not None
    (variable,) = manifests.container["env"]
    assert variable == {"name": "GAVEL_CONFIG", "value": "/etc/gavel/gavel.yaml"}


def test_pods_outlive_their_drain(settings, manifests):
    """Kubernetes kills a pod only after notice and grace have had their time."""
    patience = manifests.pod["spec"]["terminationGracePeriodSeconds"]
    assert patience >= settings.shutdown.notice_seconds + settings.shutdown.grace_seconds + 5
    assert settings.shutdown.notice_seconds >= 5, "endpoints take seconds to change everywhere"
    assert "lifecycle" not in manifests.container


@pytest.mark.parametrize("version", KUBERNETES)
def test_envoy_is_valid(version):
    """The component that some run instead of the gateway is valid, its descriptor set included."""
    documents = Manifests(rendered(ROOT / "k8s" / "components" / "envoy"))
    for document in documents.documents:
        kubernetes_validate.validate(document, version, strict=True)
    assert set(documents.one("ConfigMap", "gavel-envoy")["binaryData"]) == {"contract.binpb"}


@pytest.mark.parametrize("version", KUBERNETES)
def test_fetching_media_reaches_public_addresses_alone(version):
    """The component that opens the way out is valid, and opens it to nobody's own network."""
    folder = ROOT / "k8s" / "components" / "fetch-media"
    policy = yaml.safe_load((folder / "network-policy.yaml").read_text("utf-8"))
    kubernetes_validate.validate(policy, version, strict=True)
    assert selects(policy["spec"]["podSelector"]["matchLabels"], POD_LABELS)
    _, fetching = policy["spec"]["egress"]
    blocks = [entry["ipBlock"] for entry in fetching["to"]]
    for address in ("10.1.2.3", "192.168.0.1", "169.254.169.254", "127.0.0.1", "fd00::1", "::1"):
        assert not any(holds(block, address) for block in blocks), address
    for address in ("8.8.8.8", "2606:4700::1111"):
        assert any(holds(block, address) for block in blocks), address


def holds(block: dict, address: str) -> bool:
    """Whether an ipBlock of a network policy lets an address through."""
    inside = ipaddress.ip_address(address)
    excepted = (ipaddress.ip_network(entry) for entry in block.get("except", ()))
    return inside in ipaddress.ip_network(block["cidr"]) and not any(
        inside in network for network in excepted
    )
