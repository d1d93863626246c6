# SPDX-License-Identifier: Apache-2.0
"""Whose pods are, on Kubernetes: the package of the cluster policy, and the functions of Airflow's providers that write labels,
annotations and parent run ids. What they give is what the unit tests of C compute."""
import json
import os
import shutil
import subprocess

import pytest

import lab

FIXTURE = lab.REPO / "tests/wire/fixtures/airflow-3.3-kubernetes/owner.json"
IDS = ("dag_id", "run_id", "task_id", "map_index", "try_number")


@pytest.fixture(scope="module")
def python():
    return lab.env_dir("airflow3k8s") / "bin" / "python"


@pytest.fixture(scope="module")
def package(python, tmp_path_factory):
    """The wheel, installed in a directory of its own, as what `make install` copies is built."""
    tmp = tmp_path_factory.mktemp("policy")
    shutil.copytree(lab.REPO / "etc/airflow", tmp / "source")
    pip = [python, "-m", "pip", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-build-isolation", "--no-deps", "--no-index", "-w", tmp, tmp / "source"], check=True)
    (wheel,) = tmp.glob("stagewatch_airflow_policy-*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--no-index", "--target", tmp / "installed", wheel], check=True)
    return tmp / "installed"


def run(python, tmp_path, path, *command):
    env = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "PYTHONPATH": str(path), "NO_COLOR": "1"}
    done = subprocess.run([python, *command], env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def made(python, package, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    run(python, home, package, lab.E2E / "kubernetes_owner.py", home / "owner.json")
    return json.loads((home / "owner.json").read_text())


def test_what_the_unit_tests_read_is_what_the_providers_write(made):
    assert made == json.loads(FIXTURE.read_text())


def test_a_pod_of_the_pod_operator_names_its_task_instance(made):
    for instance in made["instances"]:
        truth = {key: str(instance["owner"][key]) for key in IDS}
        assert instance["pod_operator_annotations"] == truth
        (variable,) = instance["pod_operator_env"]["base"]
        assert variable["name"] == "SPARK_SUBMIT_OPTS" and variable["value"].startswith("-Dmine=1 ")
        # As the kubelet and a shell read it.
        words = subprocess.run(["sh", "-c", 'eval "set -- $1"; printf "%s\\n" "$@"', "-", variable["value"].replace("$$", "$")],
                               capture_output=True, text=True, check=True).stdout.splitlines()
        named = dict(word[len("-Dspark.airflow."):].split("=", 1) for word in words if word.startswith("-Dspark.airflow."))
        assert named == {**truth, "identity": "\n".join(truth.values()).encode().hex()}
        assert instance["pod_operator_env"]["airflow-xcom-sidecar"] == []


def test_a_worker_of_the_executor_stays_as_it_was(made):
    for instance in made["instances"]:
        annotations = instance["executor_annotations"]
        expected = {key: str(instance["owner"][key]) for key in IDS if key != "map_index" or instance["owner"][key] >= 0}
        assert annotations == {**expected, "logical_date": instance["logical_date"]}


BESIDE = """
import os, sys
import airflow.settings
from types import SimpleNamespace as Some
from kubernetes.client import models as k8s

plugins = dict(airflow.settings.get_policy_plugin_manager().list_name_plugin())
assert "stagewatchd" in plugins, plugins
ti = Some(dag_id="d", run_id="r", task_id="t", map_index=4, try_number=2)
print(airflow.settings.get_airflow_context_vars({"ti": ti}))
labels = {"kubernetes_pod_operator": "True", "try_number": "2", "map_index": "4"}
def pod(**more):
    return k8s.V1Pod(metadata=k8s.V1ObjectMeta(labels={**labels, **more}, annotations={"run_id": "mine"}),
                     spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base", env=[k8s.V1EnvVar(
                         name="SPARK_SUBMIT_OPTS", value_from=k8s.V1EnvVarSource())])]))
ours, other = pod(), pod(try_number="1")
for p in (ours, other):
    airflow.settings.pod_mutation_hook(p)
    print(p.metadata.annotations, p.spec.containers[0].env[0].value)
"""


def test_a_local_policy_beside_it_is_called_as_well(python, package, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config/airflow_local_settings.py").write_text(
        "def get_airflow_context_vars(context):\n    return {'team': 'x'}\n"
        "def pod_mutation_hook(pod):\n    pod.metadata.annotations = {**(pod.metadata.annotations or {}), 'local': '1'}\n")
    out = run(python, tmp_path, package, "-c", BESIDE).splitlines()
    assert eval(out[-3]) == {"map_index": "4", "team": "x"}
    # An annotation that is there stays, and a variable that comes from elsewhere; another try's pod gets nothing.
    assert out[-2:] == [
        str({"dag_id": "d", "run_id": "mine", "task_id": "t", "map_index": "4", "try_number": "2", "local": "1"}) + " None",
        str({"run_id": "mine", "local": "1"}) + " None"]
