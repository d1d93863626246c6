# SPDX-License-Identifier: Apache-2.0
"""The unit file: valid, and as closed as it says."""
import re
import shutil
import subprocess

import pytest

pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")

# 1.2 with systemd 252: what is left are TCP sockets, the journal's, and a full view of /proc.
EXPOSURE_MAX = 1.5


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
    for line in ("PrivateUsers=yes\n", "CapabilityBoundingSet=\n", "SystemCallFilter=@system-service\n", "DynamicUser=yes\n"):
        assert line in text
    without = re.sub(r"^(CapabilityBoundingSet|SystemCallFilter|DynamicUser)=.*\n", "", text, flags=re.M)
    assert exposure(tmp_path, without) > EXPOSURE_MAX


def test_drop_in_of_the_comment(root, binary, tmp_path):
    """What the comment says to add is valid, and the rest stays closed."""
    text = unit_text(root, binary)
    comment = re.search(r"^#   \[Service\]\n((?:#   .*\n)+)", text, re.M).group(1)
    keys = re.sub(r"^#   ", "", comment, flags=re.M)
    opened = text.replace("[Install]", f"{keys}\n[Install]")
    assert verify(tmp_path, opened) == ""
    assert exposure(tmp_path, opened) <= 2.0


def test_every_line_of_install_is_there(root):
    """Nothing but @SBINDIR@ is to be substituted."""
    assert set(re.findall(r"@\w+@", (root / "systemd/stagewatchd.service").read_text())) == {"@SBINDIR@"}
