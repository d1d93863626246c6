# SPDX-License-Identifier: Apache-2.0
"""kill_via: an app that does not end with its task, ended by Spark's own kills, or as a process of this host."""
import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest
from fakes import Airflow, Driver, Master, ResourceManager
from harness import Daemon, airflow_section, driver_section, master_section, wait, yarn_section

OWNER = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}


class Scene:
    """A master with a hung app; stage 7 of jobs 0 and 3, of which 5 is another."""

    def __init__(self, started, tmp_path):
        self.master, self.driver, self.airflow = started(Master), started(Driver, "app-1", OWNER), started(Airflow)
        self.master.add(self.driver)
        self.killed = []
        self.driver.on_kill = self.on_kill
        self.sections = master_section("m", self.master) + airflow_section(self.airflow, tmp_path)

    def on_kill(self, what):
        self.killed.append(what)
        self.master.end("app-1", "FINISHED")


class KillDaemon(Daemon):
    """With kill_via in its only rule."""

    def __init__(self, binary, directory, sections, via, **more):
        self.kill_via = via
        super().__init__(binary, directory, sections, via="auto", **more)

    def write(self, sections, mode="act", action="notify"):
        super().write(sections, mode, action)
        self.config.write_text(self.config.read_text() + f"\nkill_via = {self.kill_via}\n")


def confirmed(d):
    wait(lambda: d.actions("kill")["confirmed"] == 1, 40, f"confirmed: {d.log()}")


def test_a_kill_that_hit_nothing(binary, tmp_path, started):
    """Airflow has a retry left. The stage is over by the time of the kill: the app is not failed on what was seen before."""
    scene = Scene(started, tmp_path)
    scene.airflow.max_tries, scene.driver.jobs = 2, None
    look = scene.airflow.look

    def move(path):
        if path.endswith("/taskInstances/t") and scene.driver.stages[0]["stageId"] == 7:
            scene.driver.moving = True
            scene.driver.stages = [dict(scene.driver.stages[0], stageId=8, numCompleteTasks=3, numCompletedIndices=3)]
        return look(path)

    scene.airflow.look = move
    with KillDaemon(binary, tmp_path, scene.sections, "job", action="retry") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "told")
        assert d.lines("is left alone: at a fresh look it was no longer hung")
    assert not scene.airflow.asked("PATCH", "") and not scene.killed


@pytest.mark.parametrize("page", ["POST", "GET", "3.5"])
@pytest.mark.parametrize("via", ["stage", "job"])
def test_killed_as_the_page_says(via, page, binary, tmp_path, started):
    """By the page's own form and token, behind a proxy that takes GET alone too; Spark 3.5 has a link and no token."""
    scene = Scene(started, tmp_path)
    if page == "3.5":
        scene.driver.token = None
    else:
        scene.driver.kill_by = page
    with KillDaemon(binary, tmp_path, scene.sections, via, action="kill") as d:
        confirmed(d)
    assert scene.killed == [("stage", 7) if via == "stage" else ("job", 0)]
    assert not scene.master.asked("POST", "/app/kill")


def test_every_job_of_the_stage(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    jobs = [{"jobId": n, "status": "RUNNING", "stageIds": stages} for n, stages in ((0, [7]), (3, [6, 7]), (5, [8]))]
    scene.driver.faults.append(("GET", "/jobs\\?", lambda h: h.reply(200, jobs)))
    scene.driver.on_kill = lambda what: (scene.killed.append(what), len(scene.killed) == 2 and scene.master.end("app-1"))
    with KillDaemon(binary, tmp_path, scene.sections, "job", action="kill") as d:
        confirmed(d)
    assert scene.killed == [("job", 0), ("job", 3)]


def test_an_app_that_goes_on_without_its_stage(binary, tmp_path, started):
    """Its code may catch the exception: a kill of the stage is no end of the app."""
    scene = Scene(started, tmp_path)
    scene.driver.on_kill = scene.killed.append
    with KillDaemon(binary, tmp_path, scene.sections, "stage", action="retry") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "unconfirmed")
    assert scene.killed and scene.airflow.asked("POST", "clear") == []


@pytest.mark.parametrize("fault, words", [
    ("page", "the driver's page offers no kill"), ("403", "the driver refused the kill: status 403"),
    ("404", "another app answers there"), ("nothing", "no running job uses the stage")])
def test_a_driver_that_does_not_kill(fault, words, binary, tmp_path, started):
    scene = Scene(started, tmp_path)

    def after_the_task():
        driver = scene.driver
        if fault == "page":
            driver.faults.append(("GET", "^/stages/$", lambda h: h.reply(200, "<html><body>no kill here</body></html>")))
        elif fault == "403":
            driver.faults.append(("POST", "/kill/", driver.status(403)))
        elif fault == "404":
            driver.faults.append(("GET", "/jobs\\?", driver.status(404, "unknown app")))
        else:
            driver.jobs = [99]

    scene.airflow.on_fail = after_the_task
    with KillDaemon(binary, tmp_path, scene.sections, "stage", action="kill") as d:
        wait(lambda: d.actions("kill")["unconfirmed"] == 1, 40, "unconfirmed")
        assert d.lines(words)
    assert scene.killed == []


def test_a_list_of_drivers_gets_its_credentials(binary, tmp_path, started):
    """A driver that the configuration names; of one that a master names see test_killed_as_the_page_says."""
    driver, airflow = started(Driver, "app-1", OWNER), started(Airflow)
    driver.on_kill = lambda what: driver.close()
    section = driver_section("one", driver) + f"username = ui\npassword_file = {tmp_path}/password\n"
    with KillDaemon(binary, tmp_path, section + airflow_section(airflow, tmp_path), "stage", action="kill") as d:
        wait(lambda: d.actions("kill")["requested"] == 1, 40, "requested")
        wait(lambda: driver.asked("POST", "/stages/stage/kill/"), 20, "killed")
    assert driver.asked("POST", "/kill/")[0][3]["Authorization"].startswith("Basic ")


@pytest.mark.parametrize("via", ["stage", "job", "driver"])
def test_no_way_on_yarn(via, binary, tmp_path, started):
    """YARN would begin the next attempt by itself."""
    rm, airflow = started(ResourceManager), started(Airflow)
    d = KillDaemon(binary, tmp_path, yarn_section("y", rm) + airflow_section(airflow, tmp_path), via, action="kill")
    done = subprocess.run([binary, "--config", d.config, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 3
    assert f"kill_via: {via} is no way to end an app of [spark y]: source yarn permits: cluster" in done.stderr


DRIVER = """
import signal, sys, threading
sys.path.insert(0, {here!r})
import fakes
if {stubborn}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(fakes.Driver("app-1", {owner!r}).port, flush=True)
threading.Event().wait()
"""


@pytest.fixture
def process(tmp_path, request):
    """A driver in a process of its own, which /proc shows as a JVM."""
    java = tmp_path / "java"
    java.symlink_to(sys.executable)
    code = DRIVER.format(here=str(pathlib.Path(__file__).parent), owner=OWNER, stubborn=request.param)
    child = subprocess.Popen([java, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONHOME": sys.prefix})
    child.stubborn = request.param
    child.url = f"http://127.0.0.1:{int(child.stdout.readline())}"
    yield child
    child.kill()
    child.wait()


@pytest.mark.parametrize("process", [False, True], indirect=True, ids=["willing", "stubborn"])
def test_the_process_of_the_driver(process, binary, tmp_path, started):
    """SIGTERM, and SIGKILL to one that does not heed it; its end is seen as that of any driver of this host."""
    airflow = started(Airflow)
    section = f"[spark one]\ntype = driver\nurl = {process.url}\n" + airflow_section(airflow, tmp_path)
    waiter = threading.Thread(target=process.wait, daemon=True)  # no zombie is left
    waiter.start()
    with KillDaemon(binary, tmp_path, section, "driver", action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 60, f"confirmed: {d.log()}")
    waiter.join(5)
    assert process.returncode == (-signal.SIGKILL if process.stubborn else -signal.SIGTERM)
    assert airflow.asked("POST", "clear")


def test_a_driver_elsewhere_is_no_process_of_ours(binary, tmp_path, started):
    """Its port is on this host, its process is no JVM (the end of a tunnel, say): nothing is killed, nothing is cleared."""
    driver, airflow = started(Driver, "app-1", OWNER), started(Airflow)
    section = driver_section("one", driver) + airflow_section(airflow, tmp_path)
    with KillDaemon(binary, tmp_path, section, "driver", action="retry") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "unconfirmed")
    assert airflow.asked("POST", "clear") == []
