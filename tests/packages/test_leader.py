# SPDX-License-Identifier: Apache-2.0
"""Two replicas, one acts: by a real etcd, and by a Lease of a real API server. Whatever happens to the leader or to its store, no
try is acted upon twice. A thousand worlds that are worse: tests/unit/core/test_leadership.c."""
import json
import signal
import time
import urllib.request
from base64 import b64encode
from email.utils import parsedate_to_datetime

import pytest
from apiserver import ApiServer
from conftest import ROOT, run
from etcd import Etcd
from fakes import PASSWORD, Airflow
from harness import Daemon, wait
from relay import Relay
from scene import Scene

DAY = 86400
LEASES = "/apis/coordination.k8s.io/v1/namespaces/default/leases"


class EtcdWithLogin(Etcd):
    """Whoever writes the key has to log in. Its tokens are forgotten when it restarts."""

    def __init__(self, directory):
        super().__init__(directory)
        for path, body in (("user/add", {"name": "root", "password": "r"}), ("user/grant", {"user": "root", "role": "root"}),
                           ("user/add", {"name": "watcher", "password": PASSWORD}), ("role/add", {"name": "leader"}),
                           ("role/grant", {"name": "leader", "perm": {"permType": "READWRITE", "key": b64encode(b"stagewatchd").decode()}}),
                           ("user/grant", {"user": "watcher", "role": "leader"}), ("enable", {})):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v3/auth/{path}", json.dumps(body).encode(), 30).close()
        (directory / "password").write_text(PASSWORD + "\n")

    def section(self, port):
        return f"{super().section(port)}username = watcher\npassword_file = {self.dir}/password\n"


class Lease:
    """Its API server is the store; what is stopped is that, and its etcd goes on."""

    def __init__(self, env, directory):
        self.server = ApiServer(env, directory)
        self.server.__enter__()
        self.dir, self.port = directory, self.server.port
        (directory / "token").write_text("admin-token\n")

    def section(self, port):
        return f"type = lease\nnamespace = default\nurl = https://127.0.0.1:{port}\nca_file = {self.server.ca}\nbearer_token_file = {self.dir}/token\n"

    def end(self):
        self.server.__exit__()


STORES = {"etcd": Etcd, "etcd-login": EtcdWithLogin}


@pytest.fixture(params=[*STORES, "lease"])
def store(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp(request.param)
    made = STORES[request.param](directory) if request.param in STORES else Lease(request.getfixturevalue("kubernetes"), directory)
    yield made
    made.end()


class NotedAirflow(Airflow):
    """Tells of a note before it answers."""
    on_note = None
    text = None

    @property
    def note(self):
        return self.text

    @note.setter
    def note(self, text):
        self.text = text
        if self.on_note and text:
            self.on_note(text)


class Replica(Daemon):
    clocks = None  # a directory: each has a wall clock of its own

    def __init__(self, binary, directory, name, scene, store):
        (directory / name).mkdir()
        self.name, self.relay = name, Relay(store.port)
        section = f"[leader]\n{store.section(self.relay.port)}identity = {name}\nlease_duration = 5s\n"
        super().__init__(binary, directory / name, scene.sections + section, action="retry")
        if self.clocks:
            self.env = {"LD_PRELOAD": str(self.clocks / "wall_clock.so"), "WALL_CLOCK": str(self.clocks / name)}

    def set_clock(self, by):
        """By seconds from the real one."""
        draft = self.clocks / f"{self.name}.new"
        draft.write_text(f"{by}\n")
        draft.rename(self.clocks / self.name)
        wait(lambda: abs(parsedate_to_datetime(self.fetch("/-/healthy")[1]["Date"]).timestamp() - time.time() - by) < 60, "its clock is set")

    def leads(self):
        return [value for _, value in self.metrics("stagewatch_leader")] == [1]

    def holds(self):
        said = self.json("/api/v1/status")["leader"]
        return said["leads"] or said["why"].startswith("this replica leads once")

    def told(self):
        """What is said of its incidents."""
        return [step["text"] for i in self.json("/api/v1/incidents")["incidents"]
                for step in self.json(f"/api/v1/incidents/{i['id']}")["steps"]]

    def tells(self, text):
        return any(text in step for step in self.told())

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()

    def stop(self):
        """In order. Whether it has given the lead back."""
        self.child.send_signal(signal.SIGTERM)
        assert self.child.wait(20) == 0
        return bool(self.lines("has given the lead back"))

    def again(self):
        """After a crash, with its ledger."""
        self.logfile = self.logfile.with_name("log-again")
        return self.__enter__()


@pytest.fixture
def pair(binary, tmp_path, started, store, monkeypatch):
    """Two replicas that watch one hung app; the first one leads."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    monkeypatch.setattr("scene.Airflow", NotedAirflow)
    scene = Scene(started, tmp_path)
    a, b = (Replica(binary, tmp_path, name, scene, store) for name in ("replica-a", "replica-b"))
    try:
        a.__enter__()
        # It leads one duration later: until then the other one sees the hang, too.
        wait(a.holds, "the first one holds the lease")
        b.__enter__()
        wait(a.leads, "the first one leads")
        yield scene, a, b
    finally:
        for r in (a, b):
            if r.child and r.child.poll() is None:
                r.child.send_signal(signal.SIGCONT)
                r.kill()
            r.relay.close()


def test_one_acts(pair):
    scene, a, b = pair
    wait(lambda: a.actions()["confirmed"] == 1, "confirmed")
    wait(lambda: b.tells("another replica leads: replica-a_"), "the other one says why it does nothing")
    assert scene.sent() == ["note", "fail", "clear"]
    assert scene.airflow.note.startswith("stagewatchd, try 1, replica replica-a, incident ")
    assert b.actions()["requested"] == 0 and not b.leads()
    status = b.json("/api/v1/status")["leader"]
    assert not status["leads"] and status["other"].startswith("replica-a_")
    assert "Replica replica-b of " in b.ctl("status").stdout


@pytest.mark.parametrize("when", ["claimed", "failed"])
def test_leader_is_killed(pair, when):
    """In the middle of an action. The new leader leaves the try alone; the old one goes on, with its ledger, once it leads again."""
    scene, a, b = pair
    leader = a
    if when == "claimed":
        scene.airflow.on_note = lambda text: leader.child.poll() is None and leader.kill()
    else:
        scene.airflow.on_fail = leader.kill
    wait(lambda: a.child.poll() is not None, "it is killed")
    scene.airflow.on_note, scene.airflow.on_fail = None, lambda: scene.master.end("app-1")
    before = scene.sent()
    wait(b.leads, "the other one leads")
    text = "another replica has claimed this try" if when == "claimed" else "is failed, not running"
    wait(lambda: b.tells(text), "it leaves the try alone")
    assert scene.sent() == before == (["note"] if when == "claimed" else ["note", "fail"])
    a.again()
    wait(lambda: a.tells("continued after a restart"), "it remembers")
    assert scene.sent() == before
    b.kill()
    wait(lambda: scene.sent()[-1] == "clear", "it goes on")
    assert [what for what in scene.sent() if what not in ("note", "kill")] == ["fail", "clear"]


def test_leader_is_ended(pair):
    """It gives the lead back, and takes it again when the other one does so."""
    scene, a, b = pair
    wait(lambda: a.actions()["confirmed"] == 1, "confirmed")
    assert a.stop()
    wait(b.leads, "the other one leads")
    a.again()
    wait(lambda: (a.json("/api/v1/status")["leader"]["other"] or "").startswith("replica-b_"), "it follows")
    assert b.stop()
    wait(a.leads, "the first one leads again")
    assert scene.sent() == ["note", "fail", "clear"]


def test_leader_is_ended_in_the_middle_of_an_action(pair):
    """Nothing of it is at work, so it gives the lead back. Its claim keeps the other one from the try, and its ledger tells it to go on."""
    scene, a, b = pair
    scene.airflow.on_fail, scene.master.kill_works = (lambda: None), False
    wait(lambda: "kill" in scene.sent(), "its app does not end")
    assert a.stop()
    sent = scene.sent()
    wait(b.leads, "the other one leads")
    wait(lambda: b.tells("is failed, not running"), "it leaves the try alone")
    a.again()
    wait(lambda: a.tells("continued after a restart"), "it remembers")
    scene.master.end("app-1", "KILLED")
    scene.driver.ended.set()
    assert b.stop()
    wait(lambda: scene.sent()[-1] == "clear", "it goes on")
    assert [what for what in scene.sent()[len(sent):] if what != "kill"] == ["clear"]


def test_leader_is_stopped(pair):
    """It wakes up late, with the answer to its note, and sends nothing."""
    scene, a, b = pair
    scene.airflow.on_note = lambda text: a.child.send_signal(signal.SIGSTOP)
    wait(b.leads, "the other one leads")
    scene.airflow.on_note = None
    wait(lambda: b.tells("another replica has claimed this try"), "it leaves the try alone")
    a.child.send_signal(signal.SIGCONT)
    wait(lambda: a.lines("no longer leads"), "the first one notices")
    wait(lambda: a.json("/api/v1/status")["leader"]["other"], "and who leads")
    a.polls_go_on(scene.driver)
    assert scene.sent() == ["note"] and not a.leads() and b.leads()


def test_partition(pair):
    """Whoever does not reach the store leads no longer, before another one does."""
    scene, a, b = pair
    wait(lambda: a.actions()["confirmed"] == 1, "confirmed")
    a.relay.set_cut(True)
    wait(b.leads, "the other one leads")
    assert not a.leads()
    assert a.json("/api/v1/status")["leader"]["why"].startswith("no replica is known to lead")
    a.relay.set_cut(False)
    wait(lambda: (a.json("/api/v1/status")["leader"]["other"] or "").startswith("replica-b_"), "it follows")
    assert b.leads() and not a.leads()


@pytest.fixture
def clocks(tmp_path, monkeypatch):
    """Before a pair: its wall clocks can be set."""
    (tmp_path / "clocks").mkdir()
    for name in ("replica-a", "replica-b"):
        (tmp_path / "clocks" / name).write_text("0\n")
    run("gcc", "-shared", "-fPIC", "-o", tmp_path / "clocks/wall_clock.so", ROOT / "tests/packages/wall_clock.c")
    monkeypatch.setattr(Replica, "clocks", tmp_path / "clocks")


@pytest.mark.parametrize("store", ["etcd"], indirect=True)
def test_clocks_are_set(clocks, pair, store):
    """On either host, to any time: who leads goes on, nobody else does, and a leader that dies is followed as ever."""
    scene, a, b = pair
    wait(lambda: a.actions()["confirmed"] == 1, "confirmed")
    before = a.metric("stagewatch_leader_transitions_total")
    for by_a, by_b in ((DAY, 0), (-400 * DAY, DAY), (0, 4000 * DAY)):
        a.set_clock(by_a)
        b.set_clock(by_b)
        a.polls_go_on(scene.master, "/json/", n=24)  # of two replicas, one a second: more than two durations of the lease
        assert a.leads() and not b.leads()
    assert a.metric("stagewatch_leader_transitions_total") == before
    a.kill()
    b.set_clock(-4000 * DAY)
    wait(b.leads, "the other one leads")
    assert scene.sent() == ["note", "fail", "clear"]


def leads_again(scene, a, b):
    wait(lambda: a.leads() or b.leads(), "one of them leads again")
    assert not (a.leads() and b.leads()) and scene.sent().count("fail") <= 1


def test_store_restarts(pair, store):
    scene, a, b = pair
    server = store if isinstance(store, Etcd) else store.server
    server.stop_server()
    wait(lambda: not a.leads(), "nobody leads")
    assert not b.leads()
    server.start_server()
    leads_again(scene, a, b)


@pytest.mark.parametrize("store", ["lease"], indirect=True)
def test_a_lease_is_deleted(pair, store):
    """By a person, under its holder."""
    scene, a, b = pair
    status, _ = store.server.request(f"{LEASES}/stagewatchd", method="DELETE")
    assert status == 200
    # By its holder's next renewal, which leads on then, or by the other one, which waits for that one's time to be over.
    wait(lambda: store.server.request(f"{LEASES}/stagewatchd")[0] == 200, "there is one again")
    leads_again(scene, a, b)
