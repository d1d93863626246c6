# SPDX-License-Identifier: Apache-2.0
"""Kill and retry on fakes: the whole sequence, its refusals, and an Airflow that misbehaves at every step."""
import base64
import pathlib
import re
import time

import fakes
import pytest
from harness import Daemon, airflow_section, driver_section, master_section, wait
from fakes import Airflow, Driver, Master

OWNER = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}

NONE = {"dry_run": 0, "requested": 0, "confirmed": 0, "unconfirmed": 0, "failed": 0}


class Scene:
    """A master with one hung app that belongs to a task instance of an Airflow."""

    def __init__(self, started, tmp_path, api="v2", token="0123456789abcdef0123456789abcdef", owner=OWNER, **airflow):
        self.master, self.driver = started(Master, token), started(Driver, "app-1", owner)
        self.airflow = started(Airflow, api, **airflow)
        self.master.add(self.driver)
        self.airflow.on_fail = lambda: self.master.end("app-1")
        self.sections = master_section("m", self.master) + airflow_section(self.airflow, tmp_path)

    def sent(self):
        """What could change something, in order."""
        found = []
        for fake in (self.airflow, self.master):
            for request in list(fake.requests):
                when, method, path = request[:3]
                if fake is self.airflow and fake.is_trial(request):
                    continue
                if method == "PATCH" and ('"note"' in request[4] and "new_state" not in request[4]):
                    found.append((when, "note"))
                elif method == "PATCH":
                    found.append((when, "fail"))
                elif "clearTaskInstances" in path and '"only_failed":false' in request[4]:
                    found.append((when, "restart"))
                elif "clearTaskInstances" in path:
                    found.append((when, "clear"))
                elif "/app/kill" in path:
                    found.append((when, "kill"))
        return [what for _, what in sorted(found)]


@pytest.mark.parametrize("api", ["v2", "v1"])
@pytest.mark.parametrize("action", ["kill", "retry"])
def test_all_well(api, action, binary, tmp_path, started):
    scene = Scene(started, tmp_path, api)
    with Daemon(binary, tmp_path, scene.sections, action=action) as d:
        wait(lambda: d.actions(action)["confirmed"] == 1, 40, "confirmed")
        assert d.actions(action) == {**NONE, "requested": 1, "confirmed": 1}
        wait(lambda: d.json("/api/v1/incidents")["incidents"][0]["state"] == "ended", 20, "its stage is gone")
        outcome = d.json("/api/v1/incidents")["incidents"][0]["outcome"]
        assert outcome == ("recovered" if action == "retry" else "ended")
    assert scene.sent() == (["note"] if api == "v1" else []) + ["fail"] + (["clear"] if action == "retry" else [])
    assert "stagewatchd: Spark stage 7 of app-1 was hung: (0 + " in scene.airflow.note
    if action == "retry":
        trials = [fakes.json.loads(r[4]) for r in scene.airflow.trials("POST", "clear") if '"r"' in r[4]]
        body = fakes.json.loads(scene.airflow.asked("POST", "clear")[0][4])
        assert trials == [{**body, "dry_run": True}] * 2, "before the task is failed, and before it is cleared"
        assert body == {"dry_run": False, "dag_run_id": "r", "task_ids": ["t"], "only_failed": True,
                        "include_downstream": True, "reset_dag_runs": True}


def test_observe_changes_nothing(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    with Daemon(binary, tmp_path, scene.sections, mode="observe", action="retry") as d:
        wait(lambda: d.actions()["dry_run"] == 1, 40, "decided")
        d.polls_go_on(scene.driver)
        assert d.actions() == {**NONE, "dry_run": 1}
        assert d.json("/api/v1/incidents")["incidents"][0]["state"] == "open"
    assert scene.sent() == []
    assert {r[1] for r in scene.airflow.requests if "/auth/token" not in r[2]} == {"GET"}, "the self-test, too"
    assert {r[1] for r in scene.master.requests + scene.driver.requests} == {"GET"}


def test_killed_at_the_master(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.on_fail = lambda: None
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 40, "confirmed")
    assert scene.sent() == ["fail", "kill", "clear"]
    assert scene.master.apps["app-1"][0] == "KILLED"


def test_killed_at_an_old_master(binary, tmp_path, started):
    """Spark 3.5 wants no token."""
    scene = Scene(started, tmp_path, token=None)
    scene.airflow.on_fail = lambda: None
    with Daemon(binary, tmp_path, scene.sections, action="kill") as d:
        wait(lambda: d.actions("kill")["confirmed"] == 1, 40, "confirmed")
    assert scene.sent() == ["fail", "kill"]


def test_an_end_that_is_not_confirmed_is_not_cleared(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.on_fail = lambda: None
    scene.master.kill_works = False
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "unconfirmed")
        d.polls_go_on(scene.driver, n=5)
        assert d.actions() == {**NONE, "requested": 1, "unconfirmed": 1}
        incident = d.json("/api/v1/incidents")["incidents"]
        assert len(incident) == 1 and (incident[0]["state"], incident[0]["outcome"]) == ("open", "unconfirmed")
        assert d.lines("unconfirmed: the app was not seen to end")
    assert scene.sent() == ["fail", "kill"]


def test_bare_driver_that_lives_on_is_not_confirmed(binary, tmp_path, started):
    driver, airflow = started(Driver, "app-1", OWNER), started(Airflow)
    with Daemon(binary, tmp_path, driver_section("one", driver) + airflow_section(airflow, tmp_path), action="retry") as d:
        wait(lambda: d.actions()["unconfirmed"] == 1, 40, "unconfirmed")
    assert airflow.asked("POST", "clear") == []


def test_mapped_task(binary, tmp_path, started):
    scene = Scene(started, tmp_path, owner={**OWNER, "map_index": 2}, map_index=2)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 40, "confirmed")
    assert fakes.json.loads(scene.airflow.asked("POST", "clear")[0][4])["task_ids"] == [["t", 2]]
    assert all(r[2].endswith("/t/2") for r in scene.airflow.asked("PATCH"))
    assert [r[2].rsplit("/t/")[1] for r in scene.airflow.trials("PATCH", "/dagRuns/r/")] == ["2/dry_run"]


def refused(d, scene, text):
    wait(lambda: d.lines(text), 40, text)
    d.polls_go_on(scene.driver)
    assert d.actions() == NONE
    assert d.refused() == 1
    assert len(d.lines(text)) == 1, "once, not once per poll"
    assert scene.sent() == []


@pytest.mark.parametrize("owner, text", [
    (None, "its owner in Airflow is not known"),
    ({k: v for k, v in OWNER.items() if k != "try_number"}, "does not say which try"),
    ({**OWNER, "try_number": 2}, "another try than the one"),
    ({**OWNER, "task_id": "other"}, "answered 404"),
])
def test_owner_in_doubt(owner, text, binary, tmp_path, started):
    scene = Scene(started, tmp_path, owner=owner)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        refused(d, scene, "no look at the task instance" if "404" in text else text)


def test_task_started_after_the_app(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.started = time.time() + 3600
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        refused(d, scene, "started after the app")


@pytest.mark.parametrize("state", ["success", "failed", "up_for_retry", "up_for_reschedule"])
def test_task_not_running(state, binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.state = state
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        refused(d, scene, f"the task instance is {state}, not running")


def test_two_live_apps_of_one_task(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    well = started(Driver, "app-2", OWNER)
    well.stages = []
    scene.master.add(well)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        refused(d, scene, "another live app that is not hung")


def test_two_hung_apps_of_one_task(binary, tmp_path, started):
    """The one that is acted upon ends: the task is not cleared beside the other."""
    scene = Scene(started, tmp_path)
    scene.airflow.on_fail = lambda: None
    scene.master.add(started(Driver, "app-2", OWNER))
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["unconfirmed"], 60, "left to a person")
        assert d.lines("its task instance is not cleared: another app of it is still there, app-")
    assert scene.sent() == ["fail", "kill"]


def test_two_hung_apps_that_end(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.master.add(started(Driver, "app-2", OWNER))
    scene.airflow.on_fail = lambda: (scene.master.end("app-1"), scene.master.end("app-2"))
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 60, "confirmed")
    assert scene.sent() == ["fail", "clear"]


def test_evidence_grows_old_while_airflow_is_slow(binary, tmp_path, started):
    """Polls go on meanwhile: what they say counts."""
    scene, asked = Scene(started, tmp_path), []
    sections = master_section("m", scene.master) + airflow_section(scene.airflow, tmp_path, timeout="15s")

    def slow(handler):
        asked.append(handler.path)
        scene.driver.moving = True
        time.sleep(5)
        handler.reply(*scene.airflow.answer("GET", handler.path, dict(handler.headers), ""))

    scene.airflow.faults.append(("GET", "/dagRuns/r$", slow))
    with Daemon(binary, tmp_path, sections, action="retry") as d:
        wait(lambda: d.lines("retry of app-1: refused: by now it is no longer hung"), 40, "given up")
        assert len(asked) == 1 and d.actions() == NONE
    assert scene.sent() == []


def test_a_clear_that_takes_late(binary, tmp_path, started):
    """After its answer was given up, and after the look that did not show it: the repeat finds nothing to clear."""
    scene, late = Scene(started, tmp_path), []

    def clear(handler):
        request = scene.airflow.requests[-1]
        body = fakes.json.loads(request[4])
        if scene.airflow.is_trial(request) or late:
            return handler.reply(*scene.airflow.clear(body))
        late.append(1)
        time.sleep(4.2)
        scene.airflow.clear(body)
        handler.close_connection = True

    scene.airflow.faults.append(("POST", "clearTaskInstances", clear))
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 60, "confirmed")


def test_who_may_not_clear_fails_nothing(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.faults.append(("POST", "clearTaskInstances", scene.airflow.status(403, '{"detail":"Forbidden"}')))
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["failed"] == 1, 40, "told")
        assert any("answered 403: Forbidden" in line for line in d.lines("Airflow did not fail the task instance"))
    assert scene.sent() == []


def test_max_retries(binary, tmp_path, started):
    """Each new try brings a new app that hangs like the first; after two retries it is left alone."""
    scene = Scene(started, tmp_path)
    apps = [scene.driver]

    def end_and_begin_anew():
        scene.master.end(apps[-1].app_id)
        apps.append(started(Driver, f"app-{len(apps) + 1}", {**OWNER, "try_number": len(apps) + 1}))
        scene.master.add(apps[-1])

    scene.airflow.on_fail = end_and_begin_anew
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.lines("max_retries of its task instance are used up"), 90, "left alone")
        assert d.actions() == {**NONE, "requested": 2, "confirmed": 2}
    assert scene.sent() == ["fail", "clear", "fail", "clear"]


def test_bare_list_of_two_airflows_needs_a_choice(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    other = airflow_section(scene.airflow, tmp_path).replace("[airflow main]", "[airflow second]")
    d = Daemon(binary, tmp_path, scene.sections + other, action="retry")
    done = fakes_run(binary, d.config)
    assert done.returncode == 3 and "say which with airflow=" in done.stderr


def fakes_run(binary, config):
    import subprocess
    return subprocess.run([binary, "--config", config, "--check-config"], capture_output=True, text=True)


LOOK, FAIL, LOGIN = ("GET", "/taskInstances/t$"), ("PATCH", "/t$"), ("POST", "/auth/token")
TRIAL, CLEAR = (("POST", f'clearTaskInstances .*"dry_run":{dry}') for dry in ("true", "false"))
FAULTS = ["401", "403", "404", "409", "422", "500", "302", "hang", "garbage", "html", "truncated", "deep"]


def fault_of(airflow, name):
    return airflow.status(int(name)) if name.isdigit() else getattr(airflow, name)


def no_secret(d):
    token = [r[3]["Authorization"].split()[1] for r in d.airflow.requests if "Authorization" in r[3]]
    basic = base64.b64encode(f"{fakes.USER}:{fakes.PASSWORD}".encode()).decode()
    proc = pathlib.Path(f"/proc/{d.child.pid}")
    places = [d.log(), d.fetch("/metrics")[2].decode(), d.fetch("/api/v1/incidents")[2].decode(), (proc / "cmdline").read_text()]
    for place in places:
        for secret in {fakes.PASSWORD, basic, *token}:
            assert secret not in place


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("step", ["login", "look", "fail", "trial", "clear"])
def test_bad_airflow(step, name, binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    where = {"login": LOGIN, "look": LOOK, "fail": FAIL, "trial": TRIAL, "clear": CLEAR}[step]
    scene.airflow.faults.append((*where, fault_of(scene.airflow, name)))
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        d.airflow = scene.airflow
        ended = ("refused", "superseded", "unconfirmed", "failed", "recovered")
        wait(lambda: any(d.lines(f"retry of app-1: {word}:") for word in ended) or d.lines("no retry of app-1"), 60, "it comes to an end")
        assert d.polls_go_on(scene.master, "/json") < 12
        sent, counted = scene.sent(), d.actions()
        if step in ("login", "look"):
            assert sent == [] and counted["requested"] == 0
            assert d.refused() >= 1
        elif step == "fail":
            # The fault keeps the task as it is: nothing was confirmed, and nothing cleared.
            d.polls_go_on(scene.driver, n=4)
            sent, counted = scene.sent(), d.actions()
            assert "clear" not in sent and counted["confirmed"] == 0 and counted["requested"] == 1
            assert sent.count("fail") <= 3
        else:
            # Where the trial fails before the fail, nothing is failed.
            assert sent[0] == "fail" if sent or step == "clear" else d.lines("retry of app-1: failed")
            assert counted["requested"] == 1 and counted["confirmed"] == 0
            assert sent.count("clear") in ((0,) if step == "trial" else (1, 2, 3))
            assert counted["unconfirmed"] + counted["failed"] == 1
        if not (step == "fail" and name == "409"):
            assert d.lines(scene.airflow.url), "a line with the URL"
            reasons = ("unreachable", "timeout", "denied", "not_found", "invalid", "server_error", "malformed")
            total = sum(d.metric("stagewatch_airflow_errors_total", airflow="main", reason=r) for r in reasons)
            assert total >= 1 or name == "409", d.log()
        no_secret(d)


def test_airflow_is_down(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.close()
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.lines("Airflow has not answered yet"), 40, "refused")
        assert d.metric("stagewatch_airflow_up", airflow="main") == 0
        assert d.actions() == NONE
        assert len(d.lines(scene.airflow.url)) == 1


@pytest.mark.parametrize("status, body", [(401, '{"detail":"Token Expired"}'), (403, '{"detail":"Invalid JWT token"}')])
def test_stale_token_is_renewed_once(status, body, binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    stale = []

    def expire(handler):
        """By the time of the request that counts, the token is stale."""
        scene.airflow.faults.clear()
        stale.append(1)
        handler.reply(status, body)

    scene.airflow.faults.append((*FAIL, expire))
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 40, "confirmed")
    assert stale == [1] and scene.airflow.logins == 2


def test_stale_token_that_stays_stale(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.faults.append((*LOOK, scene.airflow.status(401)))
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.lines("retry of app-1: refused"), 40, "refused")
        assert scene.airflow.logins <= 2


def test_token_of_a_short_life(binary, tmp_path, started):
    """A token that is over by our clock is renewed before it is used again."""
    scene = Scene(started, tmp_path)
    long = scene.airflow.new_token
    scene.airflow.new_token = lambda: long(30)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.actions()["confirmed"] == 1, 40, "confirmed")
    assert scene.airflow.logins >= 3
