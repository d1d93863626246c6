# SPDX-License-Identifier: Apache-2.0
"""The daemon with a configuration of the test's, beside fakes."""
import json
import os
import re
import signal
import subprocess
import tempfile
import urllib.request

import fakes
from waiting import wait

RULE = """[rule all]
app = *
hung_after = 2s
hung_after_unproven = 3s
starved_after = 3s
idle_after = 3s
unobservable_after = 3s
end_timeout = 2s
retry_timeout = 5s
cooldown = 0
"""


class Daemon:
    def __init__(self, binary, directory, sections, mode="act", action="notify", env=None, via="clear", more=""):
        """via: the longest way, unless a test says otherwise. more: keys of the rule."""
        self.binary, self.dir, self.env = str(binary), directory, env
        self.rule = f"retry_via = {via}\n{more}"
        self.login = {}  # headers of each request, where the web server has users
        self.short = tempfile.TemporaryDirectory(prefix="sw-")  # a socket's path has 107 bytes at most
        os.chmod(self.short.name, 0o755)
        self.socket = f"{self.short.name}/control"
        self.config = directory / "stagewatchd.conf"
        (directory / "password").write_text(fakes.PASSWORD + "\n")
        self.write(sections, mode, action)
        self.logfile = directory / "log"
        self.child = None

    def write(self, sections, mode="act", action="notify"):
        self.config.write_text(f"[daemon]\npoll_interval = 1s\nmode = {mode}\nstate_dir = {self.dir}/state\ncontrol_socket = {self.socket}\n[web]\nlisten = 127.0.0.1:0\n[limits]\nsettle = 0\nactions_per_hour = 1000\nstorm_threshold = 0\nstorm_share = 0\n{sections}{RULE}{self.rule}action = {action}\n")

    def __enter__(self):
        with open(self.logfile, "ab") as log:
            self.child = subprocess.Popen([self.binary, "--config", self.config], stderr=log, stdin=subprocess.DEVNULL,
                                          env={**os.environ, **(self.env or {})})
        wait(self.port, "it listens")
        return self

    def __exit__(self, kind, *_):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                raise
        if kind is None:
            assert self.child.returncode == 0, self.log()
            for secret in self.secrets():
                assert secret not in self.log()

    def secrets(self):
        return [fakes.PASSWORD, "eyJhbGci", fakes.base64.b64encode(f"{fakes.USER}:{fakes.PASSWORD}".encode()).decode()]

    def log(self):
        return self.logfile.read_text(errors="replace")

    def ctl(self, *args, by=()):
        """stagewatchctl over the control socket; by: what runs it, such as setpriv."""
        return subprocess.run([*by, f"{self.binary.removesuffix('d')}ctl", "--socket", self.socket, *args],
                              capture_output=True, text=True, timeout=30)

    def lines(self, text):
        return [line for line in self.log().splitlines() if text in line]

    def port(self):
        assert self.child.poll() is None, self.log()
        found = re.search(r"Listening on .*port (\d+)", self.log())
        return int(found.group(1)) if found else None

    def fetch(self, path, headers=None, method="GET"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port()}{path}", headers={**self.login, **(headers or {})}, method=method)
        with urllib.request.urlopen(request, timeout=10) as r:
            return r.status, r.headers, r.read()

    def json(self, path):
        return json.loads(self.fetch(path)[2])

    def metrics(self, name):
        """[(labels, value)] of all its series, in one look."""
        found = [re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line) for line in self.fetch("/metrics")[2].decode().splitlines()
                 if line.startswith(name)]
        return [(dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', m.group(2) or "")), float(m.group(3)))
                for m in found if m and m.group(1) == name]

    def metric(self, name, **labels):
        return next((value for has, value in self.metrics(name) if has == labels), None)

    def actions(self, action="retry"):
        return {has["outcome"]: int(value) for has, value in self.metrics("stagewatch_actions_total") if has["action"] == action}

    def verdicts(self):
        return {(a["app_id"], s["stage_id"]): s["verdict"] for a in self.json("/api/v1/stages")["apps"] for s in a["stages"]}

    def app_verdicts(self):
        return {a["app_id"]: a["verdict"] for a in self.json("/api/v1/stages")["apps"]}

    def polls_go_on(self, fake, pattern="/stages", n=3):
        """The fake is asked again and again, whatever hangs beside it. At which pace: tests/unit/daemon."""
        had = len(fake.asked("GET", pattern))
        wait(lambda: len(fake.asked("GET", pattern)) >= had + n, "polling goes on")


def driver_section(name, fake, timeout="1s"):
    return f"[spark {name}]\ntype = driver\nurl = {fake.url}\ntimeout = {timeout}\n"


def master_section(name, fake):
    return f"[spark {name}]\ntype = standalone\nurl = {fake.url}\ntimeout = 1s\n"


def yarn_section(name, *fakes, timeout="1s", more=""):
    return f"[spark {name}]\ntype = yarn\n" + "".join(f"url = {f.url}\n" for f in fakes) + f"timeout = {timeout}\n{more}"


def airflow_section(fake, directory, timeout="1s"):
    return f"[airflow main]\nurl = {fake.url}\nusername = {fakes.USER}\npassword_file = {directory}/password\ntimeout = {timeout}\n"


def limit(d, **keys):
    """Other values for [limits]."""
    text = d.config.read_text()
    for key, value in keys.items():
        line = next(line for line in text.splitlines() if line.startswith(f"{key} = "))
        text = text.replace(line, f"{key} = {value}")
    d.config.write_text(text)
