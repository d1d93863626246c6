# SPDX-License-Identifier: Apache-2.0
"""Grounds on which an action is not begun, or not carried on: Airflow's version, DAG, run, siblings; people who were faster."""
import pytest
from fakes import Airflow, Driver
from harness import Daemon, airflow_section, driver_section, wait
from test_act import NONE, OWNER, Scene, refused

MAPPED = {**OWNER, "map_index": 1}


@pytest.mark.parametrize("api", ["v2", "v1"])
@pytest.mark.parametrize("what, text", [
    ({"paused": True}, "its DAG is paused"),
    ({"stale": True}, "Airflow no longer finds its DAG"),
    ({"run_state": "failed"}, "its DAG run is over"),
    ({"version": "2.4.3"}, "Airflow before 2.5"),
    ({"version": "main"}, "does not say which version"),
])
def test_no_retry(api, what, text, binary, tmp_path, started):
    scene = Scene(started, tmp_path, api)
    for key, value in what.items():
        setattr(scene.airflow, key, value)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        refused(d, scene, text)


@pytest.mark.parametrize("what", [{"paused": True}, {"stale": True}, {"run_state": "failed"}])
def test_a_kill_needs_no_new_try(what, binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    for key, value in what.items():
        setattr(scene.airflow, key, value)
    with Daemon(binary, tmp_path, scene.sections, action="kill") as d:
        wait(lambda: d.actions("kill")["confirmed"] == 1, 40, "confirmed")
    assert scene.sent() == ["fail"]


def test_version_that_fails_all_indexes(binary, tmp_path, started):
    scene = Scene(started, tmp_path, owner=MAPPED, map_index=1, version="3.1.1")
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        refused(d, scene, "#57101")


def test_version_that_leaves_drivers_alive(binary, tmp_path, started):
    """Only where nothing else could end the app: a list of drivers, and no master."""
    driver, airflow = started(Driver, "app-1", OWNER), started(Airflow, version="3.2.1")
    with Daemon(binary, tmp_path, driver_section("one", driver) + airflow_section(airflow, tmp_path), action="retry") as d:
        wait(lambda: d.lines("#65505"), 40, "refused")
        assert d.actions() == NONE
    assert airflow.asked("PATCH") == []


def test_version_that_leaves_drivers_alive_to_the_master(binary, tmp_path, started):
    scene = Scene(started, tmp_path, version="3.2.1")
    scene.airflow.on_fail = lambda: None
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 40, "the master ends it")
    assert scene.sent() == ["fail", "kill", "clear"]


def test_index_that_would_take_others_with_it(binary, tmp_path, started):
    """Should a version fail more than it is asked to, a dry run tells, and nothing is sent."""
    scene = Scene(started, tmp_path, owner=MAPPED, map_index=1)
    scene.airflow.fails_also = [{"map_index": 0}]
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["failed"] == 1, 40, "refused")
        assert d.lines("it would not be this task instance alone that fails")
    assert scene.sent() == []


def test_mapped_task_of_airflow_2(binary, tmp_path, started):
    """A clear takes no index there. Where no other index has failed, only ours is cleared."""
    scene = Scene(started, tmp_path, "v1", owner=MAPPED, map_index=1)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 40, "confirmed")
    assert scene.sent() == ["note", "fail", "clear"]


def test_failed_sibling_of_airflow_2(binary, tmp_path, started):
    scene = Scene(started, tmp_path, "v1", owner=MAPPED, map_index=1)
    scene.airflow.failed_siblings = [0]
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        refused(d, scene, "cannot clear one index")


def test_sibling_fails_meanwhile(binary, tmp_path, started):
    """Looked at again just before the clear, which is then not sent."""
    scene = Scene(started, tmp_path, "v1", owner=MAPPED, map_index=1)

    def end_and_fail():
        scene.airflow.failed_siblings = [0]
        scene.master.end("app-1")

    scene.airflow.on_fail = end_and_fail
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["failed"] == 1, 60, "not cleared")
        assert d.lines("other indexes of the mapped task have failed meanwhile")
    assert scene.sent() == ["note", "fail"]


@pytest.mark.parametrize("sweeps, text", [
    ([{"dag_run_id": "r0"}], "another run or DAG"),
    ([{"dag_id": "other"}], "another run or DAG"),
    ([{"map_index": 3}], "other indexes"),
])
def test_clear_that_would_reach_further(sweeps, text, binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.sweeps = sweeps
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["failed"] == 1, 40, "not cleared")
        assert d.lines(text)
    assert scene.sent() == ["fail"]


def test_downstream_is_cleared_with_it(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.sweeps = [{"task_id": "after", "state": "upstream_failed"}]
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 40, "confirmed")
    assert scene.sent() == ["fail", "clear"]


def test_cleared_by_a_person_meanwhile(binary, tmp_path, started):
    """Between the end of the app and our clear somebody else clears: nothing more is sent."""
    scene = Scene(started, tmp_path)

    def end_and_clear():
        scene.master.end("app-1")
        scene.airflow.state, scene.airflow.number, scene.airflow.id = "queued", 2, "id-2"

    scene.airflow.on_fail = lambda: None
    scene.master.faults.append(("POST", "/app/kill", lambda h: (end_and_clear(), h.reply(302, ""))))
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.lines("retry of app-1: superseded"), 40, "superseded")
        assert d.lines("somebody else acted")
    assert scene.sent() == ["fail", "kill"]


@pytest.mark.parametrize("version, operator, sent", [
    ("3.3.2", "SparkSubmitOperator", None),
    ("3.3.2", "BashOperator", ["fail", "clear"]),
    ("3.2.1", "SparkSubmitOperator", ["fail", "clear"]),
])
def test_driver_in_the_cluster(version, operator, sent, binary, tmp_path, started):
    """The durable operator of 3.3 asks how the driver of the try before ended, and one that ended well was told to."""
    scene = Scene(started, tmp_path, version=version)
    scene.airflow.operator = operator
    scene.driver.properties["spark.submit.deployMode"] = "cluster"
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        if not sent:
            refused(d, scene, "durable operator could take the end of the hung app for success")
            return
        wait(lambda: d.actions()["confirmed"] == 1, 40, "confirmed")
    assert scene.sent() == sent


def test_airflow_fails_it_first(binary, tmp_path, started):
    """Its heartbeat is lost between our look and our request, its driver lives on: ended at the master, then cleared."""
    scene = Scene(started, tmp_path)

    def already_failed(handler):
        scene.airflow.state = "failed"
        handler.reply(409, '{"detail":"Task id t is already in failed state"}')

    scene.airflow.faults.append(("PATCH", "/t$", already_failed))
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 40, "confirmed")
    assert scene.sent() == ["fail", "kill", "clear"]
