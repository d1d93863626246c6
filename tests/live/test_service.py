# SPDX-License-Identifier: Apache-2.0
"""What systemd and a scraper see: readiness, watchdog, reload, the end, the web server."""
import gzip
import json
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse

import fakes
import pytest
from harness import Daemon, airflow_section, driver_section, master_section, wait
from fakes import Airflow, Driver, Master
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from tables import metrics

OWNER = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}


def notify_socket(tmp_path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(str(tmp_path / "notify"))
    s.settimeout(15)
    return s


def until(s, text):
    got = ""
    while text not in got:
        got += s.recv(4096).decode() + "\n"
    return got


def test_notify_watchdog_and_end(binary, tmp_path, started):
    driver = started(Driver)
    with notify_socket(tmp_path) as s:
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "1000000"}
        with Daemon(binary, tmp_path, driver_section("one", driver), env=env) as d:
            until(s, "READY=1")
            until(s, "WATCHDOG=1")
            assert "Watching" in until(s, "STATUS=")
            d.child.send_signal(signal.SIGHUP)
            until(s, "RELOADING=1")
            until(s, "READY=1")
            d.child.send_signal(signal.SIGTERM)
            until(s, "STOPPING=1")
            assert d.child.wait(10) == 0


def test_sigterm_with_requests_open(binary, tmp_path, started):
    """It waits for none of them, although each would keep it for a minute."""
    driver, master, airflow = started(Driver), started(Master), started(Airflow)
    for fake in (driver, master, airflow):
        fake.faults.append((None, ".", fake.hang))
    sections = driver_section("one", driver, "60s") + master_section("two", master).replace("1s", "60s") + airflow_section(airflow, tmp_path, "60s")
    with Daemon(binary, tmp_path, sections) as d:
        wait(lambda: driver.requests and master.requests and airflow.requests, "all are asked")
        with socket.create_connection(("127.0.0.1", d.port())) as idle:
            idle.send(b"GET /metrics HTTP/1.1\r\n")
            d.child.send_signal(signal.SIGTERM)
            assert d.child.wait(30) == 0


def test_log_as_json(binary, tmp_path, started):
    """Each line of a running daemon is an object; a verdict has the journal's fields; a reload can make it text again."""
    driver = started(Driver, "app-1")
    with Daemon(binary, tmp_path, driver_section("one", driver)) as d:
        before = d.config.read_text()
        d.config.write_text(before.replace("[web]", "log_format = json\n[web]"))
        d.child.send_signal(signal.SIGHUP)
        hung = wait(lambda: [e for line in d.log().splitlines() if line.startswith("{") for e in [json.loads(line)]
                             if e.get("verdict") == "hung"], "a hung stage, as JSON")[0]
        assert {k: hung[k] for k in ("level", "spark_cluster", "app_id", "stage_id", "rule")} == {
            "level": "warning", "spark_cluster": "one", "app_id": "app-1", "stage_id": "7.0", "rule": "all"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", hung["time"]) and "without progress" in hung["message"]
        lines = d.log().splitlines()
        first = next(i for i, line in enumerate(lines) if line.startswith("{"))
        assert all(line.startswith("stagewatchd: ") for line in lines[:first]) and all(json.loads(line) for line in lines[first:])
        d.config.write_text(before)
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: d.lines("stagewatchd: The new configuration is in force"), "text again")


def test_reload(binary, tmp_path, started):
    one, two = started(Driver, "app-1"), started(Driver, "app-2")
    with Daemon(binary, tmp_path, driver_section("one", one)) as d:
        wait(lambda: d.verdicts().get(("app-1", 7)) == "hung", "hung")
        incident = d.json("/api/v1/incidents")["incidents"][0]["id"]

        d.config.write_text("[daemon]\npoll_interval = never\n[nonsense]\n")
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: d.metric("stagewatch_config_last_reload_successful") == 0, "refused")
        assert d.lines(f"{d.config}:2: poll_interval: not a duration") and d.lines(f"{d.config}:3: unknown section")
        assert d.verdicts()[("app-1", 7)] == "hung"
        why = f"{d.config}:2: poll_interval: not a duration such as 90s or 10min (and 1 more)"
        assert d.json("/api/v1/status")["config_last_reload_error"] == why
        assert f"The last reload of the configuration failed, the old one goes on: {why}\n" in d.ctl("status").stdout
        d.polls_go_on(one)

        d.write(driver_section("one", one) + driver_section("two", two))
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: d.metric("stagewatch_config_last_reload_successful") == 1, "taken")
        wait(lambda: ("app-2", 7) in d.verdicts(), "the new cluster is polled")
        assert d.json("/api/v1/status")["config_last_reload_error"] is None and "goes on" not in d.ctl("status").stdout
        assert d.verdicts()[("app-1", 7)] == "hung"
        assert incident in [i["id"] for i in d.json("/api/v1/incidents")["incidents"]]

        d.write(driver_section("two", two))
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: ("app-1", 7) not in d.verdicts(), "the old cluster is dropped")
        assert d.metric("stagewatch_up", spark_cluster="one") is None


def test_reload_by_a_symlink_swap(binary, tmp_path, started):
    """As the kubelet changes a mounted config map: a directory of its own for each version, and ..data renamed to it."""
    driver = started(Driver, "app-1")
    d = Daemon(binary, tmp_path, driver_section("one", driver))
    text = d.config.read_text().replace("[web]", "reload_on_change = yes\n[web]")
    mount = tmp_path / "mount"
    mount.mkdir()
    d.config.unlink()
    d.config = mount / "stagewatchd.conf"

    def swap(version, content):
        (mount / version).mkdir()
        (mount / version / "stagewatchd.conf").write_text(content)
        (mount / "..data_tmp").symlink_to(version)
        (mount / "..data_tmp").rename(mount / "..data")

    swap("..1", text)
    d.config.symlink_to("..data/stagewatchd.conf")
    with d:
        assert d.metric("stagewatch_up", spark_cluster="two") is None
        swap("..2", text + "hung_after = soon\n")
        wait(lambda: d.metric("stagewatch_config_last_reload_successful") == 0, "the bad one is refused")
        assert d.lines("Failed to reload; the old configuration stays in force")
        assert "hung_after" in d.json("/api/v1/status")["config_last_reload_error"]
        swap("..3", text.replace("[spark one]", "[spark two]"))
        wait(lambda: d.metric("stagewatch_up", spark_cluster="two") == 1, "the good one is in force")
        assert d.metric("stagewatch_config_last_reload_successful") == 1 and d.metric("stagewatch_up", spark_cluster="one") is None

        # Switched off by itself: from here on a signal alone reloads.
        swap("..4", text.replace("reload_on_change = yes", "reload_on_change = no"))
        wait(lambda: d.metric("stagewatch_up", spark_cluster="one") == 1, "the last one that is seen")
        reloads = len(d.lines("has changed; reloading, by [daemon] reload_on_change"))
        swap("..5", text)
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: len(d.lines("The new configuration is in force")) == 3, "by the signal")
        assert len(d.lines("has changed; reloading, by [daemon] reload_on_change")) == reloads == 3


def test_a_key_that_takes_a_restart_says_so(binary, tmp_path, started):
    driver = started(Driver)
    with Daemon(binary, tmp_path, driver_section("one", driver)) as d:
        before = d.config.read_text()
        assert d.json("/api/v1/status")["config_needs_restart"] is None
        d.config.write_text(before.replace("[web]", "max_parallel_requests = 7\n[web]").replace(f"{d.dir}/state", f"{d.dir}/other"))
        d.child.send_signal(signal.SIGHUP)
        says = f"[daemon] state_dir ({d.dir}/state until then), [daemon] max_parallel_requests (32 until then)"
        wait(lambda: d.json("/api/v1/status")["config_needs_restart"] == says, "it says so")
        assert f"In force after a restart only: {says}\n" in d.ctl("status").stdout
        assert d.lines(f"A restart alone puts in force: {says}")
        d.config.write_text(before)
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: d.json("/api/v1/status")["config_needs_restart"] is None, "as at the start")


def test_reload_in_the_middle_of_an_action(binary, tmp_path, started):
    """It ends with the configuration with which it began, neither lost nor repeated."""
    master, driver, airflow = started(Master), started(Driver, "app-1", OWNER), started(Airflow)
    master.add(driver)
    sections = master_section("m", master) + airflow_section(airflow, tmp_path)
    with Daemon(binary, tmp_path, sections, action="retry") as d:
        wait(lambda: airflow.state == "failed", "failed, the app lives")
        for _ in range(3):
            d.write(sections, action="retry")
            d.child.send_signal(signal.SIGHUP)
            time.sleep(0.2)
        master.end("app-1")
        wait(lambda: d.actions()["confirmed"] == 1, "confirmed")
        assert d.actions()["requested"] == 1
    assert len(airflow.asked("PATCH")) == 1
    assert len([body for *_, body in airflow.asked("POST", "clear") if '"dry_run":false' in body]) == 1


def test_reload_while_an_action_looks(binary, tmp_path, started):
    """What has sent nothing yet is given up and decided anew, by the mode of then."""
    master, driver, airflow = started(Master), started(Driver, "app-1", OWNER), started(Airflow)
    master.add(driver)
    airflow.on_fail = lambda: master.end("app-1")

    def slow(handler):
        time.sleep(0.7)
        handler.reply(*driver.answer("GET", handler.path, {}, ""))

    driver.faults.append((None, "/stages", slow))
    sections = master_section("m", master).replace("1s", "3s") + airflow_section(airflow, tmp_path)
    with Daemon(binary, tmp_path, sections, action="retry") as d:
        wait(lambda: d.lines("is hung, was"), "hung: the fresh look has begun")
        d.write(sections, mode="observe", action="retry")
        for _ in range(5):
            d.child.send_signal(signal.SIGHUP)
            time.sleep(0.1)
        wait(lambda: d.actions()["dry_run"] == 1, "decided anew")
        assert airflow.asked("PATCH") == [] and d.actions()["requested"] == 0
        d.write(sections, action="retry")
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: d.actions()["confirmed"] == 1, "done in the end, once")
    assert len(airflow.asked("PATCH")) == 1


def test_app_that_ended_during_a_reload(binary, tmp_path, started):
    driver = started(Driver, "app-1")
    with Daemon(binary, tmp_path, driver_section("one", driver)) as d:
        wait(lambda: d.verdicts().get(("app-1", 7)) == "hung", "hung")
        d.child.send_signal(signal.SIGHUP)
        driver.close()
        wait(lambda: d.verdicts() == {} and d.metric("stagewatch_incidents_open", verdict="hung") == 0, "it is gone")


def test_hanging_drivers_do_not_starve_the_others(binary, tmp_path, started):
    """More of them than requests on the wire at once, all before the one that is well."""
    silent = [started(Driver, f"app-{n}") for n in range(40)]
    for fake in silent:
        fake.faults.append((None, ".", fake.hang))
    well = started(Driver, "app-well")
    section = "[spark many]\ntype = driver\ntimeout = 2s\n" + "".join(f"url = {f.url}\n" for f in [*silent, well])
    with Daemon(binary, tmp_path, section) as d:
        wait(lambda: d.verdicts().get(("app-well", 7)) == "hung", "it is polled at pace")
        d.polls_go_on(well, n=5)


@pytest.mark.lengthy
def test_nothing_grows(binary, tmp_path, started):
    driver, silent = started(Driver), started(Driver)
    silent.faults.append((None, ".", silent.truncated))
    with Daemon(binary, tmp_path, driver_section("one", driver) + driver_section("two", silent)) as d:
        wait(lambda: len(driver.asked("GET", "/stages")) > 5, "warm")
        fds, memory = d.metric("process_open_fds"), d.metric("process_resident_memory_bytes")
        wait(lambda: len(driver.asked("GET", "/stages")) > 25, "twenty more polls")
        assert d.metric("process_open_fds") <= fds + 2
        assert d.metric("process_resident_memory_bytes") < memory * 1.5 + (8 << 20)


def test_metrics_in_both_formats(root, binary, tmp_path, started):
    driver, airflow, master = started(Driver), started(Airflow), started(Master)
    master.add(driver)
    window = "[maintenance night]\nfrom = 22:00\nto = 06:00\n"
    told = "[notify x]\ntype = command\ncommand = /bin/true\n"
    with Daemon(binary, tmp_path, master_section("m", master) + airflow_section(airflow, tmp_path) + window + told) as d:
        wait(lambda: d.verdicts().get(("app-1", 7)) == "hung", "hung")
        _, headers, text = d.fetch("/metrics")
        assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = {f.name: f for f in text_string_to_metric_families(text.decode())}
        assert families["stagewatch_actions"].type == "counter" and len(families["stagewatch_actions"].samples) == 10
        assert families["stagewatch_stage_stalled_seconds"].samples[0].labels["app_id"] == "app-1"
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True)
            assert done.returncode == 0 and not done.stderr.strip(), done.stderr
        accept = {"Accept": "application/openmetrics-text;version=1.0.0"}
        _, headers, text = d.fetch("/metrics", accept)
        assert headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        names = {f.name for f in openmetrics.text_string_to_metric_families(text.decode())}
        assert {"stagewatch_build", "stagewatch_incidents", "stagewatch_poll_duration_seconds"} <= names
        _, headers, packed = d.fetch("/metrics", {"Accept-Encoding": "gzip"})
        assert headers["Content-Encoding"] == "gzip" and b"stagewatch_up" in gzip.decompress(packed)
        known = {n.removesuffix("_total") for n in metrics(root)}
        # Spark tells of process trees only where spark.executor.processTreeMetrics.enabled is set; no action is under way; there
        # is no [leader], no https and no token.
        known -= {"stagewatch_app_process_peak_bytes", "stagewatch_oldest_pending_action_timestamp_seconds", "stagewatch_leader",
                  "stagewatch_leader_transitions", "stagewatch_leader_errors", "stagewatch_target_certificate_expiry_timestamp_seconds",
                  "stagewatch_credential_expiry_timestamp_seconds"}
        assert {n.removesuffix("_info") for n in families} == {n.removesuffix("_info") for n in known}


def test_pages(binary, tmp_path, started):
    driver = started(Driver)
    with Daemon(binary, tmp_path, driver_section("one", driver)) as d:
        wait(lambda: d.verdicts() != {}, "seen")
        page = d.fetch("/")[2].decode()
        for link in re.findall(r'href="([^"]*)"', page):
            assert d.fetch(urllib.parse.urljoin("/", link))[0] == 200
        status = d.json("/api/v1/status")
        assert (status["mode"], status["ready"], status["healthy"]) == ("act", True, True)
        assert status["clusters"][0]["spark_cluster"] == "one" and status["clusters"][0]["apps"] == 1
        stage = d.json("/api/v1/stages")["apps"][0]["stages"][0]
        assert stage["bar"].startswith("(0 + ") and stage["stage_id"] == 7
        for path, method, code in (("/nothing", "GET", 404), ("/metrics", "POST", 405), ("/-/reload", "POST", 405)):
            with pytest.raises(urllib.error.HTTPError) as e:
                d.fetch(path, method=method)
            assert e.value.code == code


@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus is not installed")
def test_scraped_by_prometheus(binary, tmp_path, started, root):
    driver = started(Driver)
    with Daemon(binary, tmp_path, driver_section("one", driver)) as d:
        port = fakes.free_port()
        (tmp_path / "prometheus.yml").write_text(
            f"global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{root}/etc/prometheus/stagewatchd.rules.yml']\n"
            f"scrape_configs: [{{job_name: stagewatchd, static_configs: [{{targets: ['127.0.0.1:{d.port()}']}}]}}]\n")
        with open(tmp_path / "prometheus.log", "wb") as log:
            child = subprocess.Popen(["prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
                                      f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)

        def ask(path):
            import json
            import urllib.request
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as r:
                    return json.load(r)["data"]
            except OSError:
                return {}

        try:
            wait(lambda: [r for r in ask('query?query=stagewatch_stages%7Bverdict%3D%22hung%22%7D').get("result", []) if r["value"][1] == "1"],
                 "the hang is in Prometheus")
            wait(lambda: "StagewatchSparkStageHung" in [a["labels"]["alertname"] for a in ask("alerts").get("alerts", [])], "the alert fires")
        finally:
            child.terminate()
            child.wait(20)
