# SPDX-License-Identifier: Apache-2.0
"""A hang on a real YARN that wants a ticket of Kerberos for each request."""
import subprocess

import fakes
import lab
import pytest
from secure_yarn import SecureYarn
from watch import RulesWatch, owned_by, see_killed

pytestmark = pytest.mark.long
JOB = lab.E2E / "jobs" / "hang.py"


@pytest.fixture(scope="module")
def yarn(lab_dir):
    with SecureYarn(lab_dir / "secure") as running:
        yield running


@pytest.fixture
def program(binary, yarn, tmp_path):
    """stagewatchd that knows the KDC."""
    path = tmp_path / "with-kdc"
    path.write_text(f'#!/bin/sh\nKRB5_CONFIG={yarn.kdc.conf} exec {binary} "$@"\n')
    path.chmod(0o755)
    return path


def section(yarn, who):
    return f"[spark yarn]\ntype = yarn\nurl = {yarn.url}\nauth = negotiate\nkeytab = {yarn.keytab(who)}\n"


def access(program, yarn, tmp_path, who):
    conf = tmp_path / f"{who}.conf"
    conf.write_text(section(yarn, who))
    return subprocess.run([program, "--check-access", "--config", conf], capture_output=True, text=True, timeout=60)


def test_it_is_found_and_killed(yarn, program, tmp_path):
    """Who administers its queue may kill it. Each request brings a ticket of its own, and none is refused first."""
    nobody = lab.http("GET", f"{yarn.url}/ws/v1/cluster/apps")[0]
    airflow = fakes.Airflow(dag="cluster")
    child = yarn.submit("cluster", JOB, ["hang"], {"spark.app.name": "cluster", **owned_by("cluster")})
    app_id = lab.wait(lambda: yarn.id_of(child), "it is submitted")
    lab.wait(lambda: yarn.app(app_id)["state"] == "RUNNING", "it runs")
    stranger = access(program, yarn, tmp_path, "other")
    assert nobody == 401 and stranger.returncode == 1 and "1 of 1 running apps are not shown whole" in stranger.stdout, stranger
    assert yarn.fetch(f"{yarn.url}/ws/v1/cluster/apps/{app_id}/state", "other", "-X", "PUT", "-H", "Content-Type: application/json",
                      "-d", '{"state":"KILLED"}')[0] == 403
    rules = {"cluster": {"airflow": (airflow.url, fakes.USER, fakes.PASSWORD), "hung_after_unproven": "45s", "end_timeout": "6s"}}
    with RulesWatch(program, tmp_path, section(yarn, "watcher"), rules, action="kill") as watch:
        lab.wait(lambda: watch.metric("stagewatch_up", spark_cluster="yarn") == 1, "it is let in")
        # A helper would keep its ticket for an hour here.
        yarn.new_service_key()
        see_killed(watch, {"cluster": app_id}, lambda a: yarn.app(a)["state"] == "KILLED")
        assert watch.metric("stagewatch_up", spark_cluster="yarn") == 1, watch.log()
    app = yarn.app(app_id)
    assert "was killed by user watcher" in app["diagnostics"], app
    answers = [line for line in yarn.log("rm").splitlines() if "stagewatchd/" in line and '" 401 ' in line]
    assert not answers, answers
    airflow.close()
