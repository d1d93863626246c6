# SPDX-License-Identifier: Apache-2.0
"""What running apps show of the causes of hangs: recordings of real Spark, made by tests/replay/record, played fast."""
import pathlib

import pytest

from fakes import Recorded
from harness import Daemon, driver_section, wait

RECORDINGS = pathlib.Path(__file__).resolve().parent.parent / "replay"
# What each shows, and a part of what is said of it. Nothing else of SYMPTOMS must be found.
SHOWS = {
    "recordings/retried-3.5": {"network_refetch": "was begun again 1 time"},
    "recordings/slow_read-3.5": {},
    "recordings/waves-4.3": {},
    "symptoms/collect_large-4.3": {"collect_large": "collect at /opt/job/jobs.py:149: "},
    "symptoms/collect_large-3.5": {"collect_large": "to be expected, spark.driver.maxResultSize=256m, driver heap 1024 MiB"},
    "symptoms/memory-4.3": {"memory_gc": "of tasks was garbage collection, heap peak 451 of 512 MiB",
                            "memory_lost": "2 executors lost: Command exited with code 52"},
    "symptoms/memory-3.5": {"memory_gc": "of tasks was garbage collection, heap peak 452 of 512 MiB",
                            "memory_lost": "2 executors lost: Command exited with code 50"},
    "symptoms/spill-4.3": {"memory_spill": "MiB spilled to disk, heaps of 1024 MiB in all"},
    "symptoms/network_lost-4.3": {"network_lost": "2 executors lost: Executor heartbeat timed out after 3"},
    "symptoms/network_slow-4.3": {"network_fetch_wait": "of tasks was waiting for blocks of other executors"},
    "symptoms/serialization-4.3": {"serialization": "of tasks was unpacking them"},
    "symptoms/healthy-4.3": {},
}
SYMPTOMS = {"collect_large", "memory_gc", "memory_spill", "memory_lost", "network_lost", "network_fetch_wait", "network_refetch",
            "serialization"}


@pytest.mark.lengthy
def test_recordings(binary, tmp_path, started):
    """All at once: they are played in real time."""
    drivers = {name: started(Recorded, RECORDINGS / f"{name}.jsonl.gz", 30) for name in SHOWS}
    clusters = {name: name.partition("/")[2].replace(".", "_") for name in SHOWS}
    with Daemon(binary, tmp_path, "".join(driver_section(clusters[name], driver) for name, driver in drivers.items())) as d:
        wait(lambda: all(driver.now() > driver.end for driver in drivers.values()), "they were played")
        asked = {name: len(driver.asked("GET", "/allexecutors")) for name, driver in drivers.items()}
        # What the stages have shown counts at the next look at the memory.
        wait(lambda: all(len(driver.asked("GET", "/allexecutors")) > asked[name] for name, driver in drivers.items()), "all was taken in")
        d.polls_go_on(drivers["symptoms/healthy-4.3"], "/stages", 1)
        apps = {a["spark_cluster"]: a for a in d.json("/api/v1/audit")["apps"]}
    assert all(apps[cluster]["audited"] for cluster in clusters.values())
    found = {name: {f["check"]: f["found"] for f in apps[clusters[name]]["findings"] if f["check"] in SYMPTOMS} for name in SHOWS}
    assert {name: set(checks) for name, checks in found.items()} == {name: set(checks) for name, checks in SHOWS.items()}
    for name, shows in SHOWS.items():
        for check, words in shows.items():
            assert words in found[name][check], (name, found[name])
