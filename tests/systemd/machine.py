# SPDX-License-Identifier: Apache-2.0
"""A Debian 12 that boots a real systemd in systemd-nspawn, as root only."""
import fcntl
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import zlib

import pytest
from waiting import wait

PACKAGES = "systemd,dbus,libnss-systemd,libcurl4,libcjson1,libmicrohttpd12,libinih1,libsqlite3-0,libssl3,libxxhash0,libyaml-0-2,libgnutls30"

NEEDS = [
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(not shutil.which("systemd-nspawn"), reason="systemd-nspawn is not installed"),
]


def debian(packages=PACKAGES):
    """A pristine tree with these packages, made once."""
    home = pathlib.Path(pwd.getpwuid(0).pw_dir)
    envs = pathlib.Path(os.environ.get("STAGEWATCHD_ENVS", home / ".cache/stagewatchd"))
    name = f"debian-12-systemd-{zlib.crc32(packages.encode()):08x}"
    tree, fresh = envs / name, envs / f"{name}.new"
    envs.mkdir(parents=True, exist_ok=True)
    with open(envs / "debian-12-systemd.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tree.exists():
            if not shutil.which("debootstrap"):
                pytest.skip("debootstrap is not installed")
            shutil.rmtree(fresh, ignore_errors=True)
            done = subprocess.run(["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", fresh],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert done.returncode == 0, done.stdout[-2000:]
            fresh.rename(tree)
    return tree


class Booted:
    """A copy of the tree, which boots; it is gone afterwards."""

    def __init__(self, directory, packages=PACKAGES):
        self.tree = directory / "tree"
        subprocess.run(["cp", "-a", "--reflink=auto", debian(packages), self.tree], check=True)
        self.console = directory / "console"
        self.nspawn = self.leader = None
        self.children = []

    def path(self, inside):
        return self.tree / str(inside).lstrip("/")

    def __enter__(self):
        with open(self.console, "wb") as log:
            self.nspawn = subprocess.Popen(
                ["systemd-nspawn", "--quiet", "-D", self.tree, "--boot", "--register=no", "--keep-unit", "--private-network",
                 "--console=pipe", f"--machine=stagewatchd-{os.getpid()}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        self.leader = wait(self.find_leader, "systemd-nspawn has a child")
        wait(lambda: self.run("systemctl", "is-system-running", check=False) in ("running", "degraded"), "it is booted")
        return self

    def __exit__(self, *_):
        # Shown with a test that failed.
        print(self.console.read_text(errors="replace")[-3000:])
        print(self.run("journalctl", "--no-pager", "-o", "short-monotonic", "-n", "60", check=False))
        for child in self.children:
            child.kill()
            child.wait()
        # The first process of a PID namespace takes all others with it.
        os.kill(self.leader, signal.SIGKILL)
        try:
            self.nspawn.wait(20)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.wait()
        shutil.rmtree(self.tree, ignore_errors=True)

    def find_leader(self):
        assert self.nspawn.poll() is None, self.console.read_text(errors="replace")
        pid = self.nspawn.pid
        for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if pathlib.Path(f"/proc/{child}/comm").read_text().strip() in ("systemd", "init"):
                return int(child)
        return None

    def run(self, *command, check=True):
        done = subprocess.run(["nsenter", "-t", str(self.leader), "-a", *command], capture_output=True, text=True, timeout=60)
        assert not check or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def runs(self, name):
        """Whether any process of that name does."""
        return self.run("sh", "-c", f"grep -slx {name} /proc/[0-9]*/comm", check=False) != ""

    def systemctl(self, *command):
        return self.run("systemctl", *command)

    def show(self, name):
        return self.systemctl("show", "stagewatchd", "-P", name)

    def journal(self, **fields):
        matches = [f"{k}={v}" for k, v in fields.items()]
        out = self.run("journalctl", "_SYSTEMD_UNIT=stagewatchd.service", "-o", "json", *matches)
        return [json.loads(line) for line in out.splitlines()]
