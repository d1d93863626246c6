# SPDX-License-Identifier: Apache-2.0
"""Spark on Kubernetes, from end to end: a real API server, real Spark drivers as its pods, real Airflow. What is asserted is what the
API server, Airflow and the process table say. See cluster.py for what stands in for a kubelet and an operator."""
import json
import subprocess

import lab
import pytest
from cluster import APPS, PODS, Airflow3Kubernetes, Cluster, Operator
from test_story import DONE
from watch import RulesWatch

RUN_ID = "story__2026-11-23T00:00:00+00:00"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with Cluster(lab.env_dir("kubernetes"), tmp_path_factory.mktemp("cluster")) as running:
        yield running


def watch(binary, directory, cluster, airflow, action, **keys):
    directory.mkdir()
    token = directory / "token"
    token.write_text(cluster.token("spark", "stagewatchd"))
    token.chmod(0o600)
    source = (f"[spark k]\ntype = kubernetes\nurl = {cluster.url}\nca_file = {cluster.ca}\nbearer_token_file = {token}\n"
              "namespace = spark")
    rule = {"airflow": (airflow.url, "watchdog", lab.USERS["watchdog"]), "owner_via": "labels", "hung_after_unproven": "20s",
            "end_timeout": "60s", "cooldown": "0", **keys}
    return RulesWatch(binary, directory, source, {"*": rule}, action=action)


def labels_of(ti):
    """As the provider writes them."""
    code = ("import json, sys\nfrom airflow.providers.cncf.kubernetes.pod_generator import make_safe_label_value\n"
            "print(json.dumps({k: make_safe_label_value(str(v)) for k, v in json.loads(sys.argv[1]).items()}))")
    keys = {"dag_id": ti["dag_id"], "task_id": ti["task_id"], "run_id": ti["dag_run_id"], "try_number": ti["try_number"],
            "kubernetes_pod_operator": "True"}
    done = subprocess.run([lab.env_dir("airflow3k8s") / "bin/python", "-c", code, json.dumps(keys)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.long
@pytest.mark.parametrize("airflow", ["airflow3", "airflow2"], indirect=True)
def test_whose_a_pod_is_is_found_among_what_runs(airflow, spark, cluster, binary, tmp_path):
    """By labels alone, of which that of the run is a hash."""
    (airflow.dir / "waits").touch()
    run = airflow.trigger("waits", "manual__2026-11-29T00:00:00+00:00")
    lab.wait(lambda: (airflow.task("waits", run, "waits") or {}).get("state") == "running", "the task runs")
    ti = airflow.task("waits", run, "waits")
    labels = labels_of(ti)
    assert labels["run_id"] != run
    (tmp_path / "healthy").touch()
    port = lab.free_port()
    process = spark.submit(lab.E2E / "jobs/hang.py", ["healthy", tmp_path / "healthy"], {"spark.cores.max": 1}, port, "ours")
    try:
        lab.wait(lambda: "is healthy" in spark.log(process.lab_name), "the driver has begun")
        cluster.run_pod("ours", process, port, labels)
        with watch(binary, tmp_path / "watch", cluster, airflow, "notify") as w:
            def app():
                return ([a for a in json.loads(w.fetch("/api/v1/stages"))["apps"] if a["name"] == "ours"] or [{}])[0]
            lab.wait(lambda: app().get("owner_via"), "the owner is known", every=1)
            assert app()["owner"] == {"dag_id": "waits", "run_id": run, "task_id": "waits", "map_index": -1, "try_number": 1}
            assert app()["owner_via"] == "labels"
    finally:
        (airflow.dir / "waits").unlink()
        (tmp_path / "healthy").unlink()
        cluster.delete(f"{PODS}/ours")
        lab.wait(lambda: not cluster.processes, "the driver has ended")
    assert airflow.wait_run("waits", run) == "success"


def pod_of(cluster, dag_id, number):
    """The driver's pod of a try, while it is there."""
    for p in cluster.get(PODS)["items"]:
        if p["metadata"]["labels"].get("dag_id") == dag_id and p["metadata"]["labels"].get("try_number") == str(number):
            return p
    return None


def running(cluster, dag_id, number=1):
    p = pod_of(cluster, dag_id, number)
    return p if p and p["status"].get("phase") == "Running" else None


@pytest.mark.long
def test_a_spark_application_that_hangs_is_tried_again(spark, cluster, binary, tmp_path):
    """Found hung, its task failed, its SparkApplication ended, that seen, the task cleared, and its new try seen running. The one beside
    it goes on."""
    with Operator(cluster, spark), Airflow3Kubernetes(tmp_path, spark, cluster) as airflow:
        (airflow.dir / "healthy").touch()
        airflow.wait_dags("etl_hangs", "etl_healthy")
        airflow.trigger("etl_healthy", RUN_ID)
        well = lab.wait(lambda: running(cluster, "etl_healthy"), "the healthy one runs", every=1)
        airflow.trigger("etl_hangs", RUN_ID)
        first = lab.wait(lambda: running(cluster, "etl_hangs"), "the one that hangs runs", every=1)
        process = cluster.processes[first["metadata"]["uid"]][1]
        with watch(binary, tmp_path / "watch", cluster, airflow, "retry", retry_via="auto", on_failure_tasks="run") as w:
            lab.wait(lambda: w.actions("retry") == DONE, "the retry is confirmed", every=1)
            assert airflow.wait_run("etl_hangs", RUN_ID, states=("success",)) == "success", w.log()
            log = w.log()
        # The first driver, by its uid, is gone; so is its process.
        assert process.poll() is not None
        assert first["metadata"]["uid"] not in json.dumps(cluster.get(PODS))
        assert first["metadata"]["name"].removesuffix("-driver") not in [a["metadata"]["name"] for a in cluster.get(APPS)["items"]]
        tries = sorted((t["try_number"], t["state"]) for t in airflow.tries("etl_hangs", RUN_ID, "etl"))
        assert tries == [(1, "failed"), (2, "success")], log
        # In this order.
        at = [log.index(text) for text in ("failing task instance etl_hangs/", "the app has ended, clearing task instance etl_hangs/")]
        assert at == sorted(at)
        # Beside it.
        assert running(cluster, "etl_healthy")["metadata"]["uid"] == well["metadata"]["uid"]
        ti = airflow.task("etl_healthy", RUN_ID, "etl")
        assert (ti["state"], ti["try_number"]) == ("running", 1)
        assert "etl_healthy/" not in log
        (airflow.dir / "healthy").unlink()
        assert airflow.wait_run("etl_healthy", RUN_ID) == "success", airflow.task_log("etl_healthy", RUN_ID)
