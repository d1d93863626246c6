# SPDX-License-Identifier: Apache-2.0
"""Runs the unit tests in C, each program as one test, and asserts that a sanitizer is on where it should be."""
import os
import subprocess

import pytest

from conftest import BUILD, ROOT

SOURCES = sorted((ROOT / "tests" / "unit").glob("*/test_*.c"))


@pytest.mark.parametrize("source", SOURCES, ids=lambda s: f"{s.parent.name}/{s.stem}")
def test_unit(source):
    program = BUILD / "tests" / "unit" / source.parent.name / source.stem
    assert program.exists(), f"{program} was not built"
    env = dict(os.environ, STAGEWATCHD_TESTS=str(ROOT / "tests"))
    done = subprocess.run([program], env=env, cwd=ROOT, capture_output=True, text=True, timeout=300)
    if done.returncode == 77:
        pytest.skip(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "cannot run here")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[  PASSED  ]" in done.stdout + done.stderr, "no test ran"


def test_sanitizer_is_on():
    wanted = os.environ.get("STAGEWATCHD_SANITIZE", "")
    if not wanted:
        pytest.skip("this build is not a sanitizer's")
    symbols = subprocess.run(["nm", "-D", BUILD / "stagewatchd"], capture_output=True, text=True).stdout
    symbols += subprocess.run(["nm", BUILD / "stagewatchd"], capture_output=True, text=True).stdout
    for name, symbol in (("address", "__asan_init"), ("undefined", "__ubsan_handle_")):
        if name in wanted:
            assert symbol in symbols, f"{name} sanitizer was asked for and is not in the build"
