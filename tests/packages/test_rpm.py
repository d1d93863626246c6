# SPDX-License-Identifier: Apache-2.0
"""The RPM: built, and installed, upgraded and erased in a system that runs. That is a Debian with rpm in it, so that what the
package asks of others is not looked at, but its scripts and files are."""
import re
import shutil

import pytest

from conftest import ROOT, run
from machine import NEEDS, PACKAGES, Booted
from waiting import wait

pytestmark = NEEDS + [pytest.mark.skipif(not shutil.which("rpmbuild"), reason="rpmbuild is not installed")]


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    directory = tmp_path_factory.mktemp("rpm")
    run("make", "-s", "rpm", f"BUILD={directory}", "RPMBUILD_FLAGS=--nodeps")
    return next(p for p in (directory / "package/rpm/RPMS").rglob("stagewatchd-*.rpm") if "debug" not in p.name)


def test_what_is_in_it(package):
    version = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.M).group(1)
    assert run("rpm", "-qp", "--qf", "%{NAME} %{VERSION} %{LICENSE}", package) == f"stagewatchd {version} Apache-2.0"
    # Pages are packed where rpmbuild is told to.
    files = {name.removesuffix(".gz") for name in run("rpm", "-qlp", package).split()}
    assert {"/usr/sbin/stagewatchd", "/usr/sbin/stagewatchctl", "/usr/lib/systemd/system/stagewatchd.service", "/etc/stagewatchd.conf",
            "/usr/share/man/man8/stagewatchd.8", "/usr/share/stagewatchd/prometheus/stagewatchd.rules.yml"} <= files
    assert run("rpm", "-qcp", package).split() == ["/etc/stagewatchd.conf"]
    asked = run("rpm", "-qpR", package)
    assert "libcurl.so.4" in asked and "libmicrohttpd.so.12" in asked


def test_install_upgrade_erase(package, tmp_path):
    with Booted(tmp_path, PACKAGES + ",rpm") as m:
        shutil.copy(package, m.path("/srv/one.rpm"))
        m.run("rpm", "-i", "--nodeps", "/srv/one.rpm")
        m.run("systemctl", "enable", "--now", "stagewatchd")
        wait(lambda: m.show("StatusText").startswith("Watching "), "it watches")
        config = m.path("/etc/stagewatchd.conf")
        edited = config.read_text().replace("#poll_interval = 10s", "poll_interval = 3s")
        config.write_text(edited)
        m.run("rpm", "-U", "--nodeps", "--replacepkgs", "/srv/one.rpm")
        wait(lambda: m.show("StatusText").startswith("Watching "), "it watches")
        assert config.read_text() == edited
        m.run("rpm", "-e", "stagewatchd")
        assert m.run("systemctl", "is-active", "stagewatchd", check=False) != "active"
        assert not m.runs("stagewatchd") and not m.path("/usr/sbin/stagewatchd").exists()
        # What was edited is kept under another name.
        assert m.path("/etc/stagewatchd.conf.rpmsave").read_text() == edited
