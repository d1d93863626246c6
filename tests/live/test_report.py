# SPDX-License-Identifier: Apache-2.0
"""Numbers of running apps as metrics, and what is kept of those that have ended."""
import contextlib
import json
import re
import sqlite3

from fakes import Driver
from harness import Daemon, driver_section, wait

MIB = 1024 * 1024


def ctl(d, *words):
    done = d.ctl(*words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def runs(d, name="etl"):
    apps = [a for a in d.json("/api/v1/report")["apps"] if a["app_name"] == name]
    return apps[0]["runs"] if apps else []


def test_gauges_end_with_the_app(binary, tmp_path, started):
    driver, stays = started(Driver, "app-1"), started(Driver, "app-2", name="stays")
    with Daemon(binary, tmp_path, driver_section("a", driver) + driver_section("b", stays)) as d:
        app = {"spark_cluster": "a", "app_id": "app-1"}
        labels = {**app, "process": "executor"}
        wait(lambda: d.metric("stagewatch_app_heap_limit_bytes", **labels), "memory is known")
        assert d.metric("stagewatch_app_heap_limit_bytes", **labels) == 1024 * MIB
        assert d.metric("stagewatch_app_heap_peak_bytes", **labels) == 250000000
        assert d.metric("stagewatch_app_process_peak_bytes", **labels) is None
        assert d.metric("stagewatch_app_task_seconds_total", **app) == 1
        assert d.metric("stagewatch_app_gc_seconds_total", **app) == 0.01
        assert d.metric("stagewatch_app_start_timestamp_seconds", **app, app_name="etl") == driver.started / 1000
        assert d.metric("stagewatch_stage_progress_ratio", **app, stage_id="7", attempt_id="0") == 0
        driver.close()
        wait(lambda: d.metric("stagewatch_app_start_timestamp_seconds", **app, app_name="etl") is None, "the app is gone")
        assert d.metric("stagewatch_app_heap_limit_bytes", **labels) is None
        assert d.metric("stagewatch_app_start_timestamp_seconds", spark_cluster="b", app_id="app-2", app_name="stays") is not None
        assert d.metric("stagewatch_apps_not_shown") == 0


def test_report_outlives_the_daemon(binary, tmp_path, started):
    """Four runs of one name: the last one took an hour, the others some seconds."""
    drivers = [started(Driver, f"app-{i}") for i in range(4)]
    drivers[3].started -= 3600 * 1000
    (tmp_path / "state").mkdir()
    sections = driver_section("one", drivers[0]) + "".join(f"url = {x.url}\n" for x in drivers[1:])
    with Daemon(binary, tmp_path, sections) as d:
        wait(lambda: len(d.verdicts()) == 4, "all are seen")
        assert "No finished run" in ctl(d, "report")
        for i, driver in enumerate(drivers):
            driver.close()
            wait(lambda: len(runs(d)) == i + 1, "its run is kept")
    (tmp_path / "log").unlink()
    with Daemon(binary, tmp_path, sections) as d:
        kept = runs(d)
        assert [r["app_id"] for r in kept] == ["app-3", "app-2", "app-1", "app-0"]
        assert kept[0]["seconds"] > 3600 > kept[0]["usual_seconds"]
        assert kept[0]["regressions"] == ["slower"] and kept[0]["compared_with"] == 3
        assert kept[1]["regressions"] == [] and "usual_seconds" not in kept[1]
        assert kept[0]["executor"] == {"heap_limit_bytes": 1024 * MIB, "heap_peak_bytes": 250000000, "process_peak_bytes": None,
                                       "peak_bytes": 250000000, "usual_peak_bytes": 250000000}
        table = ctl(d, "report").splitlines()
        assert len(table) == 2 and "slower" in table[1] and "239 of 1024 MiB (239)" in table[1], table
        assert len(ctl(d, "report", "etl", "--all").splitlines()) == 5
        unknown = d.ctl("report", "none")
        assert unknown.returncode == 2 and "no finished run of that name is known" in unknown.stderr
        assert json.loads(ctl(d, "--json", "report"))["apps"][0]["runs"] == json.loads(ctl(d, "--json", "report", "--all"))["apps"][0]["runs"][:1]
        assert json.loads(ctl(d, "--json", "report", "etl"))["apps"][0]["app_name"] == "etl"


def test_many_runs_and_resident_memory(binary, tmp_path, started):
    """2000 are in a report, which says so; beside what is resident, Python workers and all, stands no limit of a heap."""
    sections = driver_section("one", started(Driver))
    (tmp_path / "state").mkdir()
    with Daemon(binary, tmp_path, sections) as d:
        assert d.json("/api/v1/report") == {"trouble": None, "newest_only": False, "apps": []}
    (tmp_path / "log").unlink()
    runs = [{"cluster": "one", "app_name": f"n{i // 20:03}", "app_id": f"app-{i}", "started": (1_795_000_000 + i) * 1_000_000,
             "ended": (1_795_000_060 + i) * 1_000_000, "driver_heap_limit": 2048 * MIB, "driver_heap_peak": 700 * MIB, "driver_tree_peak": 0,
             "executor_heap_limit": 1024 * MIB, "executor_heap_peak": 500 * MIB, "executor_tree_peak": 1812 * MIB, "executors": 1,
             "task_time": 1, "gc_time": 1} for i in range(2001)]
    with contextlib.closing(sqlite3.connect(tmp_path / "state/ledger.db")) as ledger, ledger:
        ledger.executemany(f"INSERT INTO runs ({', '.join(runs[0])}) VALUES ({', '.join(f':{k}' for k in runs[0])})", runs)
    with Daemon(binary, tmp_path, sections) as d:
        report = d.json("/api/v1/report")
        assert report["newest_only"] is True
        shown = {r["app_id"] for a in report["apps"] for r in a["runs"]}
        assert shown == {f"app-{i}" for i in range(1, 2001)}
        table = ctl(d, "report").splitlines()
        assert table[-1] == "These ended last; there may be more, see report NAME."
        row = next(line for line in table if line.startswith("n000 "))
        assert re.search(r"  1812 MiB \(1812\)  +700 of 2048 MiB \(700\)  ", row), row
        one = ctl(d, "report", "n000", "--all")
        assert len(one.splitlines()) == 21 and "there may be more" not in one
