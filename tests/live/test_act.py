# SPDX-License-Identifier: Apache-2.0
"""Kill and retry over real connections. What may happen on the way: tests/unit/daemon."""
import base64
import json
import pathlib
import subprocess

import fakes
import pytest
from harness import Daemon, airflow_section, wait
from scene import NONE, Scene


def no_secret(d, airflow):
    """Neither in what it says nor in its arguments."""
    token = [r[3]["Authorization"].split()[1] for r in airflow.requests if "Authorization" in r[3]]
    basic = base64.b64encode(f"{fakes.USER}:{fakes.PASSWORD}".encode()).decode()
    places = [d.log(), d.fetch("/metrics")[2].decode(), d.fetch("/api/v1/incidents")[2].decode(),
              pathlib.Path(f"/proc/{d.child.pid}/cmdline").read_text()]
    for place in places:
        for secret in {fakes.PASSWORD, basic, *token}:
            assert secret not in place


@pytest.mark.parametrize("api, action", [("v2", "retry"), ("v1", "kill")])
def test_all_well(api, action, binary, tmp_path, started):
    scene = Scene(started, tmp_path, api)
    with Daemon(binary, tmp_path, scene.sections, action=action) as d:
        wait(lambda: d.actions(action)["confirmed"] == 1, "confirmed")
        assert d.actions(action) == {**NONE, "requested": 1, "confirmed": 1}
        wait(lambda: d.json("/api/v1/incidents")["incidents"][0]["state"] == "ended", "its stage is gone")
        outcome = d.json("/api/v1/incidents")["incidents"][0]["outcome"]
        assert outcome == ("recovered" if action == "retry" else "ended")
        no_secret(d, scene.airflow)
    assert scene.sent() == (["note"] if api == "v1" else []) + ["fail"] + (["clear"] if action == "retry" else [])
    assert "stagewatchd: Spark stage 7 of app-1 was hung: (0 + " in scene.airflow.note
    if action == "retry":
        trials = [json.loads(r[4]) for r in scene.airflow.trials("POST", "clear") if '"r"' in r[4]]
        body = json.loads(scene.airflow.asked("POST", "clear")[0][4])
        assert trials == [{**body, "dry_run": True}] * 2, "before the task is failed, and before it is cleared"
        assert body == {"dry_run": False, "dag_run_id": "r", "task_ids": ["t"], "only_failed": True,
                        "include_downstream": True, "reset_dag_runs": True}


def test_two_airflows_need_a_choice(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    other = airflow_section(scene.airflow, tmp_path).replace("[airflow main]", "[airflow second]")
    d = Daemon(binary, tmp_path, scene.sections + other, action="retry")
    done = subprocess.run([binary, "--config", d.config, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 3 and "say which with airflow=" in done.stderr
