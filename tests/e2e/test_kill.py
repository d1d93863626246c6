# SPDX-License-Identifier: Apache-2.0
"""Every way to kill, on real Spark in a standalone cluster: apps that do not end with their task."""
import fakes
import lab
from watch import RulesWatch, owned_by, see_killed

JOB = lab.E2E / "jobs" / "hang.py"
WAYS = {"cluster": ("KILLED",), "stage": ("FINISHED",), "job": ("FINISHED",), "driver": ("FINISHED", "FAILED", "KILLED")}


def test_each_way_is_confirmed(spark, binary, tmp_path):
    """At the master, by the driver's own kills with the token of its page, and by signals to the driver's JVM."""
    airflows = {via: fakes.Airflow(dag=via) for via in WAYS}
    known = {a["id"] for a in spark.apps()["activeapps"] + spark.apps()["completedapps"]}
    for via in WAYS:
        spark.submit(JOB, ["hang"], {"spark.cores.max": 2, **owned_by(via)}, name=f"kill_{via}")

    def running():
        found = {a["name"].removeprefix("kill_"): a["id"] for a in spark.apps()["activeapps"] if a["id"] not in known}
        return found if found.keys() == WAYS.keys() else None

    def state(app_id):
        apps = spark.apps()
        return next(a["state"] for a in apps["activeapps"] + apps["completedapps"] if a["id"] == app_id)

    ids = lab.wait(running, "all run")
    rules = {f"kill_{via}": {"airflow": (fake.url, fakes.USER, fakes.PASSWORD), "hung_after_unproven": "20s",
                             "end_timeout": "5s" if via == "cluster" else "20s", "kill_via": via}
             for via, fake in airflows.items()}
    source = f"[spark lab]\ntype = standalone\nurl = {spark.web_url}\n"
    with RulesWatch(binary, tmp_path, source, rules, action="kill") as watch:
        see_killed(watch, ids, lambda app_id: state(app_id) not in ("RUNNING", "WAITING"))
        assert watch.actions("kill")["confirmed"] == len(WAYS), watch.log()
    for via, app_id in ids.items():
        assert state(app_id) in WAYS[via], via
        lab.wait(lambda: not lab.survivors(spark, cmdline=f"--app-id {app_id}"), f"the executors of {via} are gone")
    for fake in airflows.values():
        fake.close()
