# SPDX-License-Identifier: Apache-2.0
"""The image: Containerfile built by buildah without a daemon, and what is in it run as a pod would.

No registry is asked: its base is a minimal Debian 12 of debootstrap. Steps run by buildah's chroot isolation."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from conftest import ROOT, run
from waiting import wait

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
              pytest.mark.skipif(not shutil.which("buildah"), reason="buildah is not installed")]

USER = 64040


class Image:
    def __init__(self, directory):
        self.dir = directory
        self.buildah = ("buildah", "--storage-driver", "vfs", "--root", directory / "root", "--runroot", directory / "runroot")
        # Its own policy: what is here is ours, and nothing else is pulled.
        (directory / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')

    def __call__(self, *arguments):
        return run(*self.buildah, *arguments).strip()

    def build(self):
        run("debootstrap", "--variant=minbase", "bookworm", self.dir / "base")
        # As on this machine, for what the steps install.
        shutil.copy("/etc/resolv.conf", self.dir / "base/etc/resolv.conf")
        container = self("from", "--pull-never", "scratch")
        self("add", "--quiet", container, self.dir / "base", "/")
        self("commit", "--quiet", "--signature-policy", self.dir / "policy.json", container, "localhost/debian:bookworm-slim")
        self("rm", container)
        shutil.rmtree(self.dir / "base")
        self("build", "--isolation", "chroot", "--pull-never", "--signature-policy", self.dir / "policy.json",
             "--build-arg", "BASE=localhost/debian:bookworm-slim", "-t", "stagewatchd", "-f", ROOT / "Containerfile", ROOT)
        return self

    def mount(self):
        return pathlib.Path(self("mount", self("from", "--pull-never", "stagewatchd")))


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    return Image(tmp_path_factory.mktemp("image")).build()


@pytest.fixture(scope="module")
def tree(image):
    return image.mount()


def test_what_it_says(image):
    config = json.loads(image("inspect", "--type", "image", "stagewatchd"))["OCIv1"]["config"]
    assert config["User"] == f"{USER}:{USER}" and config["Entrypoint"] == ["/usr/sbin/stagewatchd"]
    assert [port.removesuffix("/tcp") for port in config["ExposedPorts"]] == ["14040"]


def test_what_is_in_it(tree):
    """The programs without compiler and headers, and no package list that ages."""
    for program in ("stagewatchd", "stagewatchctl"):
        assert os.access(tree / "usr/sbin" / program, os.X_OK)
    assert not (tree / "usr/bin/gcc").exists() and not (tree / "src").exists() and not list((tree / "var/lib/apt/lists").glob("*"))
    for directory, mode in (("var/lib/stagewatchd", 0o750), ("run/stagewatchd", 0o755)):
        s = (tree / directory).stat()
        assert (s.st_uid, s.st_gid, s.st_mode & 0o777) == (USER, USER, mode)


class Answer(http.client.HTTPConnection):
    """Through the control socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self.path))


# In a mount namespace of its own: the root read-only, volumes where the chart has them, /proc; then as the user, who
# has no capability. No shell of the image is used.
POD = r"""
set -e
mount --make-rprivate /
mount --bind "$TREE" "$TREE"
mount -o remount,bind,ro "$TREE"
mount --bind "$STATE" "$TREE/var/lib/stagewatchd"
mount --bind "$RUN" "$TREE/run/stagewatchd"
mount --bind "$CONFIG" "$TREE/mnt"
mount -t proc proc "$TREE/proc"
exec chroot --userspec=64040:64040 --groups= "$TREE" /usr/sbin/stagewatchd --config /mnt/stagewatchd.conf
"""


def test_it_runs_with_a_read_only_root(tree, tmp_path):
    for name in ("state", "run", "config"):
        (tmp_path / name).mkdir()
    for name in ("state", "run"):
        os.chown(tmp_path / name, USER, USER)
    (tmp_path / "config/stagewatchd.conf").write_text(
        "[daemon]\nlog_format = json\nreload_on_change = yes\n[web]\nlisten = 127.0.0.1:0\n[spark a]\nurl = http://127.0.0.1:1\n")
    log = open(tmp_path / "log", "wb")
    pod = subprocess.Popen(["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", POD],
                           env={"PATH": os.environ["PATH"], "TREE": str(tree), **{n.upper(): str(tmp_path / n) for n in ("state", "run", "config")}},
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait(lambda: (tmp_path / "run/control").exists() or pod.poll() is not None, "it is there, or has ended")
        assert pod.poll() is None, (tmp_path / "log").read_text()
        with open(tmp_path / "log") as f:
            lines = [json.loads(line) for line in f]
        assert any("started" in line["message"] for line in lines)
        assert not any("read-only" in line["message"].lower() or "denied" in line["message"].lower() for line in lines), lines
        c = Answer(tmp_path / "run/control")
        c.request("GET", "/api/v1/status")
        assert json.load(c.getresponse())["mode"] == "observe"
        assert (tmp_path / "state/ledger.db").stat().st_uid == USER
        # stagewatchctl as `kubectl exec` runs it.
        said = run("chroot", f"--userspec={USER}:{USER}", "--groups=", tree, "/usr/sbin/stagewatchctl", "--version")
        assert said.startswith("stagewatchctl ")
        # It is the first process there, and ends at once when it is told to.
        os.kill(int(pathlib.Path(f"/proc/{pod.pid}/task/{pod.pid}/children").read_text()), signal.SIGTERM)
        assert pod.wait(20) == 0
    finally:
        pod.kill()
        pod.wait()
