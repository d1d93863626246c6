# SPDX-License-Identifier: Apache-2.0
"""Applications that the kubeflow operator's own controller has submitted, past its own webhook, and what it does once they are ended. API
server, operator and spark-submit are real; the test stands in for the kubelet and the garbage collector. The driver's UI and Airflow are
fakes."""
import contextlib
import json
import pathlib

import pytest
import yaml
from apiserver import Worker, free_ports
from conftest import run
from fakes import Airflow, Driver
from harness import Daemon, airflow_section, limit, wait
from scene import OWNER
from test_kubernetes_kill import APPS, CRDS, GROUP, PODS, Cluster, section

NODE = "/api/v1/nodes"
HOOKS = "/apis/admissionregistration.k8s.io/v1"
QUOTA = "/api/v1/namespaces/spark/resourcequotas"
OF_TASK = {k: str(v) for k, v in OWNER.items()}


def setup_dir(part):
    env = pathlib.Path(run("tests/setup", "path", part).strip())
    if not (env / ".stamp").exists():
        pytest.fail(f"run tests/setup {part} first")
    return env


class Kubelet(Worker):
    """Runs each pod on a node of its own kind: a pod that is deleted terminates, then goes. Its address is the driver's. Collects the pods
    of a SparkApplication that is gone."""

    def __init__(self, cluster, driver):
        self.cluster, self.driver = cluster, driver
        self.seen = []  # uids of all drivers, in order

    def work(self):
        apps = {a["metadata"]["uid"] for a in self.cluster.get(APPS)["items"]}
        for pod in self.cluster.get(PODS)["items"]:
            self.look_at(pod, apps)

    def look_at(self, pod, apps):
        meta, path = pod["metadata"], f"{PODS}/{pod['metadata']['name']}"
        if meta.get("deletionTimestamp"):
            self.cluster.request(path, {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}, method="DELETE")
        elif meta["ownerReferences"][0]["uid"] not in apps:
            self.cluster.delete(path)
        elif not pod["spec"].get("nodeName"):
            self.cluster.request(f"{path}/binding", {"metadata": {"name": meta["name"]}, "target": {"kind": "Node", "name": "a"}})
        elif pod["status"]["phase"] == "Pending":
            self.seen.append(meta["uid"])
            self.driver.app_id = meta["labels"]["spark-app-selector"]
            self.cluster.set_status(path, {"phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]})


class Operated(Cluster):
    def __init__(self, env, directory):
        super().__init__(env, directory)
        self.operator = setup_dir("operator")
        self.spark = next(setup_dir("spark").glob("lib/python*/site-packages/pyspark"))

    def prepare(self):
        super().prepare()
        self.create("/api/v1/namespaces/spark/serviceaccounts", {"metadata": {"name": "spark"}})
        self.create(NODE, {"metadata": {"name": "a"}})
        kinds = [yaml.safe_load(f.read_text()) for f in sorted(self.operator.glob("chart/crds/*.yaml"))]
        for kind in kinds:
            self.create(CRDS, kind)
        for spec in (k["spec"] for k in kinds):
            group = f"/apis/{spec['group']}/{spec['versions'][0]['name']}"
            # The controller ends where it does not find its kinds at its start.
            wait(lambda: spec["names"]["plural"] in json.dumps(self.get(group)), "the definition is told of")
            wait(lambda: self.get(f"{group}/namespaces/spark/{spec['names']['plural']}"), "the definition is served")
        self.webhook = self.start_webhook()
        self.start("operator", "env", f"KUBECONFIG={self.kubeconfig}", f"SPARK_HOME={self.spark}", "KUBERNETES_SERVICE_HOST=127.0.0.1",
                   f"KUBERNETES_SERVICE_PORT={self.port}", self.operator / "bin/spark-operator", "controller", "start", "--namespaces", "spark",
                   "--health-probe-bind-address", "0")

    def start_webhook(self):
        """As its chart has it, with quotas enforced. Its name in the cluster leads to this host, and its certificate is one that it makes."""
        (port,) = free_ports(1)
        text = run(self.env / "bin/helm", "template", "spark-operator", self.operator / "chart", "--namespace", "operator",
                   "--set", f"spark.jobNamespaces={{spark}},webhook.port={port}",
                   *(a for kind in ("mutating", "validating") for a in ("--show-only", f"templates/webhook/{kind}webhookconfiguration.yaml")))
        hooks = {f"{HOOKS}/{o['kind'].lower()}s": o for o in yaml.safe_load_all(text)}
        self.create("/api/v1/namespaces", {"metadata": {"name": "operator"}})
        service = next(iter(hooks.values()))["webhooks"][0]["clientConfig"]["service"]["name"]
        self.create("/api/v1/namespaces/operator/services", {"metadata": {"name": service},
                                                             "spec": {"type": "ExternalName", "externalName": "localhost"}})
        for path, hook in hooks.items():
            self.create(path, hook)
        self.start("webhook", "env", f"KUBECONFIG={self.kubeconfig}", self.operator / "bin/spark-operator", "webhook", "start",
                   "--namespaces", "spark", "--webhook-port", port, "--webhook-cert-dir", self.dir / "webhook", "--webhook-svc-name", service,
                   "--webhook-svc-namespace", "operator", "--webhook-secret-namespace", "operator", "--health-probe-bind-address", "0",
                   "--enable-resource-quota-enforcement")
        wait(lambda: self.request(f"{APPS}?dryRun=All", self.application("a", 1, {}))[0] == 201, "it answers")
        return self.children[-1]

    def application(self, name, port, restart):
        times = {"onFailureRetryInterval": 1, "onSubmissionFailureRetryInterval": 1}
        part = {"cores": 1, "memory": "512m"}
        spec = {"type": "Scala", "mode": "cluster", "image": "spark", "sparkVersion": "4.3.0", "mainClass": "job.Sleeper",
                "mainApplicationFile": "local:///job.jar", "restartPolicy": {**times, **restart}, "sparkConf": {"spark.ui.port": str(port)},
                "driver": {**part, "serviceAccount": "spark", "env": [{"name": "BY", "value": "webhook"}], "annotations": OF_TASK},
                "executor": {**part, "instances": 1}}
        return {"apiVersion": f"{GROUP}/v1beta2", "kind": "SparkApplication", "metadata": {"name": name}, "spec": spec}

    def submit(self, name, port, restart, state="RUNNING"):
        self.create(APPS, self.application(name, port, restart))
        self.wait_state(name, state)

    def suspend(self, name, suspend, how=""):
        app = self.get(f"{APPS}/{name}")
        app["spec"]["suspend"] = suspend
        return self.request(f"{APPS}/{name}{how}", app, method="PUT")

    def fill_quota(self):
        """No room for any other: its use is what a controller would have written."""
        hard = {"requests.cpu": "2"}
        self.create(QUOTA, {"metadata": {"name": "q"}, "spec": {"hard": hard}})
        self.set_status(f"{QUOTA}/q", {"hard": hard, "used": hard})

    def state(self, name):
        app = self.get(f"{APPS}/{name}")
        return (app or {}).get("status", {}).get("applicationState", {}).get("state")

    def wait_state(self, name, state):
        wait(lambda: self.children[-1].poll() is not None or self.state(name) == state, f"{name} is {state}")
        assert self.state(name) == state, (self.dir / "operator.log").read_text()[-3000:]


@pytest.fixture(scope="module")
def cluster(kubernetes, tmp_path_factory):
    with Operated(kubernetes, tmp_path_factory.mktemp("operator")) as c:
        c.prepare()
        yield c


def is_known(pod, name):
    """The webhook adds what spark-submit knows nothing of, and leaves what a driver is known by: one owner, labels, annotations."""
    meta = pod["metadata"]
    assert {"name": "BY", "value": "webhook"} in pod["spec"]["containers"][0]["env"]
    assert [(o["kind"], o["name"], o["controller"]) for o in meta["ownerReferences"]] == [("SparkApplication", name, True)]
    assert {"spark-role": "driver", "sparkoperator.k8s.io/app-name": name}.items() <= meta["labels"].items()
    assert OF_TASK.items() <= meta["annotations"].items()


@contextlib.contextmanager
def watched(cluster, binary, tmp_path, started, restart, via, then=lambda name: None):
    """A driver that hangs, in a pod that the operator has made. then: what comes before it is watched."""
    driver, airflow = started(Driver, "none", OWNER), started(Airflow)
    name = f"etl-{via}"
    sections = section(cluster, tmp_path, "acts") + airflow_section(airflow, tmp_path)
    with Kubelet(cluster, driver) as kubelet:
        cluster.submit(name, driver.port, restart)
        is_known(cluster.get(f"{PODS}/{name}-driver"), name)
        then(name)
        d = Daemon(binary, tmp_path, sections, action="retry", via="auto", more=f"kill_via = {via}\n")
        limit(d, end_timeout="5s")
        with d:
            yield name, kubelet, airflow, d
        cluster.delete(f"{APPS}/{name}")
        wait(lambda: not cluster.get(PODS)["items"], "its pods are gone")


@pytest.mark.parametrize("via, restart, state", [
    ("cluster", {"type": "Always"}, "SUSPENDED"), ("suspend", {"type": "OnFailure", "onFailureRetries": 3}, "SUSPENDED"),
    ("delete-application", {"type": "OnFailure", "onFailureRetries": 3}, None), ("delete-pod", {"type": "Never"}, "FAILED")])
def test_what_is_ended_is_not_started_again(via, restart, state, cluster, binary, tmp_path, started):
    with watched(cluster, binary, tmp_path, started, restart, via) as (name, kubelet, _, d):
        wait(lambda: d.actions()["confirmed"] == 1, "the retry")
        assert cluster.state(name) == state
        assert len(kubelet.seen) == 1 and not cluster.get(PODS)["items"]
        # It is the operator that holds it, and nobody else: told so, it goes on.
        if state == "SUSPENDED":
            assert cluster.suspend(name, False)[0] == 200
            cluster.wait_state(name, "RUNNING")
            assert len(kubelet.seen) == 2


def test_a_driver_that_would_be_started_anew_is_left_and_would_be(cluster, binary, tmp_path, started):
    restart = {"type": "OnFailure", "onFailureRetries": 3}
    with watched(cluster, binary, tmp_path, started, restart, "delete-pod") as (name, kubelet, airflow, d):
        wait(lambda: d.lines("has restartPolicy OnFailure, and its operator would start a new driver"), "the refusal")
        assert d.actions()["requested"] == 0 and not airflow.asked("PATCH")
        cluster.delete(f"{PODS}/{name}-driver")
        wait(lambda: len(kubelet.seen) == 2, "the next driver")


def test_why_nothing_was_submitted_is_told(cluster, binary, tmp_path):
    cluster.create(QUOTA, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    cluster.set_status(f"{QUOTA}/none", {"hard": {"pods": "0"}, "used": {"pods": "0"}})
    cluster.submit("denied", 4040, {"type": "OnFailure", "onSubmissionFailureRetries": 3, "onSubmissionFailureRetryInterval": 600},
                   "SUBMISSION_FAILED")
    with Daemon(binary, tmp_path, section(cluster, tmp_path, "acts"), action="notify") as d:
        wait(lambda: "not_started" in json.dumps(d.json("/api/v1/incidents")), "it is told")
        why = 'pods "denied-driver" is forbidden: exceeded quota: none, requested: pods=1, used: pods=0, limited: pods=0'
        assert f"SparkApplication spark/denied: SUBMISSION_FAILED, {why}" in json.dumps(d.json("/api/v1/incidents")).replace('\\"', '"')
    cluster.delete(f"{APPS}/denied")
    cluster.delete(f"{QUOTA}/none")


@pytest.mark.parametrize("webhook", ["denies", "is away"])
def test_what_may_not_be_suspended_is_deleted(webhook, cluster, binary, tmp_path, started):
    """The webhook counts what runs already a second time against a quota. Without an answer of it nothing is changed either."""
    def bar(name):
        if webhook == "denies":
            cluster.fill_quota()
        else:
            cluster.webhook.kill()
            cluster.webhook.wait()
        wait(lambda: (said := cluster.suspend(name, True, "?dryRun=All"))[0] in (403, 500) and b"webhook" in said[1], "it is barred")

    with watched(cluster, binary, tmp_path, started, {"type": "Always"}, "cluster", bar) as (name, kubelet, _, d):
        wait(lambda: d.actions()["confirmed"] == 1, "the retry")
        assert cluster.state(name) is None
        assert len(kubelet.seen) == 1 and not cluster.get(PODS)["items"]
    cluster.delete(f"{QUOTA}/q")
