# SPDX-License-Identifier: Apache-2.0
"""kill_via: an app that does not end with its task, ended as a process of this host. Its other ways: tests/unit."""
import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest
from fakes import Airflow, ResourceManager
from harness import Daemon, airflow_section, wait, yarn_section
from scene import OWNER


class KillDaemon(Daemon):
    """With kill_via in its only rule."""

    def __init__(self, binary, directory, sections, via, **more):
        self.kill_via = via
        super().__init__(binary, directory, sections, via="auto", **more)

    def write(self, sections, mode="act", action="notify"):
        super().write(sections, mode, action)
        self.config.write_text(self.config.read_text() + f"\nkill_via = {self.kill_via}\n")


@pytest.mark.parametrize("via", ["stage", "job", "driver"])
def test_no_way_on_yarn(via, binary, tmp_path, started):
    """YARN would begin the next attempt by itself."""
    rm, airflow = started(ResourceManager), started(Airflow)
    d = KillDaemon(binary, tmp_path, yarn_section("y", rm) + airflow_section(airflow, tmp_path), via, action="kill")
    done = subprocess.run([binary, "--config", d.config, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 3
    assert f"kill_via: {via} is no way to end an app of [spark y]: source yarn permits: cluster" in done.stderr


DRIVER = """
import signal, sys, threading
sys.path.insert(0, {here!r})
import fakes
if {stubborn}:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(fakes.Driver("app-1", {owner!r}).port, flush=True)
threading.Event().wait()
"""


@pytest.fixture
def process(tmp_path, request):
    """A driver in a process of its own, which /proc shows as a JVM."""
    java = tmp_path / "java"
    java.symlink_to(sys.executable)
    code = DRIVER.format(here=str(pathlib.Path(__file__).parent), owner=OWNER, stubborn=request.param)
    child = subprocess.Popen([java, "-c", code], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONHOME": sys.prefix})
    child.stubborn = request.param
    child.url = f"http://127.0.0.1:{int(child.stdout.readline())}"
    yield child
    child.kill()
    child.wait()


@pytest.mark.parametrize("process", [False, True], indirect=True, ids=["willing", "stubborn"])
@pytest.mark.lengthy
def test_the_process_of_the_driver(process, binary, tmp_path, started):
    """SIGTERM, and SIGKILL to one that does not heed it; its end is seen as that of any driver of this host."""
    airflow = started(Airflow)
    section = f"[spark one]\ntype = driver\nurl = {process.url}\n" + airflow_section(airflow, tmp_path)
    waiter = threading.Thread(target=process.wait, daemon=True)  # no zombie is left
    waiter.start()
    with KillDaemon(binary, tmp_path, section, "driver", action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, f"confirmed: {d.log()}")
    waiter.join(5)
    assert process.returncode == (-signal.SIGKILL if process.stubborn else -signal.SIGTERM)
    assert airflow.asked("POST", "clear")
