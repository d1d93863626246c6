# SPDX-License-Identifier: Apache-2.0
"""stagewatchctl, the control socket and who may, pauses and maintenance windows."""
import datetime
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time

import pytest
from harness import Daemon, driver_section, wait
from fakes import Driver, Fake, free_port
from scene import NONE, OWNER, Scene

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
needs_setpriv = pytest.mark.skipif(not shutil.which("setpriv"), reason="setpriv is not installed")


class Receiver(Fake):
    def answer(self, method, path, headers, body):
        return 200, {}


def hung(d, app="app-1"):
    wait(lambda: d.verdicts().get((app, 7)) == "hung", "hung")


def polled(d):
    """A cluster that was not asked yet is not up, and status says so."""
    wait(lambda: d.ctl("status").returncode == 0, "all was seen")


def said(done, status, out=None, err=None):
    assert done.returncode == status, done.stdout + done.stderr
    assert out is None or out in done.stdout, done.stdout
    assert err is None or err in done.stderr, done.stderr
    return done


# Orders about one incident.

def test_what_a_person_says_of_an_incident(binary, tmp_path, started):
    """Acknowledged, then no hang: nobody is told any more, its recording stays, and a restart knows who said so."""
    driver, receiver = started(Driver, "app-1", OWNER), started(Receiver)
    (tmp_path / "state").mkdir()
    pager = f"[notify pager]\nurl = {receiver.url}\non = hung, closed\n"
    with Daemon(binary, tmp_path, driver_section("one", driver) + pager) as d:
        said(d.ctl("ack", "none"), 2, "", "no such incident")
        hung(d)
        number = d.json("/api/v1/incidents")["incidents"][0]["id"]
        said(d.ctl("ack", number), 0, "Acknowledged by root")
        assert json.loads(said(d.ctl("--json", "ack", number), 0).stdout)["acked_by"].startswith("root")
        wait(lambda: len(receiver.requests) == 1, "told")
        said(d.ctl("ignore", number), 0, "Ignored by root")
        wait(lambda: len(receiver.requests) == 2, "closed")
        assert [json.loads(r[4])["event"] for r in receiver.requests] == ["hung", "closed"]
        assert d.metric("stagewatch_false_alarms_total", rule="all") == 1
        assert (tmp_path / "state/incidents" / f"{number}.jsonl.keep").stat().st_size > 0
        said(d.ctl("kill", "app-1", "--yes"), 2, "", "a person has said that it is no hang")
        said(d.ctl("retry", "app-2", "--yes"), 2, "", "no stage of such an app is hung")
        said(d.ctl("kill", "app-1"), 2, "", "use --yes")
        said(d.ctl("abort", number), 0, "Aborted by root")
        table = said(d.ctl("stages"), 0).stdout
        assert re.search(r"^one +app-1 +etl +7\.0 +\(0 \+ 2\) / 2 +hung ", table, re.M) and "\x1b" not in table
        restart(d)
        wait(lambda: d.json("/api/v1/incidents")["incidents"] != [], "read again")
        story = d.json(f"/api/v1/incidents/{number}")
        assert [story[k].split()[0] for k in ("acked_by", "ignored_by", "aborted_by")] == ["root"] * 3
        said(d.ctl("explain", number), 0, "Next       nothing: no hang, said root")


def test_a_test_of_a_receiver(binary, tmp_path, started):
    driver, receiver = started(Driver), started(Receiver)
    pager = f"[notify pager]\nurl = {receiver.url}\non = failed\napp = none\n"
    with Daemon(binary, tmp_path, driver_section("one", driver) + pager) as d:
        said(d.ctl("test-notify", "none"), 2, "", "there is no [notify] section of that name")
        said(d.ctl("test-notify", "pager"), 0, "Delivered.\n")
        message = json.loads(receiver.requests[0][4])
        assert message["event"] == "test" and message["summary"].startswith("a test of [notify pager], asked for by root")
        receiver.faults.append((None, ".", lambda h: h.reply(403, "")))
        said(d.ctl("test-notify", "pager"), 2, "", "not delivered: denied: answered 403")
        assert json.loads(said(d.ctl("--json", "test-notify", "pager"), 2).stdout)["delivered"] is False
        assert d.metric("stagewatch_notifications_pending", notify="pager") == 0 and len(receiver.requests) == 3


# Looking.

def test_status(binary, tmp_path, started):
    driver = started(Driver)
    driver.moving = True
    with Daemon(binary, tmp_path, driver_section("one", driver)) as d:
        polled(d)
        well = said(d.ctl("status"), 0, "Hung stages: 0. Open incidents: 0.\nActions in progress: 0. Begun within the last hour: 0 of 1000.\n").stdout
        assert well.startswith("stagewatchd 0.1.0, mode act, started ") and "PAUSED" not in well
        assert "CLUSTER  UP   APPS  LAST POLL  RIGHT TO KILL\none      yes  1     " in well
        driver.moving = False
        hung(d)
        said(d.ctl("status"), 1, "Hung stages: 1. Open incidents: 1.")
        number = d.json("/api/v1/incidents")["incidents"][0]["id"]
        assert re.search(rf"^HANGS ON +APP .*\none +\S+ .* 7\.0 .* {number}$", d.ctl("status").stdout, re.M)
        answer = json.loads(said(d.ctl("status", "--json"), 1).stdout)
        assert (answer["stages_hung"], answer["incidents_open"], answer["paused"]) == (1, 1, None)
        url = f"http://127.0.0.1:{d.port()}"
        said(subprocess.run([f"{binary.removesuffix('d')}ctl", "--url", url, "status"], capture_output=True, text=True), 1, "Hung stages: 1")


def test_incidents_and_explain(binary, tmp_path, started):
    driver = started(Driver, "app-1", OWNER)
    with Daemon(binary, tmp_path, driver_section("one", driver), mode="observe") as d:
        said(d.ctl("incidents"), 0, "No open incident.\n")
        hung(d)
        table = said(d.ctl("incidents"), 0).stdout.splitlines()
        assert table[0].split() == ["ID", "STATE", "VERDICT", "APP", "NAME", "STAGE", "DAG", "SINCE", "ACTION", "OUTCOME"]
        number = table[1].split()[0]
        assert table[1].split()[1:7] == ["open", "hung", "app-1", "etl", "7.0", "d"]
        story = said(d.ctl("explain", number), 0).stdout
        incident = d.json(f"/api/v1/incidents/{number}")
        for words in (f"Incident   {number}, open\n", "App        app-1 (etl), stage 7.0, cluster one\n", "Owner      d / r / t, try 1, known by properties\n",
                      "Verdict    hung\n", "Rule       all, action notify, mode observe\n", ", limit hung_after", "\nMissing    ",
                      "Next       nothing: its rule's action is notify\n", "  hung: (0 + 2) / 2 "):
            assert words in story, story
        assert incident["numbers"]["limit"] in ("hung_after", "hung_after_unproven") and incident["numbers"]["lasting_seconds"] >= 2
        assert incident["numbers"]["threshold_seconds"] in (2, 3)
        assert json.loads(said(d.ctl("--json", "explain", number), 0).stdout)["id"] == number
        said(d.ctl("explain", "nothing such?"), 2, "", "no such incident")
        said(d.ctl("explain", "nothing/such"), 2, "", "the daemon answered 404")
        said(d.ctl("audit", "none"), 2, "", "no such app runs")
        driver.stages = []
        wait(lambda: d.json("/api/v1/incidents")["incidents"][0]["state"] == "ended", "ended")
        said(d.ctl("incidents"), 0, "No open incident.\n")
        said(d.ctl("incidents", "--all"), 0, number)
        assert json.loads(d.ctl("--json", "incidents").stdout)["incidents"] == []
        assert [i["id"] for i in json.loads(d.ctl("--json", "incidents", "--all").stdout)["incidents"]] == [number]
        said(d.ctl("explain", number), 0, "Next       nothing: the incident ended as ended: the stage or app is gone\n")


@pytest.mark.parametrize("args, word", [
    ([], "which verb?"), (["dance"], "unknown verb: dance"), (["status", "x"], "unexpected argument: x"), (["explain"], "needs an argument"),
    (["pause"], "needs an argument"), (["pause", "a", "b"], "unexpected argument: b"), (["pause", "a", "--for", "soon"], "not a time"),
    (["pause", "a", "--for", "0"], "not a time"), (["status", "--all"], "does not take"), (["resume", "--for", "2h"], "does not take"),
    (["--url", "http://127.0.0.1:1", "pause", "a"], "over the control socket only"), (["--url", "ftp://a", "status"], "not a URL"),
    (["--user", "a", "status"], "go with --url"), (["--url", "http://a", "--password-file", "b", "status"], "goes with --user"),
    (["--url", "https://a", "--key", "b", "status"], "goes with --cert"),
    (["--url", "http://a", "--socket", "/x", "status"], "exclude one another"), (["--bogus", "status"], "--bogus"),
])
def test_usage(args, word, binary):
    done = subprocess.run([f"{binary.removesuffix('d')}ctl", *args], capture_output=True, text=True, timeout=30)
    said(done, 3, "", word)


def test_not_reachable(binary, tmp_path):
    def run(*args):
        return subprocess.run([f"{binary.removesuffix('d')}ctl", *args], capture_output=True, text=True, timeout=30)

    said(run("--socket", str(tmp_path / "none"), "status"), 2, "", "No such file")
    said(run("--url", f"http://127.0.0.1:{free_port()}", "status"), 2, "", "cannot be reached")
    assert run("--help").stdout.startswith("stagewatchctl [--socket PATH")
    assert run("--version").stdout == "stagewatchctl 0.1.0\n"


def test_a_daemon_that_speaks_otherwise(binary, started):
    """Whatever answers there: no crash, no control character to the terminal."""
    ctl = f"{binary.removesuffix('d')}ctl"
    fake = started(Driver)
    for fault, status in (("garbage", 2), ("html", 2), ("truncated", 2), ("deep", 2)):
        fake.faults[:] = [(None, ".", getattr(fake, fault))]
        done = subprocess.run([ctl, "--url", fake.url, "status"], capture_output=True, text=True, timeout=30)
        said(done, status, "")
    strange = {"version": 7, "mode": "\x1b[31mred", "clusters": [3, {"spark_cluster": "a\nb"}], "airflows": {}, "paused": "yes", "maintenance": [None]}
    fake.faults[:] = [(None, ".", lambda h: h.reply(200, strange))]
    done = subprocess.run([ctl, "--url", fake.url, "status"], capture_output=True, text=True, timeout=30)
    assert "\x1b" not in said(done, 2, "mode ?[31mred").stdout and "a?b" in done.stdout
    for verb in (["incidents"], ["explain", "x"]):
        said(subprocess.run([ctl, "--url", fake.url, *verb], capture_output=True, text=True, timeout=30), 0)


@pytest.mark.parametrize("daemon, rule, word, text", [
    ("observe", "act", "act", "act in rule one (retry), else observe"), ("act", "observe", "act", "act in rule all (kill), else observe"),
    ("act", "inherit", "act", "act"), ("observe", "inherit", "observe", "observe"),
])
def test_the_mode_is_told_by_rule(daemon, rule, word, text, binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    sections = f"{scene.sections}[rule one]\ndag = one\naction = retry\nmode = {rule}\n"
    with Daemon(binary, tmp_path, sections, mode=daemon, action="kill") as d:
        status = d.json("/api/v1/status")
        assert (status["mode"], status["mode_text"]) == (word, text)
        acts = {r["rule"]: (r["action"], r["mode"]) for r in status["rules"]}
        assert acts == {"one": ("retry", daemon if rule == "inherit" else rule), "all": ("kill", daemon)}
        assert f"mode {text}, started" in d.ctl("status").stdout
        assert d.metric("stagewatch_mode", mode="act") == (word == "act") and d.metric("stagewatch_mode", mode="observe") == (word != "act")
        assert d.metric("stagewatch_rule_mode", rule="one", action="retry", mode=acts["one"][1]) == 1


def test_what_became_of_what_was_only_observed(binary, tmp_path, started):
    """Would have been retried, moved again by itself: no success of ours, and counted as what it is, also over a restart."""
    scene = Scene(started, tmp_path)
    (tmp_path / "state").mkdir()
    with Daemon(binary, tmp_path, scene.sections, mode="observe", action="retry") as d:
        said(d.ctl("observed"), 0, "No hang was only observed.\n")
        hung(d)
        number = d.json("/api/v1/incidents")["incidents"][0]["id"]
        wait(lambda: d.metric("stagewatch_observed_total", rule="all", verdict="hung", outcome="would_have_acted") == 1, "a dry run")
        assert d.json("/api/v1/observed")["rules"][0]["standing"] == 1
        scene.driver.moving = True
        wait(lambda: d.metric("stagewatch_observed_total", rule="all", verdict="hung", outcome="moved_again") == 1, "its end")
        incident = d.json(f"/api/v1/incidents/{number}")
        assert (incident["state"], incident["action"], incident["outcome"]) == ("ended", "retry", "moved_again")
        assert d.metric("stagewatch_observed_total", rule="all", verdict="hung", outcome="ended") == 0
        assert not scene.airflow.asked("PATCH") and not scene.master.asked("POST")
    d.logfile.unlink()
    with d:
        (row,) = d.json("/api/v1/observed")["rules"]
        assert (row["rule"], row["verdict"], row["would_have_acted"], row["moved_again"], row["ended"], row["standing"]) == ("all", "hung", 1, 1, 0, 0)
        assert row["moved_after_median_seconds"] == row["moved_after_longest_seconds"] >= 0 and row["first"]
        assert re.search(r"^all +hung +1 +1 +\S+ \(\S+\) +0 +0 +2", d.ctl("observed").stdout, re.M)
        assert d.metric("stagewatch_observed_total", rule="all", verdict="hung", outcome="moved_again") == 0


# Pauses.

def test_pause_and_resume(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.driver.moving = True
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: d.verdicts() != {}, "seen")
        assert d.metric("stagewatch_paused") == 0
        said(d.ctl("pause", "release night"), 0, "Paused by root (uid 0), until stagewatchctl resume.\n")
        scene.driver.moving = False
        hung(d)
        wait(lambda: d.lines("no retry of app-1: paused by root (uid 0) since"), "refused")
        d.polls_go_on(scene.driver)
        assert d.metric("stagewatch_paused") == 1 and d.actions() == NONE and scene.sent() == []
        assert len(d.lines("no retry of app-1")) == 1, "once, not once per poll"
        assert d.lines("No new action begins until somebody resumes: paused by root (uid 0)")
        paused = d.json("/api/v1/status")["paused"]
        assert (paused["reason"], paused["who"], paused["until"]) == ("release night", "root (uid 0)", None)
        said(d.ctl("status"), 1, ", until resumed: release night\n")
        number = d.json("/api/v1/incidents")["incidents"][0]["id"]
        story = said(d.ctl("explain", number), 0).stdout
        assert "Next       no retry while paused by root (uid 0) since " in story and "no retry: paused by root" in story
        said(d.ctl("resume"), 0, "Resumed")
        wait(lambda: d.actions()["confirmed"] == 1, "done after all")
        assert d.metric("stagewatch_paused") == 0
        assert "the pause was ended by root (uid 0)" in d.ctl("explain", number).stdout
        said(d.ctl("resume"), 2, "", "there is no pause")


def test_pause_ends_by_itself(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    with Daemon(binary, tmp_path, scene.sections, action="kill") as d:
        said(d.ctl("pause", "a moment", "--for", "8s"), 0, "until 20")
        assert d.json("/api/v1/status")["paused"]["until"]
        hung(d)
        wait(lambda: d.actions("kill")["confirmed"] == 1, "done after it")
        assert d.json("/api/v1/status")["paused"] is None
        wait(lambda: d.lines("the pause is over: its time has come"), "the next tick tells")


def test_pause_is_replaced(binary, tmp_path, started):
    driver = started(Driver)
    with Daemon(binary, tmp_path, driver_section("one", driver)) as d:
        said(d.ctl("pause", "one"), 0)
        said(d.ctl("pause", "two", "--for", "1h"), 0)
        assert d.json("/api/v1/status")["paused"]["reason"] == "two"
        for reason, word in (("", "needs a reason"), (" ", "needs a reason"), ("x" * 201, "over 200 bytes")):
            said(d.ctl("pause", reason), 2, "", word)
        said(d.ctl("pause", "x", "--for", "9000h"), 2, "", "366 days")
        assert d.json("/api/v1/status")["paused"]["reason"] == "two"


def test_what_has_sent_something_goes_on(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.on_fail = lambda: None
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        wait(lambda: scene.airflow.state == "failed", "failed, the app lives")
        said(d.ctl("pause", "too late"), 0)
        wait(lambda: d.actions()["confirmed"] == 1, "killed and cleared all the same")
    assert scene.sent() == ["fail", "kill", "clear"]


def test_what_only_looks_is_given_up(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    scene.airflow.faults.append(("GET", "/taskInstances/t$", scene.airflow.hang))
    sections = scene.sections.replace("timeout = 1s", "timeout = 20s")
    with Daemon(binary, tmp_path, sections, action="retry") as d:
        wait(lambda: scene.airflow.asked("GET", "/taskInstances/t$"), "it looks at the task")
        assert d.metric("stagewatch_actions_pending") == 1
        assert 0 < d.metric("stagewatch_oldest_pending_action_timestamp_seconds") <= time.time()
        said(d.ctl("pause", "stop"), 0)
        assert d.metric("stagewatch_actions_pending") == 0
        assert d.metric("stagewatch_oldest_pending_action_timestamp_seconds") is None
        scene.airflow.faults.clear()
        d.polls_go_on(scene.driver)
        assert scene.sent() == [] and d.actions() == NONE


def restart(d, sig=signal.SIGTERM, between=lambda: None):
    """Ends the daemon, and starts it anew on the same state."""
    d.child.send_signal(sig)
    d.child.wait(10)
    between()
    d.logfile.rename(d.dir / "log.before")
    d.__enter__()


def test_pause_outlives_restarts(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        said(d.ctl("pause", "until all is well"), 0, "until stagewatchctl resume.\nNo new action begins; one that has sent a request to Airflow or Spark continues.\n")
        before = d.json("/api/v1/status")["paused"]
        assert before["durable"] is True
        for sig in (signal.SIGTERM, signal.SIGKILL):
            restart(d, sig)
            assert d.json("/api/v1/status")["paused"] == before and d.metric("stagewatch_paused") == 1
            assert d.lines("Still paused by root (uid 0) since")
        hung(d)
        wait(lambda: d.lines("no retry of app-1: paused by root (uid 0)"), "refused")
        assert scene.sent() == []
        said(d.ctl("resume"), 0)
        restart(d)
        assert d.json("/api/v1/status")["paused"] is None
        wait(lambda: d.actions()["confirmed"] == 1, "done after all")


def test_the_end_of_a_pause_outlives_restarts(binary, tmp_path, started):
    scene = Scene(started, tmp_path)

    def until(d):
        return datetime.datetime.fromisoformat(d.json("/api/v1/status")["paused"]["until"].replace("Z", "+00:00")).timestamp()

    def tamper(**values):
        db = sqlite3.connect(tmp_path / "state/ledger.db")
        for key, value in values.items():
            db.execute(f"UPDATE pause SET {key} = ?", (value,))
        db.commit()
        db.close()

    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        said(d.ctl("pause", "two hours", "--for", "2h"), 0)
        end = until(d)
        restart(d)
        assert abs(until(d) - end) <= 2
        # In the same boot the wall clock says nothing.
        restart(d, signal.SIGKILL, lambda: tamper(until_wall=1))
        assert abs(until(d) - end) <= 2
        # In another it does, but never makes a pause longer.
        soon = time.time() + 900
        restart(d, signal.SIGKILL, lambda: tamper(boot="another", until_wall=int(soon * 1e6)))
        assert abs(until(d) - soon) <= 2
        restart(d, signal.SIGKILL, lambda: tamper(boot="another", until_wall=int((soon + 1e6) * 1e6)))
        assert soon < until(d) <= time.time() + 7200 + 1
        restart(d, signal.SIGKILL, lambda: tamper(boot="another", until_wall=int((time.time() - 5) * 1e6)))
        assert d.json("/api/v1/status")["paused"] is None
        restart(d)
        assert d.json("/api/v1/status")["paused"] is None


def test_a_pause_without_a_ledger_says_so(binary, tmp_path, started):
    """It holds, and is written as soon as it can be."""
    scene = Scene(started, tmp_path)
    state = tmp_path / "state"
    state.write_text("in its way")
    with Daemon(binary, tmp_path, scene.sections, action="retry") as d:
        said(d.ctl("pause", "no disk"), 0, "The ledger cannot be written: a restart forgets the pause.")
        status = d.json("/api/v1/status")
        assert status["paused"]["durable"] is False and status["ledger_trouble"]
        assert "The pause is not in the ledger: a restart forgets it.\n" in d.ctl("status").stdout
        assert "\nThe ledger cannot be used, no action is taken: " in d.ctl("status").stdout
        state.unlink()
        state.mkdir()
        wait(lambda: d.json("/api/v1/status")["paused"]["durable"], "written at last")
        restart(d, signal.SIGKILL)
        assert d.json("/api/v1/status")["paused"]["reason"] == "no disk"


def test_orders_that_are_not_understood(binary, tmp_path, started):
    import http.client
    import socket
    driver = started(Driver)

    class Local(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(self.host)

    def post(d, path, body):
        c = Local(d.socket)
        c.request("POST", path, body)
        answer = c.getresponse()
        return answer.status, answer.read().decode()

    with Daemon(binary, tmp_path, driver_section("one", driver)) as d:
        for body in ("", "{", "[]", "{}", '{"reason": 1}', '{"reason": "x", "seconds": -1}', '{"reason": "x", "seconds": 0}',
                     '{"reason": "x", "seconds": 1e15}', '{"reason": "x", "seconds": "2h"}', "[" * 1000, "\xff"):
            status, text = post(d, "/api/v1/pause", body.encode("latin-1"))
            assert status == 400 and text.strip(), body
        assert post(d, "/api/v1/stop", "{}")[0] == 404
        assert d.json("/api/v1/status")["paused"] is None
        assert post(d, "/api/v1/pause", '{"reason": "a\\nb", "who": "the boss"}')[0] == 200
        paused = d.json("/api/v1/status")["paused"]
        assert (paused["reason"], paused["who"]) == ("a?b", "root (uid 0)")


def test_two_daemons_on_one_socket(binary, tmp_path, started):
    driver = started(Driver)
    (tmp_path / "two").mkdir()
    with Daemon(binary, tmp_path, driver_section("one", driver)) as one:
        two = Daemon(binary, tmp_path / "two", driver_section("two", driver))
        two.config.write_text(two.config.read_text().replace(two.socket, one.socket))
        with two:
            assert two.lines("another daemon listens there")
            polled(one)
            said(one.ctl("status"), 0, "\none ")
        said(one.ctl("status"), 0, "\none ")


def test_a_socket_that_was_left_behind(binary, tmp_path, started):
    driver = started(Driver)
    d = Daemon(binary, tmp_path, driver_section("one", driver))
    with d:
        d.child.kill()
        d.child.wait()
        said(d.ctl("status"), 2, "", "nobody listens there")
        d.child.returncode = 0
    d.logfile.unlink()
    with d:
        polled(d)


# Who may.

def setpriv(uid, gid, groups=None):
    return ["setpriv", f"--reuid={uid}", f"--regid={gid}", f"--groups={groups}" if groups else "--clear-groups"]


@needs_root
@needs_setpriv
def test_who_may(binary, tmp_path, started):
    driver = started(Driver)
    d = Daemon(binary, tmp_path, driver_section("one", driver))
    # Where everybody can run it.
    shutil.copy(f"{binary.removesuffix('d')}ctl", f"{d.short.name}/stagewatchctl")

    def run(who, *args):
        return subprocess.run([*who, f"{d.short.name}/stagewatchctl", "--socket", d.socket, *args], capture_output=True, text=True, timeout=30)

    nobody, user, member, other = setpriv(65534, 65534), setpriv(1234, 1234), setpriv(1235, 1235, 4321), setpriv(1236, 1236)
    with d:
        polled(d)
        for who in (nobody, user, member, other):
            said(run(who, "status"), 0)
            said(run(who, "pause", "let me"), 2, "", "only root, the daemon's own user, and the control_users and control_group")
        assert "you are uid 1234:" in run(user, "resume").stderr
        assert len(d.lines("Refused /api/v1/pause to uid 65534")) == 1 and d.json("/api/v1/status")["paused"] is None
        assert len(d.lines("Refused /api/v1/")) <= 2, "not once per order"
        # Named in the configuration, by a reload.
        d.config.write_text(d.config.read_text().replace("[web]", "control_users = 1234\ncontrol_users = 77\ncontrol_group = 4321\n[web]"))
        d.child.send_signal(1)
        wait(lambda: d.lines("The new configuration is in force"), "taken")
        said(run(user, "pause", "mine"), 0, "Paused by 1234 (uid 1234)")
        assert d.json("/api/v1/status")["paused"]["who"] == "1234 (uid 1234)"
        said(run(member, "resume"), 0)
        assert d.lines("the pause was ended by uid 1235 of group 4321")
        said(run(other, "pause", "x"), 2)
        said(run(nobody, "pause", "x"), 2)


HOLD = """
import socket, sys, time
held = []
for _ in range(100):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    try:
        s.send(b"GET /api/v1/status HTTP/1.1\\r\\n")
    except OSError:
        pass  # hung up on
    held.append(s)
print("held", flush=True)
time.sleep(60)
"""


@needs_root
@needs_setpriv
def test_nobody_keeps_the_others_out(binary, tmp_path, started):
    """One user with all the connections that there are: root pauses at once."""
    driver = started(Driver)
    with Daemon(binary, tmp_path, driver_section("one", driver)) as d:
        child = subprocess.Popen([*setpriv(1234, 1234), "/usr/bin/python3", "-c", HOLD, d.socket], stdout=subprocess.PIPE, text=True)
        try:
            assert child.stdout.readline() == "held\n"
            said(d.ctl("pause", "they are at it"), 0)
        finally:
            child.kill()
            child.wait()


def memory_of(pid, by):
    """How those who are the same user come out who read the environment of a process."""
    return subprocess.run([*by, "cat", f"/proc/{pid}/environ"], capture_output=True).returncode


@needs_root
@needs_setpriv
def test_who_may_as_another_user(binary, tmp_path, started):
    """A daemon that is not root: its own user may, and root."""
    driver = started(Driver)
    d = Daemon(binary, tmp_path, driver_section("one", driver))
    shutil.copy(binary, f"{d.short.name}/stagewatchd")
    shutil.copy(f"{binary.removesuffix('d')}ctl", f"{d.short.name}/stagewatchctl")
    os.chmod(d.short.name, 0o777)
    config = f"{d.short.name}/conf"
    shutil.copy(d.config, config)
    os.chmod(config, 0o644)
    with open(d.logfile, "wb") as log:
        d.child = subprocess.Popen([*setpriv(1234, 1234), f"{d.short.name}/stagewatchd", "--config", config], stderr=log)
    try:
        wait(d.port, "it listens")
        mine = subprocess.run([*setpriv(1234, 1234), f"{d.short.name}/stagewatchctl", "--socket", d.socket, "pause", "mine"],
                              capture_output=True, text=True, timeout=30)
        said(mine, 0, "Paused by the daemon's user (uid 1234)")
        # Nobody but root looks into it, and no core is piped to anybody (PR_SET_DUMPABLE): it has secrets.
        wait(lambda: d.port() and memory_of(d.child.pid, setpriv(1234, 1234)) != 0, "it is closed")
        assert os.stat(f"/proc/{d.child.pid}/environ").st_uid == 0
        with subprocess.Popen([*setpriv(1234, 1234), "sleep", "60"]) as other:
            wait(lambda: os.stat(f"/proc/{other.pid}/environ").st_uid == 1234, "another one is not")
            assert memory_of(other.pid, setpriv(1234, 1234)) == 0
            other.kill()
        said(d.ctl("resume"), 0)
        polled(d)
    finally:
        d.child.terminate()
        assert d.child.wait(10) == 0


# Maintenance windows.

ALL_WEEK = "[maintenance {name}]\nfrom = 00:00\nto = 24:00\n{more}"


def test_window_holds_its_apps(binary, tmp_path, started):
    scene = Scene(started, tmp_path)
    window = ALL_WEEK.format(name="backups", more="dag = d*\nreason = nightly backups\n")
    other = ALL_WEEK.format(name="elsewhere", more="cluster = other\n")
    with Daemon(binary, tmp_path, scene.sections + window + other, action="retry") as d:
        wait(lambda: d.lines("no retry of app-1: in the maintenance window backups: nightly backups"), "refused")
        d.polls_go_on(scene.driver)
        assert scene.sent() == [] and d.actions() == NONE
        assert d.metric("stagewatch_maintenance", window="backups") == 1
        assert d.lines("The maintenance window backups begins")
        said(d.ctl("status"), 1, "In the maintenance window backups: nightly backups\n")
        assert [w["name"] for w in d.json("/api/v1/status")["maintenance"]] == ["backups", "elsewhere"]
        d.write(scene.sections + other, action="retry")
        d.child.send_signal(1)
        wait(lambda: d.actions()["confirmed"] == 1, "it is elsewhere")


def test_window_by_the_hosts_clock(binary, tmp_path, started):
    """It is 03:30 on a Monday in a zone of our making."""
    driver = started(Driver)
    now = time.gmtime()
    minutes = (now.tm_hour * 60 + now.tm_min - 210) % 1440
    zone = f"XXX{minutes // 60:02}:{minutes % 60:02}"
    there = time.gmtime(time.time() - minutes * 60)
    day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    today, yesterday = day[there.tm_wday], day[there.tm_wday - 1]
    sections = driver_section("one", driver)
    for name, days, begin, end in (("a", today, "03:00", "05:00"), ("b", today, "05:00", "03:00"), ("c", yesterday, "22:00", "06:00"),
                                   ("d", today, "22:00", "06:00"), ("e", yesterday, "03:00", "05:00")):
        sections += f"[maintenance {name}]\ndays = {days}\nfrom = {begin}\nto = {end}\n"
    with Daemon(binary, tmp_path, sections, env={"TZ": zone}) as d:
        assert {w["name"]: w["open"] for w in d.json("/api/v1/status")["maintenance"]} == {"a": True, "b": False, "c": True, "d": False, "e": False}


def test_faults_of_windows(binary, tmp_path):
    config = tmp_path / "c.conf"
    config.write_text("""[daemon]
control_users = no-such-user-here
[maintenance a]
days = mon-fry
from = 22:00
to = 06:00
[maintenance b]
from = 22:00
[maintenance c]
from = 22:00
to = 22:00
[maintenance d]
from = 7pm
to = 22:00
bogus = 1
[maintenance]
from = 01:00
[maintenance e]
from = 7pm
to = 8pm
""")
    done = subprocess.run([binary, "--config", config, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 3
    for line in (f"{config}:2: control_users: there is no user no-such-user-here", f"{config}:4: days: not days such as mon-fri",
                 f"{config}:7: needs from and to", f"{config}:11: to: the same as from", f"{config}:15: unknown key in [maintenance]: bogus",
                 f"{config}:16: [maintenance] needs a name", f"{config}:19: from: not a time of the day"):
        assert line in done.stderr, done.stderr
    assert len(done.stderr.splitlines()) == 7
    for text, word in (("control_users = nobody\n", ":2: control_users: nobody stands for every user"), ("control_group = no-such-group\n", ":2: control_group: "),
                       (f"control_socket = /{'x' * 110}\n", ":2: control_socket: a path of a socket has 107 bytes")):
        config.write_text("[daemon]\n" + text)
        done = subprocess.run([binary, "--config", config, "--check-config"], capture_output=True, text=True)
        assert done.returncode == 3 and word in done.stderr, done.stderr
