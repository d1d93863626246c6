# SPDX-License-Identifier: Apache-2.0
"""Spark jobs whose end is known. spark-submit jobs.py NAME"""
import os
import socket
import subprocess
import sys
import threading
import time

from pyspark.sql import SparkSession, functions as F

name = sys.argv[1]
spark = SparkSession.builder.appName(name).getOrCreate()
sc = spark.sparkContext


def per_task(body, n=6):
    """Runs body(index) once in each of n Python tasks."""
    return sc.parallelize(range(n), n).mapPartitionsWithIndex(lambda i, rows: [body(i)]).count()


def java(call, n=6):
    """Runs a static method of Jobs.java once in each of n tasks, in the JVM."""
    spark.range(n, numPartitions=n).selectExpr(f"java_method('Jobs', {call})").collect()


def slow_rows(n, seconds_of, stuck=None):
    """Wide rows that flow slowly through a Python UDF; partition `stuck` gets none beyond its first."""
    @F.udf("long")
    def f(x, pad):
        import time
        if stuck is not None and x // 20000 == stuck:
            time.sleep(1e6)
        if x % 50 == 0:
            time.sleep(seconds_of * 50 / 20000)
        return x + len(pad) % 2
    spark.range(20000 * n, numPartitions=n).selectExpr("id", "repeat(cast(id % 1000 as string), 800) pad").select(
        f("id", "pad").alias("y")).agg(F.sum("y")).collect()


def silent_port():
    """A port of this host that takes connections and never says a word."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(64)
    return server


def children(_):
    """All work is done by processes that live for a second; the worker itself only waits."""
    while True:
        subprocess.run([sys.executable, "-c", "import time; t = time.time() + 0.5\nwhile time.time() < t: pass"], check=True)
        time.sleep(1)


if name == "sleep":
    per_task(lambda i: time.sleep(1e6))
elif name == "stuck_straggler":      # five tasks read on, one stands still
    slow_rows(6, 600, stuck=3)
elif name == "rows":
    slow_rows(6, 600)
elif name == "short_workers":
    per_task(children)
elif name == "jvm_busy":
    java("'compute', 1000000")
elif name == "jvm_deadlock":
    java("'deadlock', cast(id as int)")
elif name == "io_wait":
    server = silent_port()
    java(f"'readFrom', {server.getsockname()[1]}")
elif name == "crash_loop":
    def fail(_):
        time.sleep(8)
        raise RuntimeError("no such row")
    per_task(fail)
elif name == "idle":
    per_task(lambda i: None)
    time.sleep(1e6)
elif name == "short_tasks":          # so many events at once that a small queue loses some
    def many():
        for _ in range(2):
            sc.parallelize(range(300), 300).count()
    threads = [threading.Thread(target=many) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    time.sleep(1e6)
elif name == "long_commit":
    spark.range(6, numPartitions=6).write.mode("overwrite").csv(os.environ["RECORD_DIR"] + "/out")
    time.sleep(1e6)
elif name == "barrier":              # a job that takes four of six slots for ever, and a barrier stage of six
    threading.Thread(target=lambda: sc.parallelize(range(4), 4).foreach(lambda _: children(0)), daemon=True).start()
    time.sleep(15)
    sc.parallelize(range(6), 6).barrier().mapPartitions(lambda rows: rows).count()
elif name == "collect":              # what toPandas() does without Arrow: all rows to the driver, and into Python
    for _ in range(100):
        print(len(spark.range(600000, numPartitions=6).selectExpr("id", "rand() x", "cast(id as string) s").collect()), flush=True)
elif name == "driver_memory":        # more than the driver's heap holds, slowly
    kept = sc._jvm.java.util.ArrayList()
    while True:
        rows = spark.range(100000).selectExpr("id", "repeat('x', 100) s")._jdf.collectAsList()
        kept.add(rows)
elif name == "shuffle":
    rows = spark.range(6000000, numPartitions=6).selectExpr("id", "repeat(cast(id % 1000 as string), 100) pad")
    print(rows.repartition(6, "id").selectExpr("sum(length(pad))").collect())
else:
    sys.exit(f"unknown job: {name}")
