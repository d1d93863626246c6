# SPDX-License-Identifier: Apache-2.0
"""The layers hold, and the check that says so can fail."""
import pathlib
import shutil
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def check(root, core):
    return subprocess.run(["sh", HERE / "layering.sh", root, core], capture_output=True, text=True)


@pytest.fixture
def tree(tmp_path, root, build):
    """A copy of the sources and of the core's library, to plant faults in."""
    for part in ("src", "include"):
        shutil.copytree(root / part, tmp_path / part)
    shutil.copy(build / "libcore.a", tmp_path / "libcore.a")
    return tmp_path


def test_layers_hold(root, build):
    done = check(root, build / "libcore.a")
    assert done.returncode == 0, done.stdout + done.stderr


def test_upward_include_is_found(tree):
    with open(tree / "src/core/rule.c", "a") as f:
        f.write('#include "wire/json.h"\n')
    done = check(tree, tree / "libcore.a")
    assert done.returncode == 1
    assert "core may not include wire" in done.stdout


def test_sibling_include_is_found(tree):
    with open(tree / "include/source/source.h", "a") as f:
        f.write('#include "action/airflow.h"\n')
    done = check(tree, tree / "libcore.a")
    assert done.returncode == 1
    assert "source may not include action" in done.stdout


def test_third_party_include_is_found(tree):
    with open(tree / "src/daemon/manager.c", "a") as f:
        f.write("#include <curl/curl.h>\n")
    done = check(tree, tree / "libcore.a")
    assert done.returncode == 1
    assert "daemon may not include <curl/" in done.stdout


def test_unknown_layer_is_found(tree):
    (tree / "src/extra").mkdir()
    (tree / "src/extra/new.c").write_text('#include "base/time.h"\n')
    done = check(tree, tree / "libcore.a")
    assert done.returncode == 1
    assert "layer extra is not in the table" in done.stdout


@pytest.mark.parametrize("body, symbol", [
    ("#include <time.h>\nlong planted(void) { return (long)time(NULL); }\n", "time"),
    ("#include <stdlib.h>\nchar *planted(void) { return getenv(\"HOME\"); }\n", "getenv"),
    ("#include <stdio.h>\nvoid planted(void) { printf(\"%d\", 1); }\n", "printf"),
    ("#include <time.h>\nint planted(struct timespec *t) { return clock_gettime(0, t); }\n", "clock_gettime"),
])
def test_impure_core_is_found(tree, body, symbol):
    (tree / "planted.c").write_text(body)
    subprocess.run(["gcc", "-c", "-o", tree / "planted.o", tree / "planted.c"], check=True)
    subprocess.run(["ar", "r", tree / "libcore.a", tree / "planted.o"], check=True, capture_output=True)
    done = check(tree, tree / "libcore.a")
    assert done.returncode == 1
    assert f"core calls {symbol}" in done.stdout


def test_second_clock_is_found(tree):
    with open(tree / "src/daemon/job.c", "a") as f:
        f.write("int planted(sd_event_source *s) { return sd_event_source_set_time(s, 1); }\n")
    done = check(tree, tree / "libcore.a")
    assert done.returncode == 1
    assert "job.c: asks a clock or sets a timer by itself" in done.stdout


def test_headers_compile_alone(root):
    done = subprocess.run(["make", "-s", "headers", "WERROR=1"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
