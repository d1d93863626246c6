# SPDX-License-Identifier: Apache-2.0
"""What real Airflow writes on pods, and into Spark's properties, about the task instance that they are of.

Runs in the environment airflow3-kubernetes, with the cluster policy installed as a package, and writes JSON to the file that it is given. The unit tests of
C read it from tests/wire/fixtures/airflow-3.3-kubernetes/owner.json; test_kubernetes_owner.py holds that file against what comes out here.
"""
import json
import os
import sys
from datetime import datetime, timezone
from types import SimpleNamespace
from unittest import mock

NAMESPACE = "prod/airflow"
os.environ["AIRFLOW__OPENLINEAGE__NAMESPACE"] = NAMESPACE
os.environ["AIRFLOW__OPENLINEAGE__TRANSPORT"] = '{"type": "console"}'

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator  # noqa: E402
from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator  # noqa: E402
from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator, make_safe_label_value  # noqa: E402
from airflow.providers.openlineage.utils.spark import inject_parent_job_information_into_spark_properties  # noqa: E402
from kubernetes.client import ApiClient, models as k8s  # noqa: E402

TEXTS = [
    "etl",
    "etl.daily-load_2",
    "scheduled__2026-08-05T00:00:00+00:00",
    "manual__2026-08-05T00:00:00.123456+00:00_x1",
    "-begins_with_a_dash",
    "_both_.",
    "group.task__1",
    "a b/c",
    "größer als 63 Zeichen ist dieser Name nicht, aber er hat Umlaute ü",
    "x" * 63,
    "x" * 64,
    "y" * 200 + "!",
    "$$$",
    "日本語",
    "z" * 53 + "-123456789",
    "a\nb",
    "ends_with_newline\n",
]

# dag_id, run_id, task_id, map_index, try_number, logical date
INSTANCES = [
    ("etl", "scheduled__2026-08-05T00:00:00+00:00", "load", -1, 1, datetime(2026, 8, 5, tzinfo=timezone.utc)),
    ("etl.$(HOME) it's", "manual__2026-08-05T01:02:03.456789+00:00", "group.load_all", 3, 2,
     datetime(2026, 8, 5, 1, 2, 3, 456789, tzinfo=timezone.utc)),
    ("d" * 70, "backfill__2026-08-05T00:00:00+00:00", "t" * 64, 0, 12, datetime(1999, 12, 31, 23, 59, 59, 1000, tzinfo=timezone.utc)),
    ("größe", "run~1", "ä", -1, 1, datetime(2026, 1, 1, 12, 0, 0, 999999, tzinfo=timezone.utc)),
]


class Ti(SimpleNamespace):
    def get_template_context(self):
        return {"dag_run": self.dag_run}


def context_of(dag_id, run_id, task_id, map_index, try_number, date):
    run = SimpleNamespace(logical_date=date, run_after=date, conf={}, clear_number=0, run_id=run_id)
    ti = Ti(dag_id=dag_id, run_id=run_id, task_id=task_id, map_index=map_index, try_number=try_number, dag_run=run,
            logical_date=date)
    task = SimpleNamespace(task_id=task_id)
    return {"ti": ti, "task_instance": ti, "run_id": run_id, "dag": None, "dag_run": run, "task": task}


def as_json(pod):
    return ApiClient().sanitize_for_serialization(pod)


def pod_of_operator(context):
    """What KubernetesPodOperator asks for, after Airflow has put the task's environment there as it does before execute()."""
    from airflow.sdk.execution_time.context import context_to_airflow_vars

    context_to_airflow_vars(context, in_env_var_format=True)
    operator = KubernetesPodOperator(task_id="any", name="spark", namespace="spark", image="spark", do_xcom_push=True,
                                     env_vars={"SPARK_SUBMIT_OPTS": "-Dmine=1"})
    hook = mock.Mock(is_in_cluster=True)
    hook.get_xcom_sidecar_container_image.return_value = "alpine"
    hook.get_xcom_sidecar_container_resources.return_value = None
    hook.get_xcom_sidecar_container_security_context.return_value = None
    with mock.patch.object(KubernetesPodOperator, "hook", hook):
        return as_json(operator.build_pod_request_obj(context))


def pod_of_executor(dag_id, run_id, task_id, map_index, try_number, date):
    return as_json(PodGenerator.construct_pod(
        dag_id=dag_id, task_id=task_id, pod_id="worker", try_number=try_number, kube_image="airflow", date=date,
        args=["airflow"], pod_override_object=None, base_worker_pod=k8s.V1Pod(metadata=k8s.V1ObjectMeta(), spec=k8s.V1PodSpec(containers=[])),
        namespace="airflow", scheduler_job_id="7", run_id=run_id, map_index=map_index, with_mutation_hook=True))


def instance(dag_id, run_id, task_id, map_index, try_number, date):
    context = context_of(dag_id, run_id, task_id, map_index, try_number, date)
    executor = pod_of_executor(dag_id, run_id, task_id, map_index, try_number, date)
    properties = inject_parent_job_information_into_spark_properties({}, context)
    operator = pod_of_operator(context)
    return {
        "owner": {"dag_id": dag_id, "run_id": run_id, "task_id": task_id, "map_index": map_index, "try_number": try_number},
        "logical_date": date.isoformat(),
        "executor_annotations": executor["metadata"]["annotations"],
        "pod_operator_labels": {k: v for k, v in operator["metadata"]["labels"].items() if k != "airflow_version"},
        "pod_operator_annotations": operator["metadata"]["annotations"],
        "pod_operator_env": {c["name"]: [e for e in c.get("env", [])] for c in operator["spec"]["containers"]},
        "spark_operator_labels": SparkKubernetesOperator._get_ti_pod_labels(context),
        "properties": {k: v for k, v in properties.items() if k.startswith("spark.openlineage.parent")},
    }


def main():
    # A pod of the executor is made where no task runs: the policy is to leave it as it is.
    made = {
        "labels": [{"text": text, "label": make_safe_label_value(text)} for text in TEXTS],
        "instances": [instance(*row) for row in INSTANCES],
    }
    with open(sys.argv[1], "w") as out:
        json.dump(made, out, indent=1, ensure_ascii=False)
        out.write("\n")


if __name__ == "__main__":
    main()
