# SPDX-License-Identifier: Apache-2.0
"""The image and the chart on a real node, which is node.py."""
import json
import os
import pathlib
import shutil
import sys

import pytest

from conftest import ROOT, run
from test_image import Image

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
GROUPS = pathlib.Path("/sys/fs/cgroup")
PAUSE = "#include <unistd.h>\nint main(void) { for (;;) pause(); }\n"


@pytest.fixture
def node():
    env = pathlib.Path(run("tests/setup", "path", "node").strip())
    if not (env / ".stamp").exists():
        pytest.fail("run tests/setup node first: it takes some ten minutes")
    return env


@pytest.fixture
def no_groups():
    """The kubelet makes control groups, and leaves them."""
    assert not list(GROUPS.glob("*/kubepods")), "there is a node already"
    yield
    for top in GROUPS.glob("*/kubepods"):
        run("find", top, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";")


def images(directory):
    """Two archives: the image, and what holds a pod's namespaces."""
    image = Image(directory).build()
    (directory / "pause.c").write_text(PAUSE)
    run("gcc", "-static", "-O2", "-o", directory / "pause", directory / "pause.c")
    container = image("from", "--pull-never", "scratch")
    image("copy", "--quiet", container, directory / "pause", "/pause")
    image("config", "--entrypoint", '["/pause"]', container)
    image("commit", "--quiet", "--signature-policy", directory / "policy.json", container, "localhost/pause")
    for name, tag in (("stagewatchd", "test"), ("pause", "1")):
        image("push", "--signature-policy", directory / "policy.json", f"localhost/{name}",
              f"docker-archive:{directory}/{name}.tar:docker.io/library/{name}:{tag}")
        yield directory / f"{name}.tar"


@pytest.mark.skipif(not shutil.which("containerd"), reason="containerd is not installed")
def test_the_chart_on_a_node(kubernetes, node, no_groups, tmp_path):
    script = pathlib.Path(__file__).resolve().parent / "node.py"
    for name in ("image", "node"):
        (tmp_path / name).mkdir()
    said = json.loads(run("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, script, kubernetes, node,
                          tmp_path / "node", ROOT / "chart/stagewatchd", *images(tmp_path / "image")).splitlines()[-1])
    # The probe reads the pod's uid from its control group, and the kubelet tells the same one.
    assert [(e["executor"], e["pod"]) for e in said["probe"]] == [("1", said["uid"])]
    assert {"time", "usageCoreNanoSeconds"} <= set(said["counters"][0])
    assert said["status"]["mode"] == "observe"
    assert said["ended"]["exitCode"] == 0
    # A node that fell silent: no reason, and so no NodeLost.
    assert "reason" not in said["lost"][0]
