# SPDX-License-Identifier: Apache-2.0
"""The pipeline as an Airflow DAG, for Airflow 2.11 and 3.x. Trigger it with

    {"variant": "arrow", "data": "/data/100000.parquet", "result": "/data/result.json"}

The connection "spark_lab" is the cluster's, ML_PIPELINE the directory of pipeline.py. Settings are those of the
spark-defaults.conf beside the driver.
"""

import os
from datetime import datetime, timedelta

try:
    from airflow.sdk import DAG
except ImportError:
    from airflow import DAG
from airflow.providers.apache.spark.operators.spark_submit import SparkSubmitOperator

HERE = os.environ.get("ML_PIPELINE", os.path.dirname(os.path.abspath(__file__)))

with DAG(
    "ml_pipeline",
    start_date=datetime(2024, 1, 1),
    schedule=None,
    catchup=False,
    is_paused_upon_creation=False,
    # A run that hangs is not joined by the next.
    max_active_runs=1,
    params={"variant": "arrow", "data": "", "result": ""},
):
    SparkSubmitOperator(
        task_id="pipeline",
        conn_id="spark_lab",
        application=os.path.join(HERE, "pipeline.py"),
        application_args=["{{ params.variant }}", "{{ params.data }}", "{{ params.result }}"],
        # One executor; the variant that hangs has six tasks at once.
        conf={
            "spark.cores.max": "{{ 6 if params.variant == 'hang' else 2 }}",
            "spark.executor.memory": "{{ '512m' if params.variant == 'hang' else '4g' }}",
        },
        # The last resort: far above what the slowest healthy run takes.
        execution_timeout=timedelta(hours=1),
        # Here stagewatchd alone tries again, to be seen at it.
        retries=0,
    )
