# SPDX-License-Identifier: Apache-2.0
"""The proof: a hang on real Spark under real Airflow is found, killed, seen dead, retried, and succeeds.

What is asserted is what Spark's master, Airflow's API and the process table say; the daemon's own word counts
for its counters only.
"""
import lab
import pytest
from watch import Watch

RUN_ID = "story__2026-11-23T00:00:00+00:00"
NOTHING = {"dry_run": 0, "requested": 0, "confirmed": 0, "unconfirmed": 0, "failed": 0}
DONE = {**NOTHING, "requested": 1, "confirmed": 1}
# What the audit says of a task that leaves all at Airflow's defaults.
DEFAULTS = {"airflow_execution_timeout", "airflow_retries", "airflow_pool", "airflow_active_runs"}


def app_of(spark, name, state=None):
    """The master's apps of that name, in order of their start."""
    apps = spark.apps()
    found = [a for a in apps["activeapps"] + apps["completedapps"] if a["name"] == name]
    return sorted((a for a in found if state is None or a["state"] == state), key=lambda a: a["id"])


def ids(spark):
    """All apps the master has seen so far."""
    apps = spark.apps()
    return {a["id"] for a in apps["activeapps"] + apps["completedapps"]}


def new_app(spark, name, known):
    """The id of the app that is not among the known, once it runs."""
    def there():
        new = [a for a in app_of(spark, name, "RUNNING") if a["id"] not in known]
        return new[0]["id"] if new else None
    return lab.wait(there, f"{name} runs")


def states(spark, name, known):
    """How the master says that the apps which are not among the known stand, by id."""
    return {a["id"]: a["state"] for a in app_of(spark, name) if a["id"] not in known}


def try_processes(labs, dag_id, number):
    """Drivers (and whatever else) of one try, by the environment that Airflow gave them."""
    return lab.survivors(*labs, environ={"AIRFLOW_CTX_DAG_ID": dag_id, "AIRFLOW_CTX_TRY_NUMBER": number})


@pytest.fixture(scope="module")
def healthy(airflow3, spark):
    """An app that is well, under the same Airflow, for as long as these tests run."""
    known = ids(spark)
    (airflow3.dir / "healthy").touch()
    airflow3.trigger("healthy", RUN_ID)
    app = new_app(spark, "healthy", known)
    yield app
    (airflow3.dir / "healthy").unlink()
    assert airflow3.wait_run("healthy", RUN_ID) == "success", airflow3.task_log("healthy", RUN_ID)


def assert_untouched(airflow3, spark, app):
    """The healthy app still runs as the same app, in its first try."""
    assert [a["id"] for a in app_of(spark, "healthy")] == [app]
    assert app_of(spark, "healthy")[0]["state"] == "RUNNING"
    ti = airflow3.task("healthy", RUN_ID, "healthy")
    assert (ti["state"], ti["try_number"]) == ("running", 1)


def assert_recovered(airflow, spark, dag_id, first, known, watch, counted=DONE):
    """The run succeeded in its second try, the first app has ended, and nothing of the first try lives."""
    # On the way the run is failed for a moment: fail, wait, clear.
    assert airflow.wait_run(dag_id, RUN_ID, states=("success",)) == "success", watch.log()
    assert airflow.task(dag_id, RUN_ID, "hang")["try_number"] == 2
    assert sorted((t["try_number"], t["state"]) for t in airflow.tries(dag_id, RUN_ID, "hang"))[-1] == (2, "success")
    ended = states(spark, dag_id, known)
    assert ended.pop(first) in ("KILLED", "FINISHED", "FAILED"), ended
    assert list(ended.values()) == ["FINISHED"], ended
    lab.wait(lambda: not lab.survivors(spark, cmdline=f"--app-id {first}"), "the executors of the first try are gone")
    assert try_processes((airflow, spark), dag_id, "1") == []
    lab.wait(lambda: watch.actions("retry") == counted, f"counted once each: {watch.actions('retry')}")


def test_submit_observe_then_act(airflow3, spark, healthy, binary, tmp_path):
    """SparkSubmitOperator: in observe mode the decision is recorded and nothing touched; in act mode it is done."""
    with Watch(binary, tmp_path, spark, airflow3, mode="observe") as watch:
        known = ids(spark)
        airflow3.trigger("hang_submit", RUN_ID)
        first = new_app(spark, "hang_submit", known)
        lab.wait(lambda: watch.actions("retry")["dry_run"] == 1, "the decision is recorded")
        incident = watch.incidents()[0]
        assert (incident["verdict"], incident["app_id"], incident["action"]) == ("hung", first, "retry")
        assert "(0 + 6) / 6" in incident["evidence"]
        before = airflow3.task("hang_submit", RUN_ID, "hang")
        lab.wait(lambda: watch.metric("stagewatch_incidents_open", verdict="hung") == 1, "it stays open")
        after = airflow3.task("hang_submit", RUN_ID, "hang")
        assert (after["state"], after["try_number"], after["id"], after["note"]) == ("running", 1, before["id"], None)
        assert states(spark, "hang_submit", known) == {first: "RUNNING"}
        assert try_processes((airflow3, spark), "hang_submit", "1")
        assert watch.actions("retry") == {**NOTHING, "dry_run": 1}
        assert watch.task_findings(first) == DEFAULTS
        assert watch.task_findings(healthy) == {"airflow_retries", "airflow_pool"}

        watch.reload("act")
        lab.wait(lambda: watch.actions("retry")["requested"] == 1, "the retry is requested")
        assert_recovered(airflow3, spark, "hang_submit", first, known, watch, {**DONE, "dry_run": 1})
        assert_untouched(airflow3, spark, healthy)
        tries = {t["try_number"]: t for t in airflow3.tries("hang_submit", RUN_ID, "hang")}
        assert tries[1]["state"] == "failed"
        assert "stagewatchd: Spark stage 0 of " + first in (airflow3.task("hang_submit", RUN_ID, "hang")["note"] or "")
        assert watch.actions("kill") == NOTHING


def test_python_session(airflow3, spark, healthy, binary, tmp_path):
    """PythonOperator that makes its own SparkSession: its owner is known by the cluster policy alone."""
    with Watch(binary, tmp_path, spark, airflow3) as watch:
        known = ids(spark)
        airflow3.trigger("hang_python", RUN_ID)
        first = new_app(spark, "hang_python", known)
        assert_recovered(airflow3, spark, "hang_python", first, known, watch)
        assert_untouched(airflow3, spark, healthy)


def test_airflow_2_kill(airflow2, spark, binary, tmp_path):
    """Airflow 2.11: kill ends app and task, and clears nothing."""
    with Watch(binary, tmp_path, spark, airflow2, action="kill") as watch:
        known = ids(spark)
        airflow2.trigger("hang_submit", "kill__1")
        first = new_app(spark, "hang_submit", known)
        lab.wait(lambda: watch.task_findings(first) == DEFAULTS, "its task is audited")
        assert airflow2.wait_run("hang_submit", "kill__1") == "failed", watch.log()
        lab.wait(lambda: watch.actions("kill") == DONE, f"the kill is confirmed: {watch.actions('kill')}")
        ti = airflow2.task("hang_submit", "kill__1", "hang")
        assert (ti["state"], ti["try_number"]) == ("failed", 1)
        assert "stagewatchd: Spark stage 0 of " + first in ti["note"]
        ended = states(spark, "hang_submit", known)
        assert list(ended) == [first] and ended[first] in ("KILLED", "FINISHED", "FAILED")
        assert lab.survivors(spark, cmdline=f"--app-id {first}") == []
        assert try_processes((airflow2, spark), "hang_submit", "1") == []


def test_airflow_2_retry(airflow2, spark, binary, tmp_path):
    """Airflow 2.11: fail, wait for the end, clear, second try."""
    with Watch(binary, tmp_path, spark, airflow2) as watch:
        known = ids(spark)
        airflow2.trigger("hang_python", RUN_ID)
        first = new_app(spark, "hang_python", known)
        assert_recovered(airflow2, spark, "hang_python", first, known, watch)
