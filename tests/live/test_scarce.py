# SPDX-License-Identifier: Apache-2.0
"""What the host may lack: descriptors, a resolver that answers, a disk that can be written, time to end in peace."""
import os
import pathlib
import resource
import shutil
import signal
import socket
import subprocess

import pytest
from fakes import Driver, Master
from harness import Daemon, driver_section, master_section, wait
from scene import OWNER, Scene

DEAF = "127.53.53.53"  # of a resolver that hears and says nothing


def can_unshare(*options):
    return os.geteuid() == 0 and subprocess.run(["unshare", *options, "true"], capture_output=True).returncode == 0


def can_mount():
    return can_unshare("-m")


class Wrapped(Daemon):
    """Started by a shell in namespaces of its own, which becomes it."""

    def __init__(self, binary, directory, *args, before="", namespaces="-m", **more):
        super().__init__(binary, directory, *args, **more)
        self.plain, self.binary = self.binary, str(directory / "wrapped")
        pathlib.Path(self.binary).write_text(f"#!/bin/sh\nset -e\n{before}\nexec {self.plain} \"$@\"\n")
        os.chmod(self.binary, 0o755)
        outer = directory / "stagewatchd-outer"
        outer.write_text(f"#!/bin/sh\nexec unshare {namespaces} {self.binary} \"$@\"\n")
        os.chmod(outer, 0o755)
        self.binary = str(outer)

    def ctl(self, *args, by=()):
        self.binary, kept = self.plain, self.binary
        try:
            return super().ctl(*args, by=by)
        finally:
            self.binary = kept


def n_threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


@pytest.mark.skipif(not can_mount(), reason="a resolv.conf of its own takes root and a mount namespace")
def test_a_resolver_that_never_answers(binary, tmp_path, started):
    """Those with an address are polled on; the loop stands nowhere, also when the daemon is to end."""
    (tmp_path / "resolv.conf").write_text(f"nameserver {DEAF}\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: files dns\n")
    driver = started(Driver)
    named = "".join(f"[spark n{n}]\nurl = http://driver-{n}.example:4040\ntimeout = 1s\n" for n in range(4))
    bind = "".join(f"mount --bind {tmp_path}/{name} /etc/{name}\n" for name in ("resolv.conf", "nsswitch.conf"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind((DEAF, 53))
        with Wrapped(binary, tmp_path, driver_section("d", driver) + named, before=bind) as d:
            wait(lambda: d.verdicts().get(("app-1", 7)) == "hung", "it is watched")
            assert deaf.recv(512), "nobody asked the resolver"
            d.polls_go_on(driver, n=10)
            wait(lambda: d.metric("stagewatch_poll_errors_total", spark_cluster="n0", reason="timeout"), "it is counted")
            assert d.metric("stagewatch_up", spark_cluster="d") == 1
            assert n_threads(d.child.pid) < 100
            assert "app-1" in d.ctl("status").stdout
            d.child.send_signal(signal.SIGTERM)
            assert d.child.wait(9) == 0, "it waited for the resolver"  # which gives up after ten seconds


def test_no_descriptor_is_left(binary, tmp_path, started):
    """Nothing new can be opened: what is open goes on, it says so, and all is well again once there are some."""
    master, first = started(Master), started(Driver, "app-1", OWNER)
    master.add(first)
    (tmp_path / "state").mkdir(mode=0o700)
    with Daemon(binary, tmp_path, master_section("m", master), action="notify") as d:
        wait(lambda: d.verdicts().get(("app-1", 7)) == "hung", "it is watched")
        pid = d.child.pid
        _, most = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        had = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (had, most))
        for n in range(2, 8):
            driver = started(Driver, f"app-{n}", {**OWNER, "task_id": f"t{n}"})
            driver.moving = True
            master.add(driver)
        d.polls_go_on(first, n=8)
        assert d.child.poll() is None
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))
        wait(lambda: len(d.verdicts()) == 7, "the others are seen")
        wait(lambda: d.metric("stagewatch_ledger_up") == 1, "the ledger is well")
        assert d.lines("this process has no file descriptor left (LimitNOFILE=)"), d.log()
        assert len(d.lines("Failed to delete evidence")) <= 1, "said once, not at each poll"


@pytest.mark.skipif(not can_mount(), reason="a read-only file system takes root and a mount namespace")
def test_the_state_cannot_be_written(binary, tmp_path, started):
    """From its start: it watches, says why it does not act, and nothing is sent."""
    scene, state = Scene(started, tmp_path), tmp_path / "state"
    state.mkdir(mode=0o700)
    with Wrapped(binary, tmp_path, scene.sections, action="kill", before=f"mount -t tmpfs -o ro none {state}") as d:
        wait(lambda: d.verdicts().get(("app-1", 7)) == "hung", "it is watched")
        wait(lambda: d.lines("no kill of app-1: the ledger cannot be written"), "it says why")
        assert d.lines("Read-only file system") and d.metric("stagewatch_ledger_up") == 0
        assert "cannot be used" in d.ctl("status").stdout
    assert scene.sent() == []


# Three years of sleep since the start: CLOCK_BOOTTIME has counted them, CLOCK_MONOTONIC has not.
SLEPT = ("-T", "--boottime", "100000000")


@pytest.mark.skipif(not can_unshare(*SLEPT), reason="a time namespace takes root and Linux 5.6")
def test_the_host_has_slept(binary, tmp_path, started):
    """Whoever took a time of the one clock for one of the other would never act, or never wait."""
    scene = Scene(started, tmp_path)
    slow = started(Driver, "app-2")
    slow.faults.append((None, "/stages", slow.hang))
    with Wrapped(binary, tmp_path, scene.sections + driver_section("slow", slow), action="kill", namespaces=" ".join(SLEPT)) as d:
        wait(lambda: d.actions("kill").get("confirmed"), "it acts")
        wait(lambda: d.metric("stagewatch_poll_errors_total", spark_cluster="slow", reason="timeout"), "a limit of time applies")
        assert d.ctl("pause", "a break", "--for", "2s").returncode == 0
        wait(lambda: d.metric("stagewatch_paused") == 0, "a pause ends")
        assert len(slow.asked("GET", "/stages")) < 100


def test_told_to_end_in_the_middle_of_an_action(binary, tmp_path, started):
    """SIGTERM ends it at once and in order; the next one goes on where it was, and does nothing twice."""
    scene = Scene(started, tmp_path)
    # Neither its task nor the kill ends the app: the action waits for that.
    scene.airflow.on_fail, scene.master.kill_works = (lambda: None), False
    d = Daemon(binary, tmp_path, scene.sections, action="kill")
    d.config.write_text(d.config.read_text().replace("end_timeout = 2s", "end_timeout = 1min"))
    with d:
        wait(lambda: scene.sent(), "something was sent")
        sent = len(scene.sent())
        d.child.send_signal(signal.SIGTERM)
        assert d.child.wait(20) == 0
    shutil.move(d.logfile, tmp_path / "first")
    with d:
        wait(lambda: d.lines("Continuing the kill of app-1 that a restart interrupted"), "it is taken up")
        scene.master.end("app-1", "KILLED")
        scene.driver.ended.set()
        wait(lambda: not d.metric("stagewatch_actions_pending"), "it comes to its end")
        assert set(scene.sent()[sent:]) <= {"kill"}, scene.sent()
