# SPDX-License-Identifier: Apache-2.0
"""Where the build is, and what a test may need that is not there."""
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("lint", "live", "sim")]
BUILD = pathlib.Path(os.environ.get("STAGEWATCHD_BUILD", ROOT / "build"))


@pytest.fixture(scope="session")
def root():
    """The source tree."""
    return ROOT


@pytest.fixture(scope="session")
def build():
    """The build directory."""
    assert (BUILD / "stagewatchd").exists(), f"{BUILD}/stagewatchd is missing: run make first"
    return BUILD


@pytest.fixture(scope="session")
def binary(build):
    """The daemon under test."""
    return str(build / "stagewatchd")


@pytest.fixture
def started():
    """Makes fakes that are closed at the end."""
    made = []

    def make(kind, *args, **kwargs):
        made.append(kind(*args, **kwargs))
        return made[-1]

    yield make
    for fake in made:
        fake.close()
