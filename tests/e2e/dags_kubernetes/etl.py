# SPDX-License-Identifier: Apache-2.0
"""SparkApplications: one that hangs in the first try, and a healthy one that ends when $LAB_DIR/healthy is removed. What their
operator starts for the arguments is in cluster.py."""
import os
from datetime import datetime

from airflow.providers.cncf.kubernetes.operators.spark_kubernetes import SparkKubernetesOperator
from airflow.sdk import DAG

COMMON = {"start_date": datetime(2024, 1, 1), "schedule": None, "catchup": False, "is_paused_upon_creation": False,
          "default_args": {"retries": 0}}


def application(*arguments):
    return {"spark": {
        "apiVersion": "sparkoperator.k8s.io/v1beta2", "kind": "SparkApplication",
        "spec": {"type": "Python", "mainApplicationFile": "hang.py", "arguments": list(arguments),
                 "restartPolicy": {"type": "Never"}, "driver": {}, "executor": {}}}}


for name, arguments in (("etl_hangs", ["hang"]), ("etl_healthy", ["healthy", os.path.join(os.environ["LAB_DIR"], "healthy")])):
    with DAG(name, **COMMON):
        SparkKubernetesOperator(
            task_id="etl", name=name.replace("_", "-"), namespace="spark", template_spec=application(*arguments),
            get_logs=False, startup_timeout_seconds=120)
