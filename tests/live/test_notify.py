# SPDX-License-Identifier: Apache-2.0
"""People are told over real connections: by webhooks, by commands, by a real Alertmanager, and across a crash. Who is told what,
and when: tests/unit/notifier and tests/unit/daemon/test_notify.c."""
import datetime
import hashlib
import hmac
import json
import re
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path

import fakes
import jsonschema
import pytest
from harness import Daemon, airflow_section, driver_section, limit, master_section, wait
from fakes import Airflow, Driver, Fake, Master

OWNER = {"dag_id": "d", "run_id": "r", "task_id": "t", "map_index": -1, "try_number": 1}
SECRET, TOKEN = "a key of this test", "Bearer 8a7b6c5d4e"


class Receiver(Fake):
    """Takes messages; faults as in Fake."""

    def answer(self, method, path, headers, body):
        return 200, {}

    def got(self):
        """[(event, app)] of what was taken, in order; what met a fault is not in it."""
        return [(m["event"], m["app_id"]) for m in self.messages()]

    def messages(self):
        return [json.loads(r[4]) for r in list(self.requests)]


def notify_section(url, name="pager", **keys):
    return f"[notify {name}]\ntype = webhook\nurl = {url}\nretry_first = 1s\nretry_max = 2s\n" + "".join(
        f"{k} = {line}\n" for k, v in keys.items() for line in (v if isinstance(v, list) else [v]))


def sent(d, name="pager", outcome="sent"):
    return d.metric("stagewatch_notifications_total", notify=name, outcome=outcome)


def status(d, name="pager"):
    return next(n for n in d.json("/api/v1/status")["notifies"] if n["notify"] == name)


def hung_then_gone(d, driver, events):
    """Waits until the stage hangs and people were told, then lets it go on."""
    wait(lambda: d.verdicts().get((driver.app_id, 7)) == "hung", "hung")
    wait(events, "told")
    driver.moving = True


def test_webhook(binary, tmp_path, started):
    """Each event once, signed, with what an incident has to say."""
    receiver, driver = started(Receiver), started(Driver, "app-1", OWNER)
    (tmp_path / "key").write_text(SECRET + "\n")
    (tmp_path / "token").write_text(TOKEN + "\n")
    section = notify_section(receiver.url + "/hook?room=7", on="suspect, hung, recovered, closed", secret_file=tmp_path / "key",
                             authorization_file=tmp_path / "token", header=["X-Team: data", "X-Other: a: b"])
    with Daemon(binary, tmp_path, "[web]\nexternal_url = http://watch.example/\n" + driver_section("one", driver) + section) as d:
        hung_then_gone(d, driver, lambda: ("hung", "app-1") in receiver.got())
        wait(lambda: ("closed", "app-1") in receiver.got(), "closed")
        d.polls_go_on(driver)
        assert receiver.got() == [(e, "app-1") for e in ("suspect", "hung", "recovered", "closed")]
        assert sent(d) == 4 and d.metric("stagewatch_notifications_pending", notify="pager") == 0
        assert status(d) == {"notify": "pager", "pending": 0, "sent": 4, "failed": 0, "dropped": 0, "error": None, "test": None}
        incident = d.json("/api/v1/incidents")["incidents"][0]
        for text in (SECRET, TOKEN, TOKEN.split()[1]):
            assert text not in d.log() and text not in d.fetch("/api/v1/status")[2].decode()
    hung = receiver.messages()[1]
    assert hung["incident"] == incident["id"] and hung["url"] == f"http://watch.example/incidents/{incident['id']}"
    assert (hung["schema"], hung["severity"], hung["verdict"], hung["rule"]) == (1, "critical", "hung", "all")
    assert (hung["spark_cluster"], hung["stage_id"], hung["dag_id"], hung["map_index"]) == ("one", 7, "d", None)
    assert hung["summary"].startswith("one: app-1 (etl) stage 7.0 is hung: (0 + ")
    assert receiver.messages()[3]["outcome"] == "recovered" and receiver.messages()[3]["ended"] == incident["ended"]
    for _, method, path, headers, body in receiver.requests:
        assert (method, path, headers["Content-Type"]) == ("POST", "/hook?room=7", "application/json")
        assert headers["X-Stagewatch-Signature"] == "sha256=" + hmac.new(SECRET.encode(), body.encode(), hashlib.sha256).hexdigest()
        assert (headers["Authorization"], headers["X-Team"], headers["X-Other"]) == (TOKEN, "data", "a: b")
        assert headers["X-Stagewatch-Delivery"] == f"{incident['id']}-{json.loads(body)['event']}"


def test_template(binary, tmp_path, started):
    receiver, driver = started(Receiver), started(Driver, "app-1", OWNER, name='a "name" \\ of {{mine}}')
    section = notify_section(receiver.url, template=['{"text": "{{summary}}",', ' "stage": "{{stage_id}}/{{map_index}}"}'], on="hung")
    with Daemon(binary, tmp_path, driver_section("one", driver) + section) as d:
        wait(lambda: receiver.requests, "told")
        assert sent(d) == 1 or wait(lambda: sent(d) == 1)
    message = receiver.messages()[0]
    assert set(message) == {"text", "stage"} and message["stage"] == "7/"
    assert message["text"].startswith('one: app-1 (a "name" \\ of {{mine}}) stage 7.0 is hung: (0 + ')


class SlackApi(Receiver):
    def answer(self, method, path, headers, body):
        return 200, {"ok": True, "channel": "C024BE91L", "ts": f"1503435956.{len(self.requests):06d}"}


def fits(name, message):
    schema = json.loads((Path(__file__).parent / "schemas" / f"{name}.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(message)


def test_slack_and_pagerduty(binary, tmp_path, started):
    """What they are sent fits their APIs, through a proxy and past one, and says who, what next, and where to read on."""
    name = "<!channel> & <http://evil|" + "\u00e4" * 900
    hook, api, pager, driver = started(Receiver), started(SlackApi), started(Receiver), started(Driver, "app-1", OWNER, name=name)
    key, token = "R0UT1NG" * 4 + "abcd", "Bearer xoxb-1234-T0K3N"
    (tmp_path / "key").write_text(key + "\n")
    (tmp_path / "token").write_text(token + "\n")
    (tmp_path / "url").write_text("http://hooks.example/services/T/B/S3CR3T\n")
    on = {"on": "hung, recovered, closed"}
    sections = "".join([
        f"[notify hook]\nformat = slack\nurl_file = {tmp_path}/url\nproxy = {hook.url}\non = hung, closed\n",
        notify_section(api.url, "api", format="slack", channel="C024BE91L", authorization_file=tmp_path / "token", **on),
        notify_section(pager.url, "pager", format="pagerduty", secret_file=tmp_path / "key", proxy="http://127.0.0.1:9",
                       no_proxy=["other.example", "127.0.0.1"], on="hung", header="X-Key: {{secret}}")])
    with Daemon(binary, tmp_path, "[web]\nexternal_url = http://watch.example\n" + driver_section("one", driver) + sections) as d:
        hung_then_gone(d, driver, lambda: hook.requests and api.requests and pager.requests)
        wait(lambda: len(hook.requests) == 2 and len(api.requests) == 3 and len(pager.requests) == 2, "all told")
        incident = d.json("/api/v1/incidents")["incidents"][0]["id"]
        shown = d.log() + d.fetch("/api/v1/status")[2].decode() + d.fetch("/metrics")[2].decode()
        assert not [s for s in (key, token, token.split()[1], "S3CR3T") if s in shown]
    for message in hook.messages() + api.messages():
        fits("slack", message)
        text = json.dumps(message)
        assert "<!channel>" not in text.replace(json.dumps(message["blocks"][0]), "") and "*DAG*\\nd" in text and "*What happens next*" in text
        assert f"|{incident}>" in text and "http://watch.example/" in text and "mode act: stagewatchd acts" in text
    assert {r[2] for r in hook.requests} == {"http://hooks.example/services/T/B/S3CR3T"} and hook.messages()[0].keys() == {"text", "blocks"}
    first, *later = api.messages()
    assert "thread_ts" not in first and {m["thread_ts"] for m in later} == {"1503435956.000001"} and api.requests[0][3]["Authorization"] == token
    for message in pager.messages():
        fits("pagerduty", message)
        assert (message["routing_key"], message["dedup_key"]) == (key, incident) and message["links"][0]["href"].startswith("http://watch.example/")
    assert [m["event_action"] for m in pager.messages()] == ["trigger", "resolve"] and {r[3]["X-Key"] for r in pager.requests} == {key}
    assert pager.messages()[0]["payload"]["custom_details"]["next"] == "nothing: its rule's action is notify"


@pytest.mark.parametrize("fault, reason", [("302", "redirect"), ("truncated", "unreachable")])
def test_a_bad_receiver(fault, reason, binary, tmp_path, started):
    """It is tried again until it takes the message, polling goes on meanwhile, and one line says so."""
    receiver, elsewhere, driver = started(Receiver), started(Receiver), started(Driver)
    bad = receiver.truncated if fault == "truncated" else lambda h: h.reply(302, "", headers=[("Location", elsewhere.url)])
    receiver.faults.append((None, ".", bad))
    with Daemon(binary, tmp_path, driver_section("one", driver) + notify_section(receiver.url, timeout="500ms")) as d:
        wait(lambda: len(receiver.requests) >= 3, "tried thrice")
        d.polls_go_on(driver)
        assert sent(d) == 0 and status(d)["error"] == reason and status(d)["pending"] == 1
        assert d.metric("stagewatch_notifications_pending", notify="pager") == 1
        told = d.ctl("status").stdout
        assert re.search(r"^pager +no +1 +0 +0", told, re.M) and f"pager: the last message did not arrive: {reason}; it is tried again\n" in told
        assert d.metric("stagewatch_oldest_pending_notification_seconds") > 0
        assert d.metric("stagewatch_notification_errors_total", notify="pager", reason=reason) >= 2
        receiver.faults.clear()
        wait(lambda: sent(d) == 1, "taken")
        assert status(d)["error"] is None and status(d)["pending"] == 0
        assert re.search(r"^pager +yes +0 +1 +0", d.ctl("status").stdout, re.M)
        assert len(d.lines("trying again (retry_first, retry_max)")) == 1 and len(d.lines("messages are delivered again")) == 1
        deliveries = {r[3]["X-Stagewatch-Delivery"] for r in receiver.requests}
        assert len(deliveries) == 1 and elsewhere.requests == []


def test_url_that_is_a_secret(binary, tmp_path, started):
    receiver, driver = started(Receiver), started(Driver)
    receiver.faults.append((None, ".", lambda h: h.reply(404, f"no {h.path}")))
    (tmp_path / "url").write_text(f"{receiver.url}/services/T0K3N\n")
    section = "[notify pager]\nurl_file = %s/url\nretry_first = 1s\nretry_max = 1s\n" % tmp_path
    with Daemon(binary, tmp_path, driver_section("one", driver) + section) as d:
        wait(lambda: len(receiver.requests) >= 2, "tried")
        receiver.close()
        wait(lambda: d.metric("stagewatch_notification_errors_total", notify="pager", reason="unreachable") > 0, "nobody there")
        assert "T0K3N" not in d.log() and "answered 404" in d.log()
    (tmp_path / "url").write_text("nonsense\n")
    child = subprocess.run([binary, "--config", d.config], capture_output=True, text=True, timeout=20)
    assert child.returncode == 3 and "[notify pager] what url_file holds is no URL" in child.stderr


SCRIPT = """#!/bin/sh
read -r message
{ echo "$message"; echo "args: $*"; env | sort; } >> %s/out
echo "took it: $STAGEWATCH_EVENT"
%s
"""


def command_section(tmp_path, end="exit 0", **keys):
    script = tmp_path / "hook"
    script.write_text(SCRIPT % (tmp_path, end))
    script.chmod(0o755)
    keys = {"timeout": "5s", "on": "hung", **keys}
    return (f"[notify script]\ntype = command\ncommand = {script}\nargument = --room\nargument = a b; $(touch {tmp_path}/pwned)\n"
            "retry_first = 1s\nretry_max = 1s\n" + "".join(f"{k} = {v}\n" for k, v in keys.items()))


def test_command(binary, tmp_path, started):
    """Its arguments are what they are, its environment is documented, and its output is logged."""
    driver = started(Driver, "app-1", OWNER, name="$(touch pwned) `id`")
    env = {"SECRET_OF_THE_DAEMON": "x", "LD_PRELOAD": ""}
    with Daemon(binary, tmp_path, driver_section("one", driver) + command_section(tmp_path), env=env) as d:
        wait(lambda: sent(d, "script") == 1, "told")
        assert d.lines("notify script: delivered hung") and d.lines("hook said: took it: hung")
        d.polls_go_on(driver)
    message, args, *variables = (tmp_path / "out").read_text().splitlines()
    message = json.loads(message)
    assert (message["event"], message["app_name"]) == ("hung", "$(touch pwned) `id`")
    assert args == f"args: --room a b; $(touch {tmp_path}/pwned)" and not (tmp_path / "pwned").exists()
    names = {v.split("=")[0] for v in variables}
    fields = {"STAGEWATCH_" + f.upper() for f in message}
    assert names - {"PWD", "OLDPWD", "SHLVL", "_"} == fields | {"PATH"}
    assert f"STAGEWATCH_INCIDENT={message['incident']}" in variables and "STAGEWATCH_APP_NAME=$(touch pwned) `id`" in variables


@pytest.mark.parametrize("end, reason, says", [
    ("exit 7", "command", "hook ended with status 7: took it: hung"),
    ("kill -9 $$", "command", "hook ended by signal 9"),
    ("sleep 60", "timeout", "hook did not end within its timeout"),
])
def test_a_command_that_fails(end, reason, says, binary, tmp_path, started):
    driver = started(Driver)
    with Daemon(binary, tmp_path, driver_section("one", driver) + command_section(tmp_path, end, timeout="500ms")) as d:
        wait(lambda: d.metric("stagewatch_notification_errors_total", notify="script", reason=reason) >= 2, "tried again")
        assert d.lines(says) and sent(d, "script") == 0
        d.polls_go_on(driver)
        (tmp_path / "hook").write_text(SCRIPT % (tmp_path, "exit 0"))
        wait(lambda: sent(d, "script") == 1, "mended")


def test_a_command_that_is_not_there(binary, tmp_path, started):
    driver = started(Driver)
    section = f"[notify script]\ntype = command\ncommand = {tmp_path}/missing\nretry_first = 1s\nretry_max = 1s\n"
    with Daemon(binary, tmp_path, driver_section("one", driver) + section) as d:
        wait(lambda: d.metric("stagewatch_notification_errors_total", notify="script", reason="internal") >= 2, "tried again")
        assert len(d.lines("notify script: internal: No such file or directory; trying again")) == 1


def crash(d):
    d.child.kill()
    d.child.wait(10)
    (d.logfile).rename(d.dir / f"log-{time.monotonic_ns()}")


def stays(d, driver, predicate, polls=6):
    """Holds while polling goes on, and longer than it takes to find the hang again."""
    d.polls_go_on(driver, n=polls)
    assert predicate()


def test_what_waits_outlives_a_crash(binary, tmp_path, started):
    receiver, driver = started(Receiver), started(Driver, "app-1", OWNER)
    receiver.faults.append((None, ".", receiver.status(500)))
    (tmp_path / "state").mkdir()
    d = Daemon(binary, tmp_path, driver_section("one", driver) + notify_section(receiver.url))
    d.__enter__()
    wait(lambda: len(receiver.requests) >= 2, "tried")
    assert d.json("/api/v1/status")["notifications_durable"] is True
    crash(d)
    before = len(receiver.requests)
    with d:
        wait(lambda: len(receiver.requests) > before, "tried again at once, before the hang is found again")
        assert status(d)["pending"] == 1
        receiver.faults.clear()
        wait(lambda: sent(d) == 1, "taken")
        wait(lambda: d.verdicts().get(("app-1", 7)) == "hung", "found again")
        stays(d, driver, lambda: sent(d) == 1)
        driver.moving = True
        wait(lambda: receiver.got()[-1] == ("recovered", "app-1"), "its end")
        wait(lambda: sent(d) == 2, "its answer is read: who ends before would tell it again")
    assert len({r[4] for r in receiver.requests if '"event":"hung"' in r[4]}) == 1, "the very same message"
    assert len({r[3]["X-Stagewatch-Delivery"] for r in receiver.requests}) == 2
    with d:  # once more: nothing is left to say
        n = len(receiver.requests)
        stays(d, driver, lambda: len(receiver.requests) == n)


class Alertmanager:
    """A real one, which tells a receiver of ours what it tells people."""

    def __init__(self, directory, sink):
        self.dir, self.port, self.child = directory, fakes.free_port(), None
        self.url = f"http://127.0.0.1:{self.port}"
        (directory / "alertmanager.yml").write_text(
            "route: {receiver: sink, group_by: ['...'], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}\n"
            f"receivers: [{{name: sink, webhook_configs: [{{url: '{sink.url}', send_resolved: true}}]}}]\n")

    def start(self):
        with open(self.dir / "alertmanager.log", "ab") as log:
            self.child = subprocess.Popen(
                ["prometheus-alertmanager", f"--config.file={self.dir}/alertmanager.yml", f"--storage.path={self.dir}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}", "--cluster.listen-address="], stdout=log, stderr=log)
        wait(lambda: self.alerts() is not None, "it answers")

    def close(self):
        if self.child:
            self.child.terminate()
            self.child.wait(20)
            self.child = None

    def alerts(self):
        """The active ones; None: no answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/alerts?active=true", timeout=5) as r:
                return [a for a in json.load(r) if a["status"]["state"] == "active"]
        except OSError:
            return None

    def events(self):
        return sorted(a["labels"]["event"] for a in self.alerts() or [])


@pytest.fixture
def alertmanager(tmp_path, started):
    if not shutil.which("prometheus-alertmanager"):
        pytest.skip("prometheus-alertmanager is not installed")
    sink = started(Receiver)
    am = Alertmanager(tmp_path, sink)
    am.sink = sink
    try:
        am.start()
        yield am
    finally:
        am.close()


def told_people(am):
    return [(m["status"], m["commonLabels"]["event"]) for m in am.sink.messages()]


def alert_section(am, **keys):
    return notify_section(am.url, name="am", **{"format": "alertmanager", "resend": "1s", **keys})


def test_alertmanager(binary, tmp_path, started, alertmanager):
    """An alert stands as long as its incident, through a restart of Alertmanager, and is resolved at its end."""
    driver = started(Driver, "app-1", OWNER)
    with Daemon(binary, tmp_path, driver_section("one", driver) + alert_section(alertmanager)) as d:
        wait(alertmanager.alerts, "an alert")
        alert = alertmanager.alerts()[0]
        incident = d.json("/api/v1/incidents")["incidents"][0]
        assert alert["labels"] == {"alertname": "StagewatchIncident", "event": "hung", "severity": "critical", "spark_cluster": "one",
                                   "app_id": "app-1", "stage_id": "7", "attempt_id": "0", "rule": "all", "dag_id": "d", "task_id": "t",
                                   "incident": incident["id"]}
        assert alert["annotations"]["summary"].startswith("one: app-1 (etl) stage 7.0 is hung: ")
        # Longer than any of its endsAt reached.
        began = time.monotonic()
        while time.monotonic() < began + 8:
            assert alertmanager.events() == ["hung"]
            time.sleep(0.2)
        assert told_people(alertmanager) == [("firing", "hung")]
        assert sent(d, "am") == 1
        alertmanager.close()
        shutil.rmtree(tmp_path / "data")
        wait(lambda: status(d, "am")["error"] == "unreachable", "nobody there")
        alertmanager.start()
        wait(lambda: alertmanager.events() == ["hung"], "it is there again")
        driver.moving = True
        wait(lambda: alertmanager.alerts() == [], "resolved")
        wait(lambda: ("resolved", "hung") in told_people(alertmanager), "people know")
        ended = alertmanager.sink.messages()[-1]["alerts"][0]
        assert ended["labels"] == alert["labels"]
        assert ended["endsAt"][:19] + "Z" == d.json("/api/v1/incidents")["incidents"][0]["ended"]
        wait(lambda: status(d, "am")["pending"] == 0, "nothing is left")
        # Nothing more is sent.
        n = d.metric("stagewatch_notification_errors_total", notify="am", reason="unreachable")
        alertmanager.close()
        d.polls_go_on(driver)
        assert d.metric("stagewatch_notification_errors_total", notify="am", reason="unreachable") == n


def test_the_death_of_the_daemon_resolves_no_alert(binary, tmp_path, started, alertmanager):
    """What nobody watches is not over: for a day Alertmanager keeps what it was told."""
    driver = started(Driver)
    d = Daemon(binary, tmp_path, driver_section("one", driver) + alert_section(alertmanager))
    d.__enter__()
    try:
        wait(alertmanager.alerts, "an alert")
    finally:
        d.child.kill()
        d.child.wait(10)
    ends = datetime.datetime.fromisoformat(alertmanager.alerts()[0]["endsAt"][:19] + "+00:00")
    assert ends - datetime.datetime.now(datetime.timezone.utc) > datetime.timedelta(hours=23)
    assert told_people(alertmanager).count(("resolved", "hung")) == 0


def test_alertmanager_does_not_notice_a_restart(binary, tmp_path, started, alertmanager):
    driver = started(Driver, "app-1", OWNER)
    (tmp_path / "state").mkdir()
    d = Daemon(binary, tmp_path, driver_section("one", driver) + alert_section(alertmanager, resend="2s"))
    d.__enter__()
    wait(alertmanager.alerts, "an alert")
    labels = alertmanager.alerts()[0]["labels"]
    crash(d)
    with d:
        began = time.monotonic()
        while time.monotonic() < began + 12:
            assert [a["labels"] for a in alertmanager.alerts()] == [labels]
            time.sleep(0.2)
        assert d.verdicts().get(("app-1", 7)) == "hung"
        driver.moving = True
        wait(lambda: alertmanager.alerts() == [], "resolved")
    assert told_people(alertmanager)[0] == ("firing", "hung") and len([1 for s, _ in told_people(alertmanager) if s == "firing"]) == 1


def test_alertmanager_is_told_of_outcomes(binary, tmp_path, started, alertmanager):
    """One that nobody confirmed stands although its incident is over; relief is no alert."""
    master, driver, airflow = started(Master), started(Driver, "app-1", OWNER), started(Airflow)
    master.add(driver)
    master.kill_works = False
    sections = master_section("m", master) + airflow_section(airflow, tmp_path) + alert_section(
        alertmanager, on="hung,unconfirmed,recovered,ended,closed")
    with Daemon(binary, tmp_path, sections, action="retry") as d:
        wait(lambda: alertmanager.events() == ["hung", "unconfirmed"], "both")
        driver.moving = True
        wait(lambda: alertmanager.events() == ["unconfirmed"], "the hang is over, the doubt is not")
        began = time.monotonic()
        while time.monotonic() < began + 6:
            assert alertmanager.events() == ["unconfirmed"]
            time.sleep(0.2)
        assert sent(d, "am") == 2


def test_storm(binary, tmp_path, started, alertmanager):
    """It is told once, to whoever asks for it, over a crash as well, and so is its end."""
    receiver, drivers = started(Receiver), [started(Driver, f"app-{n}", OWNER) for n in range(2)]
    (tmp_path / "state").mkdir()
    sections = "".join(driver_section(f"s{n}", driver) for n, driver in enumerate(drivers))
    sections += notify_section(receiver.url, on="storm,closed", app="other*") + alert_section(alertmanager, on="storm", resend="2s")
    d = Daemon(binary, tmp_path, sections)
    limit(d, storm_threshold=2)
    d.__enter__()
    wait(alertmanager.alerts, "an alert")
    wait(lambda: receiver.requests, "told")
    storm, labels = receiver.messages()[0], alertmanager.alerts()[0]["labels"]
    assert (storm["event"], storm["severity"], storm["app_id"]) == ("storm", "critical", None)
    assert storm["summary"] == "the storm breaker opened: 2 apps hung within 15min; no action is begun"
    assert labels == {"alertname": "StagewatchIncident", "event": "storm", "severity": "critical", "incident": storm["incident"]}
    # Between the answer and the note of it a crash sends twice.
    wait(lambda: sum("delivered storm" in line for line in d.log().splitlines()) == 2, "both are noted")
    crash(d)
    with d:
        began = time.monotonic()
        while time.monotonic() < began + 12:
            assert [a["labels"] for a in alertmanager.alerts()] == [labels]
            time.sleep(0.2)
        assert len(receiver.requests) == 1
        limit(d, storm_threshold=0)
        d.child.send_signal(signal.SIGHUP)
        wait(lambda: d.lines("The new configuration is in force"), "read anew")
        assert d.ctl("resume").returncode == 0
        wait(lambda: alertmanager.alerts() == [], "resolved")
        wait(lambda: len(receiver.requests) == 2, "its end")
    closed = receiver.messages()[1]
    assert (closed["event"], closed["incident"], closed["opened"]) == ("closed", storm["incident"], storm["opened"])
    assert closed["ended"]
    wait(lambda: told_people(alertmanager) == [("firing", "storm"), ("resolved", "storm")], "people know")
    assert len({r[3]["X-Stagewatch-Delivery"] for r in receiver.requests}) == 2


@pytest.mark.parametrize("lines, line, text", [
    ("url = http://a\non = hung, hanged", 3, "on: no event: hanged"),
    ("url = http://a\nmin_severity = grave", 3, "min_severity: not one of info, warning, critical"),
    ("on = hung", 1, "url is missing"),
    ("url = ftp://a", 2, "url: begins with http:// or https:// and a host"),
    ("url = http://u:p@a/", 2, "url: holds a user name"),
    ("url = http://a\nheader = X-A: b\nheader = nonsense", 4, "header: not of the form Name: value"),
    ("url = http://a\nheader = Authorization: Basic eA==", 3, "header: a secret: use authorization_file"),
    ("url = http://a\nheader = Content-Type: text/plain", 3, "header: set by this program"),
    ('url = http://a\ntemplate = {"a": "{{evnt}}"}', 3, "template: there is no field {{evnt}}"),
    ('url = http://a\ntemplate = {"a": {{stage_id}}}', 3, "template: does not make JSON"),
    ('url = http://a\nformat = alertmanager\ntemplate = {"a": 1}', 4, "template: with format=json only"),
    ("url = http://a/?b\nformat = alertmanager", 2, "url: an Alertmanager's holds no query"),
    ("url = http://a\nusername = u", 3, "username: username and password_file come together"),
    ("url = http://a\nretry_first = 1h", 3, "retry_first is above retry_max"),
    ("type = command", 1, "command is missing"),
    ("type = command\ncommand = page", 3, "command: not an absolute path"),
    ("type = command\ncommand = /bin/true\nformat = alertmanager", 4, "format is no key of type = command"),
])
def test_errors_name_file_and_line(lines, line, text, binary, tmp_path):
    conf = tmp_path / "c.conf"
    conf.write_text(f"[notify x]\n{lines}\n")
    done = subprocess.run([binary, "--config", conf, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 3 and f"{conf}:{line}: {text}" in done.stderr, done.stderr


def test_a_secret_that_is_not_there(binary, tmp_path):
    conf = tmp_path / "c.conf"
    conf.write_text(f"[web]\nlisten = 127.0.0.1:0\n[notify x]\nurl = http://127.0.0.1:9\nsecret_file = {tmp_path}/none\n")
    done = subprocess.run([binary, "--config", conf, "--check-config"], capture_output=True, text=True)
    assert done.returncode == 3 and f"{conf}:5: secret_file: {tmp_path}/none: No such file" in done.stderr
    done = subprocess.run([binary, "--config", conf], capture_output=True, text=True, timeout=20)
    assert done.returncode == 3 and f"[notify x] secret_file: {tmp_path}/none: No such file" in done.stderr
    # A mere look needs none.
    assert subprocess.run([binary, "--config", conf, "--once"], capture_output=True, timeout=30).returncode in (0, 2)
