# SPDX-License-Identifier: Apache-2.0
"""The cluster policy on real Airflow: what Spark shows of an application names its task instance."""

import json

import pytest

KEYS = ("dag_id", "run_id", "task_id", "map_index", "try_number")
RUN_ID = "lab__2026-01-02T03:04:05+00:00"
TASKS = {
    "policy": {("submit", -1), ("submit_mapped", 0), ("python", -1), ("python_mapped", 0), ("bash", -1)},
    "policy_tokens": {("explicit", -1), ("conf_mapped", 0)},
}


@pytest.mark.parametrize("airflow", ["airflow3", "airflow2"], indirect=True)
def test_applications_name_their_task_instance(airflow):
    out = airflow.dir / "policy"
    out.mkdir(exist_ok=True)
    for dag_id in TASKS:
        airflow.trigger(dag_id, RUN_ID)
    for dag_id, expected in TASKS.items():
        state = airflow.wait_run(dag_id, RUN_ID)
        assert state == "success", airflow.task_log(dag_id, RUN_ID)
        instances = airflow.tasks(dag_id, RUN_ID)
        assert {(ti["task_id"], ti["map_index"]) for ti in instances} == expected
        for ti in instances:
            seen = json.loads((out / f"{ti['task_id']}.{ti['map_index']}.json").read_text())
            ids = [str(ti.get(key, ti.get("dag_run_id"))) for key in KEYS]
            truth = {f"spark.airflow.{key}": value for key, value in zip(KEYS, ids)}
            truth["spark.airflow.identity"] = "\n".join(ids).encode().hex()
            if "token" in ti["dag_id"]:
                truth["spark.airflow.dag_id"] = "*********(redacted)"
            if ti["task_id"] == "explicit":
                truth["spark.airflow.task_id"] = "mine"
            assert seen == truth, ti["task_id"]
