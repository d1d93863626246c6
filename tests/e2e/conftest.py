# SPDX-License-Identifier: Apache-2.0
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import lab  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "long: not in check-e2e but in check-e2e-long")
    config.addinivalue_line("markers", "xdist_group: who shares labs")


def group(item):
    """Tests of one Airflow share its lab, in one process; the others go with Airflow 2, which has fewer tests."""
    uses = {*item.fixturenames, getattr(item, "callspec", None) and item.callspec.params.get("airflow")}
    if "yarn" in uses:
        return "yarn"
    return "airflow3" if "airflow3" in uses else "airflow2" if uses & {"airflow2", "spark"} else item.path.stem


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.parent == Path(__file__).resolve().parent:
            item.add_marker(pytest.mark.xdist_group(group(item)))


@pytest.fixture(scope="session")
def lab_dir(tmp_path_factory, worker_id):
    """Where the labs live; STAGEWATCHD_LAB_DIR keeps them for a look afterwards."""
    kept = os.environ.get("STAGEWATCHD_LAB_DIR")
    return Path(kept) / worker_id if kept else tmp_path_factory.mktemp("lab")


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
