# SPDX-License-Identifier: Apache-2.0
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import lab  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "long: not in check-e2e but in check-e2e-long")


@pytest.fixture(scope="session")
def lab_dir(tmp_path_factory):
    """Where the labs live; STAGEWATCHD_LAB_DIR keeps them for a look afterwards."""
    kept = os.environ.get("STAGEWATCHD_LAB_DIR")
    return Path(kept) if kept else tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="session")
def spark(lab_dir):
    with lab.Spark(lab_dir) as running:
        yield running


@pytest.fixture(scope="session")
def airflow3(lab_dir, spark):
    with lab.Airflow3(lab_dir, spark) as running:
        yield running


@pytest.fixture(scope="session")
def airflow2(lab_dir, spark):
    with lab.Airflow2(lab_dir, spark) as running:
        yield running


@pytest.fixture
def airflow(request):
    """Either version: parametrize with ["airflow3", "airflow2"], indirect=True."""
    return request.getfixturevalue(request.param)
