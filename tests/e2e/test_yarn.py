# SPDX-License-Identifier: Apache-2.0
"""Hangs on a real YARN, in client and in cluster mode, found and ended.

What is asserted is what the ResourceManager, the process table and Airflow say.
"""
import os
import signal

import fakes
import lab
import pytest
from watch import RulesWatch, owned_by, see_killed
from yarn import Yarn

JOB = lab.E2E / "jobs" / "hang.py"
DONE = {"dry_run": 0, "requested": 1, "confirmed": 1, "unconfirmed": 0, "failed": 0}


def section(yarn):
    return f"[spark yarn]\ntype = yarn\nurl = {yarn.url}\nusername = lab\n"


@pytest.fixture(scope="module")
def yarn(lab_dir):
    with Yarn(lab_dir) as running:
        yield running


def test_client_and_cluster_mode_are_killed(yarn, binary, tmp_path):
    """Two hangs at once, found with what a NodeManager counts, which is a container's sum and no proof by itself, and ended
    by the ResourceManager alone: Airflow's word ends neither, and in cluster mode the driver is frozen as soon as the action has begun."""
    airflows = {mode: fakes.Airflow(dag=mode) for mode in ("client", "cluster")}
    conf = {mode: {"spark.app.name": mode, **owned_by(mode)} for mode in airflows}
    child = yarn.submit("cluster", JOB, ["hang"], conf["cluster"])
    ids = {"client": yarn.submit_client(JOB, ["hang"], conf["client"]),
           "cluster": lab.wait(lambda: yarn.id_of(child), "it is submitted")}

    def freeze():
        for process in lab.survivors(yarn, cmdline="deploy.yarn.ApplicationMaster"):
            os.kill(process.pid, signal.SIGSTOP)

    airflows["cluster"].on_fail = freeze
    rules = {mode: {"airflow": (fake.url, fakes.USER, fakes.PASSWORD), "hung_after_unproven": "45s", "end_timeout": "6s"}
             for mode, fake in airflows.items()}
    with RulesWatch(binary, tmp_path, section(yarn), rules, action="kill", alone=True) as watch:
        see_killed(watch, ids, lambda app_id: yarn.app(app_id)["state"] == "KILLED")
        assert watch.actions("kill") == {**DONE, "requested": 2, "confirmed": 2}
        acted = [i for i in watch.incidents() if i["outcome"] == "ended"]
        assert sorted(i["app_id"] for i in acted) == sorted(ids.values())
        for incident in acted:
            assert incident["verdict"] == "hung", incident
    for mode, app_id in ids.items():
        app = yarn.app(app_id)
        assert (app["state"], app["finalStatus"]) == ("KILLED", "KILLED")
        assert "was killed by user lab" in app["diagnostics"]
        lab.wait(lambda: not lab.survivors(yarn, cmdline=f"--app-id {app_id}"), f"executors of {mode} are gone")
    lab.wait(lambda: not lab.survivors(yarn, cmdline="deploy.yarn.ApplicationMaster"), "the frozen driver is gone")
    for fake in airflows.values():
        assert len(fake.asked("PATCH")) == 1 and fake.asked("POST", "clear") == []
        fake.close()


@pytest.fixture(scope="module")
def airflow(lab_dir, yarn):
    with lab.Airflow3(lab_dir / "yarn-airflow", yarn) as running:
        yield running


def test_durable_cluster_mode_is_retried(yarn, airflow, binary, tmp_path):
    """The next try runs a new app: the old one has ended before, or `durable` would attach to it."""
    before = {a["id"] for a in yarn.apps()}
    rules = {"*": {"airflow": (airflow.url, "watchdog", lab.USERS["watchdog"]), "hung_after_unproven": "20s", "end_timeout": "60s"}}
    with RulesWatch(binary, tmp_path, section(yarn), rules) as watch:
        airflow.trigger("hang_yarn", "durable__1")
        assert airflow.wait_run("hang_yarn", "durable__1", states=("success",)) == "success", watch.log()
        lab.wait(lambda: watch.actions("retry") == DONE, f"counted once each: {watch.actions('retry')}")
    apps = [a for a in yarn.apps() if a["id"] not in before]
    assert [a["state"] for a in apps] == ["KILLED", "FINISHED"], apps
    assert apps[1]["startedTime"] >= apps[0]["finishedTime"], "never both at once"
    assert airflow.task("hang_yarn", "durable__1", "hang")["try_number"] == 2
    assert lab.survivors(yarn, cmdline=f"--app-id {apps[0]['id']}") == []
