# SPDX-License-Identifier: Apache-2.0
"""The layers hold, and the check that says so can fail."""
import pathlib
import shutil
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent


def check(root, objects):
    return subprocess.run([sys.executable, HERE / "layering.py", root, objects], capture_output=True, text=True)


def must_find(root, objects, fault):
    done = check(root, objects)
    assert done.returncode == 1, done.stdout + done.stderr
    assert fault in done.stdout


def plant(tree, objects, name, body):
    """One more source, and its object."""
    source, made = tree / "src" / f"{name}.c", objects / f"{name}.o"
    made.parent.mkdir(parents=True, exist_ok=True)
    source.write_text(body)
    subprocess.run(["gcc", "-c", "-o", made, source], check=True)


@pytest.fixture
def tree(tmp_path, root):
    """A copy of the sources, to plant faults in."""
    for part in ("src", "include"):
        shutil.copytree(root / part, tmp_path / part)
    return tmp_path


@pytest.fixture
def objects(tree, tmp_path):
    """Objects without a fault, to plant faults beside."""
    plant(tree, tmp_path / "obj", "core/facts/good", "int good(void) { return 0; }\n")
    return tmp_path / "obj"


def test_layers_hold(root, build):
    done = check(root, build / "obj")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("file, line, fault", [
    ("src/core/facts/rule.c", '#include "wire/json.h"', "core may not include wire"),
    ("include/source/source.h", '#include "action/airflow.h"', "source may not include action"),
    ("src/store/store.c", '#include "remedy/job.h"', "store may not include remedy"),
    ("src/core/detect/history.c", '#include "core/act/policy.h"', "core/detect may not include core/act"),
    ("src/daemon/manager.c", "#include <curl/curl.h>", "daemon may not include <curl/"),
    ("src/core/new.c", "", "src/core/new.c: is in no wing of the core"),
    ("src/extra/new.c", "", "layer extra is not in the table"),
    ("src/remedy/job.c", "int planted(sd_event_source *s) { return sd_event_source_set_time(s, 1); }",
     "job.c: asks a clock or sets a timer by itself"),
])
def test_planted_line_is_found(tree, objects, file, line, fault):
    (tree / file).parent.mkdir(exist_ok=True)
    with open(tree / file, "a") as f:
        f.write(f"{line}\n")
    must_find(tree, objects, fault)


@pytest.mark.parametrize("body, symbol", [
    ("#include <time.h>\nlong planted(void) { return (long)time(NULL); }\n", "time"),
    ("#include <stdlib.h>\nchar *planted(void) { return getenv(\"HOME\"); }\n", "getenv"),
    ("#include <stdio.h>\nvoid planted(void) { printf(\"%d\", 1); }\n", "printf"),
    ("#include <time.h>\nint planted(struct timespec *t) { return clock_gettime(0, t); }\n", "clock_gettime"),
])
def test_impure_core_is_found(tree, objects, body, symbol):
    plant(tree, objects, "core/detect/planted", body)
    must_find(tree, objects, f"core/detect/planted: core calls {symbol}\n")


def test_circle_is_found(tree, objects):
    assert check(tree, objects).returncode == 0
    plant(tree, objects, "io/one", "int two(int);\nint one(int x) { return x ? two(x - 1) : 0; }\n")
    plant(tree, objects, "io/two", "int three(int);\nint two(int x) { return three(x); }\n")
    assert check(tree, objects).returncode == 0
    plant(tree, objects, "io/three", "int one(int);\nint three(int x) { return one(x); }\n")
    must_find(tree, objects, "circle of io/one, io/three, io/two: io/one needs two of io/two; ")


def test_object_without_a_source_does_not_count(tree, objects):
    plant(tree, objects, "core/facts/planted", "#include <stdlib.h>\nchar *planted(void) { return getenv(\"HOME\"); }\n")
    (tree / "src/core/facts/planted.c").unlink()
    done = check(tree, objects)
    assert done.returncode == 0, done.stdout


def test_headers_compile_alone(root):
    done = subprocess.run(["make", "-s", "headers", "WERROR=1"], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
