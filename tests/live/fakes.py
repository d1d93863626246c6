# SPDX-License-Identifier: Apache-2.0
"""Stateful fakes of Spark's driver and master and of Airflow, with faults that a test can switch on."""
import base64
import gzip
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
        fault = fake.fault_for(self.command, self.path, body)
        if fault:
            return fault(self)
        status, answer, *more = fake.answer(self.command, self.path, dict(self.headers), body)
        self.reply(status, answer, *more)

    do_GET = do_POST = do_PATCH = do_PUT = handle_any

    def reply(self, status, answer, content_type=None, headers=()):
        text = answer if isinstance(answer, (str, bytes)) else json.dumps(answer)
        data = text.encode() if isinstance(text, str) else text
        plain = isinstance(answer, str) and status >= 400
        kind = content_type or ("text/html" if text[:1] in ("<", b"<") else "text/plain" if plain else "application/json")
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
    """A server on a free port; faults: [(method or None, regex of the path, or of path, space and body, function of the handler)]."""

    now = staticmethod(time.time)

    def __init__(self):
        self.requests, self.faults, self.ended = [], [], threading.Event()
        self.serve()

    def serve(self):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.fake = self
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self):
        self.ended.set()
        self.server.shutdown()
        self.server.server_close()

    def fault_for(self, method, path, body):
        for wanted, pattern, fault in self.faults:
            if (wanted is None or wanted == method) and (re.search(pattern, path) or re.search(pattern, f"{path} {body}")):
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
    def deep(handler):
        handler.reply(200, "[" * 100000 + "]" * 100000, "application/json")

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


class Driver(Fake):
    def __init__(self, app_id="app-1", owner=None, name="etl"):
        super().__init__()
        self.app_id, self.owner, self.name, self.started = app_id, owner, name, int(self.now() * 1000)
        self.stages = [dict(STAGE, stageId=7)]
        self.tasks_active = 1000
        self.jobs = None
        self.moving, self.task_records = False, 0
        self.tasks = None  # running ones: (TID, executor); None: this driver has no list of them
        self.frames = lambda tid: ["java.lang.Thread.sleep(Native Method)", "job.Sleeper.run(Sleeper.java:7)"]
        self.padding = 0   # bytes by which a dump is longer
        self.dropped, self.queries = 0, []
        self.frozen = False  # behind a ResourceManager's proxy
        self.token, self.kill_by = "f00d" * 8, "POST"  # None: 3.5, a link
        self.on_kill = lambda what: None
        self.properties = {}

    def task_list(self):
        self.task_records += self.moving
        return [{"taskId": tid, "index": tid, "attempt": 0, "executorId": executor, "status": "RUNNING",
                 "launchTime": "2026-11-23T01:26:05.009GMT",
                 "taskMetrics": {"inputMetrics": {"recordsRead": self.task_records}}} for tid, executor in self.tasks]

    def threads(self, executor):
        dump = [{"threadId": 30 + tid, "threadName": f"Executor task launch worker for task {tid}.0 in stage 7.0 (TID {tid})",
                 "threadState": "RUNNABLE", "stackTrace": {"elems": self.frames(tid)}, "blockedByLock": "", "holdingLocks": []}
                for tid, where in self.tasks or [] if where == executor]
        more = {"threadId": 1, "threadState": "WAITING", "stackTrace": {"elems": ["x" * 1000] * 40}, "blockedByLock": "", "holdingLocks": []}
        return dump + [dict(more, threadName=f"pool-{i}") for i in range(self.padding // 40000)]

    def kill_page(self, what):
        if self.token is None:
            inner = f'<a href="/{what}s/{what}/kill/?id=7" class="kill-link">(kill)</a>'
        else:
            inner = (f'<form action="/{what}s/{what}/kill/" method="{self.kill_by}" class="d-inline"><input type="hidden" '
                     f'name="id" value="7"/><input type="hidden" name="csrfToken" value="{self.token}"/></form>')
        return 200, f"<html><body>{inner}</body></html>"

    def own_kill(self, what, method, path, body):
        sent = urllib.parse.parse_qs(body or path.partition("?")[2])
        if method != ("GET" if self.token is None else self.kill_by):
            return 405, "<html>405</html>"
        if self.token and sent.get("csrfToken") != [self.token]:
            return 403, "Missing or invalid CSRF token on a state-changing endpoint."
        assert sent["terminate"] == ["true"]
        self.on_kill((what, int(sent["id"][0])))
        return 302, ""

    def answer(self, method, path, headers, body):
        for what in ("stage", "job"):
            if path == f"/{what}s/":
                return self.kill_page(what)
            if path.startswith(f"/{what}s/{what}/kill/"):
                return self.own_kill(what, method, path, body)
        if path == "/api/v1/applications":
            return 200, [{"id": self.app_id, "name": self.name,
                          "attempts": [{"startTimeEpoch": self.started, "sparkUser": "spark", "appSparkVersion": "4.3.0"}]}]
        if path == "/metrics/json/":
            return 200, {"counters": {f"{self.app_id}.driver.LiveListenerBus.queue.appStatus.numDroppedEvents": {"count": self.dropped}}}
        if not urllib.parse.unquote(path).startswith(f"/api/v1/applications/{self.app_id}/"):
            return 404, "no such app"
        if path.split("?")[0].endswith("/sql"):
            return 200, self.queries
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
        if path.endswith("/allexecutors"):
            region = 455501414  # of a heap of 1g
            return 200, [{"id": i, "isActive": True, "maxTasks": n, "totalDuration": 1000, "totalGCTime": 10, "maxMemory": region,
                          "memoryMetrics": {"totalOnHeapStorageMemory": region}, "peakMemoryMetrics": {"JVMHeapMemory": 250000000}}
                         for i, n in (("driver", 0), ("1", 2))]
        if "/executors" in path:
            rows = sorted({executor for _, executor in self.tasks or []}) or ["1"]
            return 200, [{"id": r, "hostPort": "127.0.0.1:1", "isActive": True, "activeTasks": n}
                         for r, n in [("driver", 0)] + [(r, self.tasks_active) for r in rows]]
        pairs = [[f"spark.airflow.{k}", str(v)] for k, v in (self.owner or {}).items()] + list(self.properties.items())
        return 200, {"sparkProperties": pairs}


class History(Fake):
    """A Spark History Server: apps that have ended, their stages, and how long the longest task of each took."""

    started = 1795985207849

    def __init__(self):
        super().__init__()
        self.apps = {}

    def add(self, app_id, name, seconds, stages, tasks, attempt=None, owner=None, properties=None):
        """tasks: {stage: seconds}."""
        environment = dict({f"spark.airflow.{k}": v for k, v in (owner or {}).items()}, **(properties or {}))
        self.apps[f"{app_id}/{attempt}" if attempt else app_id] = (app_id, name, seconds, stages, tasks, attempt, environment)

    def answer(self, method, path, headers, body):
        if path.startswith("/api/v1/applications?"):
            assert urllib.parse.parse_qs(path.partition("?")[2])["status"] == ["completed"]
            return 200, [{"id": app_id, "name": name, "attempts": [dict(
                {"attemptId": attempt} if attempt else {}, completed=True, sparkUser="ann", startTimeEpoch=self.started + 1000 * i,
                endTimeEpoch=self.started + 1000 * (i + seconds))]}
                for i, (app_id, name, seconds, _, _, attempt, _) in enumerate(self.apps.values())]
        key, _, what = path.removeprefix("/api/v1/applications/").partition("/stages" if "/stages" in path else "/environment")
        if key not in self.apps:
            return 404, "no such app"
        *_, stages, tasks, _, environment = self.apps[key]
        if not what:
            return 200, {"sparkProperties": list(environment.items())}
        if "taskSummary" not in what:
            assert what == "?status=complete&details=false"
            return 200, stages
        number = int(what.split("/")[1])
        if number not in tasks:
            return 404, "no task metrics"
        return 200, {"quantiles": [1.0], "duration": [1000.0 * tasks[number]]}


class Master(Fake):
    """A standalone master; apps: id -> [state, driver]."""

    def __init__(self, token="0123456789abcdef0123456789abcdef"):
        super().__init__()
        self.apps, self.token, self.kill_works, self.kill_offered = {}, token, True, True

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
        def form(app_id):
            return (f'<form action="app/kill/" method="POST"><input type="hidden" name="id" value="{app_id}"/>'
                    f'<input type="hidden" name="terminate" value="true"/>{token}</form>') if self.kill_offered else ""

        lines = "".join(
            f'<tr><td><a href="app/?appId={r["id"]}">{r["id"]}</a>{form(r["id"])}</td>'
            f'<td><a href="{self.apps[r["id"]][1].url}">{r["name"]}</a></td></tr>'
            for r in rows if r["state"] == "RUNNING")
        return 200, f"<html><head><title>Spark Master at spark://m:7077</title></head><body><table>{lines}</table></body></html>"


class ResourceManager(Fake):
    """Of YARN; apps: id -> [state, driver]. active: the one of an HA pair, to which a standby redirects.
    With an owner, only he (user.name=) may kill, as with ACLs on."""

    def __init__(self):
        super().__init__()
        self.apps, self.active, self.owner, self.kill_works = {}, self, None, True

    def add(self, driver):
        self.apps[driver.app_id] = ["RUNNING", driver]

    def end(self, app_id, state="FINISHED"):
        if self.apps[app_id][0] not in ("FINISHED", "FAILED", "KILLED"):
            self.apps[app_id][0] = state

    def row(self, app_id, user):
        """Who may not view an app sees zeros."""
        started = 0 if self.owner not in (None, user) else 1795400146479
        state, driver = self.apps[app_id]
        final = {"FINISHED": "SUCCEEDED", "KILLED": "KILLED", "FAILED": "FAILED"}.get(state, "UNDEFINED")
        return {"id": app_id, "user": "spark", "name": f"{driver.name}.py", "state": state, "finalStatus": final,
                "diagnostics": f"Application {app_id} was killed by user root" if state == "KILLED" else "",
                "trackingUrl": f"http://tracking.invalid:1/proxy/{app_id}/", "startedTime": started, "elapsedTime": started and 1000,
                "resourceSecondsMap": {}}

    @staticmethod
    def error(status, kind, text):
        return status, {"RemoteException": {"exception": kind, "message": text, "javaClassName": f"org.apache.hadoop.{kind}"}}

    def standby(self, path):
        if self.active is None:
            return 200, "Can not find any active RM. Will retry in next 1 seconds.\n", "text/plain"
        to = self.active.url + path
        return 307, f"This is standby RM. The redirect url is: {to}\n", "text/plain", [("Location", to)]

    def proxy(self, method, path, query, body):
        app_id, _, rest = path.removeprefix("/proxy/").partition("/")
        if app_id not in self.apps:
            return 404, "<html>no such app</html>"
        if method != "GET":
            return 405, "<html>405</html>"
        state, driver = self.apps[app_id]
        if state != "RUNNING":
            return 302, "<html>over</html>", "text/html", [("Location", f"{self.url}/cluster/app/{app_id}")]
        if driver.frozen:
            self.ended.wait(60)
            return 500, "<html>java.net.SocketTimeoutException: Read timed out</html>"
        inner = f"/{rest}" + (f"?{query}" if query else "")
        driver.requests.append((time.monotonic(), method, inner, {}, body))
        return driver.answer(method, f"/{rest}" if rest == "api/v1/applications" else inner, {}, body)

    def answer(self, method, path, headers, body):
        if self.active is not self:
            return self.standby(path)
        path, _, query = path.partition("?")
        asked = urllib.parse.parse_qs(query)
        user = asked.get("user.name", ["dr.who"])[0]
        if path.startswith("/proxy/"):
            return self.proxy(method, path, query, body)
        if path == "/ws/v1/cluster/apps":
            assert asked["applicationTypes"] == ["SPARK"]
            rows = [self.row(i, user) for i, (s, _) in self.apps.items() if s in asked["states"][0].split(",")]
            return 200, {"apps": {"app": rows} if rows else {}}
        app_id, _, what = path.removeprefix("/ws/v1/cluster/apps/").partition("/")
        if app_id not in self.apps:
            return self.error(404, "NotFoundException", f"app with id: {app_id} not found")
        if not what:
            return 200, {"app": self.row(app_id, user)}
        return self.put_state(method, app_id, user, headers, body)

    def put_state(self, method, app_id, user, headers, body):
        assert method == "PUT" and json.loads(body) == {"state": "KILLED"}
        if headers.get("Content-Type") != "application/json":
            return self.error(503, "NotSupportedException", "HTTP 415 Unsupported Media Type")
        if self.owner and user != self.owner:
            return 403, f"Unauthorized attempt to kill appid {app_id} by remote user {user}", "application/json"
        if self.apps[app_id][0] != "RUNNING":
            return 200, {"state": self.apps[app_id][0]}
        if self.kill_works:
            self.end(app_id, "KILLED")
        return 202, {"state": "KILLING"}


USER, PASSWORD = "watchdog", "s3cret-pässword"


class Airflow(Fake):
    """One task instance DAG/r/t, DAG being "d"; on_fail is called when it is failed (the app ends with its task, or does not).

    dag_tasks: those of the DAG. living: other task instances of the run that are alive. set_ups: rows that a clear of one that runs
    takes along. old_process: whether the process of the try before is still there (3.x: it restarts as long; 2.x: its log has
    no end).
    rights: what the user may do. sweeps: rows that a clear (or a trial of one) names beside ours. failed_siblings: other
    indexes of a mapped task that have failed.
    """

    def __init__(self, api="v2", map_index=-1, version=None, dag="d"):
        super().__init__()
        self.dag = dag
        self.api, self.map_index, self.on_fail = api, map_index, lambda: None
        self.version = version or ("3.3.2" if api == "v2" else "2.11.2")
        self.tokens, self.logins = [], 0
        self.note = None
        self.started = self.now() - 60
        self.state, self.number, self.id, self.new_try_runs = "running", 1, "id-1", True
        self.operator, self.max_tries = "SparkSubmitOperator", 0
        self.paused, self.stale, self.run_state = False, False, "running"
        self.task = {"task_id": "t", "retries": 0.0, "execution_timeout": None, "pool": "default_pool"}
        self.max_active_runs = 16
        self.dag_tasks = [self.dag_task("t")]
        self.living, self.set_ups, self.old_process, self.restarts_work = [], [], False, True
        self.on_restart = lambda: self.on_fail()
        self.queued_runs, self.open_slots = [], 128
        self.rights, self.sweeps, self.fails_also, self.failed_siblings = {"read", "edit"}, [], [], []

    @staticmethod
    def dag_task(task_id, *downstream, rule="all_success"):
        return {"task_id": task_id, "trigger_rule": rule, "downstream_task_ids": list(downstream), "pool": "default_pool"}

    @staticmethod
    def is_trial(request):
        return request[2].endswith("/dry_run") or '"dry_run":true' in request[4]

    def asked(self, method, pattern=""):
        """Without trials, which change nothing."""
        return [r for r in super().asked(method, pattern) if not self.is_trial(r)]

    def trials(self, method, pattern=""):
        return [r for r in super().asked(method, pattern) if self.is_trial(r)]

    def ti(self, **other):
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self.started)) + ".000000+00:00"
        row = {"dag_id": self.dag, "dag_run_id": "r", "task_id": "t", "map_index": self.map_index, "state": self.state,
               "try_number": self.number, "max_tries": self.max_tries, "start_date": when, "pid": 42, "hostname": "h",
               "operator": self.operator, "note": self.note, "pool": "default_pool", **other}
        return dict(row, id=self.id) if self.api == "v2" else row

    def rows(self, *more):
        """What an answer names: whole rows in v2, references without an index in v1."""
        rows = [self.ti(), *[self.ti(**m) for m in more]]
        if self.api == "v1":
            rows = [{k: r[k] for k in ("dag_id", "dag_run_id", "task_id")} for r in rows]
        return {"task_instances": rows, "total_entries": len(rows)}

    def authorized(self, headers):
        sent = headers.get("Authorization", "")
        if self.api == "v2":
            # Each login has its own, as with the real one; another client's takes nothing away.
            return sent.removeprefix("Bearer ") in self.tokens
        return sent == "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    def new_token(self, life=3600):
        payload = base64.urlsafe_b64encode(json.dumps({"exp": self.now() + life}).encode()).decode().rstrip("=")
        self.tokens.append(f"eyJhbGciOiJIUzI1NiJ9.{payload}.sig{len(self.tokens) + 1}")
        return self.tokens[-1]

    def answer(self, method, path, headers, body):
        base = f"/api/{self.api}"
        if path == f"{base}/version":
            return 200, {"version": self.version}
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
        if ("read" if method == "GET" else "edit") not in self.rights:
            return 403, {"detail": "Forbidden"} if self.api == "v2" else {"title": "Forbidden"}
        return self.act(method, path, json.loads(body) if body else None)

    def look(self, path):
        base, index = f"/api/{self.api}/dags", "" if self.map_index < 0 else f"/{self.map_index}"
        dag = {"dag_id": self.dag, "is_paused": self.paused, "max_active_runs": self.max_active_runs, **({"is_stale": self.stale} if self.api == "v2" else {"is_active": not self.stale})}
        if path == f"{base}/{self.dag}/dagRuns/r/taskInstances/t{index}":
            if self.number > 1 and self.state == "queued" and self.new_try_runs:
                self.state = "running"
            elif self.state == "restarting" and not self.old_process:
                self.state, self.number = "queued", self.number + 1
            return 200, self.ti()
        if path == f"{base}/{self.dag}/dagRuns?state=queued&limit=2":
            rows = [{"dag_id": self.dag, "dag_run_id": r, "state": "queued"} for r in self.queued_runs]
            return 200, {"dag_runs": rows[:2], "total_entries": len(rows)}
        if path == f"/api/{self.api}/pools/default_pool":
            return 200, {"name": "default_pool", "slots": 128, "open_slots": self.open_slots, "queued_slots": 3}
        if path == f"{base}/{self.dag}/tasks":
            return 200, {"tasks": self.dag_tasks, "total_entries": len(self.dag_tasks)}
        if path.startswith(f"{base}/{self.dag}/dagRuns/r/taskInstances?state="):
            return 200, self.rows(*self.living)
        if path.startswith(f"{base}/{self.dag}/dagRuns/r/taskInstances/t/logs/{self.number}?full_content=true") and self.api == "v1":
            end = "" if self.old_process or self.state == "running" else "Process psutil.Process(pid=42) (42) terminated with exit code 143"
            return 200, {"content": f"[('h', '*** Found local files\\n{end}')]", "continuation_token": "x"}
        if path == f"{base}/{self.dag}":
            return 200, dag
        if path == f"{base}/{self.dag}/tasks/t":
            return 200, self.task
        if path == f"{base}/{self.dag}/dagRuns/r":
            return 200, {"dag_id": self.dag, "dag_run_id": "r", "state": self.run_state}
        if path.startswith(f"{base}?limit="):
            return 200, {"dags": [dag], "total_entries": 1}
        if path.startswith(f"{base}/~/dagRuns/~/taskInstances?limit="):
            return 200, self.rows()
        if path.startswith(f"{base}/{self.dag}/dagRuns/r/taskInstances/t/listMapped?state=failed&") and self.api == "v1":
            failed = [self.ti(map_index=i, state="failed") for i in self.failed_siblings]
            failed += [self.ti()] if self.state == "failed" else []
            return 200, {"task_instances": failed[:2], "total_entries": len(failed)}
        return 404, {"detail": "not found"}

    def restart(self, body):
        """A clear of one that has not ended; on 2.x it does nothing to one that runs."""
        assert not body["include_downstream"]
        if self.state not in ("running", "deferred"):
            return 200, {"task_instances": [], "total_entries": 0}
        rows = self.rows(*self.set_ups, *self.sweeps)
        if body["dry_run"] is False and self.restarts_work and (self.state == "deferred" or self.api == "v2"):
            if self.state == "deferred":
                self.state, self.number = "queued", self.number + 1
            else:
                self.state = "restarting"
            self.id = "id-" + self.id[3:] + "0"
            self.on_restart()
        return 200, rows

    def clear(self, body):
        if body["dag_run_id"] != "r":
            return 404, {"detail": "Dag Run id not found"}
        if not body["only_failed"]:
            return self.restart(body)
        sweeps = list(self.sweeps)
        if self.api == "v1":
            sweeps += [{"map_index": i} for i in self.failed_siblings]
        rows = self.rows(*sweeps)
        if self.state != "failed":
            rows["task_instances"].pop(0)
            rows["total_entries"] -= 1
        elif body["dry_run"] is False:
            self.state, self.number, self.id = "queued", self.number + 1, f"id-{self.number + 1}"
        return 200, rows

    def act(self, method, path, body):
        index = "" if self.map_index < 0 else f"/{self.map_index}"
        here = f"/api/{self.api}/dags/{self.dag}/dagRuns/r/taskInstances/t{index}"
        if method == "GET":
            return self.look(path)
        if path == here + "/setNote" and method == "PATCH" and self.api == "v1":
            self.note = body["note"]
            return 200, self.ti()
        if path == here and method == "PATCH" and self.api == "v2" and list(body) == ["note"]:
            self.note = body["note"]
            return 200, self.rows()
        if path in (here, here + "/dry_run") and method == "PATCH" and body["new_state"] == "failed":
            if self.api == "v1" and body.get("dry_run") is not False:
                return 200, {"dag_id": self.dag}
            if self.state == "failed" and self.api == "v2":
                return 409, {"detail": "Task id t is already in failed state"}
            if path != here:
                return 200, self.rows(*self.fails_also)
            self.note = body.get("note", self.note)
            self.state = "failed"
            self.on_fail()
            return 200, {} if self.api == "v1" else self.rows()
        if path == f"/api/{self.api}/dags/{self.dag}/clearTaskInstances" and method == "POST":
            return self.clear(body)
        return 404, {"detail": "not found"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Recorded(Fake):
    """A driver as a recording has it, played within so many seconds: each path's newest answer."""

    def __init__(self, file, seconds):
        super().__init__()
        self.answers, length = {}, 0
        with gzip.open(file, "rt") as f:
            for line in f:
                answer = json.loads(line)
                self.answers.setdefault(self.key(answer["path"]), []).append(answer)
                length = answer["t"]
        self.speed, self.end = max(1, length / seconds), length
        self.began = time.monotonic()

    @staticmethod
    def key(path):
        base, _, query = path.partition("?")
        return base, tuple(sorted(p for p in query.split("&") if not re.match("length=|offset=", p)))

    def now(self):
        return (time.monotonic() - self.began) * self.speed

    def answer(self, method, path, headers, body):
        given = self.answers.get(self.key(path), [])
        given = [a for a in given if a["t"] <= self.now()] or (given[:1] if path.endswith("/applications") else [])
        return (given[-1]["status"] or 503, given[-1]["body"]) if given else (404, "not recorded")
