#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one case on real Spark, records it with `stagewatchd --record`, and ends all that it started.

    record.py CASE --spark DIRECTORY --out FILE.jsonl.gz [--seconds N] [--stagewatchd PATH]

DIRECTORY holds a Python environment with PySpark. Cases: see CASES. Needs root for the cases that stop processes or
make network namespaces (shuffle_stall), a JDK for those that compile Java.
"""
import argparse
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
LOCAL = "local-cluster[2,3,1024]"
CONFIG = """[daemon]
poll_interval = {poll}
[evidence]
dump_spacing = 10s
[spark recording]
type = driver
url = http://127.0.0.1:{port}
[rule default]
app = *
hung_after = 60s
hung_after_unproven = 180s
starved_after = 60s
idle_after = 60s
unobservable_after = 60s
"""

# job, master, properties, {seconds: action}
CASES = {
    "sleep": ("sleep", LOCAL, {}, {}),
    "local_sleep": ("sleep", "local[6]", {}, {}),
    "local_drowsy": ("drowsy", "local[6]", {}, {}),
    "mixed": ("mixed", LOCAL, {}, {}),
    "spin_then_sleep": ("spin_then_sleep", LOCAL, {}, {}),
    "stuck_among_waves": ("stuck_among_waves", LOCAL, {}, {}),
    "three_stages": ("three_stages", LOCAL, {}, {}),
    "retried": ("retried", LOCAL, {}, {}),
    "lost_executors": ("lost_executors", LOCAL, {"spark.task.maxFailures": "1000", "spark.deploy.maxExecutorRetries": "-1"}, {}),
    "frozen_for_good": ("sleep", LOCAL, {"spark.network.timeout": "3600s"}, {60: "stop executors"}),
    "stuck_straggler": ("stuck_straggler", LOCAL, {}, {}),
    "short_workers": ("short_workers", LOCAL, {}, {}),
    "all_frozen": ("rows", LOCAL, {}, {70: "stop executors"}),
    "jvm_busy": ("jvm_busy", LOCAL, {}, {}),
    "jvm_deadlock": ("jvm_deadlock", LOCAL, {}, {}),
    "io_wait": ("io_wait", LOCAL, {}, {}),
    "crash_loop": ("crash_loop", LOCAL, {"spark.task.maxFailures": "1000"}, {}),
    "idle": ("idle", LOCAL, {}, {}),
    "unobservable": ("sleep", LOCAL, {}, {60: "stop driver", 200: "cont driver"}),
    "phantom": ("short_tasks", LOCAL, {"spark.scheduler.listenerbus.eventqueue.appStatus.capacity": "1"}, {}),
    "long_commit": ("long_commit", LOCAL, {"spark.sql.sources.outputCommitterClass": "SlowCommitter"}, {}),
    "barrier": ("barrier", LOCAL, {}, {}),
    "collect": ("collect", LOCAL, {"spark.driver.memory": "1g", "spark.driver.maxResultSize": "0"}, {}),
    "driver_memory": ("driver_memory", LOCAL, {"spark.driver.maxResultSize": "0"}, {}),
    "starved": ("sleep", "standalone", {"spark.executor.cores": "64"}, {}),
    "dynamic_wait": ("sleep", "standalone", {"spark.dynamicAllocation.enabled": "true", "spark.dynamicAllocation.minExecutors": "0",
                                             "spark.dynamicAllocation.shuffleTracking.enabled": "true"}, {150: "add worker"}),
    "shuffle_stall": ("shuffle", "namespaces", {"spark.network.timeout": "3600s", "spark.shuffle.io.connectionTimeout": "3600s",
                                                "spark.reducer.maxSizeInFlight": "1m", "spark.shuffle.compress": "false",
                                                "spark.shuffle.io.maxRetries": "100"}, {}),
    # Of ../symptoms: what precedes a hang, and an app that has none of it.
    "collect_large": ("collect_large", LOCAL, {"spark.driver.memory": "1g", "spark.driver.maxResultSize": "256m"}, {}),
    "memory": ("memory", LOCAL, {"spark.task.maxFailures": "1"}, {}),
    "spill": ("spill", LOCAL, {"spark.sql.shuffle.partitions": "6", "spark.sql.adaptive.coalescePartitions.enabled": "false"}, {}),
    "serialization": ("labels", LOCAL, {"spark.driver.memory": "2g", "spark.executor.memory": "1g"}, {}),
    "network_lost": ("rows", LOCAL, {"spark.network.timeout": "30s", "spark.executor.heartbeatInterval": "5s",
                                     "spark.network.timeoutInterval": "5s"}, {12: "stop executors"}),
    "network_slow": ("shuffle", "namespaces", {"spark.shuffle.compress": "false", "spark.reducer.maxSizeInFlight": "1m"}, {}),
    "healthy": ("healthy", LOCAL, {}, {}),
}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def descendants(pid):
    """(pid, command line) of a process and all below it."""
    parents, lines = {}, {}
    for d in os.listdir("/proc"):
        if d.isdigit():
            try:
                stat = pathlib.Path(f"/proc/{d}/stat").read_text().rsplit(")", 1)[1].split()
                lines[int(d)] = pathlib.Path(f"/proc/{d}/cmdline").read_text(errors="replace").replace("\0", " ")
                parents[int(d)] = int(stat[1])
            except OSError:
                continue
    found, todo = [], [pid]
    while todo:
        p = todo.pop()
        found.append((p, lines.get(p, "")))
        todo += [q for q, parent in parents.items() if parent == p]
    return found


class Case:
    def __init__(self, options):
        self.o = options
        self.job, self.master, self.conf, self.plan = CASES[options.case]
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="stagewatchd-record-"))
        self.python = next(pathlib.Path(options.spark, "bin").glob("python3"))
        self.home = next(pathlib.Path(options.spark).glob("lib/python3*/site-packages/pyspark"))
        self.children, self.stopped, self.namespaces = [], set(), []
        self.env = dict(os.environ, SPARK_HOME=str(self.home), PYSPARK_PYTHON=str(self.python), PYSPARK_DRIVER_PYTHON=str(self.python),
                        RECORD_DIR=str(self.dir), SPARK_LOCAL_IP="127.0.0.1")
        self.host = "127.0.0.1"

    def spawn(self, name, argv, env=None, prefix=()):
        log = open(self.dir / f"{name}.log", "w")
        child = subprocess.Popen([*prefix, *map(str, argv)], stdout=log, stderr=subprocess.STDOUT, env={**self.env, **(env or {})},
                                 cwd=self.dir, start_new_session=True)
        self.children.append(child)
        return child

    def jar(self):
        classes = self.dir / "classes"
        subprocess.run(["javac", "--release", "17", "-cp", f"{self.home}/jars/*", "-d", classes, HERE / "Jobs.java", HERE / "SlowCommitter.java"],
                       check=True)
        subprocess.run(["jar", "cf", self.dir / "jobs.jar", "-C", classes, "."], check=True)
        return self.dir / "jobs.jar"

    def start_master(self):
        self.master_port = free_port()
        self.spawn("master", [self.home / "bin/spark-class", "org.apache.spark.deploy.master.Master", "--host", self.host, "--port",
                              self.master_port, "--webui-port", free_port()])
        self.master = f"spark://{self.host}:{self.master_port}"
        time.sleep(6)

    def start_worker(self, prefix=(), ip="127.0.0.1"):
        self.spawn(f"worker-{ip}", [self.home / "bin/spark-class", "org.apache.spark.deploy.worker.Worker", "--cores", 3, "--memory", "2g",
                                    "--host", ip, "--webui-port", free_port(), "--work-dir", self.dir / f"work-{ip}", self.master],
                   env={"SPARK_LOCAL_IP": ip}, prefix=prefix)

    def run_ip(self, *words, check=True):
        subprocess.run(["ip", *words], check=check)

    def start_namespaces(self):
        """A bridge 10.77.N.1 and two namespaces behind it, one worker in each: the driver reaches both, and they each other."""
        n = os.getpid() % 250 + 1
        self.net, self.bridge = f"10.77.{n}", f"swbr{n}"
        self.run_ip("link", "add", self.bridge, "type", "bridge")
        self.run_ip("addr", "add", f"{self.net}.1/24", "dev", self.bridge)
        self.run_ip("link", "set", self.bridge, "up")
        for i in (2, 3):
            space, here, there = f"swns{n}-{i}", f"swv{n}a{i}", f"swv{n}b{i}"
            self.run_ip("netns", "add", space)
            self.namespaces.append(space)
            self.run_ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", space)
            self.run_ip("link", "set", here, "master", self.bridge, "up")
            self.run_ip("-n", space, "addr", "add", f"{self.net}.{i}/24", "dev", there)
            self.run_ip("-n", space, "link", "set", there, "up")
            self.run_ip("-n", space, "link", "set", "lo", "up")
            if self.o.case == "network_slow":
                subprocess.run(["tc", "-n", space, "qdisc", "add", "dev", there, "root", "tbf", "rate", "30mbit", "burst", "64k", "latency",
                                "400ms"], check=True)
        self.host = f"{self.net}.1"
        self.env["SPARK_LOCAL_IP"] = self.host
        self.start_master()
        for i, space in zip((2, 3), self.namespaces):
            self.start_worker(("ip", "netns", "exec", space), f"{self.net}.{i}")

    def cut_namespaces(self):
        """The two workers no longer reach each other; both reach the driver."""
        for i, space in zip((3, 2), self.namespaces):
            self.run_ip("-n", space, "route", "add", "blackhole", f"{self.net}.{i}/32")

    def submit(self):
        if self.master == "standalone":
            self.start_master()
            if self.o.case != "dynamic_wait":
                self.start_worker()
        elif self.master == "namespaces":
            self.start_namespaces()
        self.port = free_port()
        conf = {"spark.ui.port": self.port, "spark.ui.showConsoleProgress": "false", "spark.driver.memory": "512m",
                "spark.executor.memory": "512m", "spark.driver.host": self.host, "spark.driver.bindAddress": self.host, **self.conf}
        argv = [self.home / "bin/spark-submit", "--master", self.master, "--jars", self.jar(), "--driver-class-path", self.dir / "jobs.jar"]
        for key, value in conf.items():
            argv += ["--conf", f"{key}={value}"]
        self.driver = self.spawn("job", [*argv, HERE / "jobs.py", self.job])

    def wait_up(self):
        end = time.time() + 120
        while time.time() < end:
            try:
                with urllib.request.urlopen(f"http://{self.host}:{self.port}/api/v1/applications", timeout=5) as r:
                    return json.loads(r.read())[0]["id"]
            except (OSError, ValueError, IndexError):
                time.sleep(0.3)
        sys.exit("the driver did not come up: " + (self.dir / "job.log").read_text()[-2000:])

    def record(self):
        config, out = self.dir / "record.conf", self.dir / "out.jsonl"
        config.write_text(CONFIG.format(port=self.port, poll=self.o.poll).replace("127.0.0.1", self.host))
        self.recorder = self.spawn("recorder", [self.o.stagewatchd, "--config", config, "--record", out])
        return out

    def act(self, action):
        if action == "add worker":
            self.start_worker()
            return
        verb, what = action.split()
        mark = "CoarseGrainedExecutorBackend" if what == "executors" else "org.apache.spark.deploy.SparkSubmit"
        for pid, line in descendants(self.driver.pid):
            if mark in line and "java" in line.split(" ")[0] and (what == "executors" or "Coarse" not in line):
                os.kill(pid, signal.SIGCONT if verb == "cont" else signal.SIGSTOP)
                self.stopped.add(pid)

    def run(self):
        self.submit()
        app = self.wait_up()
        out = self.record()
        began = time.time()
        plan = sorted(self.plan.items())
        cut = self.o.case != "shuffle_stall"
        while time.time() - began < self.o.seconds and self.recorder.poll() is None:
            while plan and plan[0][0] <= time.time() - began:
                self.act(plan.pop(0)[1])
            if not cut and self.reducing(app):
                self.cut_namespaces()
                cut = True
                print("cut at", round(time.time() - began), flush=True)
            time.sleep(0.2 if not cut else 1)
        if self.driver.poll() is not None:
            print("the job ended:", (self.dir / "job.log").read_text()[-1500:], flush=True)
        self.recorder.send_signal(signal.SIGTERM)
        self.recorder.wait(20)
        with gzip.open(self.o.out, "wb", 9) as f:
            f.write(scrub(out.read_bytes(), str(self.dir), str(self.home), str(self.python)))
        print(self.o.out, app, pathlib.Path(self.o.out).stat().st_size, "bytes", flush=True)

    def reducing(self, app):
        """The second stage runs: its tasks have something to fetch."""
        try:
            with urllib.request.urlopen(f"http://{self.host}:{self.port}/api/v1/applications/{app}/stages?status=active", timeout=5) as r:
                return any(s["shuffleReadBytes"] >= 0 and s["stageId"] > 0 and s["numActiveTasks"] > 0 for s in json.loads(r.read()))
        except (OSError, ValueError):
            return False

    def stop(self):
        for pid in self.stopped:
            try:
                os.kill(pid, signal.SIGCONT)
            except OSError:
                pass
        for child in self.children:
            for pid, _ in descendants(child.pid):
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    pass
            child.wait()
        for space in self.namespaces:
            self.run_ip("netns", "del", space, check=False)
        if self.namespaces:
            self.run_ip("link", "del", self.bridge, check=False)
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.dir, ignore_errors=True)


def scrub(text, *paths):
    """What the machine is called and where things are is nobody's business."""
    for path in sorted(paths, key=len, reverse=True):
        text = text.replace(path.encode(), b"/opt/spark")
    text = text.replace(str(HERE).encode(), b"/opt/job")
    text = text.replace(socket.gethostname().encode() + b":", b"localhost:")
    lines = []
    for line in text.splitlines():
        d = json.loads(line)
        if d["path"].endswith("/environment"):
            body = json.loads(d["body"])
            keep = {"sparkProperties": [p for p in body["sparkProperties"] if not re.search(r"Path|dir|jars|files|host", p[0])]}
            d["body"] = json.dumps(keep)
        lines.append((json.dumps(d) + "\n").encode())
    return b"".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--spark", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--poll", default="5s")
    parser.add_argument("--seconds", type=float, default=280)
    parser.add_argument("--stagewatchd", default=str(HERE.parents[2] / "build/stagewatchd"))
    case = Case(parser.parse_args())
    try:
        case.run()
    finally:
        case.stop()


if __name__ == "__main__":
    main()
