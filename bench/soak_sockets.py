#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""As bench/soak.c, over real sockets: the daemon polls apps that come and go, in accelerated time, until they were polled so often.

Meanwhile stages hang and are acted upon, drivers, the master, Airflow and a receiver fail, the configuration is loaded anew, and
tokens and certificates change. What the daemon holds is sampled all along: memory, descriptors, ledger, evidence, series. It ends
with 1 where any of them grew in the second half, where the daemon acted upon what was well, or ended by itself.

    bench/soak_sockets.py BUILD [--polls N] [--out NAME] [--pace N] [--under COMMAND]

It takes two processors for itself: where they are busy with other things, answers come too late at this pace.
"""
import argparse
import asyncio
import http.client as http_client
import json
import os
import pathlib
import random
import re
import shlex
import signal
import ssl
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests/live"), str(HERE.parent / "tests/sim")]
import fakes  # noqa: E402
import world as sim  # noqa: E402
from soak_report import report  # noqa: E402
from world import http  # noqa: E402

APPS, NAMES = 200, 50
MINUTE, HOUR = 60, 3600
POLL = MINUTE
CERTIFICATES = 12

RULES = """[rule {name}]
app = *
action = retry
hung_after = 20min
hung_after_unproven = 30min
starved_after = 1h
idle_after = 1h
unobservable_after = 1h
end_timeout = 10min
retry_timeout = 20min
cooldown = 0
"""


class Driver(sim.Driver):
    """Answers what each poll asks without much ado, and is ill at times."""

    ill, moved = None, 0

    def healthy(self, path):
        if "/stages?" not in path:
            return None
        self.world.polls += 1
        self.moved += self.moving
        if not hasattr(self, "text"):
            self.tasks = [(1, "1"), (2, "1")]
            stage = dict(self.stages[0], numTasks=10**8, inputRecords=10**9, numCompleteTasks="@")
            self.text = json.dumps([stage]).replace('"@"', "@")
        return http(200, self.text.replace("1000000000", str(10**9 + self.moved)).replace("@", str(self.moved)))


    def answer(self, method, path, headers, body):
        """Its executors are on another host: nothing of ours is to be looked through for them."""
        status, rows = super().answer(method, path, headers, body)
        if "/executors" in path and status == 200 and isinstance(rows, list):
            rows = [dict(r, hostPort="192.0.2.1:7") for r in rows]
        return status, rows


class App(sim.App):
    def dead(self, state):
        super().dead(state)
        server = self.world.listening.pop(self.driver.port, None)
        if server:
            server.close()
        for writer in self.world.open.pop(self.driver, ()):
            writer.transport.abort()
        gone = [i for i, (s, _) in self.master.apps.items() if s != "RUNNING"]
        for app_id in gone[:-100]:  # as many as a master keeps
            del self.master.apps[app_id]


sim.App, sim.Driver = App, Driver


class Task(sim.Task):
    """One that runs for some hours; of some the stage hangs, for good or for a while."""

    def __init__(self, fleet, n):
        self.fleet, self.name = fleet, f"etl-{n % NAMES}"
        chance = fleet.chance
        self.kind = chance.choices(["well", "hung", "moves again", "ends by itself"], [94, 3, 2, 1])[0]
        super().__init__(fleet.world, fleet.airflow, fleet.master, f"dag-{n}", ends_with_task=chance.random() < 0.5,
                         retries=chance.randrange(2), hangs=self.kind != "well")

    def begin_app(self):
        super().begin_app()
        app, chance, later = self.app, self.fleet.chance, self.world.later
        app.driver.name = self.name
        later((0.5 + 4 * chance.random()) * HOUR, app.die, 0)
        if app.hung and self.kind == "moves again":
            app.hung = False  # nothing may be done to it: it moves before any rule's time
            app.driver.moving = True
            later(20 * MINUTE, setattr, app.driver, "moving", False)
            later(35 * MINUTE, setattr, app.driver, "moving", True)
        elif app.hung and self.kind == "ends by itself":
            later(15 * MINUTE, app.die, 0)
        if chance.random() < 0.08:
            later(chance.random() * 2 * HOUR, setattr, app.driver, "ill", chance.choice(["500", "cut", "rubbish", "silent"]))
            later(2.3 * HOUR, setattr, app.driver, "ill", None)

    def over(self):
        return self.app.ended is not None and self.now() - self.app.ended > HOUR


class Receiver(sim.Simulated, fakes.Fake):
    def answer(self, method, path, headers, body):
        return 200, {}


class World(sim.World):
    def __init__(self, pace):
        super().__init__(pace)
        self.polls, self.requests, self.open = 0, 0, {}
        self.fault, self.spells, self.chance = self.serve, {}, random.Random(7)

    async def client(self, fake, reader, writer):
        self.open.setdefault(fake, set()).add(writer)
        await super().client(fake, reader, writer)
        self.open.get(fake, set()).discard(writer)

    def listen(self, fake):
        if not hasattr(fake, "tls"):
            return super().listen(fake)
        async def serve():
            server = await asyncio.start_server(lambda r, w: self.client(fake, r, w), "127.0.0.1", 0, ssl=fake.tls)
            return server.sockets[0].getsockname()[1], server
        port, server = asyncio.run_coroutine_threadsafe(serve(), self.loop).result(10)
        self.listening[port] = server
        return port

    async def serve(self, ask, reader, writer):
        fake = ask.fake
        self.requests += 1
        ill = getattr(fake, "ill", None) or self.spells.get(fake)
        if ill == "silent":
            await asyncio.sleep(3 * MINUTE / self.pace)
            return False
        if ill == "cut":
            return False
        if ill:
            answer = http(500, "{}") if ill == "500" else http(200, "{[[")
        else:
            healthy = getattr(fake, "healthy", None)
            answer = (healthy and healthy(ask.path)) or ask.answer()
            self.asked.clear()
        writer.write(answer)
        await writer.drain()
        return ask.path != "/bye" and not getattr(fake, "closes", False)

    def spell(self, fake, every, length):
        """It fails for a while, again and again."""
        self.spells[fake] = self.chance.choice(["500", "cut", "rubbish"])
        self.later(length, self.spells.pop, fake, None)
        self.later(every, self.spell, fake, every, length)


def certificates(directory):
    """Each is its own CA, of the server and of the client."""
    made = []
    for n in range(CERTIFICATES):
        cert, key = directory / f"cert-{n}.pem", directory / f"key-{n}.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(20 + n),
                        "-subj", f"/CN=soak-{n}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert],
                       check=True, capture_output=True)
        made.append((cert.read_text(), key.read_text()))
    return made


class Secured(Driver):
    closes = True  # a connection for each request: another certificate is seen at once

    def __init__(self, world, directory):
        self.made = certificates(directory)
        self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.directory = directory
        self.rotate(0)
        super().__init__(world, "app-tls")
        self.url, self.moving = f"https://127.0.0.1:{self.port}", True

    def rotate(self, n):
        cert, key = self.made[n % CERTIFICATES]
        for name, text in (("ca", cert), ("client", cert), ("client-key", key)):
            path = self.directory / f"{name}.new"
            path.touch(0o600)
            path.write_text(text)
            path.rename(self.directory / f"{name}.pem")
        self.tls.load_cert_chain(self.directory / "client.pem", self.directory / "client-key.pem")


class Daemon(sim.Daemon):
    under = ()

    def start(self):
        with open(self.logfile, "ab") as log:
            self.child = subprocess.Popen([*self.under, self.binary, "--config", self.config], stderr=log, stdin=subprocess.DEVNULL,
                                          env={**os.environ, **self.env})


class Fleet:
    def __init__(self, build, directory, pace, under):
        self.build, self.directory = build, directory
        self.world, self.chance = World(pace), random.Random(1)
        self.airflow, self.master = sim.Airflow(self.world), sim.Master(self.world)
        self.receiver, self.secured = Receiver(self.world), Secured(self.world, directory)
        self.extra = Driver(self.world, "app-extra")
        self.extra.moving = True
        self.n, self.reloads, self.rotations, self.tasks = 0, 0, 0, []
        for _ in range(APPS):
            self.add()
        self.daemon = Daemon(self.world, build, directory, "")
        self.daemon.under, self.daemon.points = shlex.split(under), pathlib.Path("/dev/null")
        self.configure()
        for fake, every in ((self.master, 7 * HOUR), (self.airflow, 5 * HOUR), (self.receiver, 3 * HOUR)):
            self.world.later(every, self.world.spell, fake, every, 10 * MINUTE)
        self.refill()

    def add(self):
        self.tasks.append(Task(self, self.n))
        self.n += 1

    def refill(self):
        """As many apps as before; tasks that are long over are forgotten."""
        self.world.later(MINUTE, self.refill)
        for task in [t for t in self.tasks if t.over()]:
            self.tasks.remove(task)
            if len(self.airflow.tasks) > 1:
                self.airflow.tasks.pop(task.dag, None)
        for _ in range(APPS - sum(t.app.ended is None for t in self.tasks)):
            self.add()

    def configure(self):
        """Another rule's name, and a cluster that is there each second time."""
        d, n = self.daemon, self.reloads
        token = self.directory / "token.new"
        token.touch(0o600)
        token.write_text(f"token-{n}\n")
        token.rename(self.directory / "token")
        extra = f"[spark extra]\ntype = driver\nurl = {self.extra.url}\n" if n % 2 else ""
        d.config.write_text(
            f"[daemon]\npoll_interval = {POLL}s\nmode = act\nretention = 24h\nstate_dir = {d.state}\ncontrol_socket = {d.socket}\n"
            f"[web]\nlisten = 127.0.0.1:0\n"
            f"[limits]\nsettle = 0\nactions_per_hour = 1000\nstorm_threshold = 0\nstorm_share = 0\n"
            f"[spark m]\ntype = standalone\nurl = {self.master.url}\nbearer_token_file = {self.directory}/token\ntimeout = 10min\n"
            f"[spark tls]\ntype = driver\nurl = {self.secured.url}\nca_file = {self.directory}/ca.pem\n"
            f"client_cert_file = {self.directory}/client.pem\nclient_key_file = {self.directory}/client-key.pem\ntimeout = 10min\n"
            f"[spark gone]\ntype = standalone\nurl = http://127.0.0.1:1\n{extra}"
            f"[airflow main]\nurl = {self.airflow.url}\nusername = {fakes.USER}\npassword_file = {d.dir}/password\ntimeout = 10min\n"
            f"[notify hook]\nurl = {self.receiver.url}\n{RULES.format(name=f'r{n % 5}')}")

    def reload(self):
        self.reloads += 1
        self.configure()
        self.daemon.child.send_signal(signal.SIGHUP)

    def rotate(self):
        self.rotations += 1
        self.world.loop.call_soon_threadsafe(self.secured.rotate, self.rotations)

    def scrape(self):
        """At this pace a client has little time: the server gives up one that is slow."""
        for _ in range(50):
            try:
                return self.daemon.fetch("/metrics")[2].decode()
            except (OSError, http_client.HTTPException):
                time.sleep(0.1)
        raise AssertionError(f"no metrics: {self.daemon.log()[-3000:]}")

    def sample(self):
        d, proc = self.daemon, pathlib.Path(f"/proc/{self.daemon.child.pid}")
        text = self.scrape()
        for path in ("/", "/api/v1/status", "/api/v1/incidents", "/health"):
            try:
                d.fetch(path)
            except (OSError, http_client.HTTPException):  # 404, or 503 while a cluster was not polled yet
                pass
        def total(name):
            return sum(float(v) for v in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))
        status = (proc / "status").read_text()
        return {
            "hours": (self.world.now() - self.world.epoch) / HOUR,
            "polls": self.world.polls, "requests": self.world.requests,
            "memory": int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) / 1024,
            "descriptors": len(list((proc / "fd").iterdir())),
            "ledger": sum(f.stat().st_size for f in d.state.glob("ledger.db")) / 1024,
            "evidence": sum(f.stat().st_size for f in d.state.glob("incidents/*")) / 2**20,
            "series": sum(bool(line) and line[0] != "#" for line in text.splitlines()),
            "apps": total("stagewatch_apps"), "began": self.n, "reloads": self.reloads, "actions": total("stagewatch_actions_total"), "incidents": total("stagewatch_incidents_total"),
            "errors": total("stagewatch_poll_errors_total"), "log": d.logfile.stat().st_size / 1024,
        }

    def run(self, polls, say):
        d, rows, next_reload, next_rotation = self.daemon, [], 0.5, 1
        d.start()
        while not d.port():
            time.sleep(0.1)
        while not rows or rows[-1]["polls"] < polls:
            time.sleep(5)
            assert d.child.poll() is None, f"it ended by itself: {d.child.returncode}\n{d.log()[-3000:]}"
            assert not self.world.broken, self.world.broken[:5]
            rows.append(self.sample())
            say(rows[-1])
            if rows[-1]["hours"] >= next_reload:
                self.reload()
                next_reload = rows[-1]["hours"] + 0.5
            if rows[-1]["hours"] >= next_rotation:
                self.rotate()
                next_rotation = rows[-1]["hours"] + 1
        status = d.stop()
        assert status == 0, f"it ended with {status}\n{d.log()[-6000:]}"
        assert d.ledger_is_sound() == []
        return rows


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build", type=pathlib.Path)
    p.add_argument("--polls", type=int, default=1000000)
    p.add_argument("--pace", type=int, default=200)
    p.add_argument("--out", type=pathlib.Path)
    p.add_argument("--under", default="", help="a command that runs the daemon, such as valgrind")
    args = p.parse_args()
    out = args.out or args.build / "bench/soak-sockets"
    out.parent.mkdir(parents=True, exist_ok=True)
    began, said = time.monotonic(), [0.0]

    def say(r):
        if time.monotonic() - said[0] >= 30:
            said[0] = time.monotonic()
            print(f"{time.monotonic() - began:5.0f} s  " + "  ".join(f"{k} {v:.6g}" for k, v in r.items()), flush=True)

    with tempfile.TemporaryDirectory(prefix="stagewatch-soak-") as directory:
        fleet = Fleet(args.build, pathlib.Path(directory), args.pace, args.under)
        try:
            rows = fleet.run(args.polls, say)
        finally:
            if fleet.daemon.child and fleet.daemon.child.poll() is None:
                fleet.daemon.child.kill()
            out.with_suffix(".log").write_text(fleet.daemon.log()[-2000000:])
    out.with_suffix(".jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    taken = {what: len(fleet.world.took(what)) for what in ("fail", "kill", "clear", "restart", "run")}
    print(f"{time.monotonic() - began:.0f} s; {fleet.n} apps; {fleet.reloads} reloads; {fleet.rotations} certificates; took {taken}")
    return report(rows, out)


if __name__ == "__main__":
    sys.exit(main())
