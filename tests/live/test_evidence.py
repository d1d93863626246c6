# SPDX-License-Identifier: Apache-2.0
"""What is asked beyond the counters, of whom, how often; what is kept of it; recordings made live."""
import json
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import textwrap
import time

import pytest
from fakes import Driver, Master
from harness import RULE, Daemon, driver_section, master_section, wait
from test_client_cert import Secured

EVIDENCE = "[evidence]\ndump_spacing = 2s\ndump_timeout = 2s\n"
SIX = [(i, "1") for i in range(3)] + [(i, "2") for i in range(3, 6)]


def incidents(d):
    return d.json("/api/v1/incidents")["incidents"]


def hung(d):
    return [i for i in incidents(d) if i["verdict"] == "hung"]


def test_story_and_bundle(binary, tmp_path, started):
    driver = started(Driver, owner={"dag_id": "d", "run_id": "r", "task_id": "t"})
    driver.tasks = SIX
    state = tmp_path / "state"
    state.mkdir()
    with Daemon(binary, tmp_path, EVIDENCE + driver_section("one", driver)) as d:
        i = wait(lambda: hung(d), "hung")[0]
        story = d.json(f"/api/v1/incidents/{i['id']}")
        assert [s["text"].split(":")[0] for s in story["steps"]][:2] == ["suspect", "hung"]
        assert story["evidence_kept"] is True
        assert "spark.airflow.dag_id=d" in story["spark_properties"]
        assert story["owner"]["task_id"] == "t"
        time.sleep(5)  # so long that the evidence alone, without what came before it, tells of a hang
        driver.moving = True
        wait(lambda: incidents(d)[0]["state"] == "ended", "it moves again")
        assert d.json(f"/api/v1/incidents/{i['id']}")["steps"][-1]["text"].startswith("ended as recovered")
        with pytest.raises(Exception, match="404"):
            d.json("/api/v1/incidents/none")
    bundle = state / "incidents" / f"{i['id']}.jsonl"
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in bundle.read_text().splitlines()]
    assert {"incident"} < {x["path"] for x in lines}
    assert any("/threads" in x["path"] for x in lines) and any("/taskList" in x["path"] for x in lines)
    assert json.loads(lines[-1]["body"])["outcome"] == "recovered"
    # The evidence of an incident is a recording: it tells the same again.
    done = subprocess.run([binary, "--config", tmp_path / "stagewatchd.conf", "--replay", bundle], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "hung" in [json.loads(x)["verdict"] for x in done.stdout.splitlines()]


def test_a_bundle_of_a_standalone_cluster(binary, tmp_path, started):
    """Who the app is and whose was asked of the master, or before the incident: the file has it, and the same rule holds."""
    master, driver = started(Master), started(Driver, "app-1", owner={"dag_id": "d", "run_id": "r", "task_id": "t"})
    driver.tasks = SIX
    master.add(driver)
    (tmp_path / "state").mkdir()
    rule = "[rule mine]\ndag = d\ntask = t\nhung_after = 2s\nhung_after_unproven = 3s\naction = notify\n"
    with Daemon(binary, tmp_path, EVIDENCE + master_section("m", master) + rule) as d:
        i = wait(lambda: hung(d), "hung")[0]
        assert i["rule"] == "mine"
        time.sleep(5)
        driver.moving = True
        wait(lambda: incidents(d)[0]["state"] == "ended", "it moves again")
    bundle = tmp_path / "state" / "incidents" / f"{i['id']}.jsonl"
    done = subprocess.run([binary, "--config", tmp_path / "stagewatchd.conf", "--replay", bundle], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    told = [json.loads(x) for x in done.stdout.splitlines()]
    assert ("hung", "mine", "app-1") in [(x["verdict"], x["rule"], x["app"]) for x in told], told


def test_bundles_are_bounded(binary, tmp_path, started):
    driver = started(Driver)
    driver.tasks, driver.padding = SIX, 200000
    old = tmp_path / "state" / "incidents"
    old.mkdir(parents=True)
    for name, age in (("a", 40 * 86400), ("b", 86400)):
        (old / f"{name}.jsonl").write_text("x" * 50000)
        os.utime(old / f"{name}.jsonl", (time.time() - age,) * 2)
    (old / "README").write_text("not ours")
    sections = EVIDENCE + "bundle_max_size = 64K\nbundles_max_size = 64K\n" + driver_section("one", driver)
    with Daemon(binary, tmp_path, sections) as d:
        assert not (old / "a.jsonl").exists() and (old / "b.jsonl").exists() and (old / "README").exists()
        i = wait(lambda: hung(d), "hung")[0]
        assert 0 < (old / f"{i['id']}.jsonl").stat().st_size <= 65536
        assert sum(file.stat().st_size for file in old.glob("*.jsonl")) <= 65536


def test_evidence_leaves_room_for_the_ledger(binary, tmp_path, started):
    driver = started(Driver)
    driver.tasks = SIX
    old = tmp_path / "state" / "incidents"
    old.mkdir(parents=True)
    (old / "a.jsonl").write_text("x")
    with Daemon(binary, tmp_path, EVIDENCE + "bundles_keep_free = 1024G\n" + driver_section("one", driver)) as d:
        wait(lambda: hung(d), "hung")
        assert d.lines("and the ledger goes first: no evidence is kept")
        assert list(old.iterdir()) == []


def record(binary, tmp_path, driver, *more):
    config = tmp_path / "record.conf"
    config.write_text(f"[daemon]\npoll_interval = 1s\n{EVIDENCE}{driver_section('one', driver)}{RULE}")
    out = tmp_path / "out.jsonl"
    child = subprocess.Popen([binary, "--config", config, "--record", out, *more], stderr=subprocess.PIPE, text=True)
    return child, out, config


def test_record_and_replay(binary, tmp_path, started):
    driver = started(Driver)
    driver.tasks = SIX
    child, out, config = record(binary, tmp_path, driver)
    wait(lambda: len(driver.asked("GET", "/threads")) >= 4, "it asks as the daemon does")
    time.sleep(1)
    driver.close()
    assert child.wait(20) == 0, child.stderr.read()
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert lines[-1]["status"] == 0 and lines[-1]["error"] == "refused"
    assert [x["t"] for x in lines] == sorted(x["t"] for x in lines)
    done = subprocess.run([binary, "--config", config, "--replay", out], capture_output=True, text=True, timeout=60)
    assert [json.loads(x)["verdict"] for x in done.stdout.splitlines()] == ["suspect", "hung"], done.stdout + done.stderr


def test_record_one_of_several(binary, tmp_path, started):
    one, two = started(Driver, "app-one"), started(Driver, "app-two")
    config = tmp_path / "record.conf"
    config.write_text(f"[daemon]\npoll_interval = 1s\n{driver_section('a', one)}{driver_section('b', two)}{RULE}")
    child = subprocess.Popen([binary, "--config", config, "--record", "-", "--app", "app-two"], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    lines = [json.loads(child.stdout.readline()) for _ in range(4)]
    child.send_signal(signal.SIGTERM)
    assert child.wait(10) == 0
    child.communicate()
    assert all("app-one" not in json.dumps(x) for x in lines) and "app-two" in json.dumps(lines)


def test_record_says_what_is_wrong(binary, tmp_path):
    def run(*arguments):
        return subprocess.run([binary, *arguments], capture_output=True, text=True, timeout=20)

    assert run("--record", tmp_path / "no" / "file").returncode == 3
    assert "No such file" in run("--record", tmp_path / "no" / "file").stderr
    assert "--app goes with --record" in run("--app", "x").stderr
    assert "exclude" in run("--record", "x", "--once").stderr


@pytest.fixture
def executor(tmp_path):
    """A process that looks like an executor of app-PID: one that is called java, with its arguments, and two children that compute."""
    java = tmp_path / "java"
    shutil.copy(os.path.realpath(sys.executable), java)
    code = textwrap.dedent("""
        import subprocess, sys, time
        workers = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
        print(*[w.pid for w in workers], flush=True)
        time.sleep(1000)
    """)
    env = dict(os.environ, PYTHONHOME=sys.base_prefix)
    child = subprocess.Popen([java, "-c", code, "org.apache.spark.executor.CoarseGrainedExecutorBackend", "--executor-id", "1",
                              "--app-id", f"app-{os.getpid()}"], stdout=subprocess.PIPE, text=True, env=env)
    workers = [int(w) for w in child.stdout.readline().split()]
    yield child.pid, *workers
    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    child.kill()
    child.wait()


def test_probe(binary, tmp_path, started, executor):
    app = f"app-{os.getpid()}"
    driver = started(Driver, app)
    with Daemon(binary, tmp_path, "[probe]\nenabled = yes\n" + driver_section("one", driver)) as d:
        tree = d.json(f"/api/v1/probe?app={app}")[0]
        assert (tree["executor"], tree["pid"]) == ("1", executor[0])
        assert {p["pid"] for p in tree["processes"]} == set(executor)
        assert set(tree) <= {"app", "executor", "pid", "cpu_seconds", "processes"}
        wait(lambda: d.json(f"/api/v1/probe?app={app}")[0]["cpu_seconds"] > tree["cpu_seconds"] + 0.5, "it computes")
        assert d.json("/api/v1/probe?app=app-x") == []
        for path, status in (("/api/v1/probe", 400), ("/api/v1/probe?app=", 400)):
            with pytest.raises(Exception, match=str(status)):
                d.fetch(path)


def test_probe_is_off_by_default(binary, tmp_path, started):
    with Daemon(binary, tmp_path, driver_section("one", started(Driver))) as d:
        with pytest.raises(Exception, match="404"):
            d.fetch("/api/v1/probe?app=app-1")


@pytest.mark.lengthy
def test_cpu_of_this_host_tells_slow_from_hung(binary, tmp_path, started, executor):
    """Over REST nothing moves and the frames are the same: the executor's process computes."""
    app = f"app-{os.getpid()}"
    driver = started(Driver, app)
    driver.tasks, driver.tasks_active = [(0, "1"), (1, "1")], 2
    sections = EVIDENCE + driver_section("one", driver)
    with Daemon(binary, tmp_path, sections) as d:
        # A window takes 20 s: longer than the limits of this test, which call it hung before.
        wait(lambda: d.verdicts().get((app, 7)) == "slow", "it computes")


class Nowhere(Driver):
    """Its executor has threads, but not those of the tasks; its own threads read a result."""

    def threads(self, executor):
        frame = {"driver": "java.util.HashSet.iterator(HashSet.java:174)"}.get(executor, "java.lang.Thread.sleep(Native Method)")
        name = {"driver": "task-result-getter-0"}.get(executor, "executor-heartbeater")
        return [{"threadId": 1, "threadName": name, "threadState": "RUNNABLE", "stackTrace": {"elems": [frame]}}]


def test_the_driver_holds_the_stage(binary, tmp_path, started):
    driver = started(Nowhere)
    driver.tasks, driver.tasks_active = [(0, "1"), (1, "1")], 2
    with Daemon(binary, tmp_path, EVIDENCE + driver_section("one", driver)) as d:
        says = "no task runs any more, the driver takes in their results"
        wait(lambda: says in str(d.json("/api/v1/stages")), "the driver reads results")
        stage = d.json("/api/v1/stages")["apps"][0]["stages"][0]
        assert stage["verdict"] == "slow"
        assert "driver_collect: task-result-getter-0 in java.util.HashSet.iterator" in stage["evidence"], stage


@pytest.fixture
def java_driver(tmp_path):
    """A driver that is a process called java, as Spark's is, and computes; its dumps are errors."""
    java = tmp_path / "java"
    shutil.copy(os.path.realpath(sys.executable), java)
    code = textwrap.dedent(f"""
        import hashlib
        import sys
        import threading
        sys.path[:0] = [{str(pathlib.Path(__file__).parent)!r}]
        from fakes import Driver
        class Quiet(Driver):
            def threads(self, executor):
                if executor == "driver":
                    raise OSError
                return [{{"threadId": 1, "threadName": "executor-heartbeater", "threadState": "WAITING", "stackTrace": {{"elems": []}}}}]
        driver = Quiet()
        driver.tasks, driver.tasks_active = [(0, "1"), (1, "1")], 2
        print(driver.port, flush=True)
        for _ in range(4):  # side by side, which Python alone is not
            threading.Thread(target=hashlib.pbkdf2_hmac, args=("sha256", b"", b"", 10 ** 9)).start()
    """)
    env = dict(os.environ, PYTHONHOME=sys.base_prefix)
    child = subprocess.Popen([java, "-c", code], stdout=subprocess.PIPE, text=True, env=env)
    yield int(child.stdout.readline())
    child.kill()
    child.wait()


@pytest.mark.lengthy
def test_cpu_of_the_driver_on_this_host(binary, tmp_path, java_driver):
    """No executor runs the tasks, and the driver gives no dump: its process computes."""
    section = f"[spark one]\ntype = driver\nurl = http://127.0.0.1:{java_driver}\n"
    with Daemon(binary, tmp_path, EVIDENCE + section) as d:
        wait(lambda: "the driver uses" in str(d.json("/api/v1/stages")), "its CPU is known")
        assert d.verdicts()[("app-1", 7)] == "slow"


@pytest.mark.lengthy
@pytest.mark.parametrize("base", [Driver, Secured])
def test_probe_of_another_host(base, binary, tmp_path, started, executor):
    """The executor's host has a stagewatchd that is asked; here it is asked for an executor that this host has not."""
    driver = started(Driver)
    driver.tasks, driver.tasks_active = [(0, "9"), (1, "9")], 2
    asked = []

    class Probe(base):
        def answer(self, method, path, headers, body):
            asked.append((path, headers))
            spent = time.monotonic() - begun
            return 200, [{"app": "app-1", "executor": "9", "pid": 7, "cpu_seconds": spent,
                          "processes": [{"pid": 7, "cpu_seconds": spent, "name": "java"}]}]

    begun = time.monotonic()
    secured = base is Secured
    probe = started(Probe, tmp_path) if secured else started(Probe)
    tls = f"tls = yes\nca_file = {probe.cert[0]}\nclient_cert_file = {probe.client[0]}\nclient_key_file = {probe.client[1]}\n" if secured else ""
    sections = EVIDENCE + f"[probe]\nport = {probe.port}\n{tls}" + driver_section("one", driver)
    with Daemon(binary, tmp_path, sections) as d:
        wait(lambda: d.verdicts().get(("app-1", 7)) == "slow", "it computes")
    assert {path for path, _ in asked} == {"/api/v1/probe?app=app-1"}
    assert all("Authorization" not in headers for _, headers in asked)


def idle(d, app="app-1"):
    """What is said of an idle app; None: it is not."""
    return next((a["evidence"] for a in d.json("/api/v1/stages")["apps"] if a["app_id"] == app and a["verdict"] == "idle"), None)


@pytest.mark.parametrize("queries, said", [
    ([{"id": 4, "status": "RUNNING", "description": "toPandas at etl.py:7", "runningJobIds": []}],
     "; probable cause driver_collect: query toPandas at etl.py:7 runs without a job"),
    ([{"id": 4, "status": "COMPLETED", "description": "toPandas at etl.py:7", "runningJobIds": []}],
     "; cause unknown: the last query was toPandas at etl.py:7"),
    ([], ""),
    ("<html>", "")])
def test_query_of_an_idle_driver(queries, said, binary, tmp_path, started):
    """Where no stage runs, the line of the program that the driver is at; asked seldom, and of no other app."""
    driver, other = started(Driver), started(Driver, "app-2")
    driver.stages, driver.queries, other.tasks = [], queries, SIX
    with Daemon(binary, tmp_path, driver_section("a", driver) + driver_section("b", other)) as d:
        wait(lambda: idle(d) and driver.asked("GET", "/sql?"), "it is idle, and asked about its query")
        wait(lambda: idle(d).endswith(f"(idle_after=3s){said}"), "it is said")
        d.polls_go_on(driver, "/jobs")
        times = [t for t, *_ in driver.asked("GET", "/sql?")]
        assert all(b - a >= 2.9 for a, b in zip(times, times[1:])), times
        assert not other.asked("GET", "/sql?")
