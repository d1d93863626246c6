# SPDX-License-Identifier: Apache-2.0
"""The daemon under test, beside a lab."""
import json
import os
import re
import signal
import subprocess
import time
import urllib.request

import lab


class Watch:
    """stagewatchd with a configuration of its own; its log is stagewatchd.log in the directory. sections: more of them, as text."""

    sections = ""

    def __init__(self, binary, directory, spark, airflow, mode="act", action="retry", user="watchdog", **rule):
        self.binary, self.dir = binary, directory
        self.dir.mkdir(parents=True, exist_ok=True)
        self.airflow_url = airflow.url if airflow else None
        self.spark, self.airflow, self.action = spark, airflow, action
        self.user, self.rule = user, {"hung_after": "15s", "hung_after_unproven": "20s", "end_timeout": "60s", "cooldown": "0", **rule}
        self.config = self.dir / "stagewatchd.conf"
        (self.dir / "password").write_text(lab.USERS[user] + "\n")
        self.write(mode)

    def write(self, mode):
        self.config.write_text(f"""[daemon]
poll_interval = 2s
mode = {mode}
state_dir = {self.dir}/state
control_socket = {self.dir}/control
[web]
listen = 127.0.0.1:0
[limits]
settle = 0
[spark lab]
type = standalone
url = {self.spark.web_url}
[airflow lab]
url = {self.airflow_url}
username = {self.user}
password_file = {self.dir}/password
[rule lab]
app = *
action = {self.action}
""" + "".join(f"{key} = {value}\n" for key, value in self.rule.items()) + self.sections)

    def __enter__(self):
        self.out = open(self.dir / "stagewatchd.log", "ab")
        self.child = subprocess.Popen([self.binary, "--config", self.config], stderr=self.out, stdin=subprocess.DEVNULL)
        lab.wait(lambda: self.port(), "stagewatchd listens")
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                assert self.child.wait(10) == 0, self.log()
            except subprocess.TimeoutExpired:
                self.child.kill()
                raise
        self.out.close()

    def log(self):
        return (self.dir / "stagewatchd.log").read_text(errors="replace")

    def port(self):
        assert self.child.poll() is None, self.log()
        found = re.search(r"Listening on .*port (\d+)", self.log())
        return int(found.group(1)) if found else None

    def fetch(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port()}{path}", timeout=10) as r:
            return r.read().decode()

    def incidents(self):
        return json.loads(self.fetch("/api/v1/incidents"))["incidents"]

    def task_findings(self, app):
        """What the audit has to say of how the app's task is set in Airflow."""
        apps = {a["app_id"]: a for a in json.loads(self.fetch("/api/v1/audit"))["apps"]}
        found = [f["check"] for f in apps[app]["findings"]] if app in apps else []
        return {check for check in found if check.startswith("airflow_")}

    def metric(self, name, **labels):
        """The value of one series; 0 where it is not there."""
        for line in self.fetch("/metrics").splitlines():
            found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
            if found and found.group(1) == name:
                have = dict(re.findall(r'(\w+)="([^"]*)"', found.group(2) or ""))
                if have == labels:
                    return float(found.group(3))
        return 0.0

    def actions(self, action):
        outcomes = ("dry_run", "requested", "confirmed", "unconfirmed", "failed")
        return {o: int(self.metric("stagewatch_actions_total", action=action, outcome=o)) for o in outcomes}

    def reload(self, mode):
        before = self.log().count("The new configuration is in force")
        self.write(mode)
        time.sleep(0.1)
        self.child.send_signal(signal.SIGHUP)
        lab.wait(lambda: self.log().count("The new configuration is in force") > before, "stagewatchd reloads")


class RulesWatch(Watch):
    """With a rule for each of several apps, which an Airflow of its own owns.

    rules: {glob on the app's name: {"airflow": (URL, user, password), and keys of the rule}}. alone: in a process
    namespace of its own, so that it sees no executor's /proc, as on another host.
    """

    def __init__(self, binary, directory, source, rules, action="retry", alone=False):
        self.source, self.rules, self.alone = source, rules, alone
        super().__init__(binary, directory, None, None, action=action)

    def write(self, mode):
        text = f"""[daemon]
poll_interval = 2s
mode = {mode}
state_dir = {self.dir}/state
control_socket = {self.dir}/control
[web]
listen = 127.0.0.1:0
[limits]
settle = 0
storm_threshold = 0
storm_share = 0
{self.source}
"""
        for n, (glob, keys) in enumerate(self.rules.items()):
            url, user, password = keys["airflow"]
            (self.dir / f"password{n}").write_text(password + "\n")
            more = "".join(f"{k} = {v}\n" for k, v in keys.items() if k != "airflow")
            text += f"""[airflow a{n}]
url = {url}
username = {user}
password_file = {self.dir}/password{n}
[rule r{n}]
app = {glob}
airflow = a{n}
hung_after = 15s
action = {self.action}
{more}"""
        self.config.write_text(text)

    def __enter__(self):
        if self.alone:
            inner, self.binary = self.binary, self.dir / "alone"
            self.binary.write_text(f'#!/bin/sh\nexec unshare --pid --fork --kill-child --mount-proc {inner} "$@"\n')
            self.binary.chmod(0o755)
        return super().__enter__()

    def __exit__(self, *args):
        if self.alone and self.child.poll() is None:
            # unshare itself heeds no SIGTERM.
            with open(f"/proc/{self.child.pid}/task/{self.child.pid}/children") as f:
                os.kill(int(f.read().split()[0]), signal.SIGTERM)
            assert self.child.wait(10) == 0, self.log()
        super().__exit__(*args)


def owned_by(dag_id):
    """Properties of an app of the fake Airflow's only task instance."""
    names = {"dag_id": dag_id, "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}
    return {f"spark.airflow.{k}": v for k, v in names.items()}


def see_killed(watch, ids, has_ended):
    """Waits until each app of ids (name: id) is confirmed to have ended, and prints how long after its kill."""
    sent, ended, confirmed = {}, {}, {}

    def look():
        # One that was slow for a while, as its JVMs warmed up, has an incident from before that.
        over = {i["app_id"] for i in watch.incidents() if i["outcome"] == "ended"}
        for name, app_id in ids.items():
            now = time.monotonic()
            if name not in sent and re.search(f"{app_id}: .*killing it", watch.log()):
                sent[name] = now
            if name in sent and name not in ended and has_ended(app_id):
                ended[name] = now
            if name not in confirmed and app_id in over:
                assert has_ended(app_id), f"{name} is confirmed before it has ended"
                confirmed[name] = now
        return len(confirmed) == len(ids)

    lab.wait(look, "all are ended", every=0.02)
    for name in ids:
        print(f"{name}: ended {ended.get(name, confirmed[name]) - sent[name]:.2f} s, confirmed {confirmed[name] - sent[name]:.2f} s after the kill")
