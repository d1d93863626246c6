# SPDX-License-Identifier: Apache-2.0
"""One hung app and what is done about it, from the first suspicion to the end of its incident."""
import signal
import time

import world as sim
from waiting import LONGEST
from world import World, explain, sections

# How the world is made, what the rule says; effects that must take exactly once, those that must never; the outcome.
CLEAR = "retry_via = clear\n"
STORIES = {
    "clear": (dict(ends_with_task=False), "retry", CLEAR, ("fail", "kill", "clear"), (), "recovered"),
    "clear, ends by itself": (dict(), "retry", CLEAR, ("fail", "clear"), ("kill",), "recovered"),
    "airflow": (dict(retries=1), "retry", "retry_via = airflow\n", ("kill",), ("fail", "clear"), "recovered"),
    "kill": (dict(ends_with_task=False), "kill", "", ("fail", "kill"), ("clear",), "ended"),
    "survives": (dict(retries=1, kill_works=False, version="3.0.6"), "retry", "", ("fail", "clear"), (), "recovered"),
    "restart": (dict(), "retry", "", ("restart",), ("fail", "kill", "clear"), "recovered"),
    "restart, outlives its process": (dict(ends_with_task=False), "retry", "", ("restart", "kill"), ("fail", "clear"), "recovered"),
    "deferred": (dict(state="deferred"), "retry", "", ("kill", "restart"), ("fail", "clear"), "recovered"),
    "airflow 2": (dict(ends_with_task=False, api="v1"), "retry", "", ("fail", "kill", "clear"), (), "recovered"),
}


class Story:
    """One hung app of one task instance, told until its incident has ended."""

    def __init__(self, name, build, directory):
        how, self.action, self.more, self.once, self.never, self.outcome = STORIES[name]
        self.world = World()
        how = dict(how)
        self.airflow, self.master = sim.Airflow(self.world, how.pop("api", "v2"), version=how.pop("version", None)), sim.Master(self.world)
        self.master.kill_works = how.pop("kill_works", True)
        self.task = sim.Task(self.world, self.airflow, self.master, "d1", **how)
        self.daemon = sim.Daemon(self.world, build, directory, "")
        self.write()
        self.crashes = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.daemon.child and self.daemon.child.poll() is None:
            self.daemon.child.kill()
            self.daemon.child.wait()
        self.world.close()

    def write(self, mode="act"):
        self.daemon.write(sections(self.daemon.dir, self.airflow, self.master), mode=mode, action=self.action, more=self.more)

    def over(self):
        rows = self.daemon.rows("SELECT ended FROM incidents")
        return bool(rows) and all(r["ended"] > 0 for r in rows) and not self.daemon.rows("SELECT 1 FROM actions WHERE ended = 0")

    def until(self, predicate):
        """Waits; the daemon must not end meanwhile."""
        end = time.monotonic() + LONGEST
        while not (value := predicate()):
            text = explain(self.world, self.daemon)
            assert self.daemon.child.poll() is None and time.monotonic() < end, text
            time.sleep(0.01)
        return value

    def pause(self, seconds):
        time.sleep(seconds / self.world.pace)

    def settle(self):
        """To the end of its incident and a while on."""
        self.until(self.over)
        self.pause(10)
        assert self.daemon.stop() == 0, explain(self.world, self.daemon)

    def run(self, crashes=()):
        """Crashes at the given points, one after the other, each in a life of its own."""
        crashes, end = list(crashes), time.monotonic() + LONGEST
        self.daemon.start(crashes.pop(0) if crashes else None)
        while not self.over() or crashes:
            status = self.daemon.child.poll()
            if status is None and self.over():
                break
            if status is not None:
                assert status == -signal.SIGKILL, f"ended by {status}\n{explain(self.world, self.daemon)}"
                self.crashes += 1
                self.daemon.start(crashes.pop(0) if crashes else None)
            assert time.monotonic() < end, f"no end\n{explain(self.world, self.daemon)}"
            time.sleep(0.03)
        time.sleep(10 / self.world.pace)
        status = self.daemon.stop()
        assert status in (0, -signal.SIGKILL), explain(self.world, self.daemon)
        self.crashes += status != 0

    def is_too_late(self, effect):
        """On a machine that stands still for a while a new try may run before the daemon has seen that the old app ended by itself.
        Its kill then takes nothing."""
        at, what, _, took = effect
        return what == "kill" and not took and any(e[0] < at for e in self.world.took("run"))

    def check(self):
        text = explain(self.world, self.daemon)
        assert not self.world.broken, text
        for what in self.once:
            assert len(self.world.took(what)) == 1, f"{what}\n{text}"
        for what in self.never:
            assert not [e for e in self.world.effects if e[1] == what and not self.is_too_late(e)], f"{what}\n{text}"
        for what, most in (("fail", 3), ("kill", 3), ("clear", 3), ("restart", 3)):
            assert len([e for e in self.world.effects if e[1] == what]) <= most, f"{what}\n{text}"
        assert [r["outcome"] for r in self.daemon.rows("SELECT outcome FROM incidents")] == [self.outcome], text
        assert self.daemon.ledger_is_sound() == [], text
