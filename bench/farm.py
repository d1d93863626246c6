# SPDX-License-Identifier: Apache-2.0
"""A farm of Spark driver UIs: one nginx that answers on an address of 127/8 for each driver.

What a driver answers is real (tests/wire/fixtures), with five active stages: about 18 kB. In the UIs that are "moving", the
counters of the stages rise from answer to answer.
"""
import json
import pathlib
import subprocess
import time

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "tests/wire/fixtures/spark-4.3.0"
PORT = 24040
STAGES = 5
# nginx reads words of at most 4 kB.
WORD = 3000


def address(n):
    """Of the driver with the number n."""
    return f"127.{1 + n // 62500}.{n // 250 % 250}.{1 + n % 250}"


def urls(n):
    return [f"http://{address(k)}:{PORT}" for k in range(n)]


def fixture(name):
    return (FIXTURES / name).read_text().strip()


def stages():
    """Five active stages; @ stands for a counter that may rise."""
    one = json.loads(fixture("stages-hung.json"))[0]
    rows = [dict(one, stageId=k, numTasks=8, numCompleteTasks=2, inputRecords="@", executorRunTime="@", executorCpuTime="@")
            for k in range(STAGES)]
    return json.dumps(rows, indent=2).replace('"@"', "@")


def answer(body):
    """The lines of nginx' configuration that answer with body."""
    body = body.replace("\\", "\\\\").replace("'", "\\'").replace("$", "")
    words = [body[k:k + WORD] for k in range(0, len(body), WORD)]
    lines = [f"set $w{k} '{w}';" for k, w in enumerate(words)]
    return "\n".join(lines) + "\nreturn 200 \"" + "".join(f"$w{k}" for k in range(len(words))) + "\";"


def configuration(directory, n, moving):
    """moving: an expression of nginx' map for the addresses whose counters rise."""
    app = "/api/v1/applications/[^/]+"
    locations = {
        f"{app}/stages": answer(stages().replace("@", "@counter@")).replace("@counter@", "$counter"),
        f"{app}/jobs": answer(fixture("jobs-running.json")),
        f"{app}/environment": answer(fixture("environment.json")),
        f"{app}/(all)?executors": answer(fixture("executors.json")),
        f"{app}/stages/.*/taskList": answer(fixture("tasks-running.json")),
        f"{app}/executors/.*/threads": answer(fixture("threads.json")),
        "/metrics/executors/prometheus/?": answer(prometheus()).replace("default_type application/json", ""),
    }
    # One socket for all addresses: 10,000 of them, and as many connections, are more descriptors than many machines allow.
    listen = f"listen {PORT};"
    body = "\n".join(f"location ~ ^{path}$ {{ default_type application/json; {text} }}" for path, text in locations.items())
    return f"""
daemon off;
master_process off;
pid {directory}/pid;
error_log {directory}/error.log;
worker_rlimit_nofile 65536;
events {{ worker_connections 40000; }}
http {{
  log_format url 'http://$server_addr:$server_port$request_uri';
  access_log {directory}/access.log url buffer=256k flush=1s;
  keepalive_timeout 1d;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}; proxy_temp_path {directory}; fastcgi_temp_path {directory};
  uwsgi_temp_path {directory}; scgi_temp_path {directory};
  map $msec $moment {{ "~(......)[.](...)$" "1$1$2"; }}
  map $server_addr $counter {{ default 1000; {moving} $moment; }}
  server {{
    {listen}
    location = /api/v1/applications {{
      default_type application/json;
      return 200 '[{{"id":"app-$server_addr","name":"etl","attempts":[{{"startTime":"2026-01-01T00:00:00.000GMT","endTime":"1969-12-31T23:59:59.999GMT","lastUpdated":"2026-01-01T00:00:00.000GMT","duration":0,"sparkUser":"spark","completed":false,"appSparkVersion":"4.3.0","startTimeEpoch":1767225600000,"lastUpdatedEpoch":1767225600000,"endTimeEpoch":-1}}]}}]';
    }}
    {body}
  }}
}}
"""


def prometheus():
    """As Spark's own endpoint answers for two executors."""
    rows = []
    for executor in ("driver", "1", "2"):
        labels = f'{{application_id="app", application_name="etl", executor_id="{executor}"}}'
        for name in ("rddBlocks", "memoryUsed_bytes", "diskUsed_bytes", "totalCores", "maxTasks", "activeTasks", "failedTasks_total",
                     "completedTasks_total", "totalTasks_total", "totalDuration_seconds_total", "totalGCTime_seconds_total",
                     "totalInputBytes_bytes_total", "totalShuffleRead_bytes_total", "totalShuffleWrite_bytes_total", "maxMemory_bytes"):
            rows.append(f"metrics_executor_{name}{labels} 1.0")
    return "\n".join(rows) + "\n"


class Farm:
    """with Farm(directory, 1000, ALL) as farm: ... farm.asked() are the URLs since the last call."""

    def __init__(self, directory, n, moving):
        self.directory, self.n, self.moving = pathlib.Path(directory), n, moving
        self.read = 0

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        for name in ("access.log", "pid"):
            (self.directory / name).unlink(missing_ok=True)
        conf = self.directory / "nginx.conf"
        conf.write_text(configuration(self.directory, self.n, self.moving))
        self.child = subprocess.Popen(["/usr/sbin/nginx", "-c", conf, "-p", self.directory], stderr=subprocess.DEVNULL)
        while not (self.directory / "pid").exists():
            if self.child.poll() is not None:
                raise SystemExit(f"nginx did not start: see {self.directory}/error.log")
            time.sleep(0.05)
        return self

    def __exit__(self, *_):
        self.child.terminate()
        self.child.wait()

    def wait_alone(self):
        """Until nobody is connected: nginx has not descriptors enough for the connections of two clients."""
        own = 100
        while len(list(pathlib.Path(f"/proc/{self.child.pid}/fd").iterdir())) > own:
            time.sleep(0.1)

    def asked(self):
        time.sleep(1.5)  # nginx writes its log once a second
        with open(self.directory / "access.log", "rb") as f:
            f.seek(self.read)
            text = f.read()
        # It may be writing: the last line is whole or left for the next call.
        text = text[:text.rfind(b"\n") + 1]
        self.read += len(text)
        return text.decode().splitlines()


ALL = "~."
NONE = "~^none$"
# One of twenty stands still.
MOST = "~(.[1-9]|[2468]0|.0[1-9])$"
