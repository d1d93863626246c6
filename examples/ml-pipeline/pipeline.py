# SPDX-License-Identifier: Apache-2.0
"""A small ML pipeline: records, a feature step of Spark ML, the result to the driver, a model fitted there.

    spark-submit pipeline.py generate DATA RECORDS
    spark-submit pipeline.py VARIANT  DATA RESULT

VARIANT says how the result comes to the driver:

    plain     toPandas() without Arrow
    arrow     toPandas() with Arrow
    collect   collect() and a matrix made of the rows
    sample    at most 200,000 records, toPandas() with Arrow
    cure      at most 200,000 records, collect(): what the case that this is after did
    hang      a feature service that never answers in a task's first try, and nobody set a timeout

RESULT is written as JSON: how long each step took, and what the model is, so that variants can be compared.
The try is read from spark.airflow.try_number, which stagewatchd's cluster policy sets.
"""

import gc
import json
import os
import socket
import sys
import threading
import time

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

COLUMNS = 30
PARTITIONS = 6
AT_MOST = 200_000
ARROW = "spark.sql.execution.arrow.pyspark.enabled"


def generate(session, data, records):
    """Records that are the same each time; label is a known mixture of the columns and some noise."""
    frame = session.range(0, records, 1, PARTITIONS)
    frame = frame.select("id", *[((i + 1) * F.randn(seed=i) + i).alias(f"x{i}") for i in range(COLUMNS)])
    label = sum((F.col(f"x{i}") for i in range(COLUMNS)), F.randn(seed=99))
    frame.withColumn("label", label).write.mode("overwrite").parquet(data)


def features(session, data):
    """The frame that goes to the driver: id, label, and the scaled columns as one array."""
    from pyspark.ml.feature import StandardScaler, VectorAssembler
    from pyspark.ml.functions import vector_to_array

    frame = session.read.parquet(data)
    frame = VectorAssembler(inputCols=[f"x{i}" for i in range(COLUMNS)], outputCol="raw").transform(frame)
    scaler = StandardScaler(inputCol="raw", outputCol="scaled", withMean=True, withStd=True).fit(frame)
    return scaler.transform(frame).select("id", "label", vector_to_array("scaled").alias("features"))


def sampled(frame, at_most=AT_MOST):
    """About at_most of the records, and never more; all of them where there are no more."""
    records = frame.count()
    if records <= at_most:
        return frame
    return frame.sample(fraction=at_most / records, seed=1).limit(at_most)


def by_pandas(session, frame, arrow):
    import numpy

    session.conf.set(ARROW, str(arrow).lower())
    pandas = frame.toPandas()
    yield
    yield numpy.array(pandas["features"].tolist()), pandas["label"].to_numpy()


def by_rows(frame):
    import numpy

    rows = frame.collect()
    yield
    yield numpy.array([row["features"] for row in rows]), numpy.array([row["label"] for row in rows])


def fit(matrix, label):
    """Ridge regression by its normal equations."""
    import numpy

    matrix = numpy.column_stack([matrix, numpy.ones(len(matrix))])
    weights = numpy.linalg.solve(matrix.T @ matrix + 1e-6 * numpy.eye(matrix.shape[1]), matrix.T @ label)
    rest = label - matrix @ weights
    return {"records": len(label), "weights": [round(float(w), 6) for w in weights],
            "r2": round(float(1 - (rest @ rest) / ((label - label.mean()) @ (label - label.mean()))), 6)}


def transfer(session, variant, data):
    """One variant, step by step; what each took is measured() sees."""
    frame = features(session, data)
    yield "features"
    if variant in ("sample", "cure"):
        frame = sampled(frame)
    ways = by_rows(frame) if variant in ("collect", "cure") else by_pandas(session, frame, variant != "plain")
    next(ways)
    yield "transfer"
    matrix, label = next(ways)
    # The frame or the rows go before the model is made.
    ways.close()
    gc.collect()
    model = fit(matrix, label)
    yield "local"
    yield model


def service(context):
    """A feature service in the driver. In a first try it takes connections and never answers."""
    first = int(context.getConf().get("spark.airflow.try_number", "1")) == 1
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    held = []

    def serve():
        while True:
            connection, _ = listener.accept()
            if first:
                held.append(connection)
            else:
                connection.sendall(b"1")
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def hang(session, data):
    """Each of six tasks asks the service about its records."""
    port = service(session.sparkContext)

    def ask(records):
        import socket

        connection = socket.create_connection(("127.0.0.1", port))
        answer = int(connection.recv(1))
        return [answer * sum(1 for _ in records)]

    rows = session.read.parquet(data).select("id").repartition(PARTITIONS).rdd
    yield "features"
    total = rows.mapPartitions(ask).sum()
    yield "transfer"
    yield "local"
    yield {"records": total}


def driver_cpu(session):
    """CPU seconds of the driver so far: the JVM and this process."""
    jvm = session._jvm.java.lang.ProcessHandle.current().pid()
    with open(f"/proc/{jvm}/stat") as stat:
        ticks = [int(n) for n in stat.read().rsplit(")", 1)[1].split()[11:13]]
    return sum(ticks) / os.sysconf("SC_CLK_TCK") + time.process_time()


def measured(session, steps):
    """{step: seconds}, {step: CPU seconds of the driver} and what the steps came to."""
    seconds, used = {}, {}
    last, before = time.monotonic(), driver_cpu(session)
    for step in steps:
        if not isinstance(step, str):
            return {"seconds": seconds, "cpu_seconds": used, "model": step}
        now, cpu = time.monotonic(), driver_cpu(session)
        seconds[step], used[step] = round(now - last, 3), round(cpu - before, 3)
        last, before = now, cpu
    raise ValueError("steps without an end")


def main(variant, data, more):
    session = SparkSession.builder.appName(f"ml-pipeline-{variant}").getOrCreate()
    try:
        if variant == "generate":
            generate(session, data, int(more))
            return
        steps = hang(session, data) if variant == "hang" else transfer(session, variant, data)
        answer = {"variant": variant, "app": session.sparkContext.applicationId, **measured(session, steps)}
        with open(more, "w") as out:
            json.dump(answer, out)
    finally:
        session.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
