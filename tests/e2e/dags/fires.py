# SPDX-License-Identifier: Apache-2.0
"""Tasks on whose failure others wait: a set-up, a teardown, an all_done task. Each that runs writes a line to $LAB_DIR/fires."""

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta

try:
    from airflow.sdk import DAG, BaseOperator
except ImportError:
    from airflow import DAG
    from airflow.models.baseoperator import BaseOperator
try:
    from airflow.providers.standard.operators.python import PythonOperator
    from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
except ImportError:
    from airflow.operators.python import PythonOperator
    from airflow.triggers.temporal import TimeDeltaTrigger
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

JOBS = os.environ["LAB_JOBS"]
JOB = os.path.join(JOBS, "hang.py")
MARKS = os.path.join(os.environ["LAB_DIR"], "fires")
COMMON = {
    "start_date": datetime(2024, 1, 1),
    "schedule": None,
    "catchup": False,
    "is_paused_upon_creation": False,
    "default_args": {"retries": 0},
}


def mark(ti, dag_run):
    with open(MARKS, "a") as f:
        f.write(f"{time.time()} {dag_run.dag_id} {ti.task_id} {ti.try_number}\n")


def around(task):
    """What hangs on the task."""
    prepare = PythonOperator(task_id="prepare", python_callable=mark)
    cleanup = PythonOperator(task_id="cleanup", python_callable=mark)
    report = PythonOperator(task_id="report", python_callable=mark, trigger_rule="all_done")
    prepare.as_setup() >> task >> cleanup.as_teardown(setups=prepare)
    task >> report


def submit(name):
    return SparkSubmitOperator(
        task_id="hang",
        conn_id="spark_lab",
        application=JOB,
        application_args=["hang"],
        name=name,
        total_executor_cores=6,
    )


def deaf():
    """A session in the task's own process, which takes no notice of its end, nor of SIGTERM."""
    sys.path.insert(0, JOBS)
    import hang

    end = time.time() + 45
    conf = {"spark.app.name": "deaf", "spark.master": os.environ["LAB_MASTER"], "spark.cores.max": "6"}
    try:
        hang.run("hang", **conf)
    except BaseException as e:
        print("swallowed", repr(e))
    while time.time() < end:
        try:
            time.sleep(1)
        except BaseException as e:
            print("swallowed", repr(e))


class Detached(BaseOperator):
    """Submits a driver that is no child of the task, and defers; its next try waits for the end of its own."""

    def execute(self, context):
        ti = context["ti"]
        names = {"dag_id": ti.dag_id, "run_id": ti.run_id, "task_id": ti.task_id, "map_index": ti.map_index, "try_number": ti.try_number}
        conf = [f"--conf=spark.airflow.{k}={v}" for k, v in names.items()]
        argv = ["spark-submit", f"--master={os.environ['LAB_MASTER']}", "--conf=spark.cores.max=6", "--name=deferred", *conf, JOB]
        if ti.try_number > 1:
            subprocess.run([*argv, "finish"], check=True)
            return
        with open(os.path.join(os.environ["LAB_DIR"], "deferred.log"), "ab") as out:
            subprocess.Popen([*argv, "hang"], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        self.defer(trigger=TimeDeltaTrigger(timedelta(hours=1)), method_name="done")

    def done(self, context, event=None):
        pass


with DAG("fires", **COMMON):
    around(submit("fires"))

with DAG("deaf", **COMMON):
    PythonOperator(task_id="hang", python_callable=deaf)

with DAG("deferred", **COMMON):
    Detached(task_id="hang")

with DAG("one_run", max_active_runs=1, **COMMON):
    submit("one_run")
