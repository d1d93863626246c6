# SPDX-License-Identifier: Apache-2.0
"""The unit file: valid, and as closed as it says."""
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")

# With systemd 252. What is left are TCP sockets, the journal's, and addresses that nobody but the operator knows.
EXPOSURE_MAX = 1.0


def unit_text(root, binary):
    text = (root / "systemd/stagewatchd.service").read_text()
    return text.replace("@SBINDIR@/stagewatchd", binary)


def analyze(tmp_path, text, *arguments):
    unit = tmp_path / "stagewatchd.service"
    unit.write_text(text)
    done = subprocess.run(["systemd-analyze", *arguments, unit], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def exposure(tmp_path, text):
    _, out = analyze(tmp_path, text, "security", "--offline=yes", "--no-pager")
    return float(re.search(r"Overall exposure level for stagewatchd.service: ([\d.]+)", out).group(1))


def verify(tmp_path, text):
    """What systemd says against it. The man pages are not installed here."""
    status, out = analyze(tmp_path, text, "verify", "--man=no")
    return out if status != 0 or "stagewatchd.service" in out else ""


def test_verify(root, binary, tmp_path):
    assert verify(tmp_path, unit_text(root, binary)) == ""


@pytest.mark.parametrize("good, bad", [
    ("Type=notify", "Type=notification"),
    ("WatchdogSec=2min", "WatchdogSec=two minutes"),
    ("ProtectHome=yes", "ProtectHomes=yes"),
    ("ExecStart=", "ExecStart=/nowhere"),
])
def test_verify_finds_planted_faults(root, binary, tmp_path, good, bad):
    text = unit_text(root, binary)
    assert good in text
    assert verify(tmp_path, text.replace(good, bad)) != ""


def test_security(root, binary, tmp_path):
    text = unit_text(root, binary)
    assert exposure(tmp_path, text) <= EXPOSURE_MAX
    for line in ("PrivateUsers=yes\n", "RootDirectory=/run/stagewatchd-root\n", "ProtectProc=invisible\n", "LimitCORE=0\n",
                 "MemorySwapMax=0\n", "MemoryMax=1G\n", "TasksMax=64\n", "CapabilityBoundingSet=\n", "SystemCallFilter=@system-service\n", "DynamicUser=yes\n"):
        assert line in text
    without = re.sub(r"^(CapabilityBoundingSet|SystemCallFilter|DynamicUser)=.*\n", "", text, flags=re.M)
    assert exposure(tmp_path, without) > EXPOSURE_MAX


# What each drop-in costs; addresses.conf is there to close more.
DROP_INS = {"addresses.conf": 1.0, "kerberos.conf": 1.0, "probe.conf": 1.2, "local-drivers.conf": 2.0, "python-stacks.conf": 2.0}


def test_all_drop_ins_are_here(root):
    assert {path.name for path in (root / "systemd").glob("*.conf")} == set(DROP_INS)


@pytest.mark.parametrize("name", sorted(DROP_INS))
def test_drop_in(root, binary, tmp_path, name):
    """It is valid, also with all its comments in force, and the rest stays closed."""
    text = unit_text(root, binary)
    dropin = (root / "systemd" / name).read_text().partition("[Service]\n")[2]
    assert dropin
    opened = text.replace("[Install]", f"{dropin}\n[Install]")
    assert verify(tmp_path, opened) == ""
    assert exposure(tmp_path, opened) <= DROP_INS[name]
    full = re.sub(r"^#(?=[A-Z]\w+=)", "", dropin, flags=re.M)
    assert verify(tmp_path, text.replace("[Install]", f"{full}\n[Install]")) == ""


def test_every_line_of_install_is_there(root):
    """Nothing but @SBINDIR@ is to be substituted."""
    assert set(re.findall(r"@\w+@", (root / "systemd/stagewatchd.service").read_text())) == {"@SBINDIR@"}
