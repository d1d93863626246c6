# SPDX-License-Identifier: Apache-2.0
"""Spark on YARN on fakes: apps found through the ResourceManager's proxy, ended and seen to end there."""
import pytest
from fakes import Airflow, Driver, ResourceManager
from harness import Daemon, airflow_section, wait, yarn_section

APP = "application_1795400114925_0001"
OWNER = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}
NONE = {"dry_run": 0, "requested": 0, "confirmed": 0, "unconfirmed": 0, "failed": 0}
PUT = ("PUT", f"/{APP}/state")


class Scene:
    """One hung app that does not end with its task instance, so that it is killed at the ResourceManager."""

    def __init__(self, started, tmp_path, n=1, more="", timeout="1s"):
        self.rms = [started(ResourceManager) for _ in range(n)]
        self.rm, self.driver, self.airflow = self.rms[-1], started(Driver, APP, OWNER), started(Airflow)
        for rm in self.rms:
            rm.active = self.rm
        self.rm.add(self.driver)
        self.sections = yarn_section("y", *self.rms, more=more, timeout=timeout) + airflow_section(self.airflow, tmp_path)

    def kills(self):
        return [r for rm in self.rms for r in rm.asked(*PUT)]


def confirmed(d, action="retry"):
    wait(lambda: d.actions(action)["confirmed"] == 1, 40, f"confirmed: {d.log()}")


def test_found_and_recovers_by_itself(binary, tmp_path, started):
    """Its driver is asked through the proxy, never where trackingUrl points."""
    rm, driver = started(ResourceManager), started(Driver, APP)
    with Daemon(binary, tmp_path, yarn_section("y", rm)) as d:
        wait(lambda: d.metric("stagewatch_up", spark_cluster="y") == 1, 20, "an empty list is a list")
        assert d.json("/api/v1/stages")["apps"] == []
        rm.add(driver)
        wait(lambda: d.verdicts() == {(APP, 7): "hung"}, 30, "hung")
        assert d.json("/api/v1/stages")["apps"][0]["name"] == "etl", "the driver's own name, not the file's"
        driver.moving = True
        wait(lambda: d.verdicts() != {(APP, 7): "hung"}, 20, "it moves")
        rm.end(APP)
        wait(lambda: d.json("/api/v1/stages")["apps"] == [], 20, "it is gone")
        assert not d.lines("tracking.invalid") and not d.lines("is not usable")
    assert {r[1] for r in rm.requests} == {"GET"}


def test_retry_kills_at_the_resource_manager(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
        assert d.actions() == {**NONE, "requested": 1, "confirmed": 1}
    assert len(scene.kills()) == 1 and len(scene.airflow.asked("POST", "clear")) == 1
    assert scene.kills()[0][0] < scene.airflow.asked("POST", "clear")[0][0]
    assert scene.rm.apps[APP][0] == "KILLED"


def test_an_app_that_ends_with_its_task_is_not_killed(binary, tmp_path, started):
    """FINISHED with SUCCEEDED is an end like any other; it says nothing of success."""
    scene = Scene(started, tmp_path)
    scene.airflow.on_fail = lambda: scene.rm.end(APP)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
    assert scene.kills() == []


def test_a_kill_that_does_not_take(binary, tmp_path, started):
    """202 proves nothing: without an end no clear."""
    scene = Scene(started, tmp_path)
    scene.rm.kill_works = False
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "unconfirmed")
        assert d.lines("its cluster manager says that it runs")
    assert scene.kills() and scene.airflow.asked("POST", "clear") == []


def test_a_kill_whose_answer_is_lost_is_repeated(binary, tmp_path, started):
    """Within the waiting time, after a look that says the app runs."""
    scene = Scene(started, tmp_path)
    lost = []

    def lose(handler):
        lost.append(1)
        if len(lost) == 2:
            scene.rm.faults.clear()
        handler.reply(500, "<html>no</html>")

    scene.rm.faults.append((*PUT, lose))
    d = Daemon(binary, tmp_path, scene.sections, action="retry")
    d.config.write_text(d.config.read_text().replace("end_timeout = 2s", "end_timeout = 8s"))
    with d:
        confirmed(d)
    assert len(lost) == 2 and len(scene.kills()) == 3 and scene.rm.apps[APP][0] == "KILLED"


def test_an_app_that_is_forgotten_has_not_ended(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.on_fail = lambda: scene.rm.apps.clear()
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "unconfirmed")
        assert d.lines(f"app with id: {APP} not found")
    assert scene.airflow.asked("POST", "clear") == []


@pytest.mark.parametrize("first", ["standby", "no active one", "refused", "hang", "garbage", "500"])
def test_a_pair_of_which_the_first_is_no_help(first, binary, tmp_path, started):
    scene = Scene(started, tmp_path, n=2)
    other = scene.rms[0]
    if first == "no active one":
        other.active = None
    elif first == "refused":
        other.close()
    elif first != "standby":
        other.faults.append((None, "", other.status(500) if first == "500" else getattr(other, first)))
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
    assert scene.rm.apps[APP][0] == "KILLED"


def test_the_active_one_changes_on_the_way(binary, tmp_path, started):
    """Between the decision and the kill: look and kill find the other one."""
    scene = Scene(started, tmp_path, n=2)
    late = scene.rms[0]

    def fail_over():
        late.apps, late.active, scene.rm.active = scene.rm.apps, late, late

    scene.airflow.on_fail = fail_over
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
        assert late.asked(*PUT) and late.apps[APP][0] == "KILLED"


def test_no_redirect_is_followed(binary, tmp_path, started):
    """The standby's redirect may lead anywhere: only configured addresses are asked."""
    scene, stranger = Scene(started, tmp_path), started(ResourceManager)
    stranger.add(scene.driver)
    scene.rm.active = stranger
    with Daemon(binary, tmp_path, yarn_section("y", scene.rm)) as d:
        wait(lambda: d.lines("a standby ResourceManager"), 20, "said once")
        assert d.metric("stagewatch_up", spark_cluster="y") == 0
    assert stranger.requests == []


def test_user_name(binary, tmp_path, started):
    """Without password_file the user's name goes into every query, as Hadoop's simple authentication wants it."""
    scene = Scene(started, tmp_path, more="username = etl\n")
    scene.rm.owner = "etl"
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
    assert all("user.name=etl" in r[2] and "Authorization" not in r[3] for r in scene.rm.requests)


def test_basic_authentication(binary, tmp_path, started):
    scene = Scene(started, tmp_path, more=f"username = etl\npassword_file = {tmp_path}/password\n")
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
    assert all("user.name" not in r[2] and r[3]["Authorization"].startswith("Basic ") for r in scene.rm.requests)
    assert all("Authorization" not in r[3] for r in scene.driver.requests)


def test_a_kill_that_is_denied(binary, tmp_path, started):
    scene = Scene(started, tmp_path, more="username = bob\n")
    scene.rm.owner = "etl"
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "unconfirmed")
        assert d.lines(f"Unauthorized attempt to kill appid {APP} by remote user bob")
        assert d.metric("stagewatch_cluster_access", spark_cluster="y", right="kill") == 0
        assert d.lines("1 of 1 running apps are not shown whole"), "told before the night"
    assert scene.airflow.asked("POST", "clear") == []


def test_a_driver_that_freezes_is_killed(binary, tmp_path, started):
    """Its proxy answers after a minute; the ResourceManager itself answers at once."""
    scene = Scene(started, tmp_path)
    scene.airflow.on_fail = lambda: setattr(scene.driver, "frozen", True)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
        assert d.polls_go_on(scene.rm, "/cluster/apps") < 12


def test_frozen_driver_is_unobservable(binary, tmp_path, started):
    rm, driver = started(ResourceManager), started(Driver, APP)
    rm.add(driver)
    with Daemon(binary, tmp_path, yarn_section("y", rm)) as d:
        wait(lambda: d.verdicts(), 20, "seen")
        driver.frozen = True
        wait(lambda: d.app_verdicts() == {APP: "unobservable"}, 30, "unobservable")
        assert d.polls_go_on(rm, "/cluster/apps") < 12


def test_second_attempt_of_a_driver(binary, tmp_path, started):
    """The same app id and stage id with another start is another app: its clocks begin anew."""
    rm, driver = started(ResourceManager), started(Driver, APP)
    rm.add(driver)
    with Daemon(binary, tmp_path, yarn_section("y", rm)) as d:
        wait(lambda: d.verdicts() == {(APP, 7): "hung"}, 30, "hung")
        driver.started += 60000
        wait(lambda: d.verdicts().get((APP, 7)) != "hung", 10, "not hung any more")
        incidents = wait(lambda: [i for i in d.json("/api/v1/incidents")["incidents"] if i["state"] == "ended"], 10, "ended")
        assert len(incidents) == 1
