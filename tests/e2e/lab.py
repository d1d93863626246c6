# SPDX-License-Identifier: Apache-2.0
"""Real Spark and real Airflow for tests: started on free ports of 127.0.0.1, ended without trace.

    with Spark(dir) as spark, Airflow3(dir, spark) as airflow:
        run = airflow.trigger("hang_submit")
        airflow.wait_run("hang_submit", run)

Every process is started in a session of its own and carries STAGEWATCHD_LAB=<dir> in
its environment; so do those that it starts: executors, tasks, drivers. stop() ends all
that carry it. The environments come from tests/setup (parts spark, airflow3, airflow2, example).
"""

import atexit
import base64
import json
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

REPO = Path(__file__).resolve().parents[2]
E2E = REPO / "tests" / "e2e"
sys.path.insert(0, str(REPO / "tests" / "live"))
from waiting import wait  # noqa: E402

MARKER = "STAGEWATCHD_LAB"
USERS = {"admin": "admin", "watchdog": "watchpw", "viewer": "viewpw"}

_live = []
_ports = set()
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LabError(Exception):
    """Something did not start, or answered with an error."""


class ApiError(LabError):
    def __init__(self, method, path, status, body):
        super().__init__(f"{method} {path}: {status} {body}")
        self.status, self.body = status, body


def env_dir(name):
    """The directory of an environment made by tests/setup: spark, airflow3, airflow2 or example."""
    setup = REPO / "tests" / "setup"
    path = subprocess.run([setup, "path", name], check=True, capture_output=True, text=True).stdout.strip()
    if not os.path.exists(os.path.join(path, ".stamp")):
        raise LabError(f"{path} is missing: run tests/setup {name}")
    return Path(path)


def free_port():
    """A port that can be bound, below those that the kernel hands out by itself; no two processes of a test run share any."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
    while True:
        port = random.randrange(18000 + number, 32000, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1)))
        if port in _ports:
            continue
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        _ports.add(port)
        return port


def http(method, url, body=None, headers=None, timeout=30):
    """Returns (status, body); body is parsed where it is JSON. No answer raises OSError."""
    headers = dict(headers or {})
    data = None
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers.setdefault("Content-Type", "application/json")
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with _direct.open(request, timeout=timeout) as answer:
            status, raw = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            status, raw = error.code, error.read()
    try:
        return status, json.loads(raw) if raw else None
    except ValueError:
        return status, raw.decode("utf-8", "replace")


class Process:
    """What /proc says of a process."""

    def __init__(self, pid):
        base = f"/proc/{pid}"
        with open(f"{base}/stat", errors="replace") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        self.pid, self.state = pid, fields[0]
        self.ppid, self.group, self.session = (int(f) for f in fields[1:4])
        with open(f"{base}/environ", "rb") as f:
            pairs = f.read().decode("utf-8", "replace").split("\0")
        self.environ = dict(p.split("=", 1) for p in pairs if "=" in p)
        with open(f"{base}/cmdline", "rb") as f:
            self.cmdline = f.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()

    def __repr__(self):
        return f"<{self.pid} {self.cmdline[:200]}>"


def processes():
    """All processes that live (zombies do not) and that we may look into."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            process = Process(int(pid))
        except (OSError, IndexError):
            continue
        if process.state not in "ZX" and process.pid != os.getpid():
            found.append(process)
    return found


def survivors(*labs, cmdline=None, environ=None):
    """Processes of these labs that live.

    cmdline: only those with this text in their command line. environ: only those with
    these variables, as {"AIRFLOW_CTX_TASK_ID": "hang", "AIRFLOW_CTX_TRY_NUMBER": "1"}.
    The variables are those at a process's start: a task's own process does not show its
    AIRFLOW_CTX_*, its children (Spark's drivers) do; executors show the worker's. An
    executor is found by its application: cmdline="--app-id app-...".
    """
    markers = {str(lab.dir) for lab in labs}
    # Airflow's daemons write their titles over their environment.
    sessions = {pid for lab in labs for pid in lab.sessions}
    found = []
    for process in processes():
        if process.environ.get(MARKER) not in markers and process.session not in sessions:
            continue
        if cmdline is not None and cmdline not in process.cmdline:
            continue
        if any(process.environ.get(k) != str(v) for k, v in (environ or {}).items()):
            continue
        found.append(process)
    return found


def _on_signal(number, _frame):
    raise SystemExit(128 + number)


def _stop_all():
    for lab in list(_live):
        lab.stop()


def _guard():
    """A test run that is ended by a signal ends its labs, too."""
    if _live or threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, _on_signal)


atexit.register(_stop_all)


class Lab:
    """Processes with one directory and one marker."""

    def __init__(self, directory):
        self.dir = Path(directory).resolve()
        self.dir.mkdir(parents=True, exist_ok=True)
        self.logs = self.dir / "logs"
        self.children = []
        self.sessions = set()
        # Before every command, such as one that puts itself under a limit.
        self.prefix = []

    def environ(self):
        """The environment of what the lab starts: nothing of Spark's, Airflow's or Python's own is inherited."""
        drop = ("SPARK_", "PYSPARK_", "AIRFLOW", "PYTHON", "VIRTUAL_ENV", "HADOOP_", "JAVA_TOOL_OPTIONS", "http_proxy")
        env = {k: v for k, v in os.environ.items() if not k.startswith(drop)}
        env.update({MARKER: str(self.dir), "LC_ALL": "C.UTF-8", "NO_PROXY": "*", "no_proxy": "*"})
        return env

    def spawn(self, name, argv, env=None):
        _guard()
        if self not in _live:
            _live.append(self)
        self.logs.mkdir(exist_ok=True)
        with open(self.logs / f"{name}.log", "ab") as out:
            child = subprocess.Popen(
                [str(a) for a in [*self.prefix, *argv]],
                cwd=self.dir,
                env=env or self.environ(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        child.lab_name = name
        self.children.append(child)
        self.sessions.add(child.pid)
        return child

    def log(self, name):
        """What a child has written so far."""
        return (self.logs / f"{name}.log").read_text(errors="replace")

    def wait_up(self, predicate, children):
        def up():
            for child in children:
                if child.poll() is not None:
                    raise LabError(f"{child.lab_name} ended ({child.returncode}):\n{self.log(child.lab_name)[-3000:]}")
            try:
                return predicate()
            except (OSError, LabError):
                return False

        wait(up, f"{type(self).__name__} in {self.dir} is up")

    def stop(self, grace=3.0):
        """TERM to every process of the lab, KILL to those that live on."""
        sent, end = signal.SIGTERM, time.monotonic() + grace
        give_up = end + 10
        told = set()
        while True:
            for child in self.children:
                child.poll()
            left = survivors(self)
            if not left:
                break
            if time.monotonic() >= give_up:
                raise LabError(f"processes that cannot be ended: {left}")
            if sent == signal.SIGTERM and time.monotonic() >= end:
                sent, told = signal.SIGKILL, set()
            for process in left:
                if process.pid not in told:
                    told.add(process.pid)
                    try:
                        os.kill(process.pid, sent)
                    except ProcessLookupError:
                        pass
            time.sleep(0.05)
        for child in self.children:
            child.wait(timeout=10)
        self.children.clear()
        self.sessions.clear()
        if self in _live:
            _live.remove(self)

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()


class Spark(Lab):
    """A standalone master with one worker."""

    def __init__(self, directory, cores=8, memory="6g", part="spark"):
        super().__init__(Path(directory) / "spark")
        self.cores, self.memory = cores, memory
        self.env = env_dir(part)
        self.packages = next(self.env.glob("lib/python3*/site-packages"))
        self.home = self.packages / "pyspark"
        self.submitted = 0

    def client_environ(self):
        """What a client needs: spark-submit from PATH, or pyspark in Python."""
        return {
            "SPARK_HOME": str(self.home),
            "SPARK_CONF_DIR": str(self.dir / "conf"),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self.dir / "tmp"),
            "PYSPARK_PYTHON": str(self.env / "bin" / "python3"),
            "PYTHONPATH": str(self.packages),
        }

    def environ(self):
        env = super().environ()
        env.update(self.client_environ())
        env["PATH"] = f"{self.env / 'bin'}:{env.get('PATH', '/usr/bin:/bin')}"
        env["SPARK_DAEMON_MEMORY"] = "256m"
        return env

    def start(self):
        for name in ("conf", "tmp", "work"):
            (self.dir / name).mkdir(exist_ok=True)
        (self.dir / "conf" / "spark-defaults.conf").write_text(
            "spark.driver.memory 512m\n"
            "spark.executor.memory 512m\n"
            "spark.driver.host 127.0.0.1\n"
            "spark.driver.bindAddress 127.0.0.1\n"
            # Drivers here live for seconds: compile less.
            "spark.driver.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC\n"
            "spark.executor.extraJavaOptions -XX:TieredStopAtLevel=1 -XX:+UseSerialGC\n"
        )
        port, web, worker_web = free_port(), free_port(), free_port()
        self.master_url, self.web_url = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{web}"
        start = self.home / "bin" / "spark-class"
        deploy = "org.apache.spark.deploy"
        # The worker tries again until the master is there.
        self.master = self.spawn(
            "master", [start, f"{deploy}.master.Master", "-h", "127.0.0.1", "-p", port, "--webui-port", web]
        )
        self.worker = self.spawn(
            "worker",
            [start, f"{deploy}.worker.Worker", "-h", "127.0.0.1", "-c", self.cores, "-m", self.memory]
            + ["--webui-port", worker_web, "-d", self.dir / "work", self.master_url],
        )
        self.wait_up(lambda: self.apps()["aliveworkers"] == 1, [self.master, self.worker])

    def apps(self):
        """The master's own account: activeapps, completedapps, workers and more."""
        status, body = http("GET", f"{self.web_url}/json/", timeout=10)
        if status != 200 or not isinstance(body, dict):
            raise LabError(f"the master answered {status}")
        return body

    def submit(self, script, args=(), conf=None, ui_port=None, name=None, master=None, env=None):
        """Start a client-mode application; its log is logs/<.lab_name>.log."""
        self.submitted += 1
        options = ["--master", master or self.master_url]
        if name:
            options += ["--name", name]
        conf = {**({"spark.ui.port": ui_port} if ui_port else {}), **(conf or {})}
        for key, value in conf.items():
            options += ["--conf", f"{key}={value}"]
        return self.spawn(
            f"submit-{self.submitted}",
            [self.home / "bin" / "spark-submit", *options, script, *args],
            {**self.environ(), **(env or {})},
        )


class Airflow(Lab):
    """What both versions have in common."""

    part = api = None

    def __init__(self, directory, spark, dags=E2E / "dags", policy=True, environ=None):
        super().__init__(Path(directory) / self.part)
        self.spark, self.dags, self.policy = spark, Path(dags), policy
        self.extra = dict(environ or {})
        self.env = env_dir(self.part)
        self.user = "admin"
        self.runs = 0

    def environ(self):
        env = super().environ()
        env.update(self.spark.client_environ())
        # Executors of other masters and local mode put their files here.
        (self.dir / "tmp").mkdir(exist_ok=True)
        connection = {"conn_type": "spark", "host": "local[1]"}
        master = getattr(self.spark, "master_url", None)
        if master:
            host, port = master.rsplit(":", 1)
            connection = {"conn_type": "spark", "host": host, "port": int(port)}
        env.update(
            {
                "AIRFLOW_HOME": str(self.dir),
                "AIRFLOW_CONN_SPARK_LAB": json.dumps(connection),
                "PATH": f"{self.env / 'bin'}:{self.spark.env / 'bin'}:{env.get('PATH', '/usr/bin:/bin')}",
                "SPARK_LOCAL_DIRS": str(self.dir / "tmp"),
                "LAB_DIR": str(self.dir),
                "LAB_JOBS": str(E2E / "jobs"),
                "LAB_MASTER": master or "local[1]",
            }
        )
        env.update(self.extra)
        return env

    def write_config(self, sections):
        lines = []
        for section, values in sections.items():
            lines.append(f"[{section}]")
            # % begins an interpolation in Airflow's files.
            lines += [f"{k} = {str(v).replace('%', '%%')}" for k, v in values.items()]
        (self.dir / "airflow.cfg").write_text("\n".join(lines) + "\n")

    def airflow(self, name, *args):
        return self.spawn(name, [self.env / "bin" / "airflow", *args])

    def prepare(self):
        """Home, policy, and a database: a copy of an empty one, which is made once per environment."""
        (self.dir / "config").mkdir(exist_ok=True)
        self.logs.mkdir(exist_ok=True)
        if self.policy:
            shutil.copy(REPO / "etc" / "airflow" / "airflow_local_settings.py", self.dir / "config")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.configure()
        empty, mine = self.env / "empty-with-viewer.db", self.dir / "airflow.db"
        if mine.exists():
            return
        if not empty.exists():
            self.run_to_end("db", [self.env / "bin" / "airflow", "db", "migrate"])
            self.add_users()
            fresh = empty.with_name(f"{empty.name}.{os.getpid()}")
            shutil.copy(mine, fresh)
            os.replace(fresh, empty)
        else:
            shutil.copy(empty, mine)

    def run_to_end(self, name, argv):
        if self.spawn(name, argv).wait(timeout=180):
            raise LabError(f"{name} failed:\n{self.log(name)[-3000:]}")

    def add_users(self):
        pass

    def request(self, method, path, body=None, user=None):
        """One request to the REST API; path begins after /api/v1 or /api/v2. Returns (status, body)."""
        headers = {"Authorization": self.authorization(user or self.user)}
        return http(method, f"{self.url}{self.api}{path}", body, headers)

    def call(self, method, path, body=None, user=None):
        status, answer = self.request(method, path, body, user)
        if status >= 400:
            raise ApiError(method, path, status, answer)
        return answer

    def get(self, path, user=None):
        return self.call("GET", path, None, user)

    def post(self, path, body, user=None):
        return self.call("POST", path, body, user)

    def patch(self, path, body, user=None):
        return self.call("PATCH", path, body, user)

    def wait_dags(self, *dag_ids):
        """DAGs can be triggered some seconds after their files were first parsed."""

        def there():
            known = {d["dag_id"] for d in self.get("/dags?limit=100")["dags"]}
            return set(dag_ids) <= known

        wait(there, f"DAGs {dag_ids} are parsed (import errors: {self.get('/importErrors')})", 0.3)

    def trigger(self, dag_id, run_id=None, conf=None):
        """Start a run and return its id; waits until the DAG is known."""
        self.runs += 1
        body = {"dag_run_id": run_id or f"lab__{self.runs}", "conf": conf or {}, **self.trigger_extra}

        def started():
            status, answer = self.request("POST", f"/dags/{_q(dag_id)}/dagRuns", body)
            if status == 404:
                return None
            if status >= 400:
                raise ApiError("POST", f"dagRuns of {dag_id}", status, answer)
            return answer["dag_run_id"]

        return wait(started, f"DAG {dag_id} is known", 0.3)

    def run(self, dag_id, run_id):
        return self.get(f"/dags/{_q(dag_id)}/dagRuns/{_q(run_id)}")

    def tasks(self, dag_id, run_id):
        """Task instances of a run, mapped ones included."""
        return self.get(f"/dags/{_q(dag_id)}/dagRuns/{_q(run_id)}/taskInstances?limit=100")["task_instances"]

    def task(self, dag_id, run_id, task_id, map_index=-1):
        """One task instance, or None."""
        for ti in self.tasks(dag_id, run_id):
            if ti["task_id"] == task_id and ti["map_index"] == map_index:
                return ti
        return None

    def tries(self, dag_id, run_id, task_id, map_index=-1):
        """Every try of a task instance, the present one included."""
        index = "" if map_index < 0 else f"/{map_index}"
        path = f"/dags/{_q(dag_id)}/dagRuns/{_q(run_id)}/taskInstances/{_q(task_id)}{index}/tries"
        return self.get(path)["task_instances"]

    def wait_run(self, dag_id, run_id, states=("success", "failed")):
        """Wait for the end of a run; returns its state."""
        return wait(
            lambda: (s := self.run(dag_id, run_id)["state"]) in states and s,
            f"{dag_id} {run_id} is {' or '.join(states)}",
            0.5,
        )

    def task_log(self, dag_id, run_id):
        """All that the tasks of a run have logged, for messages of failed tests."""
        found = sorted((self.logs / "tasks").glob(f"dag_id={dag_id}/run_id={run_id}/**/*.log"))
        return "\n".join(f"== {f}\n{f.read_text(errors='replace')[-4000:]}" for f in found)

    def common_config(self):
        return {
            "core": {
                "dags_folder": self.dags,
                "load_examples": False,
                "parallelism": 4,
                "max_active_tasks_per_dag": 8,
                "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
                "dags_are_paused_at_creation": False,
            },
            "database": {
                "sql_alchemy_conn": f"sqlite:///{self.dir}/airflow.db",
                "load_default_connections": False,
            },
            "logging": {
                "base_log_folder": self.logs / "tasks",
                "worker_log_server_port": free_port(),
                "trigger_log_server_port": free_port(),
            },
            "usage_data_collection": {"enabled": False},
        }


class Airflow3(Airflow):
    """Airflow 3.3: API server, scheduler with LocalExecutor, DAG processor."""

    part, api, trigger_extra = "airflow3", "/api/v2", {"logical_date": None}

    def configure(self):
        config = self.common_config()
        config["core"].update(
            {
                "executor": "LocalExecutor",
                "simple_auth_manager_users": "admin:admin,watchdog:user,viewer:viewer",
                "simple_auth_manager_passwords_file": self.dir / "passwords.json",
                "execution_api_server_url": f"{self.url}/execution/",
            }
        )
        config["dag_processor"] = {
            "refresh_interval": 5,
            "min_file_process_interval": 10,
            "parsing_processes": 1,
            "dag_bundle_config_list": json.dumps(
                [
                    {
                        "name": "dags-folder",
                        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                        "kwargs": {},
                    }
                ]
            ),
        }
        config["api"] = {
            "host": "127.0.0.1",
            "port": self.port,
            "base_url": self.url,
            "workers": 1,
            "secret_key": secrets.token_hex(16),
        }
        config["api_auth"] = {"jwt_secret": secrets.token_hex(32)}
        self.write_config(config)
        (self.dir / "passwords.json").write_text(json.dumps(USERS))
        self.tokens = {}

    def start(self):
        self.prepare()
        children = [
            self.airflow("api-server", "api-server"),
            self.airflow("scheduler", "scheduler"),
            self.airflow("dag-processor", "dag-processor"),
        ]

        def healthy():
            _, body = http("GET", f"{self.url}/api/v2/monitor/health", timeout=5)
            return all(body[part]["status"] == "healthy" for part in ("scheduler", "dag_processor"))

        self.wait_up(healthy, children)

    def authorization(self, user):
        if user not in self.tokens:
            status, body = http(
                "POST", f"{self.url}/auth/token", {"username": user, "password": USERS[user]}
            )
            if status != 201:
                raise ApiError("POST", "/auth/token", status, body)
            self.tokens[user] = body["access_token"]
        return f"Bearer {self.tokens[user]}"


class Airflow2(Airflow):
    """Airflow 2.11: webserver and scheduler with SequentialExecutor: one task at a time."""

    part, api, trigger_extra = "airflow2", "/api/v1", {}

    def configure(self):
        config = self.common_config()
        config["core"].update(
            {
                "executor": "SequentialExecutor",
                "auth_manager": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager",
            }
        )
        config["api"] = {"auth_backends": "airflow.providers.fab.auth_manager.api.auth.backend.basic_auth"}
        config["webserver"] = {
            "web_server_host": "127.0.0.1",
            "web_server_port": self.port,
            "base_url": self.url,
            "workers": 1,
            "secret_key": secrets.token_hex(16),
        }
        config["scheduler"] = {
            "dag_dir_list_interval": 5,
            "min_file_process_interval": 10,
            "parsing_processes": 1,
            # SequentialExecutor: its loop stands still while a task runs.
            "scheduler_health_check_threshold": 600,
        }
        config["logging"]["dag_processor_manager_log_location"] = self.logs / "dag-processor.log"
        config["logging"]["child_process_log_directory"] = self.logs / "dag-processor"
        self.write_config(config)

    def add_users(self):
        script = (
            "import sys\n"
            "from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder\n"
            "with get_application_builder() as builder:\n"
            "    sm = builder.sm\n"
            "    sm.sync_roles()\n"
            "    for name, role, password in zip(('admin', 'watchdog', 'viewer'), ('Admin', 'User', 'Viewer'), sys.argv[1:]):\n"
            "        mail = name + '@example.com'\n"
            "        assert sm.add_user(name, name, name, mail, sm.find_role(role), password), name\n"
        )
        self.run_to_end(
            "users", [self.env / "bin" / "python3", "-c", script, *(USERS[u] for u in ("admin", "watchdog", "viewer"))]
        )

    def start(self):
        self.prepare()
        children = [self.airflow("webserver", "webserver"), self.airflow("scheduler", "scheduler")]

        def healthy():
            _, body = http("GET", f"{self.url}/api/v1/health", timeout=5)
            return body["scheduler"]["status"] == "healthy"

        self.wait_up(healthy, children)

    def authorization(self, user):
        return "Basic " + base64.b64encode(f"{user}:{USERS[user]}".encode()).decode()


def _q(text):
    return urllib.parse.quote(text, safe="")
