# SPDX-License-Identifier: Apache-2.0
"""examples/ml-pipeline: a small piece of its table on real Spark and real Airflow, and the hang in it found and healed."""
import importlib.machinery
import importlib.util
import json
import subprocess
import sys

import lab
import pytest

EXAMPLE = lab.REPO / "examples" / "ml-pipeline"
RECORDS = 10_000
VARIANTS = ("plain", "arrow", "collect", "sample")


@pytest.fixture(scope="module")
def run():
    """The command, as a module."""
    loader = importlib.machinery.SourceFileLoader("ml_pipeline_run", str(EXAMPLE / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def report(tmp_path_factory, binary):
    out = tmp_path_factory.mktemp("example")
    done = subprocess.run(
        [EXAMPLE / "run", "--records", str(RECORDS), "--variants", ",".join(VARIANTS), "--repeat", "1", "--where", "hand",
         "--hang", "airflow", "--stagewatchd", binary, "--out", out],
        stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-2000:]
    return json.loads((out / "results.json").read_text()), (out / "results.md").read_text()


def test_variants(report):
    """All come to the same model, and what they took was measured."""
    cells = report[0]["cells"]
    assert [(c["variant"], c["outcome"]) for c in cells] == [(v, "ok") for v in VARIANTS]
    first = cells[0]["model"]
    assert first["r2"] > 0.99
    for cell in cells:
        assert cell["model"]["records"] == RECORDS
        assert cell["model"]["weights"] == pytest.approx(first["weights"], abs=1e-4)
        assert 0 < cell["steps"]["transfer"] < cell["seconds"]
        assert 0 < cell["steps_cpu"]["transfer"] < cell["driver_cpu_seconds"]
        mib = cell["mib"]
        assert 100 < mib["driver_jvm"] < mib["driver"] < report[0]["container"] * 1024
        assert 50 < mib["driver_python"] and 100 < mib["workers"] < report[0]["worker"] * 1024
    assert report[1].count(f"\n| {RECORDS:,} |") == len(VARIANTS)


def test_hang(report):
    """Found at (0 + 6) / 6, ended through Airflow, and well in the second try."""
    (hang,) = report[0]["hangs"]
    assert hang["outcome"] == "found, retried, ended well in try 2"
    assert "(0 + 6) / 6" in hang["evidence"] and "python_worker" in hang["evidence"]
    assert hang["model"]["records"] == RECORDS


def test_limit_holds(run):
    group = run.Group("test", 256 << 20)
    if not group.path:
        pytest.skip("no control group of memory can be made here")
    try:
        fill = [sys.executable, "-c", "import sys; b = bytearray(int(sys.argv[1]) << 20); b[::4096] = b'x' * len(b[::4096])"]
        assert subprocess.run([*group.prefix, *fill, "64"]).returncode == 0
        assert group.kills() == 0
        assert subprocess.run([*group.prefix, *fill, "512"]).returncode == -9
        assert group.kills() == 1
    finally:
        path = group.path
        group.remove()
    assert not path.exists()


def test_outcomes(run):
    assert run.why("", True) == "killed: over the limit of memory"
    assert run.why("x is bigger than spark.driver.maxResultSize (2.0 GiB)", False) == "refused: over spark.driver.maxResultSize"
    assert run.why("INFO fine\npyspark.errors.PySparkValueError: no\n", False) == "failed: pyspark.errors.PySparkValueError: no"


def test_shipped_table(run):
    """results.md is what the command makes of results.json."""
    for kept in sorted(EXAMPLE.glob("results*.json")):
        assert kept.with_suffix(".md").read_text() == run.table(json.loads(kept.read_text()))
