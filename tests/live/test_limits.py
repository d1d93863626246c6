# SPDX-License-Identifier: Apache-2.0
"""What keeps an action from being begun, and what outlives a restart, on the real binary."""
import json
import re
import signal
import sqlite3
import subprocess

import fakes
import pytest
from fakes import Airflow, Driver, Master
from harness import Daemon, airflow_section, limit, master_section, wait
from scene import NONE, OWNER, Scene


def refusal(d, text):
    """An incident that was refused for this reason."""
    steps = [s["text"] for i in d.json("/api/v1/incidents")["incidents"]
             for s in d.json(f"/api/v1/incidents/{i['id']}")["steps"]]
    return any(text in s for s in steps)


class Crashing(Daemon):
    """Its first life ends by SIGKILL."""

    def __init__(self, binary, directory, *args, **more):
        super().__init__(binary, directory, *args, **more)
        (directory / "state").mkdir()

    def __exit__(self, kind, *rest):
        if kind is not None:
            return super().__exit__(kind, *rest)
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()
        self.logfile.rename(self.dir / "first")
        self.__class__ = Daemon


def test_storm(binary, tmp_path, started):
    """Three apps hang at once: the breaker opens, pages once, and closes on a person's word."""
    master, airflow = started(Master), started(Airflow)
    for n in range(3):
        master.add(started(Driver, f"app-{n}", {**OWNER, "task_id": f"t{n}"}))
    d = Crashing(binary, tmp_path, master_section("m", master) + airflow_section(airflow, tmp_path), action="retry", mode="observe")
    limit(d, storm_threshold=2)
    with d:
        wait(lambda: d.metric("stagewatch_breaker_open") == 1, "it opens")
        wait(lambda: refusal(d, "the storm breaker is open: "), "nothing is begun")
        assert "apps hung within 15min" in d.json("/api/v1/status")["breaker_open"]
        # It gets its id and its time with the next poll.
        storm = wait(lambda: (s := d.json("/api/v1/status")["storm"])["since"] and s, "it is named")
        # The end moves while the storm goes on.
        assert re.search(f"The storm breaker is open since {storm['since']}, until [-0-9T:]+Z at the earliest: ", d.ctl("status").stdout)
        told = d.ctl("explain", storm["id"]).stdout
        assert "apps hung within 15min" in told and f"Since      {storm['since']}" in told
        assert len(d.lines("The storm breaker opened")) == 1
    with d:
        wait(lambda: d.metric("stagewatch_breaker_open") == 1, "it outlives a restart")
        limit(d, storm_threshold=0)
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: d.lines("The new configuration is in force"), "read anew")
        assert d.ctl("resume").returncode == 0
        assert d.metric("stagewatch_breaker_open") == 0
        assert d.lines("The storm breaker was closed by root")
    assert airflow.asked("PATCH") == []


def test_a_storm_opens_before_anything_was_sent(binary, tmp_path, started):
    scene, asked = Scene(started, tmp_path), []
    sections = master_section("m", scene.master) + airflow_section(scene.airflow, tmp_path, timeout="15s")

    def slow(handler):
        if not asked:
            for n in (1, 2):
                scene.master.add(started(Driver, f"more-{n}", {**OWNER, "dag_id": "x", "task_id": f"t{n}"}, name=f"n{n}"))
        asked.append(handler.path)
        wait(lambda: d.metric("stagewatch_breaker_open") == 1, "it opens")
        handler.reply(*scene.airflow.answer("GET", handler.path, dict(handler.headers), ""))

    scene.airflow.faults.append(("GET", "/dagRuns/r$", slow))
    d = Daemon(binary, tmp_path, sections, action="kill")
    limit(d, storm_threshold=3)
    with d:
        wait(lambda: d.lines("kill of app-1: refused: the storm breaker is open"), "given up")
        assert d.actions("kill") == NONE
    assert scene.sent() == []


@pytest.mark.parametrize("how", ["opens in trouble", "vanishes while open"])
def test_a_breaker_outlives_trouble_of_the_ledger(how, binary, tmp_path, started):
    """What it was while nothing could be written is written later."""
    master, airflow, state, away = started(Master), started(Airflow), tmp_path / "state", tmp_path / "away"
    for n in range(3):
        master.add(started(Driver, f"app-{n}", {**OWNER, "task_id": f"t{n}"}))
    d = Crashing(binary, tmp_path, master_section("m", master) + airflow_section(airflow, tmp_path), action="retry")
    limit(d, storm_threshold="2\nstorm_reset = manual")
    if how == "opens in trouble":
        state.rmdir()
        state.write_text("in the way\n")

    def kept():
        return sqlite3.connect(f"file:{state}/ledger.db?mode=ro", uri=True).execute("SELECT 1 FROM meta WHERE key = 'breaker'").fetchall()

    with d:
        wait(lambda: d.metric("stagewatch_breaker_open") == 1, "it opens")
        if how == "opens in trouble":
            state.unlink()
            state.mkdir()
        else:
            for file in state.glob("ledger.db*"):
                file.unlink()
        wait(lambda: d.lines("The ledger can be used again"), "well again")
        wait(kept, "kept")
    for n in range(3):
        master.end(f"app-{n}")
    with d:
        wait(lambda: d.metric("stagewatch_breaker_open") == 1, "it outlives a restart")
        state.rename(away)
        d.ctl("resume")
        away.rename(state)
        assert d.metric("stagewatch_breaker_open") == 0
        wait(lambda: not kept(), "it is known to be closed")


@pytest.mark.parametrize("mode", ["act", "observe"])
def test_a_second_daemon_is_refused(mode, binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    (tmp_path / "state").mkdir(mode=0o700)
    with Daemon(binary, tmp_path, scene.sections, action="kill", mode=mode) as d:
        wait(lambda: d.metric("stagewatch_ledger_up") == 1, "the ledger is open")
        second = subprocess.run([binary, "--config", d.config], capture_output=True, text=True, timeout=30)
        assert second.returncode != 0
        assert f"{tmp_path}/state/ledger.db: in use by another stagewatchd" in second.stderr


@pytest.mark.parametrize("by", ["restart", "reload"])
def test_an_incident_of_a_cluster_that_is_gone_ends(by, binary, tmp_path, started):
    """Nothing will ever be seen of it; its alert ends with it."""
    scene, hook = Scene(started, tmp_path), started(fakes.Fake)
    hook.answer = lambda *request: (200, {})
    notify = f"[notify am]\nurl = {hook.url}\nformat = alertmanager\nresend = 1s\n"
    other = scene.sections.replace("[spark m]", "[spark renamed]")
    d = Crashing(binary, tmp_path, scene.sections + notify, action="notify")

    def alert_end():
        return json.loads(hook.asked("POST", "alerts")[-1][4])[0]["endsAt"][:19] + "Z"

    with d:
        wait(lambda: hook.asked("POST", "alerts"), "an alert")
        wait(lambda: sqlite3.connect(f"file:{tmp_path}/state/ledger.db?mode=ro", uri=True)
             .execute("SELECT count(*) FROM incidents").fetchone() == (1,), "it is in the ledger")
    scene.master.faults.append((None, "", fakes.Fake.status(500)))  # it is not seen again
    if by == "restart":
        d.write(other + notify, action="notify")
    with d:
        if by == "reload":
            wait(lambda: d.json("/api/v1/incidents")["incidents"][0]["state"] == "open", "taken over")
            d.write(other + notify, action="notify")
            d.child.send_signal(signal.SIGHUP)
        wait(lambda: d.json("/api/v1/incidents")["incidents"][0]["state"] == "ended", "ended")
        steps = d.json(f"/api/v1/incidents/{d.json('/api/v1/incidents')['incidents'][0]['id']}")["steps"]
        assert steps[-1]["text"] == "ended as ended: its cluster is not in the configuration any more"
        wait(lambda: alert_end() == d.json("/api/v1/incidents")["incidents"][0]["ended"], "its alert ends")
