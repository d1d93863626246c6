# SPDX-License-Identifier: Apache-2.0
"""The next Debian: its gcc has no complaint, and what is built with its libraries passes the unit tests."""
import os
import re
import shutil

import pytest

from conftest import ROOT, run

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for a chroot"),
              pytest.mark.skipif(not shutil.which("debootstrap"), reason="debootstrap is not installed")]
BUILD = """set -eu
mount -t proc proc /proc
cd /srv/stagewatchd
make -s -j"$(nproc)" WERROR=1 all tests
STAGEWATCHD_BUILD=$PWD/build STAGEWATCHD_SANITIZE= LC_ALL=C.UTF-8 exec python3 -m pytest -q -p no:cacheprovider tests/test_unit.py
"""


def needed():
    """Debian's packages to build and to test with, as tests/setup has them."""
    text = (ROOT / "tests/setup").read_text()
    return [p for part in ("build", "test") for p in re.search(rf"^packages_{part}='([^']*)'", text, re.M).group(1).split()
            if not p.startswith(("krb5-", "apache2", "libapache2"))]


def test_debian_13(tmp_path):
    tree = tmp_path / "tree"
    run("debootstrap", "--variant=minbase", f"--include={','.join(needed())}", "trixie", tree)
    shutil.copytree(ROOT, tree / "srv/stagewatchd", ignore=shutil.ignore_patterns("build*", ".git"))
    # Mounts of its own, which end with it.
    said = run("unshare", "--mount", "--pid", "--fork", "chroot", tree, "bash", "-c", BUILD)
    assert re.search(r"\d+ passed", said) and "failed" not in said, said[-2000:]
