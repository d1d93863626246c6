# SPDX-License-Identifier: Apache-2.0
"""Names and sentences of others that are made to do harm, wherever they go: log, metrics, JSON, pages, terminal, messages, commands,
Airflow's note, the ledger, evidence and its file names. Answers that are wrong in themselves: tests/unit/wire/test_mutations.c."""
import html.parser
import json
import os
import pty
import re
import sqlite3
import subprocess
import sys
import unicodedata

import pytest
from fakes import Airflow, Driver, Fake, Master
from harness import Daemon, airflow_section, driver_section, master_section, wait
from scene import OWNER

EVIL = "x\"'\\\n\r\t\x1b[31m\x1b]0;t\x07\x9b1m\u202e\u2066\u2028\u200f\u200b\ufeff<script>alert(1)</script>&amp;{{secret}}%n%s$(id)`id`;\x7f"
MARK, FIRST = "alert(1)", "x\"'\\"  # of EVIL, wherever it is shown; its first line, where one line is
NAMES = {"name", "description", "sparkUser", "hostPort", "user", "jobGroup", "details", "removeReason", "hostname", "unixname", "operator",
         "task_display_name", "dag_display_name", "lockName", "blockedByLock", "aliveworkers"}
# Of Unicode's formatting characters and controls none is for a person to see.
HIDDEN = {"Cc", "Cf", "Zl", "Zp", "Cs"}


def evil(value, key=None):
    """An answer with EVIL in each field that holds a name or words."""
    if isinstance(value, dict):
        return {k: evil(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [evil(v, key) for v in value]
    if key == "elems" and isinstance(value, str):
        return f"{value} {EVIL}"
    return EVIL if key in NAMES and isinstance(value, str) else value


class EvilDriver(Driver):
    def answer(self, method, path, headers, body):
        status, answer, *more = super().answer(method, path, headers, body)
        answer = evil(answer)
        if path.endswith("/environment"):
            answer["sparkProperties"] += [["spark.app.name", EVIL], ["spark.driver.extraJavaOptions", EVIL], [f"spark.stagewatch.{EVIL}", EVIL],
                                          ["spark.stagewatch.hung_after", EVIL], ["spark.network.timeout", EVIL], ["spark.master", EVIL]]
        if path.endswith("/threads"):
            answer += [{"threadId": 99, "threadName": f"Executor task launch worker for task {EVIL}", "threadState": EVIL,
                        "stackTrace": {"elems": [EVIL]}, "blockedByLock": EVIL, "holdingLocks": [EVIL]}]
        return status, answer, *more


class EvilMaster(Master):
    def answer(self, method, path, headers, body):
        status, answer, *more = super().answer(method, path, headers, body)
        return status, evil(answer), *more


class EvilAirflow(Airflow):
    away = True  # nothing is acted upon

    def answer(self, method, path, headers, body):
        if self.away:
            return 503, EVIL
        status, answer, *more = super().answer(method, path, headers, body)
        return status, evil(answer), *more


class Hook(Fake):
    def answer(self, method, path, headers, body):
        return 200, {"answer": EVIL}


def shown(text, lines=True):
    """What a person sees holds nothing that does something instead."""
    bad = {c for c in text if unicodedata.category(c) in HIDDEN and not (lines and c == "\n")}
    assert not bad, (bad, [line for line in text.splitlines() if bad & set(line)][:3])
    return text


def texts(value):
    if isinstance(value, dict):
        for k, v in value.items():
            yield from texts(k)
            yield from texts(v)
    elif isinstance(value, list):
        for v in value:
            yield from texts(v)
    elif isinstance(value, str):
        yield value


class Page(html.parser.HTMLParser):
    """Elements and attributes of a page; what is of others is text in it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.words = set(), set(), ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        assert tag != "script" or dict(attrs).get("src"), attrs
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        for name, value in attrs:
            scheme = re.match(r"\s*([a-zA-Z][a-zA-Z0-9+.-]*):", value or "")
            assert name not in ("href", "src", "action") or not scheme or scheme[1] in ("http", "https"), (name, value)
            shown(value or "")

    def handle_data(self, data):
        self.words += data


SERIES = re.compile(r'[a-z_]+(\{([a-z_]+="(\\[\\"n]|[^"\\\n])*",?)*\})? (-?[0-9.]+(e[-+][0-9]+)?|[-+]Inf|NaN)')


def look_at_metrics(d):
    text = d.fetch("/metrics")[2].decode()
    for line in shown(text).splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or SERIES.fullmatch(line), line


def look_at_web(d):
    incidents = [i["id"] for i in d.json("/api/v1/incidents")["incidents"]]
    said = ""
    for path in ["status", "stages", "incidents", "observed", "audit", "report", *[f"incidents/{i}" for i in incidents]]:
        for text in texts(d.json(f"/api/v1/{path}")):
            said += shown(text, lines=False)
    assert MARK in said
    for path in ["/", "/incidents", "/apps", "/audit", "/report", "/apps?find=%3Cscript%3E%1b%e2%80%ae&sort=%22", *[f"/incidents/{i}" for i in incidents]]:
        page = Page(shown(d.fetch(path)[2].decode()))
        assert page.tags <= {"html", "head", "title", "meta", "link", "script", "body", "header", "nav", "main", "footer", "section", "article", "aside",
                             "h1", "h2", "h3", "h4", "p", "a", "ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr", "th", "td",
                             "span", "div", "code", "pre", "strong", "em", "small", "time", "abbr", "button", "form", "input", "label", "details",
                             "summary", "figure", "figcaption", "svg", "g", "path", "rect", "line", "polyline", "text", "circle", "template", "kbd",
                             "select", "option", "progress", "br", "hr", "samp", "b", "output"}, page.tags
        assert not [a for a in page.attributes if a.startswith("on") or a == "style"], page.attributes


def on_terminal(*command):
    """What a program writes where its standard output is a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen(command, stdout=slave, stderr=slave, stdin=subprocess.DEVNULL, env={**os.environ, "TERM": "xterm"}) as child:
        os.close(slave)
        out = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            out += piece
        child.wait(30)
    os.close(master)
    return re.sub("\x1b\\[[0-9;]*[mHJK]", "", out.decode().replace("\r\n", "\n"))


VERBS = (["status"], ["incidents", "--all"], ["observed"], ["audit", "--all"], ["report", "--all"], ["audit", EVIL], ["explain", EVIL])


def look_at_ctl(ctl, where, incidents, mark=MARK, reads=True):
    said = ""
    for verb in [*VERBS, *[["explain", i] for i in incidents]]:
        done = subprocess.run([ctl, *where, *verb], capture_output=True, text=True, timeout=30)
        said += shown(done.stdout) + shown(done.stderr)
        shown(on_terminal(ctl, *where, *verb))
        as_json = subprocess.run([ctl, *where, "--json", *verb], capture_output=True, text=True, timeout=30)
        if reads and as_json.returncode in (0, 1) and as_json.stdout:
            json.loads(shown(as_json.stdout))
    assert mark in said


def look_at_state(state):
    db = sqlite3.connect(f"file:{state}/ledger.db?mode=ro", uri=True)
    db.text_factory = lambda raw: raw.decode()  # not UTF-8: an error
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    cells = [cell for table in tables for row in db.execute(f'SELECT * FROM "{table}"') for cell in row if isinstance(cell, str)]
    assert MARK in "".join(cells)
    for cell in cells:
        shown(cell)
    for file in state.rglob("*"):
        assert re.fullmatch(r"[\w.-]+", file.name), file
        if file.suffix == ".jsonl":
            for line in file.read_text().splitlines():
                json.loads(line)


def sections(tmp_path, started):
    """A hung app of which everything has an evil name, beside drivers that are hostile by other means."""
    master, airflow, hook = started(EvilMaster), started(EvilAirflow), started(Hook)
    driver = started(EvilDriver, "app-1", OWNER, name=EVIL)
    driver.tasks = [(0, "1"), (1, "1")]
    master.add(driver)
    airflow.on_fail = lambda: master.end("app-1")
    rude, large, bytes_, named = started(Fake), started(Driver, "app-large", name="<" * 1000000), started(Driver, "app-bytes"), started(Driver, EVIL)
    rude.answer = lambda *request: (500, EVIL, "text/html", [("Location", "http://127.0.0.1:1/")])
    bytes_.faults.append((None, "applications$", lambda h: h.reply(200, b'[{"id":"app-bytes","name":"\xff\xc0\xaf\xed\xa0\x80\xf0","attempts":[{"startTimeEpoch":1}]}]')))
    script = tmp_path / "hook"
    script.write_text(f"#!/bin/sh\ncat >> {tmp_path}/message; env -0 >> {tmp_path}/environment\nprintf '\\033[31m\\342\\200\\256%s\\n' evil >&2\nexit 1\n")
    script.chmod(0o755)
    (tmp_path / "secret").write_text("s3cr3t\n")
    text = master_section("m", master) + airflow_section(airflow, tmp_path) + "".join(
        driver_section(name, fake) for name, fake in (("rude", rude), ("large", large), ("bytes", bytes_), ("named", named)))
    text += (f"[notify hook]\ntype = webhook\nurl = {hook.url}\n[notify slack]\nformat = slack\nurl = {hook.url}/slack\n"
             f"[notify am]\nformat = alertmanager\nurl = {hook.url}\n[notify own]\nurl = {hook.url}/own\nsecret_file = {tmp_path}/secret\n"
             'template = {"text": "{{summary}} {{app_name}}", "key": "{{secret}}"}\n'
             f"[notify command]\ntype = command\ncommand = {script}\nargument = -x\nretry_first = 1s\n[evidence]\ndump_spacing = 2s\n")
    return text, master, airflow, hook, driver


def look_at_messages(tmp_path, hook):
    for request in list(hook.requests):
        for text in texts(json.loads(request[4])):
            shown(text)
        assert ("s3cr3t" in request[4]) == (request[2] == "/own") and "{{" not in request[4].replace("{{secret}}", "", 9)
        assert all(shown(f"{k}: {v}") for k, v in request[3].items())
    own = [json.loads(r[4]) for r in hook.requests if r[2] == "/own"]
    assert all(set(m) == {"text", "key"} and m["key"] == "s3cr3t" for m in own) and MARK in "".join(m["text"] for m in own)
    variables = (tmp_path / "environment").read_bytes().decode().split("\0")
    ours = [v for v in variables if v.startswith("STAGEWATCH_")]
    assert len(ours) > 20 and all(shown(v, lines=False) for v in ours) and MARK in "".join(ours)
    for line in (tmp_path / "message").read_text().splitlines():
        shown(line)


# Run in a mount namespace of its own: a journal that keeps what it gets, and the daemon with its standard error connected to it.
JOURNAL = """
import os, pathlib, signal, socket, subprocess, sys, threading
out, ready = open(sys.argv[1], "ab"), pathlib.Path("/run/systemd/journal")
subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
ready.mkdir(parents=True)
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind(str(ready / "socket"))
mine, stream = socket.socketpair()
def take():
    while True:
        data, passed, _, _ = socket.recv_fds(journal, 1 << 20, 1)
        data = data or os.pread(passed[0], 1 << 24, 0)
        out.write(len(data).to_bytes(8, "little") + data)
        out.flush()
threading.Thread(target=take, daemon=True).start()
about = os.fstat(stream.fileno())
os.environ["JOURNAL_STREAM"] = f"{about.st_dev}:{about.st_ino}"
child = subprocess.Popen(sys.argv[2:], stderr=stream)
signal.signal(signal.SIGTERM, lambda *_: child.terminate())
sys.exit(child.wait())
"""


class Journaled(Daemon):
    """Its log goes to a journal, by the native protocol."""

    def __init__(self, binary, directory, *args, **more):
        super().__init__(binary, directory, *args, **more)
        self.entries_file = directory / "entries"

    def __enter__(self):
        with open(self.logfile, "ab") as log:
            self.child = subprocess.Popen(["unshare", "--mount", sys.executable, "-c", JOURNAL, self.entries_file, self.binary, "--config", self.config],
                                          stderr=log, stdout=log, stdin=subprocess.DEVNULL)
        wait(self.port, "it listens")
        return self

    def entries(self):
        """[[(field, value)]]"""
        data, found = self.entries_file.read_bytes() if self.entries_file.exists() else b"", []
        while data:
            n = int.from_bytes(data[:8], "little")
            entry, data = data[8:8 + n], data[8 + n:]
            fields = []
            while entry:
                line, _, entry = entry.partition(b"\n")
                name, equals, value = line.partition(b"=")
                if not equals:  # a length, the value, and a new line
                    n = int.from_bytes(entry[:8], "little")
                    value, entry = entry[8:8 + n], entry[9 + n:]
                fields.append((name.decode(), value.decode()))
            found.append(fields)
        return found

    def log(self):
        return "".join(f"{value}\n" for entry in self.entries() for name, value in entry if name == "MESSAGE") + super().log()


def look_at_journal(d):
    for entry in d.entries():
        assert {"MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER"} <= {name for name, _ in entry}
        for name, value in entry:
            assert re.fullmatch("[A-Z][A-Z_0-9]*", name), name
            shown(value, lines=False)
    assert any(name == "APP_ID" for entry in d.entries() for name, _ in entry)


@pytest.mark.parametrize("log_format", ["text", "json", "journal"])
def test_evil_names(log_format, binary, tmp_path, started):
    text, master, airflow, hook, driver = sections(tmp_path, started)
    (tmp_path / "state").mkdir()
    kind, written = (Journaled, "") if log_format == "journal" else (Daemon, f"[daemon]\nlog_format = {log_format}\n")
    with kind(binary, tmp_path, written + text, action="retry") as d:
        wait(lambda: any("cause unknown: " in text for text in texts(d.json("/api/v1/incidents"))), "what it does is known")
        airflow.away = False
        wait(lambda: airflow.number == 2, "it is acted upon")
        wait(lambda: d.actions()["confirmed"] == 1, "to the end")
        wait(lambda: {r[2] for r in hook.requests} >= {"/", "/slack", "/own", "/api/v2/alerts"} and (tmp_path / "environment").exists(),
             "people are told")
        wait(lambda: d.metric("stagewatch_up", spark_cluster="rude") == 0 and d.metric("stagewatch_apps", spark_cluster="large") == 1, "seen")
        look_at_metrics(d)
        look_at_web(d)
        ids = [i["id"] for i in d.json("/api/v1/incidents")["incidents"]]
        ctl = f"{binary.removesuffix('d')}ctl"
        look_at_ctl(ctl, ["--socket", d.socket], ids)
        d.ctl("pause", EVIL)
        d.ctl("kill", "--yes", EVIL)
        d.ctl("resume")
        once = subprocess.run([binary, "--config", d.config, "--once"], capture_output=True, text=True, timeout=60)
        shown(once.stdout + once.stderr)
        access = subprocess.run([binary, "--config", d.config, "--check-access"], capture_output=True, text=True, timeout=60)
        shown(access.stdout + access.stderr)
        log = d.log() if log_format == "journal" else d.logfile.read_bytes().decode()  # not UTF-8: an error
    assert MARK in shown(log)
    if log_format == "json":
        assert all(isinstance(json.loads(line), dict) for line in log.splitlines())
    elif log_format == "text":
        assert all(line.startswith("stagewatchd: ") for line in log.splitlines())
    else:
        look_at_journal(d)
    assert FIRST in shown(airflow.note)
    look_at_messages(tmp_path, hook)
    look_at_state(tmp_path / "state")
    assert not (tmp_path / "pwned").exists()


def test_a_server_that_is_not_ours(binary, tmp_path, started):
    """stagewatchctl shows whatever a URL answers, but does not hand it to the terminal."""
    server = started(Fake)
    row = {k: EVIL for k in ("id", "app_id", "name", "verdict", "state", "text", "rule", "spark_cluster", "why", "reason", "evidence", "opened", "version",
                             "mode", "check", "found", "fix", "severity")}
    server.answer = lambda method, path, headers, body: (200, json.dumps({
        "version": EVIL, "mode": EVIL, "incidents": [dict(row, steps=[{"at": EVIL, "text": EVIL}])], "apps": [dict(row, stages=[row])], "clusters": [row],
        "findings": [row], "runs": [row], **row}))
    look_at_ctl(f"{binary.removesuffix('d')}ctl", ["--url", server.url], ["some-id"], FIRST, reads=False)
    server.answer = lambda method, path, headers, body: (500, EVIL)
    look_at_ctl(f"{binary.removesuffix('d')}ctl", ["--url", server.url], ["some-id"], FIRST, reads=False)
