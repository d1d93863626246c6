# SPDX-License-Identifier: Apache-2.0
"""Secrets planted wherever one can be, and looked for wherever something comes out: each goes to whom its section names, and nowhere
else. Redaction by itself: tests/unit/io/test_redactor.c."""
import base64
import json
import pathlib
import socket
import subprocess
import threading
import urllib.parse

import fakes
from fakes import Airflow, Driver, Fake, Master
from harness import Daemon, wait
from scene import OWNER
from test_client_cert import make


def secret(name):
    """One that no redaction finds by its name."""
    return f"Zq7{name.title()}9xK"


# Of the daemon, by where they are planted.
OURS = {n: secret(n) for n in ("bearer", "header", "client", "granted", "wrongpass", "hooktemplate", "hookauth", "hookurl", "paging", "sparkpass", "tunnel")}
OURS["airflow"] = fakes.PASSWORD
# In what others say of an app, in fields that nobody needs.
THEIRS = {n: secret(n) for n in ("commandline", "s3a", "keypass", "envapi", "lineage", "javaoption", "classpath", "hadoop", "metricsprop", "resource")}
THEIR_ANSWERS = {n: secret(n) for n in ("errormessage", "plan", "logurl")}


class EchoingDriver(Driver):
    """It says what it was asked with, where it refuses."""

    status_of_all = None

    def task_list(self):
        return [dict(row, errorMessage=THEIR_ANSWERS["errormessage"]) for row in super().task_list()]

    def answer(self, method, path, headers, body):
        if self.status_of_all:
            return self.status_of_all, f"no: {headers} {body}"
        status, answer, *more = super().answer(method, path, headers, body)
        if path.endswith("/environment"):
            t = THEIRS
            answer["sparkProperties"] += [
                ["spark.hadoop.fs.s3a.connection.x", t["s3a"]], ["spark.ssl.keyP4ss", t["keypass"]], ["spark.executorEnv.API", t["envapi"]],
                ["spark.openlineage.transport.auth.apiKey", t["lineage"]], ["spark.driver.extraJavaOptions", f"-Dpw={t['javaoption']}"],
                ["spark.app.name", "etl"]]
            answer["systemProperties"] = [["sun.java.command", f"org.apache.spark.deploy.SparkSubmit --pw {t['commandline']} job.py"]]
            answer |= {"classpathEntries": [[f"/x/{t['classpath']}.jar", "System Classpath"]], "hadoopProperties": [["a.b", t["hadoop"]]],
                       "metricsProperties": [["*.sink.url", t["metricsprop"]]], "resourceProfiles": [{"x": t["resource"]}]}
        if "/executors" in path and isinstance(answer, list):
            answer = [dict(row, executorLogs={"stderr": f"http://n/?token={THEIR_ANSWERS['logurl']}"}) for row in answer]
        return status, answer, *more


class Issuer(Fake):
    ready = False

    def answer(self, method, path, headers, body):
        if not self.ready:
            return 401, {"error": "invalid_client", "error_description": f"{headers.get('Authorization')} {body}"}
        return 200, {"access_token": OURS["granted"], "token_type": "Bearer", "expires_in": 3600}


class Hook(Fake):
    refuses = False

    def answer(self, method, path, headers, body):
        return (400, f"no: {path} {headers} {body}") if self.refuses else (200, {})


class WrongAirflow(Airflow):
    def answer(self, method, path, headers, body):
        status, answer, *more = super().answer(method, path, headers, body)
        return (status, answer, *more) if status < 400 else (status, {"detail": f"{body} {headers}"}, *more)


class Tunnel:
    """A forward proxy that refuses every tunnel, and keeps what it was shown."""

    def __init__(self):
        self.listener, self.seen = socket.create_server(("127.0.0.1", 0)), []
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            with peer:
                text = b""
                while b"\r\n\r\n" not in text and (piece := peer.recv(4096)):
                    text += piece
                self.seen.append(text.decode())
                peer.sendall(b"HTTP/1.1 403 no\r\nContent-Length: 0\r\n\r\n")

    def close(self):
        self.listener.close()


def forms(value):
    """As it is, within a URL, and in base64, wherever it begins within what is encoded."""
    found = {value, urllib.parse.quote(value, safe="")}
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + value.encode()).decode()
        found.add(coded[4 if before else 0:-4])
    return found


def leaks(text, secrets):
    text = text if isinstance(text, str) else text.decode(errors="replace")
    return [name for name, value in secrets.items() if any(form in text for form in forms(value))]


def hold(path, text):
    path.touch(0o600)
    path.write_text(text + "\n")
    return path


class Debugged(Daemon):
    """It says all that it can."""

    def __enter__(self):
        with open(self.logfile, "ab") as log:
            self.child = subprocess.Popen([self.binary, "--debug", "--config", self.config], stderr=log, stdout=log, stdin=subprocess.DEVNULL)
        wait(self.port, "it listens")
        return self


class Scene:
    def __init__(self, tmp_path, started):
        self.dir = tmp_path
        self.master, self.driver, self.airflow = started(Master), started(EchoingDriver, "app-1", OWNER), started(WrongAirflow)
        self.other, self.issuer, self.hook, self.trap = started(EchoingDriver, "app-2"), started(Issuer), started(Hook), started(Fake)
        self.wrong, self.gated, self.tunnel = started(WrongAirflow), started(EchoingDriver, "app-3"), started(Tunnel)
        self.driver.tasks = [(0, "1"), (1, "1")]
        self.driver.queries = [{"id": 0, "status": "RUNNING", "description": "x", "planDescription": THEIR_ANSWERS["plan"], "runningJobIds": [0]}]
        self.master.add(self.driver)
        self.airflow.on_fail = lambda: self.master.end("app-1")
        self.trap.answer = lambda *request: (200, {})
        self.other.status_of_all = 401
        self.gated.faults.append((None, "/jobs", lambda h: h.reply(302, "", headers=[("Location", self.trap.url + h.path)])))
        self.script = tmp_path / "script"
        self.script.write_text(f"#!/bin/sh\ntr '\\0' ' ' < /proc/$PPID/cmdline > {tmp_path}/parent\nenv > {tmp_path}/variables\ncat > {tmp_path}/message\n")
        self.script.chmod(0o755)
        self.cert, self.key = make(tmp_path, "client")

    def sections(self):
        f = {n: hold(self.dir / f"{n}-file", v) for n, v in OURS.items()}
        header, auth = hold(self.dir / "headers", f"X-Gate: {OURS['header']}"), hold(self.dir / "auth", f"Bearer {OURS['hookauth']}")
        url = hold(self.dir / "url", f"{self.hook.url}/services/{OURS['hookurl']}")
        return "\n".join([
            "[evidence]", "dump_spacing = 2s",
            "[spark m]", "type = standalone", f"url = {self.master.url}", f"bearer_token_file = {f['bearer']}", f"header_file = {header}",
            "[spark refuses]", f"url = {self.other.url}", "username = u", f"password_file = {f['sparkpass']}",
            "[spark oauth]", f"url = {self.gated.url}", f"token_url = {self.issuer.url}/token", "client_id = me", f"client_secret_file = {f['client']}",
            "[spark tls]", f"url = {self.trap.url.replace('http:', 'https:')}", f"client_cert_file = {self.cert}", f"client_key_file = {self.key}",
            f"bearer_token_file = {f['bearer']}",
            "[spark tunnel]", "url = https://driver.invalid:4040", f"proxy = {self.tunnel.url}", f"bearer_token_file = {f['tunnel']}",
            "[airflow main]", f"url = {self.airflow.url}", f"username = {fakes.USER}", f"password_file = {f['airflow']}",
            "[airflow wrong]", f"url = {self.wrong.url}", "username = w", f"password_file = {f['wrongpass']}",
            "[notify own]", f"url = {self.hook.url}/own", 'template = {"text": "{{summary}}", "key": "{{secret}}"}', f"secret_file = {f['hooktemplate']}",
            f"authorization_file = {auth}", "retry_first = 1s",
            "[notify slack]", "format = slack", f"url_file = {url}", "retry_first = 1s",
            "[notify pages]", "format = pagerduty", f"url = {self.hook.url}/pages", f"secret_file = {f['paging']}",
            "[notify script]", "type = command", f"command = {self.script}", ""])


def look_at_processes(d):
    """Nothing is on a command line or in an environment, which other users and tools read."""
    pids = [d.child.pid, *[int(p) for p in pathlib.Path(f"/proc/{d.child.pid}/task/{d.child.pid}/children").read_text().split()]]
    for pid in pids:
        for file in ("cmdline", "environ"):
            assert leaks(pathlib.Path(f"/proc/{pid}/{file}").read_bytes(), OURS) == [], (pid, file)


def look_at_answers(d):
    incidents = [i["id"] for i in d.json("/api/v1/incidents")["incidents"]]
    paths = ["/", "/incidents", "/apps", "/audit", "/report", "/metrics", *[f"/incidents/{i}" for i in incidents],
             *[f"/api/v1/{p}" for p in ("status", "stages", "incidents", "observed", "audit", "report", *[f"incidents/{i}" for i in incidents])]]
    for path in paths:
        assert leaks(d.fetch(path)[2], OURS | THEIRS | THEIR_ANSWERS) == [], path
    for verb in (["status"], ["incidents", "--all"], ["observed"], ["audit", "--all"], ["report", "--all"], *[["explain", i] for i in incidents]):
        for how in ([], ["--json"]):
            done = d.ctl(*how, *verb)
            assert leaks(done.stdout + done.stderr, OURS | THEIRS | THEIR_ANSWERS) == [], verb


def look_at_runs(d, refuses):
    """refuses: a History Server that says what it was asked with."""
    suggest = ["--suggest", "--history", f"refuses={refuses.url}"]
    for option in (["--check-config"], ["--print-config"], ["--check-access"], ["--once"], suggest):
        done = subprocess.run([d.binary, "--debug", "--config", d.config, *option], capture_output=True, text=True, timeout=60)
        assert leaks(done.stdout + done.stderr, OURS | THEIRS | THEIR_ANSWERS) == [], option


def look_at_files(state):
    for file in state.rglob("*"):
        if file.is_file():
            assert leaks(file.read_bytes(), OURS | THEIRS) == [], file


def went_to(fake):
    """The names of our secrets in what it was sent."""
    return {name for r in list(fake.requests) for name in leaks(f"{r[2]} {r[3]} {r[4]}", OURS)}


def test_nothing_leaks(binary, tmp_path, started):
    scene = Scene(tmp_path, started)
    (tmp_path / "state").mkdir()
    with Debugged(binary, tmp_path, scene.sections(), action="retry", more="airflow = main\n") as d:
        d.secrets = lambda: list(OURS.values())
        wait(lambda: d.lines("invalid_client"), "a wrong client is told")
        scene.issuer.ready = scene.hook.refuses = True
        wait(lambda: scene.airflow.number == 2, "it is acted upon")
        wait(lambda: d.lines("notify own") and d.lines("notify slack"), "refused messages are told")
        scene.hook.refuses = False
        wait(lambda: scene.gated.requests and scene.tunnel.seen and (tmp_path / "variables").exists(), "all were asked")
        wait(lambda: d.lines("answered 401") and d.lines("Airflow wrong"), "a wrong password is told")
        wait(lambda: d.metric("stagewatch_notifications_total", notify="own", outcome="sent"), "it is told in the end")
        look_at_processes(d)
        look_at_answers(d)
        look_at_runs(d, scene.other)
        assert scene.other.asked("GET", "status=completed")
        incidents = [i["id"] for i in d.json("/api/v1/incidents")["incidents"] if i["app_id"] == "app-1"]
    assert leaks(d.log(), OURS | THEIRS | THEIR_ANSWERS) == []
    assert any((tmp_path / "state/incidents" / f"{i}.jsonl").exists() for i in incidents)
    look_at_files(tmp_path / "state")
    assert leaks(scene.airflow.note, OURS | THEIRS) == []
    # Each where it belongs.
    assert went_to(scene.master) == {"bearer", "header"} and went_to(scene.driver) == set()
    assert went_to(scene.other) == {"sparkpass"} and went_to(scene.issuer) == {"client"} and went_to(scene.gated) == {"granted"}
    assert went_to(scene.airflow) == {"airflow"} and went_to(scene.wrong) == {"wrongpass"} and went_to(scene.trap) == set()
    by_path = {r[2].split("/")[1]: set() for r in scene.hook.requests}
    for r in scene.hook.requests:
        by_path[r[2].split("/")[1]] |= set(leaks(f"{r[2]} {r[3]} {r[4]}", OURS | THEIRS))
    assert by_path == {"own": {"hooktemplate", "hookauth"}, "services": {"hookurl"}, "pages": {"paging"}}
    assert leaks("".join(scene.tunnel.seen), OURS) == [] and all(s.startswith("CONNECT driver.invalid:4040 ") for s in scene.tunnel.seen)
    for file in ("variables", "message", "parent"):
        assert leaks((tmp_path / file).read_text(), OURS | THEIRS | THEIR_ANSWERS) == [], file


def test_recordings_hold_no_more_of_the_environment_than_is_read(binary, tmp_path, started):
    """And it still says whose the app is, and which rule holds."""
    driver, out, config = started(EchoingDriver, "app-1", OWNER), tmp_path / "out.jsonl", tmp_path / "c.conf"
    driver.properties = {"spark.network.timeout": "300s"}
    rule = "[rule mine]\ndag = d\nhung_after = 2s\nhung_after_unproven = 3s\naction = notify\n"
    config.write_text(f"[daemon]\npoll_interval = 1s\n[spark one]\nurl = {driver.url}\n{rule}")
    child = subprocess.Popen([binary, "--config", config, "--record", out], stderr=subprocess.PIPE, text=True)
    wait(lambda: driver.asked("GET", "/environment") and len(driver.asked("GET", "/stages")) >= 7, "it is recorded")
    driver.close()
    assert child.wait(20) == 0, child.stderr.read()
    assert leaks(out.read_text(), THEIRS) == []
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    kept = json.loads(next(x["body"] for x in lines if x["path"].endswith("/environment") and x["status"] == 200))
    assert {"spark.network.timeout", "spark.airflow.dag_id"} <= {key for key, _ in kept["sparkProperties"]}
    done = subprocess.run([binary, "--config", config, "--replay", out], capture_output=True, text=True, timeout=60)
    assert ("hung", "mine") in [(x["verdict"], x["rule"]) for x in map(json.loads, done.stdout.splitlines())], done.stderr


def test_no_core(root):
    """What is in memory stays there: the unit has no core written."""
    assert "\nLimitCORE=0\n" in (root / "systemd/stagewatchd.service").read_text()
