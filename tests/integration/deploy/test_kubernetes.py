"""deploy/kubernetes: rendered as `kubectl apply --kustomize` would, held against Kubernetes' schemas, and what it gives the daemons
against the daemons. No cluster runs here: docs/kubernetes.md says what that leaves out."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from certificates import Certificate
from daemons import ROOT, run

DEPENDENCIES = Path(os.environ.get("VESTIBULE_DEPENDENCIES", ROOT / "build/dependencies"))
NODE_MODULES = DEPENDENCIES / "npm/node_modules"
SECRETS = "/run/secrets/vestibule"
TURN_HOSTS = {"10.50.0.5": "198.51.100.130", "10.50.0.6": "198.51.100.131"}
KUSTOMIZE = 5  # the least major version: of kubectl from 1.27 on


def renders() -> bool:
    try:
        done = subprocess.run(["kubectl", "version", "--client", "--output=json"], capture_output=True, text=True)
        return int(json.loads(done.stdout)["kustomizeVersion"][1:].partition(".")[0]) >= KUSTOMIZE
    except (OSError, ValueError, KeyError):
        return False


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory) -> Path:
    """The folder with what docs/kubernetes.md asks for: secrets."""
    folder = tmp_path_factory.mktemp("kubernetes") / "kubernetes"
    shutil.copytree(ROOT / "deploy/kubernetes", folder)
    certificate = Certificate(folder.parent, "proxy", "DNS:proxy.example.com").file().read_text()
    for secrets, names in {"rproxyd": ["redis_password", "session_tickets"], "turnd": ["turn_shared_secrets"]}.items():
        into = folder / "overlays/example" / secrets / "secrets"
        (into / "certificate.pem").write_text(certificate)
        for name in ["admin_token", *names]:
            (into / name).write_text(f"{name} is not a secret, but long enough\n")
    return folder


@pytest.fixture(scope="module")
def objects(laid_out) -> list[dict]:
    if not renders():
        pytest.skip("kubectl 1.27 or later is not there: nothing renders the overlays")
    done = subprocess.run(["kubectl", "kustomize", laid_out / "overlays/example"], capture_output=True, text=True)
    assert done.returncode == 0 and "deprecated" not in done.stderr, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def one(objects: list[dict], kind: str, name: str) -> dict:
    [found] = [each for each in objects if each["kind"] == kind and each["metadata"]["name"] == name]
    return found


def workload(objects: list[dict], name: str) -> dict:
    return one(objects, {"rproxyd": "Deployment", "turnd": "DaemonSet"}[name], name)


def pod(objects: list[dict], name: str) -> dict:
    return workload(objects, name)["spec"]["template"]["spec"]


def container(objects: list[dict], name: str) -> dict:
    [found] = pod(objects, name)["containers"]
    return found


def variables(objects: list[dict], name: str, host: str = "10.50.0.5") -> dict[str, str]:
    """What the kubelet gives the daemon on that machine."""
    given = {}
    for each in container(objects, name)["envFrom"]:
        given |= one(objects, "ConfigMap", each["configMapRef"]["name"])["data"]
    for each in container(objects, name).get("env", []):
        if "value" in each:
            value = re.sub(r"\$\((\w+)\)", lambda match: given[match[1]], each["value"])
        elif "fieldRef" in each["valueFrom"]:
            assert each["valueFrom"]["fieldRef"]["fieldPath"] == "status.hostIP"
            value = host
        else:
            assert each["valueFrom"]["resourceFieldRef"]["resource"] == "requests.cpu"
            value = container(objects, name)["resources"]["requests"]["cpu"]
        given[each["name"]] = value
    return given


def seconds(duration: str) -> int:
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


def judged(objects: list[dict]) -> list[str]:
    if not (NODE_MODULES / "kubernetes-models").exists():
        pytest.skip("kubernetes-models is not there: deploy/dependencies/install --tests fetches it")
    objects = json.loads(json.dumps(objects))
    for each in objects:
        if each["kind"] == "Secret":  # kustomize folds base64 into lines, which the API server takes and a schema's pattern doesn't
            each["data"] = {key: "".join(value.split()) for key, value in each["data"].items()}
    done = subprocess.run(["node", ROOT / "tests/support/kubernetes_schema.mjs", NODE_MODULES], input=json.dumps(objects), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_every_object_is_as_kubernetes_schemas_have_it(objects):
    assert judged(objects) == []


def test_the_schemas_find_what_is_wrong_and_what_is_unknown(objects):
    wrong = json.loads(json.dumps(workload(objects, "rproxyd")))
    of = wrong["spec"]["template"]["spec"]["containers"][0]
    of["imagee"] = "x"
    of["ports"][0]["containerPort"] = "https"
    of["livenessProbe"]["periodSecond"] = 3
    place = "Deployment rproxyd: /spec/template/spec/containers/0"
    assert judged([wrong]) == [f"{place}/ports/0/containerPort must be integer", f"{place}/livenessProbe/periodSecond is unknown", f"{place}/imagee is unknown"]
    assert judged([{"apiVersion": "apps/v9", "kind": "Deployment"}]) == ["Deployment undefined: no schema of apps/v9"]


@pytest.mark.parametrize("name, host", [("rproxyd", "10.50.0.5"), *(("turnd", host) for host in TURN_HOSTS)])
def test_the_daemon_takes_what_its_pod_gives_it(objects, laid_out, name, host):
    """With the image's configuration, the pod's variables, and the secrets where they are mounted."""
    secrets = laid_out.parent / "run/secrets/vestibule"
    secrets.mkdir(parents=True, exist_ok=True)
    [source] = [each["secret"]["secretName"] for each in pod(objects, name)["volumes"] if "secret" in each]
    for key in one(objects, "Secret", source)["data"]:
        file = secrets / key
        shutil.copy(laid_out / "overlays/example" / name / "secrets" / key, file)
        file.chmod(0o440)
    given = {key: value.replace(SECRETS, str(secrets)) for key, value in variables(objects, name, host).items()}
    done = run(name, "check", "--config", ROOT / f"deploy/containers/{name}.json", environment=given)
    assert done.returncode == 0 and "error" not in done.stdout and "warning" not in done.stdout, done.stdout


def test_each_turnd_advertises_what_its_machine_is_known_as(objects):
    for host in TURN_HOSTS:
        given = variables(objects, "turnd", host)
        assert given["VESTIBULE_TURN_RELAY_ADDRESSES"] == host and given["VESTIBULE_TURN_ADDRESS"] == f"{host}:3478"
        outside = dict(each.split("=") for each in given["VESTIBULE_TURN_EXTERNAL_ADDRESSES"].split(", "))
        assert outside == TURN_HOSTS


@pytest.mark.parametrize("name", ["rproxyd", "turnd"])
def test_every_variable_is_one_of_the_images(objects, name):
    known = set(re.findall(r"\$\{(\w+)[:}]", (ROOT / f"deploy/containers/{name}.json").read_text())) | {"VESTIBULE_NODE_ADDRESS"}
    assert set(variables(objects, name)) <= known


@pytest.mark.parametrize("name", ["rproxyd", "turnd"])
def test_every_secret_that_is_named_is_mounted_and_the_groups_alone(objects, name):
    [volume] = [each for each in pod(objects, name)["volumes"] if "secret" in each]
    [mount] = [each for each in container(objects, name)["volumeMounts"] if each["name"] == volume["name"]]
    assert mount["mountPath"] == SECRETS and mount["readOnly"]
    assert volume["secret"]["defaultMode"] == 0o400 and pod(objects, name)["securityContext"]["fsGroup"] == 65532
    there = set(one(objects, "Secret", volume["secret"]["secretName"])["data"])
    named = {value.removeprefix(SECRETS + "/") for value in variables(objects, name).values() if value.startswith(SECRETS)}
    assert named == there


@pytest.mark.parametrize("name", ["rproxyd", "turnd"])
def test_a_pod_is_killed_only_after_it_has_drained(objects, name):
    given = variables(objects, name)
    drain = seconds(given["VESTIBULE_DRAIN_TIMEOUT" if name == "rproxyd" else "VESTIBULE_TURN_DRAIN_TIMEOUT"])
    before = container(objects, name).get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    assert before + drain < pod(objects, name)["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("name", ["rproxyd", "turnd"])
def test_a_pod_has_no_more_rights_than_the_image_needs(objects, name):
    context = pod(objects, name)["securityContext"] | container(objects, name)["securityContext"]
    user = re.search(r"^USER (\d+):(\d+)", (ROOT / "deploy/containers/Containerfile").read_text(), re.MULTILINE)
    assert (context["runAsUser"], context["runAsGroup"]) == (int(user[1]), int(user[2])) and context["runAsNonRoot"]
    assert context["capabilities"] == {"drop": ["ALL"]} and not context["allowPrivilegeEscalation"]
    assert context["readOnlyRootFilesystem"] and context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not pod(objects, name)["automountServiceAccountToken"]
    assert all(each["containerPort"] >= 1024 for each in container(objects, name)["ports"]), "what needs no capability"
    written = {each["mountPath"] for each in container(objects, name)["volumeMounts"] if not each.get("readOnly")}
    assert written == set(re.findall(r'["-](/(?:run|var/lib)/vestibule)/', (ROOT / f"deploy/containers/{name}.json").read_text()))


def test_ports_are_those_that_the_daemons_listen_on(objects):
    def ports(name):
        return {each["name"]: each["containerPort"] for each in container(objects, name)["ports"]}

    def of(name, variable):
        return int(variables(objects, name)[variable].rpartition(":")[2])

    assert ports("rproxyd") == {"https": of("rproxyd", "VESTIBULE_HTTPS_ADDRESS"), "http": of("rproxyd", "VESTIBULE_HTTP_ADDRESS"),
                                "admin": of("rproxyd", "VESTIBULE_RPROXYD_ADMIN_ADDRESS")}
    turn, turns = of("turnd", "VESTIBULE_TURN_ADDRESS"), of("turnd", "VESTIBULE_TURNS_ADDRESS")
    assert ports("turnd") == {"turn-udp": turn, "turn-tcp": turn, "turns-tcp": turns, "turns-udp": turns, "admin": of("turnd", "VESTIBULE_TURND_ADMIN_ADDRESS")}
    for name in ("rproxyd", "turnd"):
        annotations = workload(objects, name)["spec"]["template"]["metadata"]["annotations"]
        assert int(annotations["prometheus.io/port"]) == ports(name)["admin"] and annotations["prometheus.io/path"] == "/metrics"
        assert annotations["prometheus.io/scheme"] == "https" and "VESTIBULE_ADMIN_CERTIFICATES" in variables(objects, name)
        probes = [container(objects, name)[each]["exec"]["command"] for each in ("startupProbe", "readinessProbe", "livenessProbe")]
        assert probes == [[f"/usr/bin/{name}", "status", "--ready"]] * 2 + [[f"/usr/bin/{name}", "status"]]
    service = one(objects, "Service", "rproxyd")["spec"]
    assert {each["port"]: each["targetPort"] for each in service["ports"]} == {443: "https", 80: "http"}
    assert service["externalTrafficPolicy"] == "Local"
    for monitor in (each for each in objects if each["kind"] == "PodMonitor"):
        [endpoint] = monitor["spec"]["podMetricsEndpoints"]
        assert (endpoint["port"], endpoint["scheme"]) == ("admin", "https")
        credentials = endpoint["authorization"]["credentials"]
        [secret] = [each for each in objects if each["kind"] == "Secret" and each["metadata"]["name"] == credentials["name"]
                    and each["metadata"]["namespace"] == monitor["metadata"]["namespace"]]
        assert credentials["key"] in secret["data"]


def test_whoever_chooses_pods_of_rproxyd_finds_these_and_no_other(objects):
    labels = workload(objects, "rproxyd")["spec"]["template"]["metadata"]["labels"]
    others = one(objects, "Deployment", "redis")["spec"]["template"]["metadata"]["labels"]
    chosen = [one(objects, "PodDisruptionBudget", "rproxyd")["spec"]["selector"]["matchLabels"], one(objects, "Service", "rproxyd")["spec"]["selector"],
              one(objects, "NetworkPolicy", "rproxyd")["spec"]["podSelector"]["matchLabels"], workload(objects, "rproxyd")["spec"]["selector"]["matchLabels"]]
    for each in chosen:
        assert each.items() <= labels.items() and not each.items() <= others.items()
    target = one(objects, "HorizontalPodAutoscaler", "rproxyd")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "rproxyd")
    assert "replicas" not in workload(objects, "rproxyd")["spec"], "the autoscaler's alone"
    allowed = one(objects, "NetworkPolicy", "redis")["spec"]["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
    assert allowed.items() <= labels.items()
