# SPDX-License-Identifier: Apache-2.0
"""Stateful fakes of Spark's driver and master and of Airflow, with faults that a test can switch on."""
import base64
import http.server
import json
import pathlib
import re
import socket
import threading
import time
import urllib.parse

FIXTURES = pathlib.Path(__file__).resolve().parent.parent / "wire/fixtures"
STAGE = json.loads((FIXTURES / "spark-4.3.0/stages-hung.json").read_text())[0]
# When it was launched is the recording's business: here the clock begins at first sight.
for key in ("firstTaskLaunchedTime", "submissionTime"):
    STAGE.pop(key, None)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        fake = self.server.fake
        if fake.ended.is_set():  # a kept connection of a server that is gone
            self.close_connection = True
            return
        fake.requests.append((time.monotonic(), self.command, self.path, dict(self.headers), body))
        fault = fake.fault_for(self.command, self.path)
        if fault:
            return fault(self)
        status, answer = fake.answer(self.command, self.path, dict(self.headers), body)
        self.reply(status, answer)

    do_GET = do_POST = do_PATCH = handle_any

    def reply(self, status, answer, content_type=None, headers=()):
        text = answer if isinstance(answer, (str, bytes)) else json.dumps(answer)
        data = text.encode() if isinstance(text, str) else text
        kind = content_type or ("text/html" if text[:1] in ("<", b"<") else "application/json")
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


class Fake:
    """A server on a free port; faults: [(method or None, regex of the path, function of the handler)]."""

    def __init__(self):
        self.requests, self.faults, self.ended = [], [], threading.Event()
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.fake = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def fault_for(self, method, path):
        for wanted, pattern, fault in self.faults:
            if (wanted is None or wanted == method) and re.search(pattern, path):
                return fault
        return None

    def asked(self, method, pattern=""):
        return [r for r in list(self.requests) if r[1] == method and re.search(pattern, r[2])]

    # Faults.
    def hang(self, handler):
        self.ended.wait(30)
        handler.close_connection = True

    @staticmethod
    def status(code, body='{"detail":"no"}', headers=()):
        return lambda h: h.reply(code, body, headers=headers)

    @staticmethod
    def garbage(handler):
        handler.reply(200, b"\xff\xfe{{{[[", "application/json")

    @staticmethod
    def html(handler):
        handler.reply(200, "<html><body>Hello</body></html>")

    @staticmethod
    def starting(handler):
        handler.reply(200, "Spark is starting up. Please wait a while until it's ready.", "text/html;charset=utf-8")

    @staticmethod
    def truncated(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "5000")
        handler.end_headers()
        handler.wfile.write(b'[{"status":')
        handler.close_connection = True

    @staticmethod
    def huge(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(100 << 20))
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b" " * (1 << 20))
        except OSError:
            pass
        handler.close_connection = True

    @staticmethod
    def deep(handler):
        handler.reply(200, "[" * 100000 + "]" * 100000, "application/json")

    @staticmethod
    def wrong_types(handler):
        handler.reply(200, [dict(STAGE, numTasks="six")])


class Driver(Fake):
    def __init__(self, app_id="app-1", owner=None, name="etl"):
        super().__init__()
        self.app_id, self.owner, self.name, self.started = app_id, owner, name, int(time.time() * 1000)
        self.stages = [dict(STAGE, stageId=7)]
        self.tasks_active = 1000
        self.jobs = None
        self.moving = False
        self.tasks = None  # running ones: (TID, executor); None: this driver has no list of them
        self.frames = lambda tid: ["java.lang.Thread.sleep(Native Method)", "job.Sleeper.run(Sleeper.java:7)"]
        self.padding = 0   # bytes by which a dump is longer
        self.dropped = 0

    def task_list(self):
        return [{"taskId": tid, "index": tid, "attempt": 0, "executorId": executor, "status": "RUNNING",
                 "launchTime": "2026-11-23T01:26:05.009GMT", "taskMetrics": {}} for tid, executor in self.tasks]

    def threads(self, executor):
        dump = [{"threadId": 30 + tid, "threadName": f"Executor task launch worker for task {tid}.0 in stage 7.0 (TID {tid})",
                 "threadState": "RUNNABLE", "stackTrace": {"elems": self.frames(tid)}, "blockedByLock": "", "holdingLocks": []}
                for tid, where in self.tasks or [] if where == executor]
        more = {"threadId": 1, "threadState": "WAITING", "stackTrace": {"elems": ["x" * 1000] * 40}, "blockedByLock": "", "holdingLocks": []}
        return dump + [dict(more, threadName=f"pool-{i}") for i in range(self.padding // 40000)]

    def answer(self, method, path, headers, body):
        if path == "/api/v1/applications":
            return 200, [{"id": self.app_id, "name": self.name,
                          "attempts": [{"startTimeEpoch": self.started, "sparkUser": "spark", "appSparkVersion": "4.3.0"}]}]
        if path == "/metrics/json/":
            return 200, {"counters": {f"{self.app_id}.driver.LiveListenerBus.queue.appStatus.numDroppedEvents": {"count": self.dropped}}}
        if not urllib.parse.unquote(path).startswith(f"/api/v1/applications/{self.app_id}/"):
            return 404, "no such app"
        if "/taskList" in path:
            return (404, "no such stage") if self.tasks is None else (200, self.task_list())
        if path.endswith("/threads"):
            return 200, self.threads(path.split("/")[-2])
        if "/stages" in path:
            for stage in self.stages:
                stage["inputRecords"] += self.moving
            return 200, self.stages
        if "/jobs" in path:
            ids = [s["stageId"] for s in self.stages] if self.jobs is None else self.jobs
            return 200, [{"jobId": 0, "status": "RUNNING", "stageIds": ids}] if ids else []
        if "/executors" in path:
            rows = sorted({executor for _, executor in self.tasks or []}) or ["1"]
            return 200, [{"id": r, "hostPort": "127.0.0.1:1", "isActive": True, "activeTasks": self.tasks_active} for r in rows]
        pairs = [[f"spark.airflow.{k}", str(v)] for k, v in (self.owner or {}).items()]
        return 200, {"sparkProperties": pairs}


class Master(Fake):
    """A standalone master; apps: id -> [state, driver]."""

    def __init__(self, token="0123456789abcdef0123456789abcdef"):
        super().__init__()
        self.apps, self.token, self.kill_works = {}, token, True

    def add(self, driver):
        self.apps[driver.app_id] = ["RUNNING", driver]

    def end(self, app_id, state="FINISHED"):
        if self.apps[app_id][0] == "RUNNING":
            self.apps[app_id][0] = state

    def answer(self, method, path, headers, body):
        rows = [{"id": i, "name": d.name, "user": "spark", "state": s, "starttime": 1} for i, (s, d) in self.apps.items()]
        if path.startswith("/json"):
            return 200, {"status": "ALIVE", "aliveworkers": 1, "workers": [],
                         "activeapps": [r for r in rows if r["state"] == "RUNNING"],
                         "completedapps": [r for r in rows if r["state"] != "RUNNING"]}
        if path.startswith("/app/kill"):
            if method != "POST":
                return 405, "no"
            if self.token and f"csrfToken={self.token}" not in body:
                return 403, "Missing or invalid CSRF token on a state-changing endpoint."
            found = re.search(r"(?:^|&)id=([^&]*)", body)
            if self.kill_works and found:
                self.end(found.group(1), "KILLED")
            return 302, ""
        token = f'<input type="hidden" name="csrfToken" value="{self.token}"/>' if self.token else ""
        lines = "".join(
            f'<tr><td><a href="app/?appId={r["id"]}">{r["id"]}</a>'
            f'<form action="app/kill/" method="POST"><input type="hidden" name="id" value="{r["id"]}"/>'
            f'<input type="hidden" name="terminate" value="true"/>{token}</form></td>'
            f'<td><a href="{self.apps[r["id"]][1].url}">{r["name"]}</a></td></tr>'
            for r in rows if r["state"] == "RUNNING")
        return 200, f"<html><head><title>Spark Master at spark://m:7077</title></head><body><table>{lines}</table></body></html>"


USER, PASSWORD = "watchdog", "s3cret-pässword"


class Airflow(Fake):
    """One task instance d/r/t; on_fail is called when it is failed (the app ends with its task, or does not)."""

    def __init__(self, api="v2", map_index=-1):
        super().__init__()
        self.api, self.map_index, self.on_fail = api, map_index, lambda: None
        self.token, self.tokens, self.logins = "", 0, 0
        self.note = None
        self.started = time.time() - 60
        self.state, self.number, self.id, self.new_try_runs = "running", 1, "id-1", True

    def ti(self):
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.started)) + ".000000+00:00"
        row = {"dag_id": "d", "dag_run_id": "r", "task_id": "t", "map_index": self.map_index, "state": self.state,
               "try_number": self.number, "max_tries": 0, "start_date": when, "pid": 42, "hostname": "h", "note": self.note}
        return dict(row, id=self.id) if self.api == "v2" else row

    def authorized(self, headers):
        sent = headers.get("Authorization", "")
        if self.api == "v2":
            return self.token and sent == f"Bearer {self.token}"
        return sent == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def new_token(self, life=3600):
        self.tokens += 1
        payload = base64.urlsafe_b64encode(json.dumps({"exp": time.time() + life}).encode()).decode().rstrip("=")
        self.token = f"eyJhbGciOiJIUzI1NiJ9.{payload}.sig{self.tokens}"
        return self.token

    def answer(self, method, path, headers, body):
        base = f"/api/{self.api}"
        if path == f"{base}/version":
            return 200, {"version": "3.3.2" if self.api == "v2" else "2.11.2"}
        if path in ("/api/v2/monitor/health", "/api/v1/health") and path.startswith(base):
            return 200, {"metadatabase": {"status": "healthy"}, "scheduler": {"status": "healthy"}}
        if path == "/auth/token" and self.api == "v2":
            self.logins += 1
            if json.loads(body) != {"username": USER, "password": PASSWORD}:
                return 401, {"detail": "Invalid credentials"}
            return 201, {"access_token": self.new_token()}
        if not path.startswith(base):
            return 404, "<html><title>404</title></html>"
        if not self.authorized(headers):
            return (403, {"detail": "Invalid JWT token"}) if self.api == "v2" else (403, {"title": "Forbidden"})
        return self.act(method, path, json.loads(body) if body else None)

    def act(self, method, path, body):
        index = "" if self.map_index < 0 else f"/{self.map_index}"
        here = f"/api/{self.api}/dags/d/dagRuns/r/taskInstances/t{index}"
        if path == here and method == "GET":
            if self.number > 1 and self.state == "queued" and self.new_try_runs:
                self.state = "running"
            return 200, self.ti()
        if path == here + "/setNote" and method == "PATCH" and self.api == "v1":
            self.note = body["note"]
            return 200, self.ti()
        if path == here and method == "PATCH" and body["new_state"] == "failed":
            if self.api == "v1" and body.get("dry_run") is not False:
                return 200, {"dag_id": "d"}
            if self.state == "failed" and self.api == "v2":
                return 409, {"detail": "Task id t is already in failed state"}
            self.note = body.get("note", self.note)
            self.state = "failed"
            self.on_fail()
            return 200, {} if self.api == "v1" else {"task_instances": [self.ti()], "total_entries": 1}
        if path.endswith("/clearTaskInstances") and method == "POST":
            if self.state != "failed":
                return 200, {"task_instances": [], "total_entries": 0}
            row = self.ti()
            self.state, self.number, self.id = "queued", self.number + 1, f"id-{self.number + 1}"
            return 200, {"task_instances": [row], "total_entries": 1}
        return 404, {"detail": "not found"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
