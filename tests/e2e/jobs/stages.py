# SPDX-License-Identifier: Apache-2.0
"""Runs 24 short stages, and one with a task of 3 s beside three short ones; then stays while the file given is there."""
import os
import sys
import time

from pyspark.sql import SparkSession


def skewed(partition):
    import time

    for row in partition:
        time.sleep(3 if row == 0 else 0.1)
        yield row


if __name__ == "__main__":
    session = SparkSession.builder.getOrCreate()
    context = session.sparkContext
    session.range(0, 40, 1, 4).rdd.mapPartitions(skewed).count()
    for _ in range(24):
        context._jsc.sc().range(0, 8, 1, 2).count()
    open(sys.argv[1] + ".done", "w").close()
    while os.path.exists(sys.argv[1]):
        time.sleep(0.2)
    session.stop()
