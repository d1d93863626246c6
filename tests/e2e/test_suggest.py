# SPDX-License-Identifier: Apache-2.0
"""--suggest on a real driver, and on a real History Server once it has ended."""
import re
import subprocess

import lab
import pytest


def suggest(binary, config, *args):
    done = subprocess.run([binary, "--config", config, "--suggest", *args], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def longest_task(text):
    """The app that it is of, and its seconds."""
    found = re.search(r"^# the longest task took (?:(\d+)min ?)?(?:(\d+)s)?: stage \d+ of (\S+) ", text, re.M)
    assert found, text
    return found[3], 60 * int(found[1] or 0) + int(found[2] or 0)


@pytest.mark.long
def test_driver_and_history_server(spark, binary, tmp_path):
    events, runs, ui, port = tmp_path / "events", tmp_path / "runs", lab.free_port(), lab.free_port()
    events.mkdir()
    runs.touch()
    conf = {"spark.eventLog.enabled": "true", "spark.eventLog.dir": f"file:{events}"}
    app = spark.submit(lab.E2E / "jobs" / "stages.py", [runs], name="stages", master="local[2]", ui_port=ui, conf=conf)
    lab.wait((tmp_path / "runs.done").exists, "its stages have completed")
    config = tmp_path / "stagewatchd.conf"
    config.write_text(f"[daemon]\nstate_dir = {tmp_path}/state\n[spark lab]\ntype = driver\nurl = http://127.0.0.1:{ui}\n[rule all]\napp = *\n")

    text = suggest(binary, config)
    assert "#   lab: 1 running app\n" in text
    name, live = longest_task(text)
    assert name == "stages" and live >= 3 and "\nhung_after = 5min\n" in text

    runs.unlink()
    app.wait(60)
    env = {**spark.environ(), "SPARK_HISTORY_OPTS": f"-Dspark.history.fs.logDirectory=file:{events} -Dspark.history.ui.port={port}"}
    spark.spawn("history", [spark.home / "bin" / "spark-class", "org.apache.spark.deploy.history.HistoryServer"], env)
    url = f"http://127.0.0.1:{port}"

    def listed():
        try:
            return lab.http("GET", f"{url}/api/v1/applications?status=completed")[1]
        except OSError:
            return None

    lab.wait(listed, "the History Server lists it")
    config.write_text(f"[daemon]\nstate_dir = {tmp_path}/state\n[spark lab]\ntype = driver\nurl = http://127.0.0.1:4040-4041\n[rule all]\napp = *\n")
    text = suggest(binary, config, "--history", url)
    assert f"#   {url}: 1 finished app\n" in text
    assert "# 1 app with 25 completed stages" in text
    # The same task, told by another.
    assert longest_task(text) == ("stages", live)
    assert "# the longest of 1 run took " in text
