# SPDX-License-Identifier: Apache-2.0
"""Spark jobs whose end is known. spark-submit jobs.py NAME"""
import os
import pathlib
import signal
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


def spin(seconds):
    """Computes for a hundredth of the time, or a few."""
    end = time.time() + seconds
    while time.time() < end:
        sum(i * i for i in range(5000))
        time.sleep(0.02)


def kill_executor():
    """The JVM above the daemon above this worker."""
    stat = pathlib.Path(f"/proc/{os.getppid()}/stat").read_text().rsplit(")", 1)[1].split()
    os.kill(int(stat[1]), signal.SIGKILL)
    time.sleep(100)


def retried(i):
    """The first attempt loses an executor and its shuffle files; the second sleeps for ever."""
    lost = pathlib.Path(os.environ["RECORD_DIR"], "lost")
    if i == 0 and not lost.exists():
        time.sleep(25)
        lost.touch()
        kill_executor()
    time.sleep(1e6 if lost.exists() else 5)


if name == "sleep":
    per_task(lambda i: time.sleep(1e6))
elif name == "drowsy":
    per_task(lambda i: spin(1e6))
elif name == "mixed":                # three of six compute
    per_task(lambda i: spin(1e6) if i % 2 else time.sleep(1e6))
elif name == "spin_then_sleep":
    per_task(lambda i: (spin(100), time.sleep(1e6)))
elif name == "stuck_among_waves":    # two slots of six are lost to two tasks of 600
    per_task(lambda i: time.sleep(1e6 if i in (20, 40) else 4), 600)
elif name == "three_stages":         # one hangs, one computes, one after the other ends
    for body in (lambda i: time.sleep(1e6), lambda i: spin(1e6)):
        threading.Thread(target=per_task, args=(body, 2), daemon=True).start()
        time.sleep(8)
    while True:
        per_task(lambda i: time.sleep(3), 2)
elif name == "retried":
    groups = sc.parallelize(range(1000), 6).map(lambda x: (x % 6, x)).groupByKey(6)
    groups.mapPartitionsWithIndex(lambda i, rows: [(list(rows), retried(i))]).count()
elif name == "lost_executors":       # each attempt of a task kills its executor
    per_task(lambda i: (time.sleep(10), kill_executor()), 3)
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
elif name == "collect_large":        # results near spark.driver.maxResultSize
    for _ in range(20):
        print(len(spark.range(1200000, numPartitions=40).selectExpr("id", "sha2(cast(id as string), 512) h").collect()), flush=True)
elif name == "memory":               # executors that collect garbage most of the time, and then run out of memory
    spark.range(24, numPartitions=24).selectExpr("java_method('Jobs', 'hoard', 8)").collect()
    try:
        spark.range(6, numPartitions=6).selectExpr("java_method('Jobs', 'exhaust', cast(id as int))").collect()
    except Exception as e:
        print(e, flush=True)
    time.sleep(1e6)
elif name == "spill":                # two executors of 512 MiB sort what does not fit into them
    rows = spark.range(30000000, numPartitions=12).selectExpr("id", "sha2(cast(id as string), 256) h")
    rows.orderBy("h").write.format("noop").mode("overwrite").save()
    time.sleep(1e6)
elif name == "labels":               # each task carries the 400,000 labels of a model
    from pyspark.ml.feature import StringIndexer
    rows = spark.range(400000, numPartitions=6).selectExpr("concat('label-', cast(id as string)) v")
    model = StringIndexer(inputCol="v", outputCol="i").fit(rows)
    model.transform(rows.limit(3000).repartition(300)).agg(F.sum("i")).collect()
    time.sleep(1e6)
elif name == "healthy":              # a little of everything
    while True:
        rows = spark.range(600000, numPartitions=6).selectExpr("id", "id % 1000 k", "sha2(cast(id as string), 256) h")
        rows.groupBy("k").agg(F.max("h")).collect()
        sc.parallelize(range(60000), 6).map(lambda x: x * x).sum()
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
