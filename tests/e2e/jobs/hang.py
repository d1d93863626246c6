# SPDX-License-Identifier: Apache-2.0
"""Applications that hang, or work on, for tests.

hang: one stage of six tasks. In a task instance's first try they sleep without end, so
that the stage stands at (0 + 6) / 6; in every later try they end at once.
healthy FILE: small tasks end all the time, for as long as FILE exists.
finish: one small stage, and that is all.

The try is read from spark.airflow.try_number, which the cluster policy sets.
"""

import os
import sys
import time

from pyspark.sql import SparkSession


def hang(session):
    context = session.sparkContext
    first = int(context.getConf().get("spark.airflow.try_number", "1")) == 1
    print("application", context.applicationId, context.uiWebUrl, "hangs" if first else "goes through", flush=True)

    def work(number):
        while first:
            time.sleep(3600)
        return number

    assert context.parallelize(range(6), 6).map(work).sum() == 15


def healthy(session, path):
    context = session.sparkContext
    print("application", context.applicationId, context.uiWebUrl, "is healthy", flush=True)

    def work(number):
        time.sleep(0.5)
        return number

    while os.path.exists(path):
        context.parallelize(range(20), 20).map(work).sum()


def finish(session):
    assert session.sparkContext.parallelize(range(2), 2).sum() == 1


def run(what, *args, **conf):
    """Also called by tasks that make their own session."""
    builder = SparkSession.builder
    for key, value in conf.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    try:
        {"hang": hang, "healthy": healthy, "finish": finish}[what](session, *args)
    finally:
        session.stop()


if __name__ == "__main__":
    run(*sys.argv[1:])
