# SPDX-License-Identifier: Apache-2.0
"""A headless Chromium, and a daemon with something to show."""
import base64
import json

from fakes import Airflow, Driver, Master
from harness import Daemon, airflow_section, master_section
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
# Of "opensesame", at the least cost that there is.
HASH = "$2y$04$abcdefghijklmnopqrstuuFuhxWRTXIsURoluSTZ1N4tYaWGn9oOi"
LOGIN = {"Authorization": "Basic " + base64.b64encode(b"alice:opensesame").decode()}
LONG = "a_name_without_any_space_" * 8


class Browser:
    """Chromium by its driver, with what it logged and requested."""

    def __init__(self):
        options = Options()
        for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "--disable-component-update"):
            options.add_argument(word)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        self.driver.set_page_load_timeout(60)
        self.driver.set_script_timeout(60)

    def cdp(self, command, **values):
        return self.driver.execute_cdp_cmd(command, values)

    def look(self, width=1000, height=800, scheme="light"):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def run(self, script, *values):
        return self.driver.execute_script(script, *values)

    def text(self):
        return self.run("return document.body.innerText")

    def console(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requested(self):
        """URLs since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


class Site:
    """Three apps: one that hangs and has an owner, one that hangs and has none, and one that is well."""

    def __init__(self, binary, directory, web="", other=EVIL):
        """web: keys of [web]; other: the name of the second."""
        self.airflow, self.master = Airflow("v2", dag="nightly_load"), Master()
        owner = {"dag_id": "nightly_load", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}
        self.hung, self.evil, self.well = Driver("app-1", owner, name="load-prices"), Driver("app-2", name=other), Driver("app-3", name=LONG)
        self.hung.tasks = [(0, "1"), (1, "1")]
        self.hung.frames = lambda tid: ["java.net.SocketInputStream.socketRead0(Native Method)", "com.example.Prices.load(Prices.java:57)"]
        self.well.moving = True
        for driver in (self.hung, self.evil, self.well):
            self.master.add(driver)
        self.daemon = Daemon(binary, directory, master_section("prod", self.master) + airflow_section(self.airflow, directory),
                             mode="observe", action="retry")
        self.daemon.config.write_text(self.daemon.config.read_text().replace("listen = 127.0.0.1:0\n", f"listen = 127.0.0.1:0\n{web}"))

    def close(self):
        for fake in (self.airflow, self.master, self.hung, self.evil, self.well):
            fake.close()

    def url(self, path="/"):
        return f"http://127.0.0.1:{self.daemon.port()}{path}"

    def incidents(self):
        return {i["app_id"]: i["id"] for i in self.daemon.json("/api/v1/incidents")["incidents"]}

    def decided(self):
        state = self.daemon.json("/api/v1/incidents/" + self.incidents()["app-1"])
        return state["verdict"] == "hung" and "mode is observe" in state["next"]


def operated(binary, directory, **more):
    """A Site whose user alice may give orders."""
    (directory / "web.yml").write_text(f"basic_auth_users:\n  alice: {HASH}\n")
    site = Site(binary, directory, f"config_file = {directory}/web.yml\noperators = alice\n", **more)
    site.daemon.login = LOGIN
    return site
