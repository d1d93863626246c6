# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes API server, with real Spark drivers as its pods.

No kubelet is to be had: Cluster does its work. A pod is a record with a process: the process ends, and the record says so; the record is
deleted, and the process is ended, then the record goes. Operator does what the kubeflow operator does with a SparkApplication.
"""
import contextlib
import json
import os
import re
import signal
import sys
import threading
import time

import lab

sys.path.insert(0, str(lab.REPO / "tests/packages"))
from apiserver import ApiServer, Worker  # noqa: E402

GROUP = "sparkoperator.k8s.io"
APPS = f"/apis/{GROUP}/v1beta2/namespaces/spark/sparkapplications"
PODS = "/api/v1/namespaces/spark/pods"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
NODE = "node-1"


def definition():
    """What matters of the kubeflow operator's."""
    any_object = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    schema = {"type": "object", "properties": {"spec": {**any_object, "properties": {"suspend": {"type": "boolean"}}}, "status": any_object}}
    names = {"kind": "SparkApplication", "plural": "sparkapplications", "singular": "sparkapplication"}
    version = {"name": "v1beta2", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}}}
    # A group of k8s.io takes this, whatever it says.
    meta = {"name": f"sparkapplications.{GROUP}", "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": meta,
            "spec": {"group": GROUP, "scope": "Namespaced", "names": names, "versions": [version]}}


class Cluster(ApiServer):
    def __init__(self, env, directory):
        super().__init__(env, directory)
        self.processes = {}  # of pods, by uid: (name, process, user port)
        self.over = threading.Event()
        self.fault = None

    def __enter__(self):
        super().__enter__()
        self.create("/api/v1/namespaces", {"metadata": {"name": "spark"}})
        self.create(CRDS, definition())
        self.create("/api/v1/namespaces/spark/serviceaccounts", {"metadata": {"name": "stagewatchd"}})
        self.create(f"{RBAC}/namespaces/spark/roles", {"metadata": {"name": "stagewatchd"}, "rules": [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "get", "delete"]},
            {"apiGroups": [GROUP], "resources": ["sparkapplications"], "verbs": ["list", "get", "patch", "delete"]}]})
        self.create(f"{RBAC}/namespaces/spark/rolebindings", {
            "metadata": {"name": "stagewatchd"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "stagewatchd"},
            "subjects": [{"kind": "ServiceAccount", "name": "stagewatchd", "namespace": "spark"}]})
        lab.wait(lambda: self.get(APPS), "SparkApplications are served")
        self.kubelet = threading.Thread(target=self.run_kubelet)
        self.kubelet.start()
        return self

    def __exit__(self, *args):
        self.over.set()
        self.kubelet.join()
        for _, process in self.processes.values():
            self.end(process)
        super().__exit__(*args)
        assert self.fault is None, self.fault

    def get(self, path):
        status, text = self.request(path)
        return json.loads(text) if status == 200 else None

    def delete(self, path, **options):
        return self.request(path, {"apiVersion": "v1", "kind": "DeleteOptions", **options}, method="DELETE")[0]

    def set_status(self, path, status):
        it = self.get(path)
        if it:
            self.request(f"{path}/status", {**it, "status": {**it.get("status", {}), **status}}, method="PUT")

    def run_pod(self, name, process, ui_port, labels, owner=None):
        """A driver's pod whose process runs already. Returns its uid."""
        meta = {"name": name, "labels": {"spark-role": "driver", **labels}}
        if owner:
            meta["ownerReferences"] = [{"apiVersion": f"{GROUP}/v1beta2", "kind": "SparkApplication", "name": owner["metadata"]["name"],
                                        "uid": owner["metadata"]["uid"], "controller": True}]
        container = {"name": "spark-kubernetes-driver", "image": "spark", "ports": [{"name": "spark-ui", "containerPort": ui_port}]}
        made = self.create(PODS, {"metadata": meta, "spec": {"restartPolicy": "Never", "nodeName": NODE, "containers": [container]}})
        uid = made["metadata"]["uid"]
        self.processes[uid] = (name, process)
        self.set_status(f"{PODS}/{name}", {"phase": "Running", "podIP": "127.0.0.1", "podIPs": [{"ip": "127.0.0.1"}],
                                           "hostIP": "127.0.0.1", "startTime": self.now(),
                                           "containerStatuses": [self.container({"running": {"startedAt": self.now()}})]})
        return uid

    @staticmethod
    def now():
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())

    @staticmethod
    def container(state):
        return {"name": "spark-kubernetes-driver", "image": "spark", "imageID": "", "ready": "running" in state, "restartCount": 0, "state": state}

    @staticmethod
    def end(process):
        """As the kubelet: TERM, and KILL after a grace."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(Exception):
                process.wait(10)
                return

    def run_kubelet(self):
        try:
            while not self.over.wait(0.3):
                for uid in list(self.processes):
                    self.look_at_pod(uid)
        except Exception as e:
            self.fault = e

    def look_at_pod(self, uid):
        name, process = self.processes[uid]
        pod = self.get(f"{PODS}/{name}")
        if not pod or pod["metadata"]["uid"] != uid or pod["metadata"].get("deletionTimestamp"):
            self.end(process)
            del self.processes[uid]
            if pod and pod["metadata"]["uid"] == uid:
                self.delete(f"{PODS}/{name}", gracePeriodSeconds=0, preconditions={"uid": uid})
        elif process.poll() is not None and pod["status"]["phase"] == "Running":
            ended = {"terminated": {"exitCode": process.returncode & 255, "startedAt": pod["status"]["startTime"], "finishedAt": self.now()}}
            self.set_status(f"{PODS}/{name}", {"phase": "Failed" if process.returncode else "Succeeded",
                                               "containerStatuses": [self.container(ended)]})


class Operator(Worker):
    """Starts a real driver for each SparkApplication, on a standalone cluster, and says how it goes."""

    def __init__(self, cluster, spark):
        self.cluster, self.spark = cluster, spark
        self.started = {}  # SparkApplications by uid: the name of the driver's pod

    def work(self):
        apps = {a["metadata"]["uid"]: a for a in self.cluster.get(APPS)["items"]}
        for uid, app in apps.items():
            if uid not in self.started:
                self.start(app)
            elif app["spec"].get("suspend"):
                self.cluster.delete(f"{PODS}/{self.started[uid]}")
                self.state(app, "SUSPENDED")
            else:
                self.follow(app)
        # Its owner is gone: the garbage collector's work.
        for uid in set(self.started) - set(apps):
            self.cluster.delete(f"{PODS}/{self.started.pop(uid)}")

    def state(self, app, state):
        name = app["metadata"]["name"]
        self.cluster.set_status(f"{APPS}/{name}", {"applicationState": {"state": state}, "driverInfo": {"podName": f"{name}-driver"}})

    def start(self, app):
        name, labels = app["metadata"]["name"], app["spec"]["driver"].get("labels", {})
        arguments = app["spec"]["arguments"]
        # hang.py knows its try by the cluster policy's property, which is not to be there: the owner is to be found by labels.
        if arguments == ["hang"] and labels.get("try_number") != "1":
            arguments = ["finish"]
        port = lab.free_port()
        cores = {"hang": 6}.get(arguments[0], 2)
        process = self.spark.submit(lab.E2E / "jobs/hang.py", arguments, {"spark.cores.max": cores}, port, name)
        found = lab.wait(lambda: re.search(r"application (app-\S+)", self.spark.log(process.lab_name)) or process.poll() is not None,
                         f"{name} has begun")
        if found is True and arguments != ["finish"]:
            raise lab.LabError(self.spark.log(process.lab_name)[-3000:])
        app_id = found.group(1) if found is not True else "app-short"
        self.cluster.run_pod(f"{name}-driver", process, port, {**labels, "spark-app-selector": app_id, "spark-app-name": name,
                                                               f"{GROUP}/app-name": name}, app)
        self.started[app["metadata"]["uid"]] = f"{name}-driver"
        self.state(app, "RUNNING")

    def follow(self, app):
        pod = self.cluster.get(f"{PODS}/{app['metadata']['name']}-driver")
        phase = pod["status"]["phase"] if pod else "Failed"
        if phase in ("Succeeded", "Failed") and app.get("status", {}).get("applicationState", {}).get("state") == "RUNNING":
            self.state(app, "COMPLETED" if phase == "Succeeded" else "FAILED")


class Airflow3Kubernetes(lab.Airflow3):
    """With the provider of Kubernetes. Spark's own is not asked."""

    part = "airflow3k8s"

    def __init__(self, directory, spark, cluster):
        extra = {"kube_config_path": str(cluster.kubeconfig)}
        super().__init__(directory, spark, dags=lab.E2E / "dags_kubernetes", policy=False, environ={
            "AIRFLOW_CONN_KUBERNETES_DEFAULT": json.dumps({"conn_type": "kubernetes", "extra": extra})})
