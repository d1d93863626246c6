# SPDX-License-Identifier: Apache-2.0
"""The Debian package: built twice, looked at by lintian, and installed, upgraded, removed and purged in a Debian that runs."""
import hashlib
import os
import re
import shutil
import subprocess

import pytest

from conftest import run
from machine import NEEDS, Booted
from waiting import wait

pytestmark = NEEDS + [pytest.mark.skipif(not shutil.which("dpkg-buildpackage"), reason="dpkg-buildpackage is not installed")]


def build(directory, **env):
    """The packages of the tree, by name without version."""
    run("make", "-s", "deb", f"BUILD={directory}", env={**os.environ, **env})
    return {p.name.partition("_")[0]: p for p in (directory / "package").glob("*.deb")}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    return build(tmp_path_factory.mktemp("one"))


@pytest.fixture(scope="module")
def package(packages):
    return packages["stagewatchd"]


def test_lintian_finds_no_error(package):
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error", *package.parent.glob("*.changes")],
                          capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_same_again(packages, tmp_path):
    """Elsewhere, in another time zone and language, with another umask."""
    before = os.umask(0o077)
    try:
        again = build(tmp_path / "somewhere/else", TZ="Asia/Kathmandu", LC_ALL="C.UTF-8", HOME=str(tmp_path))
    finally:
        os.umask(before)
    assert set(again) == set(packages)
    for name, file in packages.items():
        assert hashlib.sha256(again[name].read_bytes()).digest() == hashlib.sha256(file.read_bytes()).digest(), name


def later(package, directory):
    """The same package as a later version that ships another configuration."""
    tree = directory / "later"
    run("dpkg-deb", "-R", package, tree)
    control = tree / "DEBIAN/control"
    control.write_text(re.sub(r"^Version: .*$", "Version: 99", control.read_text(), flags=re.M))
    with open(tree / "etc/stagewatchd.conf", "a") as f:
        f.write("# Of a later version.\n")
    made = directory / "stagewatchd_99.deb"
    run("dpkg-deb", "--root-owner-group", "-b", tree, made)
    return made


class Debian(Booted):
    def put(self, file, inside):
        shutil.copy(file, self.path(inside))

    def dpkg(self, *arguments):
        # As apt has it where nobody is asked.
        return self.run("env", "DEBIAN_FRONTEND=noninteractive", "dpkg", "--force-confdef", "--force-confold", *arguments)

    def state(self):
        return self.run("systemctl", "is-active", "stagewatchd", check=False)


def test_install_upgrade_remove_purge(package, tmp_path):
    with Debian(tmp_path) as m:
        m.put(package, "/srv/one.deb")
        m.put(later(package, tmp_path), "/srv/two.deb")

        # Installed: it runs and watches, as a user of the package, and will after the next boot.
        m.dpkg("-i", "/srv/one.deb")
        wait(lambda: m.show("StatusText").startswith("Watching "), "it watches")
        assert m.systemctl("is-enabled", "stagewatchd") == "enabled"
        uid = m.run("id", "-u", "stagewatchd")
        assert 0 < int(uid) < 1000 and m.run("stat", "-Lc", "%u %a", "/var/lib/stagewatchd") == f"{uid} 750"
        assert m.run("sh", "-c", "stagewatchctl status || [ $? = 2 ]").startswith("stagewatchd")  # it may not have polled yet
        assert m.run("dpkg", "--verify", "stagewatchd") == ""

        # Upgraded: an edited configuration stays, the new one lies beside it, and the new daemon runs.
        config = m.path("/etc/stagewatchd.conf")
        edited = config.read_text().replace("#poll_interval = 10s", "poll_interval = 3s")
        config.write_text(edited)
        m.path("/etc/stagewatchd.conf.d/10-mine.conf").write_text("[web]\nlisten = 127.0.0.1:14041\n")
        before = m.show("MainPID")
        m.dpkg("-i", "/srv/two.deb")
        wait(lambda: m.show("StatusText").startswith("Watching "), "it watches again")
        assert m.show("MainPID") != before and config.read_text() == edited
        assert m.path("/etc/stagewatchd.conf.dpkg-dist").read_text().endswith("# Of a later version.\n")
        assert any("Listening on 127.0.0.1:14041" in line["MESSAGE"] for line in m.journal())
        assert m.path("/var/lib/private/stagewatchd/ledger.db").exists()

        # Removed: stopped first; configuration and ledger stay.
        m.dpkg("-r", "stagewatchd")
        assert m.state() != "active" and not m.runs("stagewatchd")
        assert not m.path("/usr/sbin/stagewatchd").exists() and config.exists()
        assert m.path("/var/lib/private/stagewatchd/ledger.db").exists()

        # Installed again: as it was left.
        m.dpkg("-i", "/srv/two.deb")
        wait(lambda: m.show("StatusText").startswith("Watching "), "it watches as before")
        assert config.read_text() == edited

        # Purged: nothing is left but what the administrator made.
        m.dpkg("-P", "stagewatchd")
        left = m.run("find", "/etc", "/usr", "/lib", "/var/lib", "/run", "-xdev", "-name", "*stagewatchd*", "-not", "-path", "/var/lib/dpkg/*")
        assert left.split() == ["/etc/stagewatchd.conf.d"], left
        assert os.listdir(m.path("/etc/stagewatchd.conf.d")) == ["10-mine.conf"]


def test_make_uninstall_stops_the_daemon(root, build, tmp_path):
    """Without its files it would go on, and act. The machine has no make: the recipe runs in its shell."""
    with Debian(tmp_path) as m:
        env = {k: v for k, v in os.environ.items() if not k.startswith("MAKE") and k not in ("MFLAGS", "CC", "BUILD")}
        make = ["make", "-s", "-C", root, "-o", "all", f"BUILD={build}", "PREFIX=/usr"]
        run(*make, "install", f"DESTDIR={m.tree}", env=env)
        m.run("systemctl", "daemon-reload")
        m.run("systemctl", "enable", "--now", "stagewatchd")
        assert m.state() == "active"
        recipe = subprocess.run([str(a) for a in make] + ["-n", "uninstall"], capture_output=True, text=True, check=True, env=env).stdout
        m.run("sh", "-e", "-c", recipe)
        assert m.state() != "active" and not m.runs("stagewatchd")
        assert not m.path("/usr/sbin/stagewatchd").exists() and m.path("/etc/stagewatchd.conf").exists()
        # Again: there is nothing left to stop, and that is no fault.
        m.run("sh", "-e", "-c", recipe)
