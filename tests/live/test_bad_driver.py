# SPDX-License-Identifier: Apache-2.0
"""A driver or master that misbehaves on the wire: one line with its URL, a metric, no crash, no action, and nobody else waits for it.
Answers that are wrong in themselves: tests/unit/daemon/test_bad_driver.c."""
import pytest
from harness import Daemon, airflow_section, driver_section, master_section, wait
from fakes import Airflow, Driver, Fake, Master

FAULTS = {
    "hangs": (Fake.hang, "timeout", "/stages"),
    "truncated": (lambda f, h: f.truncated(h), "cut", "/stages"),
    "huge": (lambda f, h: f.huge(h), "too_large", "/stages"),
}
OWNER = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}


@pytest.mark.parametrize("name", FAULTS)
def test_fault(name, binary, tmp_path, started):
    fault, reason, path = FAULTS[name]
    good, bad, airflow = started(Driver, "app-good"), started(Driver, "app-bad", OWNER), started(Airflow)
    bad.moving = True
    sections = driver_section("good", good) + driver_section("bad", bad) + airflow_section(airflow, tmp_path)
    with Daemon(binary, tmp_path, sections, action="retry") as d:
        wait(lambda: d.verdicts().get(("app-bad", 7)) is not None, "the driver was seen once")
        bad.faults.append((None, path, lambda h: fault(bad, h)))
        wait(lambda: (d.metric("stagewatch_poll_errors_total", spark_cluster="bad", reason=reason) or 0) >= 2, reason)
        d.polls_go_on(good)
        wait(lambda: d.app_verdicts().get("app-bad") == "unobservable", "unknown is never hung")
        assert len([line for line in d.lines(bad.url + path) if "it is asked again" in line]) == 1, d.log()
        assert d.metric("stagewatch_up", spark_cluster="bad") == 0 and d.metric("stagewatch_up", spark_cluster="good") == 1
        assert d.verdicts()[("app-bad", 7)] != "hung"
        assert airflow.asked("PATCH") == [] and airflow.asked("POST", "clear") == []
        assert d.actions()["requested"] == 0
        bad.faults.clear()
        wait(lambda: d.app_verdicts().get("app-bad") == "progressing", "it recovers")
        assert len([line for line in d.lines(bad.url) if "answers again" in line]) == 1


def test_redirect_is_not_followed(binary, tmp_path, started):
    bad, trap = started(Driver), started(Driver, "app-trap")
    sections = driver_section("bad", bad) + "username = u\n" + f"password_file = {tmp_path}/password\n"
    bad.faults.append((None, "/applications", lambda h: h.reply(302, "", headers=[("Location", trap.url + h.path)])))
    with Daemon(binary, tmp_path, sections) as d:
        wait(lambda: (d.metric("stagewatch_poll_errors_total", spark_cluster="bad", reason="redirect") or 0) >= 2, "counted")
    assert trap.requests == []


@pytest.mark.parametrize("fault", ["hang", "truncated"])
def test_bad_master(fault, binary, tmp_path, started):
    master, driver, other = started(Master), started(Driver, "app-1"), started(Driver, "app-2")
    master.add(driver)
    with Daemon(binary, tmp_path, master_section("m", master) + driver_section("other", other)) as d:
        wait(lambda: ("app-1", 7) in d.verdicts(), "seen")
        master.faults.append((None, ".", getattr(master, fault)))
        wait(lambda: d.metric("stagewatch_up", spark_cluster="m") == 0, "down")
        # Its driver, known from before, is still asked; so is the other cluster.
        d.polls_go_on(driver)
        d.polls_go_on(other)
        assert len([line for line in d.lines(master.url) if "it is asked again" in line]) == 1, d.log()
        master.faults.clear()
        wait(lambda: d.metric("stagewatch_up", spark_cluster="m") == 1, "up again")


def test_credentials_never_go_to_an_address_from_a_page(binary, tmp_path, started):
    master, driver = started(Master), started(Driver, "app-1")
    master.add(driver)
    section = master_section("m", master) + f"username = u\npassword_file = {tmp_path}/password\n"
    with Daemon(binary, tmp_path, section) as d:
        wait(lambda: ("app-1", 7) in d.verdicts(), "seen")
    assert all("Authorization" in r[3] for r in master.requests)
    assert driver.requests and all("Authorization" not in r[3] for r in driver.requests)


def test_hostile_names(binary, tmp_path, started):
    driver = started(Driver, "app-\"1\\", name='<script>alert("x")</script>\n\x1b[31m')
    with Daemon(binary, tmp_path, driver_section("one", driver)) as d:
        wait(lambda: d.metric("stagewatch_apps", spark_cluster="one") == 1, "seen")
        wait(lambda: list(d.verdicts().values()) == ["hung"], "hung")
        assert "\x1b" not in d.json("/api/v1/stages")["apps"][0]["name"]
        assert "\x1b" not in d.log()
