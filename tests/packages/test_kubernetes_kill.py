# SPDX-License-Identifier: Apache-2.0
"""Applications that are ended at a real API server. Pods are records there: the test writes their status, and does what an operator and
the garbage collector would do. The driver and Airflow are fakes."""
import contextlib
import json
import subprocess
import threading

import pytest

from apiserver import ApiServer
from fakes import Airflow, Driver
from harness import Daemon, airflow_section, wait
from scene import OWNER

GROUP = "sparkoperator.k8s.io"
APPS = f"/apis/{GROUP}/v1beta2/namespaces/spark/sparkapplications"
PODS = "/api/v1/namespaces/spark/pods"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ANY = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}


def definition(suspend):
    """What matters of the kubeflow operator's: with spec.suspend, since 2.4, or without."""
    spec = {"restartPolicy": ANY, **({"suspend": {"type": "boolean"}} if suspend else {})}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": spec}, "status": ANY}}
    names = {"kind": "SparkApplication", "plural": "sparkapplications", "singular": "sparkapplication"}
    version = {"name": "v1beta2", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}
    # A group of k8s.io takes this, whatever it says.
    meta = {"name": f"sparkapplications.{GROUP}", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta,
            "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]}}


class Cluster(ApiServer):
    def get(self, path):
        status, text = self.request(path)
        return json.loads(text) if status == 200 else None

    def delete(self, path):
        return self.request(path, method="DELETE")[0]

    def prepare(self):
        self.create("/api/v1/namespaces", {"metadata": {"name": "spark"}})
        for account in ("acts", "watches"):
            self.create("/api/v1/namespaces/spark/serviceaccounts", {"metadata": {"name": account}})
        self.allow("watches", [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}])
        self.allow("acts", [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch", "get", "delete"]},
                            {"apiGroups": [GROUP], "resources": ["sparkapplications"], "verbs": ["list", "get", "patch", "delete"]}])

    def allow(self, account, rules):
        self.create(f"{RBAC}/namespaces/spark/roles", {"metadata": {"name": account}, "rules": rules})
        self.create(f"{RBAC}/namespaces/spark/rolebindings", {
            "metadata": {"name": account}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": account},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "spark"}]})

    def define(self, suspend):
        name = f"{CRDS}/sparkapplications.{GROUP}"
        if self.get(name):
            self.delete(name)
            wait(lambda: not self.get(name), "the definition is gone")
        self.create(CRDS, definition(suspend))
        wait(lambda: self.get(APPS), "the definition is served")

    def set_status(self, path, status):
        """What a kubelet or an operator would write."""
        it = self.get(path)
        if it:
            self.request(f"{path}/status", {**it, "status": status}, method="PUT")

    def pod(self, name, port, owner=None):
        meta = {"name": name, "labels": {"spark-role": "driver", "spark-app-selector": "app-1"}}
        if owner:
            meta["ownerReferences"] = [{"apiVersion": f"{GROUP}/v1beta2", "kind": "SparkApplication", "name": "etl", "uid": owner,
                                        "controller": True}]
        container = {"name": "spark-kubernetes-driver", "image": "x", "ports": [{"name": "spark-ui", "containerPort": port}]}
        made = self.create(PODS, {"metadata": meta, "spec": {"restartPolicy": "Never", "containers": [container]}})
        self.set_status(f"{PODS}/{name}", {"phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}]})
        return made["metadata"]["uid"]

    def application(self):
        made = self.create(APPS, {"apiVersion": f"{GROUP}/v1beta2", "kind": "SparkApplication", "metadata": {"name": "etl"},
                                  "spec": {"restartPolicy": {"type": "Always"}}})
        self.set_status(f"{APPS}/etl", {"applicationState": {"state": "RUNNING"}})
        return made["metadata"]["uid"]

    @contextlib.contextmanager
    def operator(self):
        """Suspends; starts a new driver for one that is gone; what a deleted SparkApplication leaves is collected."""
        over = threading.Event()

        def work():
            while not over.wait(0.2):
                app = self.get(f"{APPS}/etl")
                if not app:
                    self.delete(f"{PODS}/etl-driver")
                elif app["spec"].get("suspend"):
                    self.delete(f"{PODS}/etl-driver")
                    self.set_status(f"{APPS}/etl", {"applicationState": {"state": "SUSPENDED"}})
                elif not self.get(f"{PODS}/etl-driver"):
                    self.pod("etl-driver", 1, app["metadata"]["uid"])
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.fixture(scope="module")
def cluster(kubernetes, tmp_path_factory):
    with Cluster(kubernetes, tmp_path_factory.mktemp("kubernetes")) as c:
        c.prepare()
        yield c


def section(cluster, tmp_path, account):
    token = tmp_path / f"{account}.token"
    token.write_text(cluster.token("spark", account))
    token.chmod(0o600)
    return f"[spark k]\ntype = kubernetes\nurl = {cluster.url}\nca_file = {cluster.ca}\nbearer_token_file = {token}\nnamespace = spark\n"


@pytest.mark.parametrize("owned, suspend, via", [
    (False, True, "cluster"), (True, True, "cluster"), (True, False, "cluster"), (True, True, "delete-application")])
def test_a_hang_is_ended_and_tried_again(owned, suspend, via, cluster, binary, tmp_path, started):
    driver, airflow = started(Driver, "app-1", OWNER), started(Airflow)
    cluster.define(suspend)
    app = cluster.application() if owned else None
    uid = cluster.pod("etl-driver" if owned else "bare-driver", driver.port, app)
    sections = section(cluster, tmp_path, "acts") + airflow_section(airflow, tmp_path)
    with contextlib.ExitStack() as stack:
        if owned:
            stack.enter_context(cluster.operator())
        d = stack.enter_context(Daemon(binary, tmp_path, sections, action="retry", via="auto", more=f"kill_via = {via}\n"))
        wait(lambda: d.actions()["confirmed"] == 1, "the retry")
        assert uid not in json.dumps(cluster.get(PODS))
        now = cluster.get(f"{APPS}/etl") if owned else None
        if owned and suspend and via == "cluster":
            assert now["spec"]["suspend"] and now["status"]["applicationState"]["state"] == "SUSPENDED"
        else:
            assert now is None
    if now:
        cluster.delete(f"{APPS}/etl")


def test_a_task_whose_driver_would_be_started_anew_is_left(cluster, binary, tmp_path, started):
    driver, airflow = started(Driver, "app-1", OWNER), started(Airflow)
    cluster.define(True)
    uid = cluster.pod("etl-driver", driver.port, cluster.application())
    sections = section(cluster, tmp_path, "acts") + airflow_section(airflow, tmp_path)
    with Daemon(binary, tmp_path, sections, action="retry", via="auto", more="kill_via = delete-pod\n") as d:
        wait(lambda: d.lines("has restartPolicy Always, and its operator would start a new driver"), "the refusal")
        assert d.actions()["requested"] == 0 and not airflow.asked("PATCH") and not airflow.asked("POST", "clearTaskInstances")
        assert cluster.get(f"{PODS}/etl-driver")["metadata"]["uid"] == uid
    cluster.delete(f"{APPS}/etl")
    cluster.delete(f"{PODS}/etl-driver")


def test_an_application_without_a_driver(cluster, binary, tmp_path):
    """Its operator does not start one, and says why. Whoever may not list it is told so."""
    cluster.define(True)
    uid = cluster.application()
    cluster.set_status(f"{APPS}/etl", {"applicationState": {"state": "SUBMISSION_FAILED", "errorMessage": "exceeded quota: drivers"}})

    def open_incidents(d):
        return [(i["app_id"], i["verdict"]) for i in d.json("/api/v1/incidents")["incidents"]]

    with Daemon(binary, tmp_path, section(cluster, tmp_path, "acts"), action="notify") as d:
        wait(lambda: open_incidents(d) == [(uid, "not_started")], "it is told")
        assert "SparkApplication spark/etl: SUBMISSION_FAILED, exceeded quota: drivers" in json.dumps(d.json("/api/v1/incidents"))
    (tmp_path / "other").mkdir()
    with Daemon(binary, tmp_path / "other", section(cluster, tmp_path, "watches"), action="notify") as d:
        wait(lambda: d.lines('sparkapplications answered 403: sparkapplications.sparkoperator.k8s.io is forbidden'), "what is missing")
    cluster.delete(f"{APPS}/etl")


def count_requests(cluster, verb):
    """Of pods, that the API server has answered."""
    lines = cluster.request("/metrics")[1].decode().splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith("apiserver_request_total{")
               and f'verb="{verb}"' in line and 'resource="pods"' in line and 'scope="namespace"' in line)


@pytest.mark.parametrize("account", ["acts", "watches"])
def test_what_changes_is_seen(account, cluster, binary, tmp_path, started):
    """By a list and the changes since then, or, without the right to watch, by lists alone."""
    driver = started(Driver, "app-1", OWNER)

    def apps():
        return d.metric("stagewatch_apps", spark_cluster="k")

    d = Daemon(binary, tmp_path, section(cluster, tmp_path, account) + "executor_selector = none\n")
    d.config.write_text(d.config.read_text().replace("poll_interval = 1s", "poll_interval = 6s"))
    with d:
        wait(lambda: apps() == 0, "the empty list")
        lists, watches = count_requests(cluster, "LIST"), count_requests(cluster, "WATCH")
        cluster.pod("bare-driver", driver.port)
        wait(lambda: apps() == 1, "the app")
        cluster.delete(f"{PODS}/bare-driver")
        wait(lambda: apps() == 0, "its end")
        if account == "acts":
            assert count_requests(cluster, "LIST") == lists
            assert count_requests(cluster, "WATCH") > watches + 1
        else:
            assert count_requests(cluster, "LIST") > lists + 1
            assert len(d.lines("?watch=1 answered 403")) == 1


def test_which_rights_are_missing(cluster, binary, tmp_path, started):
    cluster.define(True)
    for account, code, text in (("acts", 0, "spark k: kill granted\n"), ("watches", 1, (
            "spark k: kill denied: it takes the right to get pods; it takes the right to delete pods; it takes the right to get "
            "sparkapplications.sparkoperator.k8s.io; it takes the right to patch sparkapplications.sparkoperator.k8s.io\n"))):
        airflow = started(Airflow)
        sections = section(cluster, tmp_path, account) + airflow_section(airflow, tmp_path)
        d = Daemon(binary, tmp_path, sections, action="kill")
        done = subprocess.run([binary, "--config", d.config, "--check-access"], capture_output=True, text=True, timeout=60)
        assert text in done.stdout, done.stdout + done.stderr
        assert done.returncode == code
