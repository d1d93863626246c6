#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The story of one hang, told to a person while it happens on real Spark and real Airflow."""
import json
import pathlib
import shutil
import signal
import sys
import tempfile
import threading
import time

import lab
from watch import Watch

ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN = "demo__1"
BEGAN = time.monotonic()
SILENCE = 10  # seconds after which a person wants to know that it goes on
LIMITS = {"hung_after": "45s", "hung_after_unproven": "10min"}
said = time.monotonic()


def say(text):
    global said
    said = time.monotonic()
    spent = int(said - BEGAN)
    print(f"{spent // 60}:{spent % 60:02d}  {text}", flush=True)


def reassure(over):
    """Says that it goes on, whenever nothing was said for a while."""
    while not over.wait(1):
        if time.monotonic() - said >= SILENCE:
            say("      ...")


def apps(spark):
    """The master's word: app id -> state, in order of the start."""
    page = spark.apps()
    return {a["id"]: a["state"] for a in sorted(page["activeapps"] + page["completedapps"], key=lambda a: a["id"])}


def stage(watch):
    """The hanging stage, as the daemon sees it; None while there is none."""
    for app in json.loads(watch.fetch("/api/v1/stages"))["apps"]:
        for s in app["stages"]:
            if s["active"] == 6:
                return app, s
    return None


def story(spark, airflow, watch):
    airflow.trigger("hang_submit", RUN)
    say("Airflow starts the task: SparkSubmitOperator, six PySpark tasks, one stage")
    app, seen = lab.wait(lambda: stage(watch), "the stage runs")
    first = app["app_id"]
    say(f"Spark runs it as {first}, and there it stands:")
    print(f"          [Stage {seen['stage_id']}:>" + " " * 40 + f"{seen['bar']}]")
    say("Airflow says: running. Spark says: active. No error, no timeout. Nobody would notice.")
    verdict = None
    while verdict != "hung":
        found = stage(watch)
        if found and found[1]["verdict"] != verdict:
            verdict = found[1]["verdict"]
            if verdict != "progressing":
                say(f"stagewatchd: {verdict}: {found[1]['evidence']}")
        time.sleep(0.5)
    lab.wait(lambda: watch.actions("retry")["requested"] == 1, "the retry is requested")
    say("stagewatchd looks again, asks Airflow whose task it is, and fails try 1, with a note that says why")
    lab.wait(lambda: apps(spark)[first] not in ("RUNNING", "WAITING"), "the app has ended")
    say(f"Spark's master: {first} is {apps(spark)[first]}. Only now the task is cleared")
    lab.wait(lambda: airflow.task("hang_submit", RUN, "hang")["try_number"] == 2, "try 2 begins")
    say("Airflow starts try 2")
    airflow.wait_run("hang_submit", RUN, states=("success",))
    say("Airflow: the run has succeeded")
    lab.wait(lambda: watch.actions("retry")["confirmed"] == 1, "the retry is confirmed")
    for app_id, state in apps(spark).items():
        say(f"Spark's master: {app_id} {state}")
    left = lab.survivors(spark, airflow, cmdline=first)
    say(f"Processes of the first try that still live: {len(left)}")
    say(f"stagewatchd's counters: {watch.actions('retry')}")
    tries = {t["try_number"]: t["state"] for t in airflow.tries("hang_submit", RUN, "hang")}
    assert tries[2] == "success" and not left, (tries, left)


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.getsignal(signal.SIGINT))
    home = pathlib.Path(tempfile.mkdtemp(prefix="stagewatchd-demo."))
    over = threading.Event()
    threading.Thread(target=reassure, args=(over,), daemon=True).start()
    try:
        say("Starting Spark: a standalone master and a worker, on this machine alone")
        with lab.Spark(home) as spark:
            say("Starting Airflow 3.3.2, with the cluster policy of etc/airflow")
            with lab.Airflow3(home, spark) as airflow:
                airflow.wait_dags("hang_submit")
                say("Starting stagewatchd, mode act: hung after 45 s with proof, to keep this short (10 min is the default)")
                with Watch(ROOT / "build" / "stagewatchd", home / "stagewatchd", spark, airflow, **LIMITS) as watch:
                    story(spark, airflow, watch)
                say("Ending all of it")
    except KeyboardInterrupt:
        shutil.rmtree(home, ignore_errors=True)
        say("Interrupted: all is ended, nothing is left running")
        return 130
    except Exception:
        say(f"It did not go as told. Logs are in {home}")
        raise
    finally:
        over.set()
    shutil.rmtree(home, ignore_errors=True)
    say("Done. \"tests/setup clean\" takes away the Spark and the Airflow that were installed for this")
    return 0


if __name__ == "__main__":
    sys.exit(main())
