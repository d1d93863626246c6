# SPDX-License-Identifier: Apache-2.0
"""What tests of packages need: directories of tests/setup, and commands that must succeed."""
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(*command, cwd=ROOT, timeout=1500, **more):
    """Its standard output; both where it fails."""
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, timeout=timeout, **more)
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout[-4000:]}{done.stderr[-4000:]}"
    return done.stdout


@pytest.fixture(scope="session")
def kubernetes():
    """The directory of helm, a real API server and the definitions of the Prometheus Operator."""
    env = pathlib.Path(run("tests/setup", "path", "kubernetes").strip())
    if not (env / ".stamp").exists():
        pytest.fail("run tests/setup kubernetes first: it takes some ten minutes")
    return env
