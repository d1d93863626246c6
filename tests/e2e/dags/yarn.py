# SPDX-License-Identifier: Apache-2.0
"""On YARN in cluster mode, as `durable` has it: the operator gives the job up after it was submitted, and a try whose
job still runs attaches to it again."""

import os
from datetime import datetime

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

# Only where there is a YARN, and a provider that knows durable.
if "AIRFLOW_CONN_SPARK_YARN" in os.environ:
    with DAG(
        "hang_yarn",
        start_date=datetime(2024, 1, 1),
        schedule=None,
        catchup=False,
        is_paused_upon_creation=False,
        default_args={"retries": 0},
    ):
        SparkSubmitOperator(
            task_id="hang",
            conn_id="spark_yarn",
            application=os.path.join(os.environ["LAB_JOBS"], "hang.py"),
            application_args=["hang"],
            name="hang_yarn",
            durable=True,
            yarn_track_via_rm_api=True,
            status_poll_interval=1,
        )
