# SPDX-License-Identifier: Apache-2.0
"""What is said of an app's configuration, and how often its driver is asked for it."""
import pytest
from fakes import Airflow, Driver
from harness import Daemon, airflow_section, driver_section, wait

KRYO = {"spark.serializer": "org.apache.spark.serializer.KryoSerializer", "spark.driver.maxResultSize": "256m"}


def findings(d, app="app-1", query=""):
    apps = {a["app_id"]: a for a in d.json("/api/v1/audit" + query)["apps"]}
    return {f["check"]: f for f in apps[app]["findings"]} if app in apps and apps[app]["audited"] else None


def test_findings_and_metric(binary, tmp_path, started):
    ill, well = started(Driver, "app-ill"), started(Driver, "app-well")
    ill.properties = {"spark.network.timeout": "300000", "spark.speculation": "true", "spark.master": "spark://m:7077"}
    well.properties = KRYO
    with Daemon(binary, tmp_path, driver_section("ill", ill) + driver_section("well", well)) as d:
        wait(lambda: "result_size_heap" in (findings(d, "app-ill") or {}), "memory is known")
        found = findings(d, "app-ill")
        assert set(found) == {"network_timeout_long", "result_size_heap", "serializer_java", "speculation_first_wave", "reaper_off"}
        assert found["network_timeout_long"]["fix"] == "spark.network.timeout=300s"
        assert found["network_timeout_long"]["found"] == "spark.network.timeout=300000"
        assert found["result_size_heap"]["found"] == "spark.driver.maxResultSize=1g (default), driver heap=1g"
        assert found["result_size_heap"]["fix"] == "spark.driver.memory=2g"
        wait(lambda: findings(d, "app-well") == {} and well.asked("GET", "/allexecutors"), "no findings")
        assert findings(d, "app-well") == {}
        assert findings(d, "app-well", "?app=app-ill") is None
        assert d.metric("stagewatch_audit_findings", severity="warning") == 2
        assert d.metric("stagewatch_audit_findings", severity="info") == 3


OWNER = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}


@pytest.mark.parametrize("api", ["v2", "v1"])
def test_task_in_airflow(api, binary, tmp_path, started):
    """How the owner's task is set is asked once per app, also where nothing is acted upon."""
    ours, nobodys, airflow = started(Driver, "app-1", OWNER), started(Driver, "app-2"), started(Airflow, api)
    ours.properties = nobodys.properties = KRYO
    sections = airflow_section(airflow, tmp_path) + driver_section("a", ours) + driver_section("b", nobodys)
    with Daemon(binary, tmp_path, sections, action="none", mode="observe") as d:
        wait(lambda: findings(d), "the task is known")
        found = findings(d)
        assert {check: f["fix"] for check, f in found.items()} == {
            "airflow_execution_timeout": "execution_timeout=timedelta(hours=6)", "airflow_retries": "retries=1",
            "airflow_pool": 'pool="spark"', "airflow_active_runs": "max_active_runs=1"}
        assert found["airflow_active_runs"]["found"] == "max_active_runs=16"
        d.polls_go_on(ours, "status=active")
        assert len(airflow.asked("GET", "/tasks/t")) == 1
        assert findings(d, "app-2") == {}


def test_task_in_airflow_is_well_set(binary, tmp_path, started):
    driver, airflow = started(Driver, "app-1", OWNER), started(Airflow)
    driver.properties = KRYO
    airflow.task.update(retries=2.0, pool="spark", execution_timeout={"__type": "TimeDelta", "days": 0, "seconds": 3600, "microseconds": 0})
    airflow.max_active_runs = 1
    with Daemon(binary, tmp_path, airflow_section(airflow, tmp_path) + driver_section("a", driver)) as d:
        wait(lambda: airflow.asked("GET", "/tasks/t"), "it was asked")
        d.polls_go_on(driver, "status=active")
        assert findings(d) == {}


def test_a_silent_airflow_holds_up_its_own_apps_only(binary, tmp_path, started):
    silent, other = started(Airflow), started(Airflow)
    drivers = [started(Driver, f"app-{i}", OWNER, f"of-{'other' if i == 3 else 'silent'}") for i in (1, 2, 3)]
    for driver in drivers:
        driver.properties = KRYO
    silent.faults.append((None, "", silent.hang))
    sections = airflow_section(silent, tmp_path, "30s") + airflow_section(other, tmp_path).replace("main", "other")
    sections += "".join(driver_section(f"d{i}", driver) for i, driver in enumerate(drivers))
    sections += "[rule first]\napp = of-silent\nairflow = main\n[rule second]\napp = of-other\nairflow = other\n"
    with Daemon(binary, tmp_path, sections, action="none") as d:
        wait(lambda: findings(d, "app-3"), "the other one's task is known")
        assert findings(d, "app-1") == findings(d, "app-2") == {}
