# SPDX-License-Identifier: Apache-2.0
"""Airflow as it is: mapped tasks, its own retries, processes that freeze or lose their parent, rights."""
import os
import signal
import subprocess

import lab
import pytest
from test_story import DONE, ids, new_app, states, try_processes
from watch import Watch

RUN_ID = "airflow__2026-11-24T00:00:00+00:00"
BOTH = pytest.mark.parametrize("airflow", ["airflow3", "airflow2"], indirect=True)


def assert_second_try(airflow, spark, dag_id, first, known, watch):
    """The run succeeded, the task that hung in its second try, and the first app has ended before."""
    assert airflow.wait_run(dag_id, RUN_ID, states=("success",)) == "success", watch.log()
    lab.wait(lambda: watch.actions("retry") == DONE, f"counted once each: {watch.actions('retry')}")
    ended = states(spark, dag_id, known)
    state = ended.pop(first)
    assert set(ended.values()) == {"FINISHED"}, ended
    lab.wait(lambda: not lab.survivors(spark, cmdline=f"--app-id {first}"), "the executors of the first try are gone")
    return state


def hung_app(watch):
    return lab.wait(lambda: [i["app_id"] for i in watch.incidents() if i["verdict"] == "hung"], "one is hung")[0]


@BOTH
def test_one_of_three_mapped(airflow, spark, binary, tmp_path):
    """Only the index that hangs is ended and run again, also where a clear takes no index (2.11)."""
    with Watch(binary, tmp_path, spark, airflow) as watch:
        known = ids(spark)
        airflow.trigger("hang_mapped", RUN_ID)
        first = hung_app(watch)
        assert_second_try(airflow, spark, "hang_mapped", first, known, watch)
        tries = {ti["map_index"]: (ti["state"], ti["try_number"]) for ti in airflow.tasks("hang_mapped", RUN_ID)}
        assert tries == {0: ("success", 1), 1: ("success", 2), 2: ("success", 1)}
        assert len(states(spark, "hang_mapped", known)) == 4, "three and one again"


def test_airflow_retries_itself(airflow3, spark, binary, tmp_path):
    """With a retry left only the app is ended: Airflow tries again by itself, and nothing is failed or cleared."""
    with Watch(binary, tmp_path, spark, airflow3, retry_via="airflow") as watch:
        known = ids(spark)
        airflow3.trigger("hang_retries", RUN_ID)
        first = new_app(spark, "hang_retries", known)
        assert assert_second_try(airflow3, spark, "hang_retries", first, known, watch) == "KILLED"
        ti = airflow3.task("hang_retries", RUN_ID, "hang")
        assert (ti["try_number"], ti["max_tries"]) == (2, 1), "a clear would have raised max_tries"
        assert try_processes((airflow3, spark), "hang_retries", "1") == []


def family(airflow, dag_id):
    """Who runs the task: its supervisor, then the processes of its group (driver included)."""
    runner = airflow.task(dag_id, RUN_ID, "hang")["pid"]
    group = [p for p in lab.processes() if p.group == runner]
    return [p.ppid for p in group if p.pid == runner], [p.pid for p in group]


def alive(pids):
    return [p for p in lab.processes() if p.pid in pids]


def test_frozen_once_the_action_has_begun(airflow3, spark, binary, tmp_path):
    """The driver and all that Airflow has around it stop: only the master can end the app, and it does before a new try."""
    with Watch(binary, tmp_path, spark, airflow3, end_timeout="10s", retry_via="clear") as watch:
        known = ids(spark)
        airflow3.trigger("hang_frozen", RUN_ID)
        first = new_app(spark, "hang_frozen", known)
        lab.wait(lambda: "failing task instance" in watch.log(), "the action begins", 0.05)
        supervisor, group = family(airflow3, "hang_frozen")
        assert len(supervisor) == 1 and len(group) >= 3, "supervisor, task, driver's JVM and Python"
        for pid in supervisor + group:
            os.kill(pid, signal.SIGSTOP)
        try:
            assert assert_second_try(airflow3, spark, "hang_frozen", first, known, watch) == "KILLED"
            assert {p.state for p in alive(group)} == {"T"}, "nobody could end them"
        finally:
            for pid in supervisor + group:
                os.kill(pid, signal.SIGCONT)
        lab.wait(lambda: not alive(group), "woken up, they end")
        ti = airflow3.task("hang_frozen", RUN_ID, "hang")
        assert (ti["state"], ti["try_number"]) == ("success", 2), "and do no harm to the new try"


def test_driver_without_its_task(airflow3, spark, binary, tmp_path):
    """Who watches over the task is killed: Airflow still says running, fails it on demand, and can end nothing."""
    with Watch(binary, tmp_path, spark, airflow3, end_timeout="10s", retry_via="clear") as watch:
        known = ids(spark)
        airflow3.trigger("hang_orphan", RUN_ID)
        first = new_app(spark, "hang_orphan", known)
        supervisor, group = family(airflow3, "hang_orphan")
        runner = airflow3.task("hang_orphan", RUN_ID, "hang")["pid"]
        for pid in [*supervisor, runner]:
            os.kill(pid, signal.SIGKILL)
        group.remove(runner)
        assert alive(group), "the driver lives on"
        assert assert_second_try(airflow3, spark, "hang_orphan", first, known, watch) == "KILLED"
        lab.wait(lambda: not alive(group), "the orphans end with their app")


@BOTH
def test_rights(airflow, spark, binary, tmp_path):
    """Who may only look is told so before anything hangs."""
    for user, status, said in (("watchdog", 0, "login granted, read granted, fail granted, clear granted"),
                               ("viewer", 1, "login granted, read granted, fail denied, clear denied")):
        watch = Watch(binary, tmp_path / user, spark, airflow, user=user)
        done = subprocess.run([binary, "--config", watch.config, "--check-access"], capture_output=True, text=True, timeout=60)
        assert (done.returncode, said in done.stdout) == (status, True), done.stdout + done.stderr
