# SPDX-License-Identifier: Apache-2.0
"""The chart, with the real helm: what it renders, whether the daemon takes the configuration, and whether a real API server
takes the objects."""
import json
import os
import re
import shutil
import subprocess
import tarfile

import pytest
import yaml

from apiserver import ApiServer
from conftest import ROOT, run
from harness import wait

CHART = ROOT / "chart/stagewatchd"
VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
RULES = ROOT / "etc/prometheus/stagewatchd.rules.yml"


@pytest.fixture
def helm(kubernetes, tmp_path):
    env = {**os.environ, "HELM_CACHE_HOME": str(tmp_path), "HELM_CONFIG_HOME": str(tmp_path), "HELM_DATA_HOME": str(tmp_path)}
    return lambda *arguments, **more: run(kubernetes / "bin/helm", *arguments, env=env, **more)


def render(helm, *values, name="stagewatchd"):
    """{kind: [objects]} of a release in the namespace stagewatch."""
    text = helm("template", name, CHART, "--namespace", "stagewatch", *(a for v in values for a in ("--values", v)))
    found = {}
    for o in yaml.safe_load_all(text):
        found.setdefault(o["kind"], []).append(o)
    return found


def configuration(objects):
    return objects["ConfigMap"][0]["data"]["stagewatchd.conf"]


def pod(objects):
    return (objects.get("Deployment") or objects["StatefulSet"])[0]["spec"]["template"]


def test_there_are_six():
    assert len(VALUES) == 6


@pytest.mark.parametrize("values", VALUES, ids=lambda v: v.stem)
def test_lint(helm, values):
    helm("lint", "--strict", CHART, "--values", values)


@pytest.mark.parametrize("values", VALUES, ids=lambda v: v.stem)
def test_the_daemon_takes_the_configuration(helm, binary, tmp_path, values):
    """All faults would be told, but for the secret and the certificates, which are in a pod only."""
    file = tmp_path / "stagewatchd.conf"
    text = configuration(render(helm, values))
    file.write_text(text.replace("/etc/stagewatchd/secrets/airflow-login/", f"{tmp_path}/"))
    (tmp_path / "password").write_text("x\n")
    (tmp_path / "password").chmod(0o600)
    done = subprocess.run([binary, "--config", file, "--print-config"], capture_output=True, text=True,
                          env={**os.environ, "KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "443"})
    assert done.returncode == 0, f"{done.stderr}\n{text}"
    # Each line is one that the daemon has, too.
    said = done.stdout.splitlines()
    for line in text.splitlines():
        assert line.startswith("#") or line.replace("/etc/stagewatchd/secrets/airflow-login/", f"{tmp_path}/") in said or re.match(
            r"hung_after|from|to|\w+ = (?:\d)", line), line


def test_what_a_pod_may(helm):
    """No user that is root, nothing written but its volumes, no token but the one that it asks for."""
    for values in VALUES:
        objects = render(helm, values)
        spec = pod(objects)["spec"]
        box = spec["containers"][0]["securityContext"]
        assert box == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"] not in (0, 65534)
        assert "StatefulSet" in objects or objects["Deployment"][0]["spec"]["strategy"] == {"type": "Recreate"}
        assert all(not a["automountServiceAccountToken"] for a in objects.get("ServiceAccount", []))
        mounts = {m["mountPath"]: m for m in spec["containers"][0]["volumeMounts"]}
        assert {"/etc/stagewatchd/config", "/var/lib/stagewatchd", "/run/stagewatchd"} <= set(mounts)
        assert not any("subPath" in m for m in mounts.values())


def test_a_probe_on_each_node(helm, binary, tmp_path):
    """Off unless it is asked for. It sees the processes of its node and has nothing else: no token, no privilege, no volume of the node."""
    assert not any("DaemonSet" in render(helm, v) for v in VALUES if v.stem != "everything-values")
    objects = render(helm, CHART / "ci/everything-values.yaml")
    spec = objects["DaemonSet"][0]["spec"]["template"]["spec"]
    assert spec["hostPID"] and not spec["automountServiceAccountToken"] and "hostNetwork" not in spec and "serviceAccountName" not in spec
    assert spec["securityContext"]["runAsNonRoot"]
    assert spec["containers"][0]["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                                        "capabilities": {"drop": ["ALL"]}}
    assert not any("hostPath" in v for v in spec["volumes"])
    # Neither the Service nor the Deployment takes its pods for theirs.
    labels = objects["DaemonSet"][0]["spec"]["template"]["metadata"]["labels"]
    for selector in (objects["Service"][0]["spec"]["selector"], objects["Deployment"][0]["spec"]["selector"]["matchLabels"]):
        assert not selector.items() <= labels.items()
    assert {"port = 24041", "cpu_via = probe"} <= set(configuration(objects).splitlines())
    text = next(o for o in objects["ConfigMap"] if o["metadata"]["name"].endswith("-probe"))["data"]["stagewatchd.conf"]
    (tmp_path / "probe.conf").write_text(text)
    done = subprocess.run([binary, "--config", tmp_path / "probe.conf", "--print-config"], capture_output=True, text=True)
    assert done.returncode == 0 and "enabled = yes" in done.stdout.splitlines(), done.stderr


def verbs(objects, kind):
    return {(group, resource): set(rule["verbs"]) for o in objects[kind] for rule in o["rules"] for group in rule["apiGroups"]
            for resource in rule["resources"]} if kind in objects else {}


def test_rights(helm):
    """Who observes changes nothing; who acts has no right beyond the two kinds that it may end. No wildcard."""
    observe = render(helm, CHART / "ci/default-values.yaml")
    assert all(v <= {"get", "list", "watch"} for v in verbs(observe, "ClusterRole").values())
    act = {v for rule in render(helm, CHART / "ci/act-values.yaml")["ClusterRole"][0]["rules"] for v in rule["verbs"]}
    assert act == {"get", "list", "watch", "delete", "patch"}
    nodes = render(helm, CHART / "ci/act-values.yaml")
    assert nodes["ClusterRole"][1]["rules"] == [{"apiGroups": [""], "resources": ["nodes/proxy"], "verbs": ["get"]}]
    assert "cpu_via = kubelet" in configuration(nodes)
    assert ("", "nodes/proxy") not in verbs(observe, "ClusterRole") and "cpu_via" not in configuration(observe)
    tenant = render(helm, CHART / "ci/namespaces-values.yaml")
    assert "ClusterRole" not in tenant and [o["metadata"]["namespace"] for o in tenant["Role"]] == ["spark", "spark-batch"]
    assert verbs(tenant, "Role")["", "pods/proxy"] == {"get"}
    assert [o["subjects"][0]["namespace"] for o in tenant["RoleBinding"]] == ["stagewatch"] * 2


def test_the_rules_are_those_of_the_tree(helm):
    objects = render(helm, CHART / "ci/monitoring-values.yaml")
    assert objects["PrometheusRule"][0]["spec"] == yaml.safe_load(RULES.read_text())
    monitor = objects["ServiceMonitor"][0]["spec"]
    # The job of its series is the one that the rules ask for.
    assert pod(objects)["metadata"]["labels"][monitor["jobLabel"]] == "stagewatchd"
    assert objects["Service"][0]["metadata"]["labels"][monitor["jobLabel"]] == "stagewatchd"
    assert monitor["endpoints"][0]["port"] == objects["Service"][0]["spec"]["ports"][0]["name"]


RULE = """groups:
- name: g
  rules:
  - alert: A
    annotations:
      dashboard_url: http://{{ $labels.instance }}/
      description: See http://{{ $labels.instance }}/ there.
      runbook_url: http://{{ $labels.instance }}/runbook/A
"""


@pytest.mark.parametrize("values, links", [
    ("{}", {"dashboard_url": "http://{{ $labels.instance }}/", "runbook_url": "http://{{ $labels.instance }}/runbook/A"}),
    ("config: {web: {external_url: 'https://s.example.com/'}}", {"dashboard_url": "https://s.example.com/",
                                                                 "runbook_url": "https://s.example.com/runbook/A"}),
    ("prometheusRule: {runbookUrl: 'https://w.example.com/b', dashboardUrl: 'https://g.example.com/d/1'}",
     {"dashboard_url": "https://g.example.com/d/1", "runbook_url": "https://w.example.com/b/A"})])
def test_where_the_links_of_alerts_lead(helm, tmp_path, values, links):
    shutil.copytree(CHART, tmp_path / "chart")
    (tmp_path / "chart/files/stagewatchd.rules.yml").write_text(RULE)
    (tmp_path / "values.yaml").write_text(values)
    text = helm("template", "x", tmp_path / "chart", "--values", tmp_path / "values.yaml", "--set", "prometheusRule.enabled=true")
    rule = next(o for o in yaml.safe_load_all(text) if o["kind"] == "PrometheusRule")["spec"]["groups"][0]["rules"][0]
    assert rule["annotations"] == {**links, "description": "See http://{{ $labels.instance }}/ there."}


def test_replicas(helm):
    """Each has a ledger of its own, all share a Lease, and may write that one alone."""
    alone, several = (render(helm, CHART / f"ci/{name}-values.yaml") for name in ("default", "replicas"))
    assert not {"StatefulSet", "PodDisruptionBudget"} & set(alone) and "PersistentVolumeClaim" in alone
    assert not {"Deployment", "PersistentVolumeClaim"} & set(several) and len(several["PodDisruptionBudget"]) == 1
    spec = several["StatefulSet"][0]["spec"]
    assert spec["replicas"] == 2 and [c["metadata"]["name"] for c in spec["volumeClaimTemplates"]] == ["state"]
    assert "state" not in [v["name"] for v in spec["template"]["spec"]["volumes"]]
    config = several["ConfigMap"][0]["data"]["stagewatchd.conf"]
    name = several["StatefulSet"][0]["metadata"]["name"]
    assert f"[leader]\nlease_duration = 15s\nname = {name}\ntype = lease\n" in config
    assert "[leader]" not in alone["ConfigMap"][0]["data"]["stagewatchd.conf"]
    assert several["Role"][0]["rules"] == [
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "resourceNames": [name], "verbs": ["get", "update"]}]


def test_what_replaces_a_pod(helm, tmp_path):
    """A changed rule does not, where the daemon reloads by itself; a changed port does, and so does anything otherwise."""
    def checksum(text):
        values = tmp_path / "values.yaml"
        values.write_text(text)
        return pod(render(helm, values))["metadata"]["annotations"]["checksum/config"]

    before = checksum("{}")
    assert checksum("config: {limits: {actions_per_hour: 2}}") == before
    assert checksum("config: {web: {listen: ':8080'}}") != before
    off = checksum("config: {daemon: {reload_on_change: false}}")
    assert checksum("config: {daemon: {reload_on_change: false}, limits: {actions_per_hour: 2}}") != off


@pytest.mark.parametrize("values, says", [
    ("replicas: 6", "/replicas"), ("{replicas: 2, config: {leader: {type: none}}}", "config.leader.type"),
    ("{replicas: 2, persistence: {existingClaim: x}}", "persistence.existingClaim"), ("config: {daemon: {mode: maybe}}", "/config/daemon/mode"), ("config: {nonsense: {a: b}}", "nonsense"),
    ("image: {digest: latest}", "/image/digest"), ("rbac: {mode: all}", "/rbac/mode"), ("persistance: {}", "persistance"),
    ('config: {airflow: {main: {url: "http://a\\n[daemon]"}}}', "/config/airflow/main/url"), ("config: {rules: [{app: a}]}", "name")])
def test_what_is_refused(helm, tmp_path, values, says):
    (tmp_path / "values.yaml").write_text(values)
    with pytest.raises(AssertionError, match=re.escape(says)):
        render(helm, tmp_path / "values.yaml")


def test_package(kubernetes, tmp_path):
    """It has the rules as a file, and the version of the program."""
    run("make", "-s", "chart", f"BUILD={tmp_path}", f"HELM={kubernetes}/bin/helm")
    version = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M).group(1)
    with tarfile.open(tmp_path / f"stagewatchd-{version}.tgz") as t:
        assert t.extractfile("stagewatchd/files/stagewatchd.rules.yml").read() == RULES.read_bytes()
        chart = yaml.safe_load(t.extractfile("stagewatchd/Chart.yaml").read())
        assert chart["appVersion"] == chart["version"] == version


@pytest.fixture(scope="module")
def server(kubernetes, tmp_path_factory):
    with ApiServer(kubernetes, tmp_path_factory.mktemp("apiserver")) as s:
        for file in sorted((kubernetes / "crds").iterdir()):
            s.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", yaml.safe_load(file.read_text()))
        for name in ("stagewatch", "monitoring", "spark", "spark-batch"):
            s.create("/api/v1/namespaces", {"metadata": {"name": name}})
        for crd in ("servicemonitors", "prometheusrules"):
            wait(lambda: s.request(f"/apis/monitoring.coreos.com/v1/{crd}")[0] == 200, f"{crd} are known")
        yield s


COLLECTIONS = {
    "ServiceAccount": "api/v1/namespaces/{}/serviceaccounts", "ConfigMap": "api/v1/namespaces/{}/configmaps",
    "Service": "api/v1/namespaces/{}/services", "PersistentVolumeClaim": "api/v1/namespaces/{}/persistentvolumeclaims",
    "Deployment": "apis/apps/v1/namespaces/{}/deployments", "StatefulSet": "apis/apps/v1/namespaces/{}/statefulsets",
    "DaemonSet": "apis/apps/v1/namespaces/{}/daemonsets", "NetworkPolicy": "apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
    "PodDisruptionBudget": "apis/policy/v1/namespaces/{}/poddisruptionbudgets",
    "ClusterRole": "apis/rbac.authorization.k8s.io/v1/clusterroles", "Role": "apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
    "ClusterRoleBinding": "apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "RoleBinding": "apis/rbac.authorization.k8s.io/v1/namespaces/{}/rolebindings",
    "ServiceMonitor": "apis/monitoring.coreos.com/v1/namespaces/{}/servicemonitors",
    "PrometheusRule": "apis/monitoring.coreos.com/v1/namespaces/{}/prometheusrules"}


@pytest.mark.parametrize("values", VALUES, ids=lambda v: v.stem)
def test_the_api_server_takes_each_object(helm, server, values):
    """With validation as strict as `kubectl apply --dry-run=server --validate=strict`: no unknown field, no wrong value."""
    for kind, objects in render(helm, values).items():
        for o in objects:
            path = COLLECTIONS[kind].format(o["metadata"].get("namespace"))
            status, said = server.request(f"/{path}?dryRun=All&fieldValidation=Strict", o)
            assert status == 201, f"{kind} {o['metadata']['name']}: {said.decode()}"


def test_the_api_server_would_refuse(helm, server):
    """So that the test above can fail: a misspelt field, in an object of its own and in one of the operator's."""
    objects = render(helm, CHART / "ci/monitoring-values.yaml")
    for kind in ("Deployment", "ServiceMonitor"):
        o = objects[kind][0]
        o["spec"]["replicsa"] = 1
        path = COLLECTIONS[kind].format(o["metadata"]["namespace"])
        status, said = server.request(f"/{path}?dryRun=All&fieldValidation=Strict", o)
        assert status in (400, 422) and b"replicsa" in said


def can(server, token, verb, group, resource, namespace):
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {
        "resourceAttributes": {"verb": verb, "group": group, "resource": resource, "namespace": namespace}}}
    status, said = server.request("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review, token=token)
    assert status == 201, said
    return json.loads(said)["status"]["allowed"]


def access(server, binary, directory, namespace):
    """What the daemon says of its rights in a namespace, with a rule that ends applications there."""
    file = directory / "act.conf"
    file.write_text(f"[daemon]\nmode = act\n[spark k8s]\ntype = kubernetes\nurl = {server.url}\nca_file = {server.ca}\n"
                    f"bearer_token_file = {directory}/token\nnamespace = {namespace}\n[airflow main]\nurl = http://127.0.0.1:1\n"
                    f"username = u\npassword_file = {directory}/password\n[rule all]\napp = *\nhung_after = 10min\naction = retry\n")
    (directory / "password").write_text("x\n")
    (directory / "password").chmod(0o600)
    done = subprocess.run([binary, "--config", file, "--check-access"], capture_output=True, text=True, timeout=120)
    return done.stdout + done.stderr


def test_install_upgrade_uninstall(helm, server, binary, tmp_path):
    """A release of its own. Its account sees a driver, by the daemon itself, and may end it only after the upgrade to act."""
    to = ("--kubeconfig", server.kubeconfig, "--namespace", "stagewatch")
    notes = helm("install", "stagewatchd", CHART, *to, "--values", CHART / "ci/default-values.yaml")
    assert "watches all namespaces, mode observe" in notes and "exec deployment/stagewatchd -- stagewatchctl status" in notes
    token = server.token("stagewatch", "stagewatchd")
    assert can(server, token, "list", "", "pods", "spark") and not can(server, token, "delete", "", "pods", "spark")
    assert not can(server, token, "list", "", "secrets", "spark")

    # A driver, as the kubelet would show it on a node; its UI is nobody's.
    server.create("/api/v1/namespaces/spark/pods", {
        "metadata": {"name": "etl-driver", "labels": {"spark-role": "driver", "spark-app-selector": "spark-1"}},
        "spec": {"nodeName": "n1", "containers": [{"name": "spark-kubernetes-driver", "image": "spark"}]}})
    text = helm("get", "manifest", "stagewatchd", *to)
    config = next(o for o in yaml.safe_load_all(text) if o["kind"] == "ConfigMap")["data"]["stagewatchd.conf"]
    (tmp_path / "token").write_text(token + "\n")
    (tmp_path / "token").chmod(0o600)
    file = tmp_path / "stagewatchd.conf"
    file.write_text(config.replace("type = kubernetes", f"type = kubernetes\nurl = {server.url}\nca_file = {server.ca}\n"
                                   f"bearer_token_file = {tmp_path}/token"))
    done = subprocess.run([binary, "--config", file, "--once"], capture_output=True, text=True, timeout=120)
    assert "etl" in done.stdout + done.stderr and "403" not in done.stdout + done.stderr, done.stdout + done.stderr

    assert "spark k8s: kill denied" in access(server, binary, tmp_path, "spark")

    notes = helm("upgrade", "stagewatchd", CHART, *to, "--values", CHART / "ci/act-values.yaml", "--set", "persistence.existingClaim=",
                 "--set", "persistence.enabled=true")
    assert "mode act" in notes
    assert can(server, token, "delete", "", "pods", "spark") and can(server, token, "patch", "sparkoperator.k8s.io", "sparkapplications", "spark")
    assert not can(server, token, "create", "", "pods", "spark")
    assert "spark k8s: kill granted" in access(server, binary, tmp_path, "spark")

    notes = helm("upgrade", "stagewatchd", CHART, *to, "--values", CHART / "ci/replicas-values.yaml")
    assert "exec statefulset/stagewatchd -- stagewatchctl status" in notes and "get lease stagewatchd" in notes

    # The ledger outlives the release.
    helm("uninstall", "stagewatchd", *to)
    for kind, name, status in (("PersistentVolumeClaim", "stagewatchd", 200), ("Deployment", "stagewatchd", 404),
                               ("ClusterRole", "stagewatch-stagewatchd", 404)):
        assert server.request(f"/{COLLECTIONS[kind].format('stagewatch')}/{name}")[0] == status, kind
