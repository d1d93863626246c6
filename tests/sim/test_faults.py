# SPDX-License-Identifier: Apache-2.0
"""A fleet of apps, some of them hung, behind a network that fails at random: what must never happen does not.

The fakes know the truth and hold each request against it at once (World.breaks); this test holds the ledger against it, too.
"""
import subprocess
import time

import fakes
import pytest
import world as sim
from faults import KINDS, TIMEOUT, Faults
from waiting import LONGEST
from world import World, explain

SEEDS = [1, 2, 3]
FAULTS = 3400           # of each seed, at least
ENOUGH = 6              # that was done
PACE = 40               # at most: of a machine that has nothing else to do
PER_HOUR, MAX_RETRIES, COOLDOWN = 12, 2, 60

RULES = """
[rule old]
dag = old*
airflow = second
action = retry
[rule kill]
dag = kill*
airflow = main
action = kill
[rule airflow]
dag = airflow*
airflow = main
action = retry
retry_via = airflow
[rule clear]
dag = clear*
airflow = main
action = retry
retry_via = clear
[rule others]
app = *
airflow = main
action = retry
"""
LIMITS = f"""hung_after = 30s
hung_after_unproven = 45s
starved_after = 1h
idle_after = 1h
unobservable_after = 1h
end_timeout = 30s
retry_timeout = 1min
max_retries = {MAX_RETRIES}
cooldown = {COOLDOWN}s
"""


def busy():
    """How many times longer work takes than it would if nothing else ran here."""
    began, used = time.monotonic(), time.thread_time()
    while time.thread_time() < used + 0.2:
        pass
    return (time.monotonic() - began) / (time.thread_time() - used)


class Fleet:
    """Two clusters and two Airflows with faults, and a cluster without."""

    def __init__(self, build, directory, seed):
        self.build, self.world = build, World(pace=max(5, int(PACE / busy())))
        self.faulty = [sim.Master(self.world) for _ in range(2)]
        self.calm = sim.Master(self.world)
        self.airflow, self.second = sim.Airflow(self.world), sim.Airflow(self.world, "v1")
        self.tasks = []
        for n in range(8):
            self.add(self.airflow, self.faulty[n % 2], f"well-{n}", hangs=0)
        for n in range(3):
            self.add(self.airflow, self.calm, f"calm-{n}", hangs=0)
        self.add(self.second, self.faulty[0], "old-well", hangs=0)
        self.faults = Faults(self.world, seed, [self.calm, *[t.app.driver for t in self.tasks if t.dag.startswith("calm")]])
        for n, fake in enumerate([*self.faulty, self.airflow, self.second]):
            fake.label = f"server {n}"
        self.daemon = sim.Daemon(self.world, build, directory, "")
        self.configure()
        self.n = self.next_hang = 0

    def add(self, airflow, master, dag, **how):
        self.tasks.append(sim.Task(self.world, airflow, master, dag, **how))

    def hang_one(self):
        """Another task whose app hangs, of one kind or another."""
        n = self.n
        self.n += 1
        kind = ("clear", "stays", "airflow", "old", "kill", "auto", "again")[n % 7]
        how = {"clear": {}, "stays": {"ends_with_task": False}, "airflow": {"retries": 1}, "old": {"ends_with_task": n % 2 == 0},
               "kill": {"ends_with_task": False}, "auto": {"retries": 2, "ends_with_task": False}, "again": {"hangs": 4}}[kind]
        self.add(self.second if kind == "old" else self.airflow, self.faulty[n % 2], f"{kind}-{n}", **how)

    def configure(self):
        d = self.daemon
        rules = RULES.replace("action =", LIMITS + "action =")
        spark = "".join(f"[spark m{n}]\ntype = standalone\nurl = {m.url}\ntimeout = {TIMEOUT}s\n" for n, m in enumerate([*self.faulty, self.calm]))
        airflow = "".join(f"[airflow {name}]\nurl = {a.url}\nusername = {fakes.USER}\npassword_file = {d.dir}/password\n"
                          f"timeout = {TIMEOUT}s\n" for name, a in (("main", self.airflow), ("second", self.second)))
        d.config.write_text(
            f"[daemon]\npoll_interval = 5s\nmode = act\nstate_dir = {d.state}\ncontrol_socket = {d.socket}\n"
            f"[web]\nlisten = 127.0.0.1:0\n[limits]\nsettle = 0\nactions_per_hour = {PER_HOUR}\nstorm_threshold = 0\nstorm_share = 0\n"
            f"{spark}{airflow}{rules}")

    def explain(self):
        return f"{dict(sorted(self.faults.counts.items()))}\n{explain(self.world, self.daemon)}"

    def run(self):
        self.daemon.start()
        self.until(lambda: self.faults.total() >= FAULTS)
        self.faults.on = False
        self.until_quiet()
        assert self.daemon.stop() == 0, self.explain()

    def taken(self):
        return {what: len(self.world.took(what)) for what in ("fail", "kill", "clear", "restart", "run")}

    def until(self, done):
        """Lets it go on, and now and then one more app hangs."""
        end = time.monotonic() + LONGEST
        while not done():
            assert time.monotonic() < end, self.explain()
            assert self.daemon.child.poll() is None, f"it ended by itself: {self.daemon.child.returncode}\n{self.explain()}"
            assert not self.world.broken, self.explain()
            if self.world.now() >= self.next_hang and self.n < 60:
                self.world.loop.call_soon_threadsafe(self.hang_one)
                self.next_hang = self.world.now() + 25
            time.sleep(0.05)

    def until_quiet(self):
        """Without faults, more is done where little could be; then nothing new is begun, and what is under way comes to its end."""
        self.until(lambda: sum(self.taken().values()) >= ENOUGH)
        subprocess.run([self.build / "stagewatchctl", "--socket", self.daemon.socket, "pause", "the end"], check=True, timeout=30)
        self.until(lambda: not self.daemon.rows("SELECT 1 FROM actions WHERE ended = 0"))

    def first_requests(self):
        """When each try (or its app) was first to be ended."""
        first = {}
        for at, what, who, _ in self.world.effects:
            if what in ("fail", "kill", "restart"):
                dag, number = who.split(" try ") if what != "kill" else who.removeprefix("app-").rsplit("-", 1)
                first.setdefault((dag, int(number)), at)
        return first

    def check(self):
        assert not self.world.broken, self.explain()
        first, actions = self.first_requests(), self.daemon.rows("SELECT app_id, dag_id, try_number FROM actions")
        known = {(a["dag_id"], a["try_number"]) for a in actions}
        assert set(first) <= known, f"lost from the ledger: {set(first) - known}\n{self.explain()}"
        assert self.daemon.ledger_is_sound() == [], self.explain()
        times = sorted(first.values())
        # A request that is delivered late was counted before.
        assert all(b - a > 3600 - 2 * TIMEOUT for a, b in zip(times, times[PER_HOUR:])), f"over the budget: {times}\n{self.explain()}"
        for dag in {d for d, _ in first}:
            assert sum(d == dag for d, _ in first) <= MAX_RETRIES, f"{dag}\n{self.explain()}"
        for who in {(e[1], e[2]) for e in self.world.effects if e[1] in ("fail", "kill", "clear", "restart")}:
            # Repeated where its answer was lost; a proxy may double each.
            assert sum((e[1], e[2]) == who and e[3] for e in self.world.effects) <= 1, f"{who} took twice\n{self.explain()}"
            assert sum((e[1], e[2]) == who for e in self.world.effects) <= 8, f"{who}\n{self.explain()}"
        for task in self.tasks:
            if task.dag.startswith("calm"):
                polls = [at for at, _, path in self.world.asked[task.app.driver.port] if "/stages" in path]
                gaps = sorted(b - a for a, b in zip(polls, polls[1:]))
                told = f"{task.dag} was polled {len(polls)} times, longest gaps {gaps[-5:]} s, lag {self.world.lag} s\n{self.explain()}"
                # A machine that is busy with other things stops all at once, and for some seconds of ours.
                assert gaps[int(len(gaps) * 0.95)] < 60 and gaps[-1] < 60 + 6 * self.world.lag, told

    def close(self):
        if self.daemon.child and self.daemon.child.poll() is None:
            self.daemon.child.kill()
            self.daemon.child.wait()
        self.world.close()


@pytest.mark.parametrize("seed", SEEDS)
def test_fleet(seed, build, tmp_path):
    fleet = Fleet(build, tmp_path / "fleet", seed)
    try:
        fleet.run()
        fleet.check()
        outcomes = [r["outcome"] for r in fleet.daemon.rows("SELECT outcome FROM actions")]
        print(f"pace {fleet.world.pace}, lag {fleet.world.lag:.0f} s; seed {seed}: {fleet.faults.total()} faults of {sum(fleet.faults.asked.values())} requests: {dict(sorted(fleet.faults.counts.items()))}; "
              f"took: {fleet.taken()}; outcomes: { {o: outcomes.count(o) for o in sorted(set(outcomes))} }")
        assert set(fleet.faults.counts) == set(KINDS)
    finally:
        fleet.close()
