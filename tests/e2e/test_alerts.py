# SPDX-License-Identifier: Apache-2.0
"""A stage hangs, and a person is told: by a real Prometheus and a real Alertmanager, with the rules and the routes that are
shipped, in seconds instead of minutes."""
import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

import fakes
import pytest
from fakes import Driver
from harness import Daemon, driver_section, wait
from test_notify import Alertmanager, Receiver, crash

pytestmark = [pytest.mark.long, pytest.mark.skipif(
    not shutil.which("prometheus") or not shutil.which("prometheus-alertmanager"), reason="prometheus is not installed")]

OWNER = {"dag_id": "etl", "run_id": "r", "task_id": "load", "map_index": -1, "try_number": 1}
SECONDS = {"for: 1m": "for: 1s", "for: 5m": "for: 3s", "[5m]": "[4s]"}


class Prometheus:
    """Scrapes one daemon each second."""

    def __init__(self, directory, rules, target, alertmanager):
        self.dir, self.port, self.child = directory, fakes.free_port(), None
        (directory / "stagewatchd.rules.yml").write_text(rules)
        (directory / "prometheus.yml").write_text(json.dumps({
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["stagewatchd.rules.yml"],
            "scrape_configs": [{"job_name": "stagewatchd", "static_configs": [{"targets": [target]}]}],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{alertmanager.port}"]}]}]}}))

    def start(self):
        with open(self.dir / "prometheus.log", "ab") as log:
            self.child = subprocess.Popen(
                ["prometheus", f"--config.file={self.dir}/prometheus.yml", f"--storage.tsdb.path={self.dir}/tsdb",
                 f"--web.listen-address=127.0.0.1:{self.port}"], stdout=log, stderr=log)
        wait(lambda: self.firing() is not None, "it answers")

    def close(self):
        if self.child:
            self.child.terminate()
            self.child.wait(30)

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=5) as r:
            return json.load(r)["data"]

    def firing(self):
        """Names of the alerts that fire; None: no answer."""
        try:
            return sorted(a["labels"]["alertname"] for a in self.get("alerts")["alerts"] if a["state"] == "firing")
        except OSError:
            return None

    def is_there(self, expression):
        return bool(self.get("query?" + urllib.parse.urlencode({"query": expression}))["result"])


def quick(text):
    for long, short in SECONDS.items():
        assert long in text
        text = text.replace(long, short)
    return text


@pytest.fixture
def people(root, tmp_path, started):
    """An Alertmanager with the routes that are shipped."""
    sink = started(Receiver)
    am = Alertmanager(tmp_path, sink)
    am.sink = sink
    shipped = (root / "etc/prometheus/alertmanager.yml").read_text()
    text = re.sub(r"group_wait: \w+", "group_wait: 0s", re.sub(r"group_interval: \w+", "group_interval: 1s", shipped))
    (tmp_path / "alertmanager.yml").write_text(text.replace("http://127.0.0.1:9099/", sink.url))
    am.start()
    yield am
    am.close()


def told(am):
    """[(firing or resolved, alert)], as people were told."""
    return [(alert["status"], alert["labels"]["alertname"]) for m in am.sink.messages() for alert in m["alerts"]]


def test_from_a_hung_stage_to_a_person(root, binary, tmp_path, started, people):
    driver = started(Driver, "app-1", OWNER)
    port = fakes.free_port()
    (tmp_path / "state").mkdir()
    d = Daemon(binary, tmp_path, driver_section("one", driver))
    d.config.write_text(d.config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{port}"))
    rules = quick((root / "etc/prometheus/stagewatchd.rules.yml").read_text())
    prometheus = Prometheus(tmp_path, rules, f"127.0.0.1:{port}", people)
    try:
        d.__enter__()
        prometheus.start()
        wait(lambda: ("firing", "StagewatchSparkStageHung") in told(people), "a person is told")
        alert = people.sink.messages()[0]["alerts"][0]
        assert alert["labels"]["incident"] == d.json("/api/v1/incidents")["incidents"][0]["id"]
        assert alert["annotations"]["summary"] == "etl hangs in stage 7.0 on one"
        assert re.search(r"not progressed since 20\d\d-.* It runs task load of DAG etl. stagewatchd only watches \(rule all\)",
                         alert["annotations"]["description"])
        page = alert["annotations"]["runbook_url"]
        assert page == f"http://127.0.0.1:{port}/runbook/StagewatchSparkStageHung"
        with urllib.request.urlopen(page, timeout=5) as r:
            assert b"What to do now" in r.read()
        crash(d)
        wait(lambda: ("firing", "StagewatchDaemonAbsent") in told(people), "that nobody watches any more")
        # Longer than a series that is gone keeps an alert up, and two evaluations more.
        wait(lambda: not prometheus.is_there("max_over_time(stagewatch_incident_open[6s])"), "nothing of it is left")
        assert prometheus.firing() == ["StagewatchDaemonAbsent", "StagewatchSparkStageHung"]
        with d:
            wait(lambda: ("resolved", "StagewatchDaemonAbsent") in told(people), "it is back")
            assert ("resolved", "StagewatchSparkStageHung") not in told(people)
            driver.moving = True
            wait(lambda: ("resolved", "StagewatchSparkStageHung") in told(people), "the end of the hang")
    finally:
        d.child.kill()
        prometheus.close()
