# SPDX-License-Identifier: Apache-2.0
"""Why a task on Kubernetes is failed before its application is ended: what SparkSubmitOperator makes of a driver whose pod is gone."""
import json
import os
import subprocess

import pytest

import lab


@pytest.mark.long
@pytest.mark.parametrize("what, ended", [("vanishes", "returned None"), ("Succeeded", "returned None"), ("Failed", "raised RuntimeError")])
def test_a_pod_that_is_gone_counts_as_success(what, ended, tmp_path):
    """As long as this holds, the retry must not be left to Airflow there (preconditions.c)."""
    python = lab.env_dir("airflow3k8s") / "bin" / "python"
    done = subprocess.run([python, lab.E2E / "kubernetes_driver.py", what], env={**os.environ, "AIRFLOW_HOME": str(tmp_path)},
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    said = json.loads(done.stdout.splitlines()[-1])
    assert said == {"asked": ["/api/v1/namespaces/n/pods/etl-driver"] * 3, "ended": ended}
