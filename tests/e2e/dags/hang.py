# SPDX-License-Identifier: Apache-2.0
"""Tasks whose Spark application hangs in the first try and goes through in the next; and a healthy one.

hang_submit and its like, hang_python and hang_retries take 6 cores each, so does the one of hang_mapped's three that hangs; healthy and
the others take 2: with the lab's 8 one that hangs and a healthy one fit. healthy ends when $LAB_DIR/healthy is removed; the test makes
that file before it starts the run.
"""

import os
import sys
from datetime import datetime, timedelta

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
try:
    from airflow.providers.standard.operators.python import PythonOperator
except ImportError:
    from airflow.operators.python import PythonOperator
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

JOBS = os.environ["LAB_JOBS"]
JOB = os.path.join(JOBS, "hang.py")
HEALTHY = os.path.join(os.environ["LAB_DIR"], "healthy")
COMMON = {
    "start_date": datetime(2024, 1, 1),
    "schedule": None,
    "catchup": False,
    "is_paused_upon_creation": False,
    "default_args": {"retries": 0},
}


def hang_here():
    """A session made in the task's own process."""
    sys.path.insert(0, JOBS)
    import hang

    conf = {"spark.app.name": "hang_python", "spark.master": os.environ["LAB_MASTER"], "spark.cores.max": "6"}
    hang.run("hang", **conf)


def wait_here():
    import time

    while os.path.exists(os.path.join(os.environ["LAB_DIR"], "waits")):
        time.sleep(0.5)


# Of a pod that a test makes.
with DAG("waits", **COMMON):
    PythonOperator(task_id="waits", python_callable=wait_here)

# The same job under several names: one story each.
for name in ("hang_submit", "hang_frozen", "hang_orphan"):
    with DAG(name, **COMMON):
        SparkSubmitOperator(
            task_id="hang",
            conn_id="spark_lab",
            application=JOB,
            application_args=["hang"],
            name=name,
            total_executor_cores=6,
        )

with DAG("hang_python", **COMMON):
    PythonOperator(task_id="hang", python_callable=hang_here)

# One of three hangs.
with DAG("hang_mapped", **COMMON):
    SparkSubmitOperator.partial(
        task_id="hang",
        conn_id="spark_lab",
        application=JOB,
        name="hang_mapped",
    ).expand_kwargs(
        [
            {"application_args": ["finish"], "total_executor_cores": 2},
            {"application_args": ["hang"], "total_executor_cores": 6},
            {"application_args": ["finish"], "total_executor_cores": 2},
        ]
    )

# Airflow itself would try again.
with DAG("hang_retries", **{**COMMON, "default_args": {"retries": 1, "retry_delay": timedelta(seconds=2)}}):
    SparkSubmitOperator(
        task_id="hang",
        conn_id="spark_lab",
        application=JOB,
        application_args=["hang"],
        name="hang_retries",
        total_executor_cores=6,
    )

with DAG("healthy", max_active_runs=1, **COMMON):
    SparkSubmitOperator(
        task_id="healthy",
        execution_timeout=timedelta(hours=1),
        conn_id="spark_lab",
        application=JOB,
        application_args=["healthy", HEALTHY],
        name="healthy",
        total_executor_cores=2,
    )
