# SPDX-License-Identifier: Apache-2.0
"""--suggest: durations of a cluster, a History Server and the ledger in, lines of a configuration out."""
import datetime
import os
import re
import subprocess

import pytest
from fakes import PASSWORD, Driver, History
from harness import Daemon, driver_section, wait

EPOCH = 1795985207849  # milliseconds


def stage(number, seconds):
    def at(s):
        return datetime.datetime.fromtimestamp(EPOCH / 1000 + s, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "GMT"
    return {"status": "COMPLETE", "stageId": number, "attemptId": 0, "numTasks": 1, "inputRecords": 0, "submissionTime": at(0),
            "firstTaskLaunchedTime": at(5), "completionTime": at(5 + seconds)}


def config(tmp_path, sections, rules="[rule etl]\napp = etl*\n[rule rest]\napp = *\nhung_after = 30min\n"):
    path = tmp_path / "stagewatchd.conf"
    path.write_text(f"[daemon]\nstate_dir = {tmp_path}/state\n{sections}{rules}")
    return path


def suggest(binary, path, *args, status=0):
    done = subprocess.run([binary, "--config", path, "--suggest", *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    assert done.stderr == ""  # no terminal: no progress
    return done.stdout


def rule(text, name):
    return re.search(rf"^\[rule {name}\]\n((?:.+\n)*)", text, re.M).group(1).splitlines()


def test_proposals(binary, tmp_path, started):
    """Of a History Server and a driver; what is proposed is a configuration that has no fault."""
    history, driver = started(History), started(Driver, "app-live", name="ml")
    history.add("app-1", "etl_daily", 3600, [stage(i, i) for i in range(1, 31)], {30: 12, 29: 190})
    history.add("app-2", "etl_hourly", 60, [stage(0, 400)], {0: 190})
    history.add("app-2", "etl_hourly", 90, [stage(0, 2)], {}, attempt="2")
    for i in range(3):
        history.add(f"app-{i + 3}", "etl_hourly", 70, [], {})
    driver.stages = [stage(i, 600 + i) for i in range(19)] + [dict(stage(19, 0), status="FAILED")]
    path = config(tmp_path, driver_section("main", driver))
    text = suggest(binary, path, "--history", history.url + "/", status=1)
    assert text.startswith(f"# what was looked at:\n#   main: 1 running app\n#   {history.url}: 6 finished apps\n")
    assert rule(text, "etl") == [
        "# 6 apps with 32 completed stages, from 2026-11-29T20:46:47Z to 2026-11-29T21:46:47Z",
        "# half of the stages took 15s at most, 99% of them 6min 40s",
        "# the longest stage took 6min 40s: stage 0 of etl_hourly (app-2)",
        "# the longest task took 3min 10s: stage 0 of etl_hourly (app-2)",
        "# proposed: twice that, rounded up",
        "# hung_after is 10min now",
        "hung_after = 7min",
        "# the longest of 6 runs took 1h: etl_daily (app-1)",
        "# proposed: twice that, rounded up",
        "# max_runtime is not set now",
        "max_runtime = 2h"]
    assert rule(text, "rest")[-1] == "# no hung_after is proposed: 19 completed stages are too few, 20 are needed"
    # One answer bounds all tasks: those of shorter stages cannot be longer.
    assert [r[2] for r in history.asked("GET", "taskSummary")] == [
        "/api/v1/applications/app-2/stages/0/0/taskSummary?quantiles=1.0"]
    assert {r[1] for r in history.requests + driver.requests} == {"GET"}
    (tmp_path / "stagewatchd.conf.d").mkdir()
    (tmp_path / "stagewatchd.conf.d/proposed.conf").write_text(text)
    done = subprocess.run([binary, "--config", path, "--check-config"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    printed = subprocess.run([binary, "--config", path, "--print-config"], capture_output=True, text=True, timeout=60).stdout
    assert "hung_after = 7min\n" in printed and "max_runtime = 2h\n" in printed


def test_a_rule_by_owner(binary, tmp_path, started):
    """Only apps whose owner decides are asked for it; one whom only Airflow could tell is left out, and named."""
    history = started(History)
    history.add("app-1", "etl", 60, [stage(i, 5) for i in range(20)], {0: 4})
    history.add("app-2", "etl", 60, [stage(i, 9) for i in range(20)], {0: 8}, owner={"dag_id": "d", "run_id": "r", "task_id": "t"})
    history.add("app-3", "etl", 60, [stage(0, 900)], {}, properties={
        "spark.openlineage.parentRunId": "01890a5d-ac96-774b-bcce-b302099a8057", "spark.openlineage.parentJobNamespace": "n"})
    path = config(tmp_path, driver_section("main", started(Driver)),
                  "[rule none]\ndag = none\napp = ml\n[rule dag]\ndag = d\n[rule rest]\napp = *\n")
    text = suggest(binary, path, "--history", f"main={history.url}", status=2)
    assert "# the longest stage took 9s: stage 0 of etl (app-2)" in rule(text, "dag")
    assert "# the longest stage took 5s: stage 0 of etl (app-1)" in rule(text, "rest")
    assert "hung_after = 5min" in rule(text, "dag")
    assert "main: app app-3 is left out: its rule depends on its owner, whom only Airflow knows" in text
    assert len(history.asked("GET", "/environment")) == 3


@pytest.mark.parametrize("fault", ["status", "garbage", "deep", "truncated", "huge", "html"])
@pytest.mark.parametrize("where", ["/applications\\?", "app-2/stages\\?", "taskSummary"])
def test_what_cannot_be_read_is_named(binary, tmp_path, started, fault, where):
    """The rest counts. Without the time of a task, that of its stage bounds it."""
    history = started(History)
    history.add("app-1", "etl", 60, [stage(i, 600) for i in range(20)], {0: 4})
    history.add("app-2", "etl", 60, [stage(20, 3)], {})
    history.faults = [("GET", where, history.status(500) if fault == "status" else getattr(history, fault))]
    driver = started(Driver)
    driver.stages = []
    path = config(tmp_path, driver_section("main", driver), "[rule all]\napp = *\n")
    text = suggest(binary, path, "--history", history.url, status=2)
    named = text.partition("# what could not be read:\n")[2].splitlines()
    assert named and all(line.startswith(f"#   {history.url}/api/v1/applications") for line in named)
    if where == "taskSummary":
        assert "# no task took more than 10min, the whole time of stage 0 of etl (app-1)" in rule(text, "all")
        assert "hung_after = 20min" in rule(text, "all")
    elif where == "app-2/stages\\?":
        assert "# 2 apps with 20 completed stages" in rule(text, "all")[0]
        assert len(history.asked("GET", "taskSummary")) <= 20
    else:
        assert rule(text, "all")[-1] == "# no hung_after is proposed: 0 completed stages are too few, 20 are needed"


def test_progress_is_for_terminals(binary, tmp_path, started):
    history = started(History)
    history.add("app-1", "etl", 60, [stage(0, 1)], {0: 1})
    path = config(tmp_path, driver_section("main", started(Driver)))
    ours, theirs = os.openpty()
    subprocess.run([binary, "--config", path, "--suggest", "--history", history.url], stdout=subprocess.DEVNULL, stderr=theirs, timeout=60)
    os.close(theirs)
    seen = os.read(ours, 4096).decode()
    os.close(ours)
    assert f"\r{history.url}: 0 of 1 apps\x1b[K" in seen and seen.endswith("\r\x1b[K")


def test_a_silent_cluster_is_named(binary, tmp_path, started):
    driver, gone = started(Driver), started(Driver)
    gone.close()
    path = config(tmp_path, driver_section("main", driver) + f"url = {gone.url}\n")
    text = suggest(binary, path, status=2)
    assert f"#   main: {gone.url}/api/v1/applications is refused" in text
    assert "#   main: 1 running app\n" in text


def test_credentials_go_where_they_are_meant_to(binary, tmp_path, started):
    """A History Server gets those of the section that is named for it, and no others."""
    history, other, driver = started(History), started(History), started(Driver)
    driver.stages = []
    (tmp_path / "password").write_text(PASSWORD + "\n")
    (tmp_path / "password").chmod(0o600)
    sections = driver_section("main", driver) + f"username = u\npassword_file = {tmp_path}/password\n"
    path = config(tmp_path, sections)
    text = suggest(binary, path, "--history", f"main={history.url}", "--history", other.url, status=1)
    assert [bool(r[3].get("Authorization")) for r in history.requests] == [True]
    assert [bool(r[3].get("Authorization")) for r in other.requests] == [False]
    assert PASSWORD not in text


@pytest.mark.parametrize("args, said", [
    (["--history", "http://u:secret@h/"], "stagewatchd: --history: holds a user name"),
    (["--history", "nobody=http://h/"], "there is no such [spark NAME]"),
    (["--history", "h:18080"], "--history: "),
    (["--once", "--history", "http://h/"], "exclude one another"),
])
def test_wrong_usage(binary, tmp_path, started, args, said):
    path = config(tmp_path, driver_section("main", started(Driver)))
    done = subprocess.run([binary, "--config", path, "--suggest", *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == 3 and said in done.stderr and done.stdout == ""
    assert "secret" not in done.stderr


def test_the_ledger_is_read_beside_its_daemon(binary, tmp_path, started):
    driver, stays = started(Driver), started(Driver, "app-2")
    driver.started -= 7200 * 1000
    (tmp_path / "state").mkdir()
    stays.stages = []
    with Daemon(binary, tmp_path, driver_section("main", driver) + f"url = {stays.url}\n") as d:
        wait(lambda: d.verdicts(), "it is seen")
        driver.close()
        wait(lambda: d.json("/api/v1/report")["apps"], "its run is kept")
        text = suggest(binary, d.config, status=2)
        assert "#   ledger: 1 finished run\n" in text
        assert "# the longest of 1 run took 2h: etl (app-1)" in rule(text, "all")
        d.polls_go_on(stays)
