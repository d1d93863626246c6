#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What watching costs: CPU per poll against bare libcurl that fetches the same bytes, memory per app, delay to detect.

Of apps whose stages move, and of as many that all stand still, of which more is asked.

Ratios of one run on one machine; no figure here is a promise. Usage: bench.py BUILD
"""
import collections
import gzip
import http.server
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(sys.argv[1])
STAGE = json.loads((HERE.parent / "wire/fixtures/spark-4.3.0/stages-hung.json").read_text())[0]
APPS, STAGES, SECONDS = 100, 10, 20


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass  # the daemon ends while a connection is open


class Spark(http.server.BaseHTTPRequestHandler):
    """A master and all of its drivers behind one port: /N/... is driver N."""
    protocol_version = "HTTP/1.1"
    n_apps = 0
    asked = collections.Counter()  # by URL


    def do_GET(self):
        self.asked[f"http://127.0.0.1:{self.server.server_address[1]}{self.path}"] += 1
        body = self.body()
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "text/html" if self.path == "/" else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        port = self.server.server_address[1]
        if self.path == "/json/":
            apps = [{"id": f"app-{n}", "name": "etl", "user": "spark", "state": "RUNNING", "starttime": 1} for n in range(self.n_apps)]
            return json.dumps({"status": "ALIVE", "aliveworkers": 1, "workers": [], "activeapps": apps, "completedapps": []}).encode()
        if self.path == "/":
            rows = "".join(f'<tr><td><a href="app/?appId=app-{n}">app-{n}</a></td><td><a href="http://127.0.0.1:{port + 1 + n}">etl</a></td></tr>'
                           for n in range(self.n_apps))
            return f"<html><head><title>Spark Master at spark://m:7077</title></head><body><table>{rows}</table></body></html>".encode()
        return b""

    def log_message(self, *_):
        pass


class Driver(Spark):
    moving = True

    def body(self):
        n = self.server.number
        if self.path == "/api/v1/applications":
            return json.dumps([{"id": f"app-{n}", "name": "etl", "attempts": [{"startTimeEpoch": 1, "sparkUser": "spark"}]}]).encode()
        if "/stages?" in self.path:
            moved = b'"inputRecords": %d' % time.monotonic() if self.moving else b'"inputRecords": 0'
            return self.server.stages.replace(b'"inputRecords": 0', moved)
        if "/environment" in self.path:
            return b'{"sparkProperties":[]}'
        return b"[]"


def serve(n_apps):
    """A master at port P and n_apps drivers on the ports after it."""
    for base in range(20000, 30000, 200):
        servers = []
        try:
            for k in range(n_apps + 1):
                servers.append(Server(("127.0.0.1", base + k), Driver if k else Spark))
        except OSError:
            for s in servers:
                s.server_close()
            continue
        break
    Spark.n_apps = n_apps
    for k, s in enumerate(servers):
        s.number = k - 1
        s.stages = json.dumps([dict(STAGE, stageId=i, numTasks=3, numCompleteTasks=1) for i in range(STAGES)]).encode()
        threading.Thread(target=s.serve_forever, args=(0.05,), daemon=True).start()
    return servers, base


def metrics(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as r:
        text = r.read().decode()
    return {k: float(v) for k, v in re.findall(r"^(\S+) (\S+)$", text, re.M)}


def watch(base, seconds):
    """CPU seconds per tick, resident bytes, and how often each URL was asked for in a tick."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf, tempfile.NamedTemporaryFile("r") as log:
        conf.write(f"[daemon]\npoll_interval = 1s\n[web]\nlisten = 127.0.0.1:0\n[spark m]\ntype = standalone\nurl = http://127.0.0.1:{base}\n")
        conf.flush()
        child = subprocess.Popen([BUILD / "stagewatchd", "--config", conf.name], stderr=open(log.name, "w"))
        try:
            while not (port := re.search(r"port (\d+)", open(log.name).read())):
                time.sleep(0.05)
            port = port.group(1)
            time.sleep(3)
            key = 'stagewatch_poll_duration_seconds_count{spark_cluster="m"}'
            a = metrics(port)
            Spark.asked.clear()
            time.sleep(seconds)
            asked = Spark.asked.copy()
            b = metrics(port)
            ticks = b[key] - a[key]
            cpu = (b["process_cpu_seconds_total"] - a["process_cpu_seconds_total"]) / ticks
            return cpu, b["process_resident_memory_bytes"], {url: n / ticks for url, n in asked.items()}
        finally:
            child.terminate()
            child.wait()


def bare(asked):
    """CPU seconds of bare libcurl for as many requests, each URL as often as it was asked for in a poll."""
    total = 0.0
    for often in set(asked.values()):
        urls = [url for url, n in asked.items() if n == often]
        done = subprocess.run([BUILD / "tests/floor", "3", *urls], capture_output=True, text=True, check=True)
        total += float(done.stdout.split()[0]) * len(urls) * often
    return total


def delay():
    """Seconds from the moment the configured limit was reached to the verdict, over the recorded hangs."""
    recordings = HERE.parent / "replay/recordings"
    conf = "[daemon]\npoll_interval = 5s\n[rule r]\napp = *\nhung_after = 60s\nhung_after_unproven = 60s\n"
    late = []
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as f:
        f.write(conf)
        f.flush()
        for name in ("py_sleep-4.3", "py_sleep-3.5", "jvm_sleep-4.3", "tail_hang-4.3", "late_hang-4.3", "two_jobs-3.5"):
            text = gzip.open(recordings / f"{name}.jsonl.gz", "rt").read()
            out = subprocess.run([BUILD / "stagewatchd", "--config", f.name, "--replay", "-"], input=text, capture_output=True, text=True).stdout
            hung = [json.loads(line) for line in out.splitlines() if '"hung"' in line]
            late.append(hung[0]["t"] - hung[0]["since"] - 60)
    return late


def main():
    servers, base = serve(APPS)
    found = {}
    for Driver.moving in (True, False):
        found[Driver.moving] = cpu, memory, asked = watch(base, SECONDS)
        floor = bare(asked)
        print(f"{APPS} apps, {STAGES} active stages each, {'all of which move' if Driver.moving else 'none of which moves'}: "
              f"{sum(asked.values()):.0f} requests a poll")
        print(f"CPU of a poll against bare libcurl fetching the same bytes: {cpu / floor:.2f} x ({cpu * 1e3:.1f} ms against {floor * 1e3:.1f} ms)")
    Spark.n_apps = 0
    _, empty, _ = watch(base, 3)
    for moving, (_, memory, _) in found.items():
        print(f"memory per app with {STAGES} stages that {'move' if moving else 'stand still'}: {(memory - empty) / APPS / 1024:.1f} KiB; "
              f"without apps {empty / 2**20:.1f} MiB")
    late = delay()
    print(f"verdict after the limit was reached, poll_interval 5 s, {len(late)} recorded hangs: {min(late):.0f} to {max(late):.0f} s; a look once a minute: up to 60 s")
    for s in servers:
        s.shutdown()


if __name__ == "__main__":
    main()
