# SPDX-License-Identifier: Apache-2.0
"""The daemon under test, beside a lab."""
import json
import re
import signal
import subprocess
import time
import urllib.request

import lab


class Watch:
    """stagewatchd with a configuration of its own; its log is stagewatchd.log in the directory."""

    def __init__(self, binary, directory, spark, airflow, mode="act", action="retry"):
        self.binary, self.dir = binary, directory
        self.dir.mkdir(parents=True, exist_ok=True)
        self.spark, self.airflow, self.action = spark, airflow, action
        self.config = self.dir / "stagewatchd.conf"
        (self.dir / "password").write_text(lab.USERS["watchdog"] + "\n")
        self.write(mode)

    def write(self, mode):
        self.config.write_text(f"""[daemon]
poll_interval = 2s
mode = {mode}
[web]
listen = 127.0.0.1:0
[spark lab]
type = standalone
url = {self.spark.web_url}
[airflow lab]
url = {self.airflow.url}
username = watchdog
password_file = {self.dir}/password
[rule lab]
app = *
hung_after = 15s
hung_after_unproven = 20s
action = {self.action}
end_timeout = 60s
""")

    def __enter__(self):
        self.out = open(self.dir / "stagewatchd.log", "ab")
        self.child = subprocess.Popen([self.binary, "--config", self.config], stderr=self.out, stdin=subprocess.DEVNULL)
        lab.wait(lambda: self.port(), 20, "stagewatchd listens")
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
        before = self.log().count("The configuration was read anew")
        self.write(mode)
        time.sleep(0.1)
        self.child.send_signal(signal.SIGHUP)
        lab.wait(lambda: self.log().count("The configuration was read anew") > before, 10, "stagewatchd reloads")
