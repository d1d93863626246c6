# SPDX-License-Identifier: Apache-2.0
"""What may be done at Airflow and at the cluster manager is known before it is needed."""
import signal
import subprocess

import pytest
from fakes import Airflow, Driver, Master
from harness import Daemon, airflow_section, driver_section, master_section, wait

RIGHTS = ("login", "read", "fail", "clear")


def access(d):
    """The rights as metrics; None: not known."""
    return {r: d.metric("stagewatch_airflow_access", airflow="main", right=r) for r in RIGHTS}


def changing(airflow):
    """Requests that could change something."""
    return airflow.asked("PATCH") + airflow.asked("POST", "clear")


def check(binary, tmp_path, sections, action="retry"):
    d = Daemon(binary, tmp_path, sections, action=action)
    done = subprocess.run([binary, "--config", d.config, "--check-access"], capture_output=True, text=True, timeout=60)
    for secret in d.secrets():
        assert secret not in done.stdout + done.stderr
    return done


@pytest.mark.parametrize("api, version", [("v2", "3.3.2"), ("v1", "2.11.2")])
def test_all_granted(api, version, binary, tmp_path, started):
    airflow, master = started(Airflow, api), started(Master)
    master.add(started(Driver))
    sections = airflow_section(airflow, tmp_path) + master_section("m", master)
    done = check(binary, tmp_path, sections)
    assert set(done.stdout.splitlines()) == {
        "spark m: kill granted", f"airflow main ({version}): login granted, read granted, fail granted, clear granted"}
    assert done.returncode == 0
    with Daemon(binary, tmp_path, sections, action="retry") as d:
        wait(lambda: d.lines(f"Airflow main: version {version}, its user may read, fail and clear"), "it says so")
        assert access(d) == dict.fromkeys(RIGHTS, 1)
        assert d.metric("stagewatch_cluster_access", spark_cluster="m", right="kill") == 1
        status = d.json("/api/v1/status")
        assert status["airflows"][0]["access"] == dict.fromkeys(RIGHTS, "granted")
        wait(lambda: d.json("/api/v1/status")["airflows"][0]["airflow_version"] == version, "its version is known")
        assert status["clusters"][0]["kill"] == "granted"
    assert changing(airflow) == []


@pytest.mark.parametrize("api, said", [("v2", "Forbidden"), ("v1", "Forbidden")])
def test_viewer(api, said, binary, tmp_path, started):
    """Who may read only is told at the start, and again after a reload; not once more in between."""
    airflow = started(Airflow, api)
    airflow.rights = {"read"}
    sections = airflow_section(airflow, tmp_path) + driver_section("one", started(Driver))
    done = check(binary, tmp_path, sections)
    assert done.returncode == 1
    assert f"read granted, fail denied, clear denied; denied: fail, clear (tried on DAG d): {said}; fail and clear need a role" in done.stdout
    with Daemon(binary, tmp_path, sections, action="retry") as d:
        wait(lambda: d.lines("Airflow main: its user lacks permissions: fail, clear"), "it is told")
        assert access(d) == {"login": 1, "read": 1, "fail": 0, "clear": 0}
        d.polls_go_on(airflow, "/version", 1)
        assert len(d.lines("its user lacks permissions")) == 1
        airflow.rights = {"read", "edit"}
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: access(d)["clear"] == 1, "a reload asks again")
    assert changing(airflow) == []


def test_no_right_at_all(binary, tmp_path, started):
    """Airflow 2 answers a wrong password as it answers a missing right."""
    airflow = started(Airflow, "v1")
    airflow.rights = set()
    done = check(binary, tmp_path, airflow_section(airflow, tmp_path) + driver_section("one", started(Driver)))
    assert done.returncode == 1
    assert "login unknown, read denied, fail unknown, clear unknown" in done.stdout
    assert "or a wrong password: Airflow 2 does not tell which" in done.stdout


def test_a_backend_that_is_missing(binary, tmp_path, started):
    """Airflow 2 without basic_auth refuses every password."""
    airflow = started(Airflow, "v1")
    airflow.faults.append((None, "taskInstances", airflow.status(401, '{"title":"Unauthorized"}')))
    done = check(binary, tmp_path, airflow_section(airflow, tmp_path) + driver_section("one", started(Driver)))
    assert "login needs username and password_file of [airflow main], and basic_auth among auth_backends in [api] of airflow.cfg" in done.stdout


def test_a_base_path_that_is_missing(binary, tmp_path, started):
    airflow = started(Airflow)
    airflow.faults.append((None, "", airflow.status(404)))
    done = check(binary, tmp_path, airflow_section(airflow, tmp_path) + driver_section("one", started(Driver)))
    assert done.returncode == 2 and "answered 404 (no API of Airflow there: url is to hold its base path" in done.stdout


def test_wrong_password(binary, tmp_path, started):
    airflow = started(Airflow)
    sections = airflow_section(airflow, tmp_path) + driver_section("one", started(Driver))
    airflow.faults.append(("POST", "/auth/token", airflow.status(401, '{"detail":"Invalid credentials"}')))
    done = check(binary, tmp_path, sections)
    assert done.returncode == 1
    assert "login denied, read unknown, fail unknown, clear unknown; denied: login" in done.stdout
    with Daemon(binary, tmp_path, sections, action="retry") as d:
        wait(lambda: access(d)["login"] == 0, "it is told")
        assert d.lines("Airflow main: its user lacks permissions: login")


def test_nobody_answers(binary, tmp_path, started):
    airflow, master = started(Airflow), started(Master)
    airflow.close()
    master.close()
    done = check(binary, tmp_path, airflow_section(airflow, tmp_path) + master_section("m", master))
    assert done.returncode == 2
    assert done.stdout.count("no usable answer") == 2


def test_later_when_airflow_was_down(binary, tmp_path, started):
    airflow = started(Airflow)
    airflow.faults.append((None, "", airflow.status(503)))
    with Daemon(binary, tmp_path, airflow_section(airflow, tmp_path) + driver_section("one", started(Driver)), action="retry") as d:
        wait(lambda: d.lines("answered 503"), "it is down")
        assert access(d) == dict.fromkeys(RIGHTS)
        airflow.faults.clear()
        wait(lambda: access(d) == dict.fromkeys(RIGHTS, 1), "asked again")


def test_observing_tries_nothing(binary, tmp_path, started):
    airflow = started(Airflow)
    with Daemon(binary, tmp_path, airflow_section(airflow, tmp_path) + driver_section("one", started(Driver)),
                mode="observe", action="retry") as d:
        wait(lambda: d.lines("its user may read"), "it reads")
        assert access(d) == {"login": 1, "read": 1, "fail": None, "clear": None}
    assert {r[1] for r in airflow.requests if "/auth/token" not in r[2]} == {"GET"}


def test_kill_at_the_master(binary, tmp_path, started):
    """The page offers a kill per running app: an idle master shows nothing, and one that forbids it no form."""
    master = started(Master)
    sections = master_section("m", master)
    assert "kill unknown: no app runs" in check(binary, tmp_path, sections, "notify").stdout
    master.add(started(Driver))
    master.kill_offered = False
    done = check(binary, tmp_path, sections, "notify")
    assert done.returncode == 1 and "kill denied: the master's page offers no kill" in done.stdout
    with Daemon(binary, tmp_path, sections) as d:
        wait(lambda: d.metric("stagewatch_cluster_access", spark_cluster="m", right="kill") == 0, "it is told")
        assert d.lines("m: the cluster manager refuses kills")
