# SPDX-License-Identifier: Apache-2.0
"""What `make install` copies, under a real systemd: a Debian 12 booted by systemd-nspawn, as root only."""
import json
import os
import pathlib
import re
import resource
import shutil
import subprocess
import sys

import pytest

from machine import NEEDS, Booted
from waiting import wait

LIVE = pathlib.Path(__file__).resolve().parent.parent / "live"
sys.path.insert(0, str(LIVE))
import kdc  # noqa: E402
RELOADED = "c1f4c0cd6ef04b0c8a7a1f2d9b5e7a44"
VERDICT = "5a1d36a3c6b84b3a9c61f5f0a3ef6d11"
ENDED = "0b0d5d6e2f5c4d9f8d3b7f3b6a1c9e33"
NOTICE = "d3a1c0b45e8f4a57b6f2c6e19c7a5d18"
PAUSED = "7c0e9c1b54a64c7e8f2b6d3f9a1e5c08"

# A driver of another user, with a hung stage, and the Airflow that owns it: failing the task ends the driver.
FAKES = """
import ctypes, json, os, signal, sys, time
sys.path.insert(0, sys.argv[1])
import fakes
owner = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}
reader, writer = os.pipe()
child = os.fork()
if child == 0:
    os.setgroups([]); os.setgid(1000); os.setuid(1000)
    libc = ctypes.CDLL(None)
    libc.prctl(4, 1)  # PR_SET_DUMPABLE, as a program has it that this user started
    libc.prctl(15, b"java")  # PR_SET_NAME: a driver is a JVM
    os.write(writer, fakes.Driver("app-1", owner).url.encode())
    time.sleep(600)
driver = os.read(reader, 100).decode()
def end():
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
airflow = fakes.Airflow()
airflow.on_fail = end
print(json.dumps({"driver": driver, "airflow": airflow.url, "user": fakes.USER, "password": fakes.PASSWORD}), flush=True)
time.sleep(600)
"""

# A driver behind a real Apache that wants a ticket of a real KDC.
REALM = """
import json, pathlib, sys, time
sys.path.insert(0, sys.argv[1])
import fakes, kdc
directory = pathlib.Path(sys.argv[2])
real = kdc.Kdc(directory)
driver = fakes.Driver("app-1", None)
apache = kdc.Apache(directory, real, driver.url)
print(json.dumps({"url": apache.url, "driver": driver.url}), flush=True)
time.sleep(600)
"""

pytestmark = NEEDS + [
    pytest.mark.skipif(bool(os.environ.get("STAGEWATCHD_SANITIZE")), reason="the unit's limits are for a plain build"),
]


class Machine(Booted):
    """The installed program in a Debian that boots."""

    def __init__(self, root, build, directory):
        super().__init__(directory)
        told = subprocess.run([build / "stagewatchd", "--help"], capture_output=True, text=True, check=True).stdout
        etc = pathlib.Path(re.search(r"not (\S+)/stagewatchd.conf", told).group(1))
        self.prefix = pathlib.Path("/usr") if etc == pathlib.Path("/etc") else etc.parent
        # What is built is installed: a make that calls the tests has flags of its own.
        env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("MFLAGS", "CC", "BUILD")}
        subprocess.run(["make", "-s", "-C", root, "-o", "all", "install", f"BUILD={build}", f"DESTDIR={self.tree}",
                        f"PREFIX={self.prefix}", f"SYSCONFDIR={etc}"], check=True, env=env, capture_output=True)
        self.config = self.path(etc / "stagewatchd.conf")
        self.dropins = self.path("/etc/systemd/system/stagewatchd.service.d")
        self.dropins.mkdir(parents=True)
        wants = self.path("/etc/systemd/system/multi-user.target.wants")
        wants.mkdir(parents=True, exist_ok=True)
        (wants / "stagewatchd.service").symlink_to(self.prefix / "lib/systemd/system/stagewatchd.service")

    def ctl(self, *arguments, uid=0):
        """stagewatchctl as a user of the machine: exit status and all that it says."""
        who = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"] if uid else []
        done = subprocess.run(["nsenter", "-t", str(self.leader), "-a", *who, self.prefix / "sbin/stagewatchctl", *arguments],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    def fetch(self, path):
        """Status and body, asked for in the machine's network."""
        program = ("import sys, urllib.error as e, urllib.request as u\n"
                   "try: r = u.urlopen('http://127.0.0.1:14040' + sys.argv[1], timeout=5)\n"
                   "except e.HTTPError as error: r = error\n"
                   "print(r.status, r.read().decode())")
        done = subprocess.run(["nsenter", "-t", str(self.leader), "-n", sys.executable, "-c", program, path],
                              capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        status, _, body = done.stdout.partition(" ")
        return int(status), body

    def metric(self, series):
        lines = self.fetch("/metrics")[1].splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(series + " ")), None)

    def fakes(self, program=FAKES, *arguments):
        """They run in the machine's network and see its PIDs, and it sees theirs."""
        child = subprocess.Popen(["nsenter", "-t", str(self.leader), "-n", "-p", sys.executable, "-c", program, LIVE, *arguments],
                                 stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.children.append(child)
        return json.loads(child.stdout.readline())

    def add_drop_in(self, root, name):
        """As it is shipped, with nothing changed."""
        (self.dropins / name).write_text((root / "systemd" / name).read_text())
        self.systemctl("daemon-reload")
        self.systemctl("restart", "stagewatchd")

    def main(self, *command):
        """What a command sees that stands where the daemon does, with its user."""
        pid = self.show("MainPID")
        return self.run("nsenter", "-t", pid, "-m", "setpriv", f"--reuid={self.owner()}", f"--regid={self.owner()}",
                        "--clear-groups", *command, check=False)

    def owner(self):
        return int(self.run("stat", "-L", "-c", "%u", "/var/lib/stagewatchd"))

    def configure(self, fakes):
        self.config.write_text(
            "[daemon]\npoll_interval = 1s\nmode = act\n[limits]\nsettle = 0\n"
            f"[spark local]\nurl = {fakes['driver']}\ntimeout = 1s\n"
            f"[airflow main]\nurl = {fakes['airflow']}\nusername = {fakes['user']}\npassword_file = airflow-password\n"
            "[rule all]\napp = *\nhung_after = 1s\nhung_after_unproven = 2s\nend_timeout = 3s\nretry_timeout = 20s\ncooldown = 0\naction = retry\n")

    def reload(self, fails=False):
        """The journal's line on it. Where it fails, systemctl does, and the status says why."""
        had = len(self.journal(MESSAGE_ID=RELOADED))
        if fails:
            with pytest.raises(AssertionError):
                self.systemctl("reload", "stagewatchd")
            wait(lambda: "the old configuration goes on" in self.show("StatusText"), "the status says so")
        else:
            self.systemctl("reload", "stagewatchd")
        line = wait(lambda: self.journal(MESSAGE_ID=RELOADED)[had:], "a line on the reload")[0]
        assert self.show("ActiveState") == "active"
        return line

    def actions(self, outcome):
        return self.metric(f'stagewatch_actions_total{{action="retry",outcome="{outcome}"}}')


@pytest.fixture
def machine(root, build, tmp_path):
    m = Machine(root, build, tmp_path)
    secret = m.path("/etc/stagewatchd.d/airflow-password")
    secret.parent.mkdir(mode=0o700)
    import fakes
    secret.write_text(fakes.PASSWORD + "\n")
    secret.chmod(0o600)
    unit = (root / "systemd/stagewatchd.service").read_text()
    load = re.search(r"^#(LoadCredential=.*)$", unit, re.M).group(1)
    # Fed within a few seconds, so that a watchdog that is not fed shows.
    (m.dropins / "test.conf").write_text(f"[Service]\n{load}\nWatchdogSec=8s\n")
    with m:
        yield m


@pytest.mark.lengthy
def test_story(machine, root):
    m = machine
    # As shipped, with a credential more: READY=1 came.
    wait(lambda: m.show("ActiveState") == "active", "active")
    assert m.show("StatusText").startswith("Watching ")
    assert m.show("NRestarts") == "0"
    assert m.metric("process_max_fds") == min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])

    # The state directory, of a user who is nobody else's.
    owner = m.owner()
    assert 61184 <= owner <= 65519
    assert m.run("stat", "-L", "-c", "%a", "/var/lib/stagewatchd") == "750"
    pid = m.show("MainPID")
    status = m.run("cat", f"/proc/{pid}/status")
    assert re.search(r"^CapEff:\t0+$", status, re.M) and re.search(r"^NoNewPrivs:\t1$", status, re.M)
    assert re.search(rf"^Uid:\t{owner}\t", status, re.M)
    exposure = re.search(r"Overall exposure level for stagewatchd.service: ([\d.]+)", m.run("systemd-analyze", "security", "stagewatchd"))
    assert float(exposure.group(1)) <= 1.0

    # No core dump, by limit and by its own word: files of /proc are root's then.
    limits = m.run("cat", f"/proc/{pid}/limits")
    assert re.search(r"^Max core file size +0 +0 ", limits, re.M)
    assert m.run("stat", "-c", "%u", f"/proc/{pid}/mem") == "0"

    # Of the host it sees what the unit names, and writes nowhere else. Of processes it sees its own.
    assert set(m.main("ls", "/").split()) == {
        "bin", "dev", "etc", "lib", "lib64", "opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"}
    assert set(m.main("ls", "/run", "/var/lib").split()) >= {"stagewatchd"} and "apt" not in m.main("ls", "/var/lib")
    for where in ("/", "/etc", "/run", "/srv", "/usr/local", "/var/lib"):
        assert m.main("sh", "-c", f"test ! -w {where} && echo closed") == "closed", where
    assert m.main("cat", "/proc/1/stat") == "" and m.main("cat", "/proc/self/stat") != ""
    assert "/proc hides" in "".join(entry["MESSAGE"] for entry in m.journal(PRIORITY=6))

    # Reloads: a good one, bad ones, a good one.
    fakes = m.fakes()
    m.configure(fakes)
    hook = m.path("/usr/local/bin/hook")
    hook.write_text('#!/bin/sh\necho "$STAGEWATCH_EVENT for $(id -u), $(wc -l) lines"\n')
    hook.chmod(0o755)
    m.config.write_text("[notify hook]\ntype = command\ncommand = /usr/local/bin/hook\n" + m.config.read_text())
    good = m.config.read_text()
    line = m.reload()
    assert line["PRIORITY"] == "5" and line["SYSLOG_IDENTIFIER"] == "stagewatchd"
    m.config.write_text(good + "hung_after = soon\n")
    assert m.reload(fails=True)["PRIORITY"] == "3"
    assert m.metric("stagewatch_config_last_reload_successful") == 0
    m.config.write_text(good.replace("password_file = airflow-password", "password_file = other-password"))
    # A credential is seen by the daemon alone, not by the check that goes before.
    assert m.reload()["PRIORITY"] == "3"
    wait(lambda: "the old configuration goes on" in m.show("StatusText"), "the status says so")
    said = [entry["MESSAGE"] for entry in m.journal(PRIORITY=3)]
    assert "[airflow main] password_file: other-password: " in said[-2] and said[-1] == "Failed to reload; the old configuration stays in force"
    m.config.write_text(good)
    assert m.reload()["PRIORITY"] == "5"
    assert m.metric("stagewatch_config_last_reload_successful") == 1
    assert m.show("MainPID") == pid

    # By hand, as the tutorial has it.
    check = re.search(r"^    sudo (systemd-run (?:.*\\\n)*.* stagewatchd --check-access)$", (root / "doc/tutorial.md").read_text(), re.M).group(1)
    assert "airflow main" in m.run("sh", "-c", check.replace(" stagewatchd ", f" {m.prefix}/sbin/stagewatchd "))

    # A hung stage, with its fields; the credential opens Airflow. Whose port the driver's is cannot be seen.
    wait(lambda: m.journal(MESSAGE_ID=VERDICT, VERDICT="hung"), "a hung stage in the journal")
    line = m.journal(MESSAGE_ID=VERDICT, VERDICT="hung")[0]
    assert {k: line.get(k) for k in ("APP_ID", "STAGE_ID", "SPARK_CLUSTER", "RULE")} == {
        "APP_ID": "app-1", "STAGE_ID": "7.0", "SPARK_CLUSTER": "local", "RULE": "all"}
    wait(lambda: m.journal(MESSAGE_ID=ENDED), "an end of the action")
    line = m.journal(MESSAGE_ID=ENDED)[0]
    assert line["APP_ID"] == "app-1" and line["ACTION"] == "retry" and line["INCIDENT_ID"]
    assert "unconfirmed" in line["MESSAGE"] and line["PRIORITY"] == "3"
    assert m.actions("requested") == 1 and m.actions("unconfirmed") == 1

    # The control socket: all look, root pauses. Whom the daemon's user namespace does not know it does not let.
    assert m.run("stat", "-c", "%a %U", "/run/stagewatchd/control").split()[0] == "666"
    for uid in (0, 1000):
        status, said = m.ctl("status", uid=uid)
        assert status == 0 and "Hung stages: 0." in said and "not in the ledger" not in said, said
    assert m.ctl("pause", "let me", uid=1000) == (2, "stagewatchctl: you are uid 65534: only root, the daemon's own user, and the "
                                                     "control_users and control_group of its configuration may do that\n")
    status, said = m.ctl("pause", "boot test", "--for", "1h")
    assert status == 0 and said.startswith("Paused by root (uid 0), until "), said
    assert m.metric("stagewatch_paused") == 1
    assert m.journal(MESSAGE_ID=PAUSED)[-1]["MESSAGE"].endswith(": boot test")
    assert m.ctl("resume")[0] == 0 and m.metric("stagewatch_paused") == 0

    # People are told of both, by a program within the sandbox.
    wait(lambda: len(m.journal(MESSAGE_ID=NOTICE)) == 2, "both events are told")
    told = [entry["MESSAGE"] for entry in m.journal(MESSAGE_ID=NOTICE)]
    assert told[0].endswith(f"/usr/local/bin/hook said: hung for {owner}, 0 lines"), told
    assert told[1].endswith(f"/usr/local/bin/hook said: unconfirmed for {owner}, 0 lines"), told

    # It ends cleanly, and long before systemd would kill it: the result would be a timeout.
    m.systemctl("stop", "stagewatchd")
    assert m.show("Result") == "success" and m.show("ActiveState") == "inactive" and m.show("NRestarts") == "0"

    # As the driver's user, by local-drivers.conf, it sees the driver's process end, and goes on.
    # The ledger knows that this try was acted upon: without it, this is another story.
    m.run("useradd", "--uid", "1000", "airflow")
    m.run("sh", "-c", "rm -f /var/lib/stagewatchd/ledger.db*")
    m.configure(m.fakes())
    m.add_drop_in(root, "local-drivers.conf")
    wait(lambda: m.actions("confirmed") or m.actions("unconfirmed"), "an end of the second action")
    assert m.actions("confirmed") == 1, [entry["MESSAGE"] for entry in m.journal(MESSAGE_ID=ENDED)]
    assert "recovered" in m.journal(MESSAGE_ID=ENDED)[-1]["MESSAGE"]
    assert m.run("stat", "-L", "-c", "%U", "/var/lib/stagewatchd") == "airflow"

    # That user may pause now.
    status, said = m.ctl("pause", "until seen", uid=1000)
    assert status == 0 and said.startswith("Paused by the daemon's user (uid 1000)"), said

    # The watchdog was fed all the while; a daemon that stands still is replaced, and stays paused.
    assert m.show("NRestarts") == "0"
    m.run("sh", "-c", f"kill -STOP {m.show('MainPID')}")
    wait(lambda: m.show("NRestarts") == "1" and m.show("ActiveState") == "active", "the watchdog restarted it")
    assert m.metric("stagewatch_paused") == 1

    # A configuration that is wrong is not mended by a restart.
    m.systemctl("stop", "stagewatchd")
    m.config.write_text("[daemon]\nmode = sleep\n")
    m.run("systemctl", "start", "stagewatchd", check=False)
    assert (m.show("ActiveState"), m.show("ExecMainStatus")) == ("failed", "3")


@pytest.mark.lengthy
@pytest.mark.skipif(not kdc.is_there(), reason="no KDC, or no Apache with mod_auth_gssapi: tests/setup test")
def test_drop_ins(machine, root, tmp_path):
    """What each opens, and that it is closed without."""
    m = machine
    lab = tmp_path / "realm"
    lab.mkdir()
    realm = m.fakes(REALM, lab)
    shutil.copy(lab / "watcher.keytab", m.path("/etc/stagewatchd.d/krb5.keytab"))
    shutil.copy(lab / "krb5.conf", m.path("/etc/krb5.conf"))
    m.config.write_text("[daemon]\npoll_interval = 1s\n[probe]\nenabled = yes\n"
                        f"[spark closed]\nurl = {realm['url']}\nauth = negotiate\nkeytab = krb5.keytab\nprincipal = watcher@{kdc.REALM}\n")

    # A key that only root can read, given to the daemon, serves its helper.
    m.add_drop_in(root, "kerberos.conf")
    wait(lambda: m.metric('stagewatch_up{spark_cluster="closed"}') == 1, "the ticket opens it")

    # Sockets of the host, where the libraries look for them; here any file is one. A name service's is there without the drop-in.
    ticket, names = ".heim_org.h5l.kcm-socket", "nslcd/socket"
    m.run("mkdir", "/run/nslcd")
    m.run("touch", f"/run/{ticket}", f"/run/{names}")
    m.systemctl("restart", "stagewatchd")
    assert m.main("ls", f"/var/run/{ticket}", f"/var/run/{names}").split() == [f"/var/run/{ticket}", f"/var/run/{names}"]
    (m.dropins / "kerberos.conf").rename(m.dropins / "kerberos.off")
    m.systemctl("daemon-reload")
    m.systemctl("restart", "stagewatchd")
    assert m.main("ls", f"/var/run/{ticket}", f"/var/run/{names}").split() == [f"/var/run/{names}"]

    # Processes of others.
    assert m.fetch("/api/v1/probe?app=app-1")[0] == 503
    assert any("probe.conf" in entry["MESSAGE"] for entry in m.journal(PRIORITY=4))
    m.add_drop_in(root, "probe.conf")
    assert m.fetch("/api/v1/probe?app=app-1")[0] == 200

    # Their memory, for a child of the daemon: who may read it may follow this link.
    look = m.dropins / "look.conf"
    look.write_text("[Service]\nExecStartPost=/bin/sh -c 'readlink /proc/1/exe > /var/lib/stagewatchd/seen; true'\n")
    m.systemctl("daemon-reload")
    m.systemctl("restart", "stagewatchd")
    assert m.run("cat", "/var/lib/stagewatchd/seen") == ""
    m.add_drop_in(root, "python-stacks.conf")
    assert m.run("cat", "/var/lib/stagewatchd/seen").endswith("/systemd")
    assert m.show("ActiveState") == "active"
