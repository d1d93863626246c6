# SPDX-License-Identifier: Apache-2.0
"""A small world of Spark clusters and Airflows at the pace of the daemon under test, which knows the truth.

Task instances, apps and their ends are one state; requests change it as the real ones do, and events come when it is time:
an app ends a while after its task, a cleared task queues and runs, a retry of Airflow's own begins. What must never happen
is written to World.broken at the moment it happens; what did happen, to World.effects.
"""
import asyncio
import contextlib
import heapq
import itertools
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time

import fakes
import harness
from waiting import wait


class World:
    """Time, the events that are to come, and the servers, all in one thread."""

    def __init__(self, pace=40):
        self.pace, self.epoch = pace, time.time()
        self.boot = time.clock_gettime(time.CLOCK_BOOTTIME)
        self.coming, self.count = [], itertools.count()
        self.effects, self.broken, self.asked = [], [], {}
        self.fault = None  # called with each exchange; may serve it otherwise
        self.loop = asyncio.new_event_loop()
        self.listening = {}
        self.lag = 0  # seconds of its own time by which it was late itself, at worst
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.measure(), self.loop)

    async def measure(self):
        while True:
            began = self.now()
            await asyncio.sleep(0.05)
            self.lag = max(self.lag, self.now() - began - 0.05 * self.pace)

    def now(self):
        return self.epoch + (time.time() - self.epoch) * self.pace

    def later(self, seconds, what, *args):
        heapq.heappush(self.coming, (self.now() + seconds, next(self.count), what, args))

    def advance(self):
        while self.coming and self.coming[0][0] <= self.now():
            _, _, what, args = heapq.heappop(self.coming)
            what(*args)

    def happened(self, what, who, took=True):
        self.effects.append((round(self.now() - self.epoch, 3), what, who, took))

    def took(self, what, who=None):
        return [e for e in self.effects if e[1] == what and e[3] and (who is None or e[2] == who)]

    def breaks(self, text):
        self.broken.append(f"{self.now() - self.epoch:.3f}: {text}")

    def env(self):
        return {"SIM_PACE": str(self.pace), "SIM_EPOCH": str(int(self.epoch * 1e6)), "SIM_BOOT": str(int(self.boot * 1e6))}

    def listen(self, fake):
        sock = socket.create_server(("127.0.0.1", 0), backlog=512)

        async def serve():
            self.listening[port] = await asyncio.start_server(lambda r, w: self.client(fake, r, w), sock=sock, backlog=512)
        port = sock.getsockname()[1]
        asyncio.run_coroutine_threadsafe(serve(), self.loop)
        return port

    async def deaf(self, fake, seconds):
        """Nobody listens at its port for a while."""
        server = self.listening.pop(fake.port, None)
        if server:
            server.close()
            await asyncio.sleep(seconds / self.pace)
            self.listening[fake.port] = await asyncio.start_server(
                lambda r, w: self.client(fake, r, w), "127.0.0.1", fake.port, backlog=512, reuse_address=True)

    def close(self):
        async def end():
            for server in self.listening.values():
                server.close()
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
        asyncio.run_coroutine_threadsafe(end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)

    async def client(self, fake, reader, writer):
        try:
            while await self.exchange(fake, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            pass
        except Exception as e:  # a fault of the fake's own must fail the test
            self.breaks(f"the fake failed: {e!r}")
            raise
        finally:
            writer.close()

    async def exchange(self, fake, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *rest = head.split("\r\n")
        method, path, _ = line.split(" ")
        headers = {k.title(): v for k, _, v in (h.partition(": ") for h in rest if h)}
        body = (await reader.readexactly(int(headers.get("Content-Length") or 0))).decode()
        self.advance()
        if fake.ended.is_set():
            return False
        ask = Ask(self, fake, method, path, headers, body)
        if self.fault:
            return await self.fault(ask, reader, writer)
        writer.write(ask.answer())
        await writer.drain()
        return True


class Ask:
    """One request; answer() lets it take effect."""

    def __init__(self, world, fake, *what):
        self.world, self.fake = world, fake
        self.method, self.path, self.headers, self.body = what

    def answer(self):
        self.world.advance()
        self.world.asked.setdefault(self.fake.port, []).append((self.world.now(), self.method, self.path))
        status, answer, *more = self.fake.answer(self.method, self.path, self.headers, self.body)
        text = answer if isinstance(answer, (str, bytes)) else json.dumps(answer)
        return http(status, text, *more)


def http(status, text, kind=None, headers=()):
    data = text.encode() if isinstance(text, str) else text
    kind = kind or ("text/html" if data[:1] == b"<" else "application/json")
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(data)}", *[f"{k}: {v}" for k, v in headers]]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


class Simulated:
    """Of a fake: it lives in a World."""

    label = ""  # the same in each run

    def __init__(self, world, *args, **kwargs):
        self.world = world
        super().__init__(*args, **kwargs)

    def now(self):
        return self.world.now()

    def serve(self):
        self.port = self.world.listen(self)
        self.url = f"http://127.0.0.1:{self.port}"


class Driver(Simulated, fakes.Driver):
    pass


class Master(Simulated, fakes.Master):
    """Its kills are asked for at once, and true a while later."""

    kill_delay = 3

    def answer(self, method, path, headers, body):
        found = re.search(r"(?:^|[&?])id=([^&]*)", body) if path.startswith("/app/kill") and method == "POST" else None
        if found:
            self.asked_to_kill(found.group(1))
        return super().answer(method, path, headers, body)

    def asked_to_kill(self, app_id):
        state, driver = self.apps[app_id]
        if not driver.app.hung:
            self.world.breaks(f"a kill of {app_id}, which is well")
        self.world.happened("kill", app_id, state == "RUNNING" and not driver.app.dying and self.kill_works)

    def end(self, app_id, state="FINISHED"):
        if state != "KILLED":
            super().end(app_id, state)
        else:
            self.apps[app_id][1].app.die(self.kill_delay, "KILLED")


class App:
    """A Spark app, which ends for good by die()."""

    def __init__(self, world, master, task, app_id, hung):
        self.world, self.master, self.task, self.hung = world, master, task, hung
        self.id, self.dying, self.ended, self.number = app_id, False, None, task.number
        owner = {"dag_id": task.dag, "run_id": "r", "task_id": "t", "map_index": -1, "try_number": task.number}
        self.driver = Driver(world, app_id, owner)
        self.driver.app, self.driver.moving, self.driver.label = self, not hung, app_id
        master.add(self.driver)

    def die(self, after, state="FINISHED"):
        if not self.dying:
            self.dying = True
            self.world.later(after, self.dead, state)

    def dead(self, state):
        self.ended = self.world.now()
        fakes.Master.end(self.master, self.id, state)
        self.driver.ended.set()
        self.world.happened("end", self.id)
        self.task.app_ended(self)


class Task(Simulated, fakes.Airflow):
    """A task instance with its tries; its Airflow serves it."""

    queue_delay = 4
    retry_delay = 6
    leave_delay = 1     # from the end of the app to the end of the task's own process
    process_time = 65   # Airflow 2: from failed to the end of that process, where it does not end by itself
    restart_time = 6    # Airflow 3: from a clear of one that runs to the end of its process

    def __init__(self, world, airflow, master, dag, ends_with_task=True, retries=0, hangs=1, state="running"):
        super().__init__(world, airflow.api, version=airflow.version, dag=dag)
        self.state, self.on_restart = state, lambda: None
        self.airflow, self.master = airflow, master
        self.ends_with_task, self.max_tries, self.hangs = ends_with_task, retries, hangs
        self.started = self.now()
        self.apps, self.failed_at = [], None
        airflow.tasks[dag] = self
        self.begin_app()

    def serve(self):
        self.port, self.url = self.airflow_port, ""

    airflow_port = 0

    def begin_app(self):
        self.apps.append(App(self.world, self.master, self, f"app-{self.dag}-{self.number}", self.number <= self.hangs))

    @property
    def app(self):
        return self.apps[-1]

    def who(self):
        return f"{self.dag} try {self.number}"

    def app_ended(self, app):
        if app is self.app and self.state == "running":
            self.world.later(self.leave_delay, self.process_ended, self.number)

    def process_ended(self, number):
        """The task's process sees its app gone: Airflow retries, where it may."""
        if self.state != "running" or self.number != number:
            return
        self.state = "up_for_retry" if self.number <= self.max_tries else "failed"
        self.world.happened(self.state, self.who())
        if self.state == "up_for_retry":
            self.world.later(self.retry_delay, self.next_try)

    def next_try(self):
        self.state, self.number, self.id = "queued", self.number + 1, f"id-{self.number + 1}"
        self.queued()

    def queued(self):
        self.new_try_runs = False  # not by a look
        self.world.later(self.queue_delay, self.run, self.number)

    def run(self, number):
        if self.state == "queued" and self.number == number:
            self.state, self.started = "running", self.now()
            self.world.happened("run", self.who())
            self.begin_app()

    def act(self, method, path, body):
        before, number = self.state, self.number
        trial = path.endswith("/dry_run") or (body or {}).get("dry_run") is True
        self.old_process = self.state == "restarting" or self.has_old_process()
        result = super().act(method, path, body)
        if trial or result[0] == 404:
            return result
        if method == "PATCH" and "new_state" in body:
            self.was_failed(before, result[0])
        elif method == "POST" and not body["only_failed"]:
            self.was_restarted(before)
        elif method == "POST":
            self.was_cleared(before, number)
        return result

    def has_old_process(self):
        """Airflow 2: the process of a failed try, which Airflow ends in the end."""
        if self.failed_at is None or self.state != "failed":
            return False
        ended = self.app.ended if self.ends_with_task else None
        return self.now() < (self.failed_at + self.process_time if ended is None else ended + self.leave_delay)

    def was_restarted(self, before):
        took = before in ("running", "deferred") and self.state != before
        self.world.happened("restart", f"{self.dag} try {self.app.number}", took)
        if not took:
            return
        if not self.app.hung:
            self.world.breaks(f"{self.who()} was restarted, which is well")
        if before == "deferred":
            if self.app.ended is None:
                self.world.breaks(f"{self.who()} was cleared before its app ended")
            self.queued()
            return
        if self.ends_with_task:
            self.app.die(self.restart_time - 1)
        self.world.later(self.restart_time, self.process_is_over, self.number)

    def process_is_over(self, number):
        if self.state == "restarting" and self.number == number:
            self.state, self.number = "queued", number + 1
            self.queued()

    def was_failed(self, before, status):
        took = before != "failed" and status == 200
        self.world.happened("fail", self.who(), took)
        if not self.app.hung or self.app.number != self.number:
            self.world.breaks(f"{self.who()} was failed, which is well")
        if not took:
            return
        self.failed_at = self.now()
        if self.ends_with_task:
            self.app.die(5)

    def was_cleared(self, before, number):
        took = self.number != number
        self.world.happened("clear", f"{self.dag} try {number}", took)
        if not took:
            return
        if self.app.ended is None:
            self.world.breaks(f"{self.dag} try {number} was cleared before its app ended")
        if self.api == "v1" and not self.ends_with_task and self.now() < self.failed_at + self.process_time:
            self.world.breaks(f"{self.dag} try {number} was cleared beside its own process")
        self.queued()


class Airflow(Simulated, fakes.Airflow):
    """Of many tasks, one per DAG."""

    def __init__(self, world, *args, **kwargs):
        self.tasks = {}
        super().__init__(world, *args, **kwargs)

    def act(self, method, path, body):
        found = re.match(rf"/api/{self.api}/dags/([^/?]+)", path)
        if found and found.group(1) in self.tasks:
            return self.tasks[found.group(1)].act(method, path, body)
        if found or method != "GET":
            return 404, {"detail": "not found"}
        return next(iter(self.tasks.values())).act(method, path, body)


RULE = """[rule all]
app = *
hung_after = 40s
hung_after_unproven = 1min
starved_after = 1h
idle_after = 1h
unobservable_after = 1h
end_timeout = 20s
retry_timeout = 15min
cooldown = 0
"""


class Daemon(harness.Daemon):
    """The daemon that runs at the world's pace, and may be told to crash."""

    def __init__(self, world, build, directory, sections, env=None, **kwargs):
        directory.mkdir(exist_ok=True)
        self.world, self.limits = world, "settle = 0\nactions_per_hour = 1000\nstorm_threshold = 0\nstorm_share = 0\n"
        self.points, self.state = directory / "points", directory / "state"
        super().__init__(build / "tests/stagewatchd-sim", directory, sections,
                         env={**world.env(), "SIM_POINTS": str(self.points), **(env or {})}, **kwargs)

    def write(self, sections, mode="act", action="notify", more=""):
        self.config.write_text(
            f"[daemon]\npoll_interval = 10s\nmode = {mode}\nstate_dir = {self.state}\ncontrol_socket = {self.socket}\n"
            f"[web]\nlisten = 127.0.0.1:0\n[limits]\n{self.limits}{sections}{RULE}action = {action}\n{more}")

    def start(self, crash_at=None):
        env = {**os.environ, **self.env}
        if crash_at:
            env["SIM_CRASH_AT"] = str(crash_at)
        with open(self.logfile, "ab") as log:
            self.log_before = log.tell()
            self.child = subprocess.Popen([self.binary, "--config", self.config], stderr=log, stdin=subprocess.DEVNULL, env=env)

    def has_begun(self):
        with open(self.logfile, "rb") as log:
            log.seek(self.log_before)
            return b" started, configuration: " in log.read()

    def stop(self):
        """Its status. Before it has begun, SIGTERM would end it at once."""
        wait(lambda: self.child.poll() is not None or self.has_begun(), "it has begun", 0.02)
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            self.child.wait(20)
        return self.child.returncode

    def rows(self, sql):
        """From the ledger, as it is now; nothing where there is none yet."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.state}/ledger.db?mode=ro", uri=True, timeout=5)) as db:
                db.row_factory = sqlite3.Row
                return db.execute(sql).fetchall()
        except sqlite3.DatabaseError:  # none, or a damaged one
            return []

    def n_points(self):
        return len(self.points.read_text().splitlines()) if self.points.exists() else 0

    def names(self):
        return self.points.read_text().splitlines()

    def ledger_is_sound(self):
        """What is wrong with it; empty: nothing."""
        with contextlib.closing(sqlite3.connect(f"{self.state}/ledger.db", timeout=5)) as db:
            wrong = [r[0] for r in db.execute("PRAGMA integrity_check") if r[0] != "ok"]
            wrong += [f"foreign key: {r}" for r in db.execute("PRAGMA foreign_key_check")]
            wrong += [f"left open: {r}" for r in db.execute("SELECT incident, state FROM actions WHERE ended = 0")]
            wrong += [f"no incident: {r}" for r in db.execute(
                "SELECT incident FROM actions WHERE incident NOT IN (SELECT id FROM incidents)")]
        return wrong


def sections(directory, airflow, *masters):
    spark = "".join(f"[spark m{n}]\ntype = standalone\nurl = {m.url}\ntimeout = 1min\n" for n, m in enumerate(masters))
    return spark + (f"[airflow main]\nurl = {airflow.url}\nusername = {fakes.USER}\n"
                    f"password_file = {directory}/password\ntimeout = 1min\n")


def explain(world, daemon):
    """All that a failed test should say."""
    told = [tuple(r) for r in daemon.rows("SELECT incident, at / 1000000, text FROM steps ORDER BY at")]
    told += [tuple(r) for r in daemon.rows("SELECT state, outcome, why FROM actions")]
    return "\n".join([*world.broken, *map(str, world.effects), daemon.log()[-6000:], *map(str, told)])


sys.setswitchinterval(0.002)
