# SPDX-License-Identifier: Apache-2.0
"""Where the build is, and what a test may need that is not there."""
import os
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("lint", "live", "sim", "systemd")]
BUILD = pathlib.Path(os.environ.get("STAGEWATCHD_BUILD", ROOT / "build"))


# What waits most comes first, so that nothing long is left when the rest is done.
ORDER = ("systemd", "live", "sim", "replay", "prometheus", "lint")


def pytest_configure(config):
    config.addinivalue_line("markers", "lengthy: takes ten seconds or more, and begins before the others")


def pytest_collection_modifyitems(items):
    def rank(item):
        part = item.path.relative_to(ROOT / "tests").parts[0]
        return (item.get_closest_marker("lengthy") is None, ORDER.index(part) if part in ORDER else len(ORDER))

    if not any(item.path.is_relative_to(ROOT / "tests/e2e") for item in items):
        items.sort(key=rank)


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
