#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What watching costs, as ratios of one run: against bare libcurl, Python requests and Prometheus. See README.md.

Usage: bench.py BUILD [--sizes 100,1000,10000] [--out DIR]
"""
import argparse
import collections
import gzip
import json
import math
import os
import pathlib
import re
import subprocess
import tempfile
import time
import urllib.request

import farm

HERE = pathlib.Path(__file__).resolve().parent
ROUNDS = 5
TICKS = os.sysconf("SC_CLK_TCK")
WAYS = {"unchanged": farm.NONE, "all changed": farm.ALL, "5 % suspicious": farm.MOST}
PYTHON = """
import resource, sys, requests
urls = sys.stdin.read().split()
sessions = {}
def fetch():
    for u in urls:
        s = sessions.setdefault(u.split("/")[2], requests.Session())
        s.get(u).json()
def cpu():
    r = resource.getrusage(resource.RUSAGE_SELF)
    return r.ru_utime + r.ru_stime
fetch()
began = cpu()
fetch()
print(cpu() - began)
"""


def interval_of(n):
    """Seconds: long enough for nginx on the other core."""
    return max(2, n // 500)


def cpu_of(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_of(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text()).group(1)) * 1024


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as r:
        return {k: float(v) for k, v in re.findall(r"^(\S+) (\S+)$", r.read().decode(), re.M)}


class Daemon:
    def __init__(self, build, directory, n, way):
        self.build, self.directory, self.n, self.way = build, directory, n, way

    def __enter__(self):
        # No task of the farm ends: only long limits make the apps healthy.
        limits = "hung_after = 1min\nhung_after_unproven = 1d\n" if self.way == "5 % suspicious" else "hung_after = 1d\n"
        conf = self.directory / "stagewatchd.conf"
        conf.write_text(f"[daemon]\npoll_interval = {interval_of(self.n)}s\n[web]\nlisten = 127.0.0.1:0\n[spark farm]\ntype = driver\n"
                        + "".join(f"url = {u}\n" for u in farm.urls(self.n)) + f"[rule all]\napp = *\n{limits}")
        self.log = self.directory / "stagewatchd.log"
        self.began = time.monotonic()
        with self.log.open("w") as log:
            self.child = subprocess.Popen([self.build / "stagewatchd", "--config", conf], stderr=log)
        while not (port := re.search(r"port (\d+)", self.log.read_text())):
            if self.child.poll() is not None:
                raise SystemExit(self.log.read_text())
            time.sleep(0.05)
        self.port = port.group(1)
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait()

    def first_round(self):
        """Seconds from the start until all apps are known."""
        while metrics(self.port).get('stagewatch_apps{spark_cluster="farm"}', 0) < self.n:
            time.sleep(0.1)
        return time.monotonic() - self.began


def floor(build, ui, asked, rounds=3, seconds=0, client="curl"):
    """CPU seconds of a bare client for a round of these URLs; asked: URL to how often; seconds: what the round is spread over."""
    urls = [u for u, n in asked.items() for _ in range(n)]
    ui.wait_alone()
    done = subprocess.run([build / "bench/floor", client, str(rounds), str(seconds)], input="\n".join(urls) + "\n", capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return float(done.stdout.split()[0])


def python(asked):
    done = subprocess.run(["/usr/bin/python3", "-c", PYTHON], input="\n".join(asked), capture_output=True, text=True, check=True)
    return float(done.stdout)


def prometheus(directory, n):
    """CPU seconds a round of Prometheus that scrapes Spark's own endpoint of each driver."""
    targets = json.dumps([{"targets": [f"{farm.address(k)}:{farm.PORT}" for k in range(n)]}])
    (directory / "targets.json").write_text(targets)
    (directory / "prometheus.yml").write_text(
        f"scrape_configs:\n- job_name: spark\n  scrape_interval: {interval_of(n)}s\n  scrape_timeout: {interval_of(n)}s\n"
        f"  metrics_path: /metrics/executors/prometheus\n  file_sd_configs: [{{files: [{directory}/targets.json]}}]\n")
    child = subprocess.Popen(["prometheus", f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/tsdb",
                              "--web.listen-address=127.0.0.1:0"], stderr=subprocess.DEVNULL)
    try:
        time.sleep(5 + 2 * interval_of(n))
        began = cpu_of(child.pid)
        time.sleep(ROUNDS * interval_of(n))
        return (cpu_of(child.pid) - began) / ROUNDS
    finally:
        child.terminate()
        child.wait()


def watch(build, directory, n, way):
    """One row of the table."""
    with farm.Farm(directory / "nginx", n, WAYS[way]) as ui:
        with Daemon(build, directory, n, way) as d:
            first = d.first_round()
            # Until the first polls, which ask more, are over, and what stands still is suspicious.
            time.sleep(max(8 * interval_of(n), 70 if way == "5 % suspicious" else 0))
            ui.asked()
            cpu, began = cpu_of(d.child.pid), time.monotonic()
            time.sleep(ROUNDS * interval_of(n))
            cpu, rounds = cpu_of(d.child.pid) - cpu, (time.monotonic() - began) / interval_of(n)
            asked = ui.asked()
            # The log is read a moment later than the CPU time.
            rounds_asked = (time.monotonic() - began) / interval_of(n)
            late = metrics(d.port).get('stagewatch_poll_overruns_total{spark_cluster="farm"}', 0)
            resident = resident_of(d.child.pid)
        counted = collections.Counter(asked)
        a_round = {u: max(1, round(k / rounds_asked)) for u, k in counted.items() if k / rounds_asked >= 0.5}
        # All rounds at once are a connection per request: too many, where there are many hosts.
        own = floor(build, ui, counted, 1) / rounds_asked if n <= 1000 else floor(build, ui, a_round)
        lists = {u: 1 for u in counted if "/stages?" in u}
        return {"n": n, "way": way, "cpu": cpu / rounds, "requests": len(asked) / rounds_asked / n, "own": own, "resident": resident,
                "first": first, "late": late, "least": floor(build, ui, lists), "pace": floor(build, ui, lists, seconds=interval_of(n)),
                "sockets": floor(build, ui, lists, client="sockets"), "sockets_pace": floor(build, ui, lists, seconds=interval_of(n), client="sockets")}


def compare(build, directory, n):
    with farm.Farm(directory / "nginx", n, farm.ALL):
        urls = [f"{u}/api/v1/applications/app-{u[7:].split(':')[0]}/stages?status=active&details=false" for u in farm.urls(n)]
        return {"n": n, "python": python(urls), "prometheus": prometheus(directory, n)}


def delay(build):
    """Seconds from the moment the configured limit was reached to the verdict, over the recorded hangs; and the speed of replay."""
    recordings = HERE.parent / "tests/replay/recordings"
    late, seconds, took = [], 0.0, 0.0
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write("[daemon]\npoll_interval = 5s\n[rule r]\napp = *\nhung_after = 60s\nhung_after_unproven = 60s\n")
        f.flush()
        for name in ("py_sleep-4.3", "py_sleep-3.5", "jvm_sleep-4.3", "tail_hang-4.3", "late_hang-4.3", "two_jobs-3.5"):
            text = gzip.open(recordings / f"{name}.jsonl.gz", "rt").read()
            began = time.monotonic()
            out = subprocess.run([build / "stagewatchd", "--config", f.name, "--replay", "-"], input=text, capture_output=True, text=True).stdout
            took += time.monotonic() - began
            verdicts = [json.loads(line) for line in out.splitlines()]
            hung = [v for v in verdicts if v["verdict"] == "hung"]
            late.append(hung[0]["t"] - hung[0]["since"] - 60)
            seconds += verdicts[-1]["t"]
    return sorted(late), seconds / took


def exponent(rows):
    a, b = rows[0], rows[-1]
    return math.log(b["cpu"] / a["cpu"]) / math.log(b["n"] / a["n"])


def plot(out, rows):
    data = out / "cpu.dat"
    with data.open("w") as f:
        for way in WAYS:
            for r in (r for r in rows if r["way"] == way):
                f.write(f"{r['n']} {r['cpu']} {r['own']} {r['least']}\n")
            f.write("\n\n")
    lines = ", ".join(f"'{data}' index {k} using 1:2 with linespoints title '{way}'" for k, way in enumerate(WAYS))
    subprocess.run(["gnuplot"], input=f"""
set terminal svg size 800,500 background rgb 'white'
set output '{out}/cpu.svg'
set logscale xy
set xlabel 'driver UIs'
set ylabel 'CPU seconds a round'
set key left top
plot {lines}, '{data}' index 1 using 1:4 with linespoints title 'bare libcurl, one request per app'
set output '{out}/ratio.svg'
unset logscale y
set ylabel 'CPU against bare libcurl with the same requests'
set yrange [0:*]
plot {lines.replace("1:2", "1:($2/$3)")}
""", text=True, check=True)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--sizes", default="100,1000,10000")
    p.add_argument("--out", type=pathlib.Path)
    args = p.parse_args()
    sizes = [int(n) for n in args.sizes.split(",")]
    out = args.out or args.build / "bench/results"
    out.mkdir(parents=True, exist_ok=True)
    rows, others = [], []
    print(f"{'UIs':>6} {'bodies':<15} {'CPU ms':>8} {'per 1000':>9} {'x own':>6} {'x least':>8} {'x pace':>7} {'requests':>9} {'MiB':>6} {'first s':>8} {'late':>5}", flush=True)
    with tempfile.TemporaryDirectory(prefix="stagewatch-bench-") as directory:
        for way in WAYS:
            for n in sizes:
                r = watch(args.build, pathlib.Path(directory), n, way)
                rows.append(r)
                print(f"{n:6} {way:<15} {r['cpu'] * 1e3:8.1f} {r['cpu'] / n * 1e6:9.1f} {r['cpu'] / r['own']:6.2f} {r['cpu'] / r['least']:8.2f} "
                      f"{r['cpu'] / r['pace']:7.2f} {r['requests']:9.2f} {r['resident'] / 2**20:6.1f} {r['first']:8.1f} {r['late']:5.0f}", flush=True)
        for n in (n for n in sizes if n <= 1000):
            o = compare(args.build, pathlib.Path(directory), n)
            others.append(o)
            cpu = next(r["cpu"] for r in rows if r["n"] == n and r["way"] == "all changed")
            print(f"{n} UIs, all changed: Python requests takes {o['python'] / cpu:.1f} x, a scrape by Prometheus {o['prometheus'] / cpu:.1f} x the CPU",
                  flush=True)
    print("one list of stages per app, us a request:")
    print(f"{'UIs':>6} {'bodies':<15} {'libcurl':>8} {'at pace':>8} {'sockets':>8} {'at pace':>8}")
    for r in rows:
        print(f"{r['n']:6} {r['way']:<15} " + " ".join(f"{r[k] / r['n'] * 1e6:8.1f}" for k in ("least", "pace", "sockets", "sockets_pace")))
    for way in WAYS:
        of = [r for r in rows if r["way"] == way]
        if len(of) > 1:
            print(f"{way}: the CPU of a round grows with the number of UIs to the power of {exponent(of):.2f}")
    late, speed = delay(args.build)
    print(f"from the limit to the verdict, poll_interval 5 s, {len(late)} recorded hangs: p50 {late[len(late) // 2]:.0f} s, p100 {late[-1]:.0f} s")
    print(f"replay: {speed:.0f} recorded seconds a second")
    plot(out, rows)
    (out / "results.json").write_text(json.dumps({"rows": rows, "others": others}, indent=1))
    print(f"plots and figures: {out}")


if __name__ == "__main__":
    main()
