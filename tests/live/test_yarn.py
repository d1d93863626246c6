# SPDX-License-Identifier: Apache-2.0
"""Spark on YARN over real connections: what its ResourceManager is sent. The stories: tests/unit/daemon/test_yarn.c."""
from fakes import Airflow, Driver, ResourceManager
from harness import Daemon, airflow_section, wait, yarn_section
from scene import NONE, OWNER

APP = "application_1795400114925_0001"
PUT = ("PUT", f"/{APP}/state")


class Scene:
    """One hung app that does not end with its task instance, so that it is killed at the ResourceManager."""

    def __init__(self, started, tmp_path, more=""):
        self.rm, self.driver, self.airflow = started(ResourceManager), started(Driver, APP, OWNER), started(Airflow)
        self.rm.add(self.driver)
        self.sections = yarn_section("y", self.rm, more=more) + airflow_section(self.airflow, tmp_path)

    def kills(self):
        return self.rm.asked(*PUT)


def confirmed(d, action="retry"):
    wait(lambda: d.actions(action)["confirmed"] == 1, f"confirmed: {d.log()}")


def test_retry_kills_at_the_resource_manager(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
        assert d.actions() == {**NONE, "requested": 1, "confirmed": 1}
    assert len(scene.kills()) == 1 and len(scene.airflow.asked("POST", "clear")) == 1
    assert scene.kills()[0][0] < scene.airflow.asked("POST", "clear")[0][0]
    assert scene.rm.apps[APP][0] == "KILLED"


def test_user_name(binary, tmp_path, started):
    """Without password_file the user's name goes into every query, as Hadoop's simple authentication wants it."""
    scene = Scene(started, tmp_path, more="username = etl\n")
    scene.rm.owner = "etl"
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
    assert all("user.name=etl" in r[2] and "Authorization" not in r[3] for r in scene.rm.requests)


def test_basic_authentication(binary, tmp_path, started):
    scene = Scene(started, tmp_path, more=f"username = etl\npassword_file = {tmp_path}/password\n")
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        confirmed(d)
    assert all("user.name" not in r[2] and r[3]["Authorization"].startswith("Basic ") for r in scene.rm.requests)
    assert all("Authorization" not in r[3] for r in scene.driver.requests)
