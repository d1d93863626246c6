# SPDX-License-Identifier: Apache-2.0
"""CPU seconds of executors by a kubelet, through a real API server and its rights. The kubelet answers as one, and is none: kubelet.py."""
import json
import pathlib
import sys

from conftest import run


def test_a_container_that_works_is_seen_through_the_api_server(kubernetes, binary, tmp_path):
    script = pathlib.Path(__file__).resolve().parent / "kubelet.py"
    said = json.loads(run("unshare", "--net", sys.executable, script, binary, kubernetes, tmp_path).splitlines()[-1])
    # Not without the right to get nodes/proxy; then no more than is needed.
    assert said["before"] == 0
    assert said["asked"] == ["/stats/summary?only_cpu_and_memory=true"]
    assert "by whole containers" in said["slow"]
