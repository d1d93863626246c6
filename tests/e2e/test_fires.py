# SPDX-License-Identifier: Apache-2.0
"""What a retry sets off, on real Airflow: nothing. Set-ups, teardowns, deferred task instances, processes that heed no SIGTERM."""
import lab
import pytest
from test_airflow import RUN_ID, assert_second_try
from test_story import DONE, NOTHING, ids, new_app, states, try_processes
from watch import Watch


def marks(airflow, dag_id):
    """Which tasks have run, in order: (task, try)."""
    file = airflow.dir / "fires"
    lines = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
    return [(task, int(number)) for _, dag, task, number in lines if dag == dag_id]


def test_nothing_fires(airflow3, spark, binary, tmp_path):
    """Cleared while it runs: teardown and all_done run once, after the second try; the set-up runs again before it."""
    with Watch(binary, tmp_path, spark, airflow3) as watch:
        known = ids(spark)
        airflow3.trigger("fires", RUN_ID)
        first = new_app(spark, "fires", known)
        assert_second_try(airflow3, spark, "fires", first, known, watch)
        assert "before it has ended" in watch.log() and "failing task instance" not in watch.log()
        found = marks(airflow3, "fires")
        assert found[:2] == [("prepare", 1), ("prepare", 2)]
        assert sorted(found[2:]) == [("cleanup", 1), ("report", 1)]
        assert try_processes((airflow3, spark), "fires", "1") == []


@pytest.mark.long
def test_airflow_2_refuses(airflow2, spark, binary, tmp_path):
    """It could only be failed there: the refusal names what would run, and nothing is sent."""
    with Watch(binary, tmp_path, spark, airflow2) as watch:
        known = ids(spark)
        airflow2.trigger("fires", RUN_ID)
        first = new_app(spark, "fires", known)
        lab.wait(lambda: "these tasks run when it is: cleanup (teardown), report (all_done); on_failure_tasks = run" in watch.log(),
                 "it is refused")
        assert watch.actions("retry") == NOTHING and watch.incidents()[0]["app_id"] == first
        assert marks(airflow2, "fires") == [("prepare", 1)]
        ti = airflow2.task("fires", RUN_ID, "hang")
        assert (ti["state"], ti["try_number"], ti["note"]) == ("running", 1, None)
    airflow2.request("PATCH", f"/dags/fires/dagRuns/{lab._q(RUN_ID)}", {"state": "failed"})
    lab.wait(lambda: states(spark, "fires", known)[first] != "RUNNING", "its app has ended")


@pytest.mark.long
def test_airflow_2_is_overwritten(airflow2, spark, binary, tmp_path):
    """A callable that swallows SIGTERM ends with success over our failed: that is told, and nothing is cleared."""
    with Watch(binary, tmp_path, spark, airflow2) as watch:
        airflow2.trigger("deaf", RUN_ID)
        lab.wait(lambda: "Airflow says success over failed" in watch.log(), "it is told")
        assert watch.actions("retry") == {**NOTHING, "requested": 1, "unconfirmed": 1}
        ti = airflow2.task("deaf", RUN_ID, "hang")
        assert (ti["state"], ti["try_number"]) == ("success", 1)


@pytest.mark.long
@pytest.mark.parametrize("airflow", ["airflow3", "airflow2"], indirect=True)
def test_deferred(airflow, spark, binary, tmp_path):
    """No process of Airflow's: the app is ended at the master, and only then the task instance is cleared."""
    airflow.airflow("triggerer", "triggerer")
    with Watch(binary, tmp_path, spark, airflow) as watch:
        known = ids(spark)
        airflow.trigger("deferred", RUN_ID)
        first = new_app(spark, "deferred", known)
        assert assert_second_try(airflow, spark, "deferred", first, known, watch) == "KILLED"
        assert airflow.task("deferred", RUN_ID, "hang")["try_number"] == 2


@pytest.mark.long
def test_one_run_at_a_time(airflow3, spark, binary, tmp_path):
    """Cleared while it runs, a run keeps its place: the queued one waits."""
    with Watch(binary, tmp_path, spark, airflow3) as watch:
        known = ids(spark)
        airflow3.trigger("one_run", RUN_ID)
        first = new_app(spark, "one_run", known)
        airflow3.trigger("one_run", "second")
        lab.wait(lambda: airflow3.run("one_run", RUN_ID)["state"] == "success", "the first run goes through")
        assert watch.actions("retry") == DONE
        assert states(spark, "one_run", known)[first] != "RUNNING"
        second = airflow3.run("one_run", "second")["start_date"]  # None: it is still queued
        assert second is None or airflow3.tries("one_run", RUN_ID, "hang")[-1]["start_date"] < second
    airflow3.request("PATCH", "/dags/one_run/dagRuns/second", {"state": "failed"})
