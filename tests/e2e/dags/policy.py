# SPDX-License-Identifier: Apache-2.0
"""Tasks that start Spark in every way the cluster policy serves; no DAG names itself to Spark.

Each job writes the properties that Spark's REST API shows to $LAB_DIR/policy/<task>.<index>.json.
"""

import os
import sys
from datetime import datetime

try:
    from airflow.sdk import DAG, task
except ImportError:
    from airflow import DAG
    from airflow.decorators import task
try:
    from airflow.providers.standard.operators.bash import BashOperator
    from airflow.providers.standard.operators.python import PythonOperator
except ImportError:
    from airflow.operators.bash import BashOperator
    from airflow.operators.python import PythonOperator
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

JOBS = os.environ["LAB_JOBS"]
OUT = os.path.join(os.environ["LAB_DIR"], "policy")
JOB = os.path.join(JOBS, "report.py")


def report_here(path):
    """A session made in the task's own process."""
    sys.path.insert(0, JOBS)
    import report

    report.report(path)


with DAG("policy", start_date=datetime(2024, 1, 1), schedule=None, catchup=False, is_paused_upon_creation=False):
    SparkSubmitOperator(
        task_id="submit",
        conn_id="spark_lab",
        application=JOB,
        application_args=[f"{OUT}/submit.-1.json"],
    )
    SparkSubmitOperator.partial(
        task_id="submit_mapped",
        conn_id="spark_lab",
        application=JOB,
        conf={"spark.ui.showConsoleProgress": "false"},
    ).expand(application_args=[[f"{OUT}/submit_mapped.0.json"]])
    PythonOperator(
        task_id="python",
        python_callable=report_here,
        op_args=[f"{OUT}/python.-1.json"],
    )

    @task
    def python_mapped(path):
        report_here(path)

    python_mapped.expand(path=[f"{OUT}/python_mapped.0.json"])
    # Its environment is its own, and holds SPARK_SUBMIT_OPTS already.
    BashOperator(
        task_id="bash",
        bash_command=f"spark-submit {JOB} {OUT}/bash.-1.json",
        env={
            **{k: v for k, v in os.environ.items() if k.startswith(("SPARK_", "PYSPARK_", "PATH", "STAGEWATCHD_"))},
            "SPARK_SUBMIT_OPTS": "-Dspark.airflow.task_id=stale -Dlab.kept=yes",
        },
    )

# What an author has set himself, and a mapped conf.
with DAG("policy_tokens", start_date=datetime(2024, 1, 1), schedule=None, catchup=False, is_paused_upon_creation=False):
    SparkSubmitOperator(
        task_id="explicit",
        conn_id="spark_lab",
        application=JOB,
        application_args=[f"{OUT}/explicit.-1.json"],
        conf={"spark.airflow.task_id": "mine"},
    )
    SparkSubmitOperator.partial(
        task_id="conf_mapped",
        conn_id="spark_lab",
        application=JOB,
        application_args=[f"{OUT}/conf_mapped.0.json"],
    ).expand(conf=[{"spark.ui.showConsoleProgress": "false"}])
