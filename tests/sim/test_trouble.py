# SPDX-License-Identifier: Apache-2.0
"""What an action must outlive beside a crash: disks, clocks, a second daemon, another mode, slow answers after a restart."""
import asyncio
import contextlib
import os
import signal
import sqlite3
import struct
import subprocess

import pytest
import world as sim
from story import Story
from world import explain, http, sections


@pytest.fixture
def story(build, tmp_path):
    with Story("clear", build, tmp_path / "story") as s:
        yield s


def crashed(story, crash_at):
    story.daemon.start(crash_at)
    assert story.daemon.child.wait(30) == -signal.SIGKILL, explain(story.world, story.daemon)


def first_request(build, tmp_path):
    """The number of the first fault point at which something is about to be sent."""
    with Story("clear", build, tmp_path / "whole") as whole:
        whole.run()
        return whole.daemon.names().index("remedy: before a request") + 1


def slow(story, seconds, from_poll=0):
    """The hung app's driver takes so long, once, from its n-th poll on."""
    polls = []

    async def exchange(ask, reader, writer):
        if ask.fake is story.task.apps[0].driver and "/stages" in ask.path:
            polls.append(ask)
            if len(polls) == from_poll + 1:
                await asyncio.sleep(seconds / story.world.pace)
        writer.write(ask.answer())
        await writer.drain()
        return True

    story.world.fault = exchange


@pytest.mark.parametrize("from_poll", [0, 2])
def test_slow_driver_after_restart(from_poll, story, build, tmp_path):
    """Neither what was not seen yet is gone, nor what nobody watched for a while has moved: it stays one incident."""
    crashed(story, first_request(build, tmp_path))
    slow(story, 45, from_poll)
    story.daemon.start()
    story.settle()
    story.check()


@pytest.mark.parametrize("by", [7200, -7200, 90 * 86400])
@pytest.mark.parametrize("when", ["fail", "end"])
def test_wall_clock_is_set(by, when, story, tmp_path):
    """All deadlines are on a clock that nobody sets; a restart after that finds its way as well."""
    step = tmp_path / "step"
    step.write_bytes(struct.pack("q", 0))
    story.daemon.env["SIM_STEP"] = str(step)
    story.daemon.start()
    story.until(lambda: story.world.took(when))
    with open(step, "r+b") as f:  # in place: the daemon has it mapped, and a page of an emptied file is SIGBUS
        f.write(struct.pack("q", by * 1000000))
    if when == "fail":
        story.daemon.child.kill()
        story.daemon.child.wait()
        story.daemon.start()
    story.settle()
    story.check()


def test_ledger_vanishes(story):
    story.daemon.start()
    story.until(lambda: story.world.took("fail"))
    for file in story.daemon.state.glob("ledger.db*"):
        file.unlink()
    story.settle()
    assert story.daemon.lines("The ledger in state_dir cannot be used") and story.daemon.lines("The ledger can be used again")
    story.check()


def changing(story):
    return [e for e in story.world.effects if e[1] in ("fail", "kill", "clear", "restart")]


def rubbish(file):
    with open(file, "r+b") as f:
        f.write(b"\xa5" * 4096)


def truncated(file):
    os.truncate(file, os.path.getsize(file) // 2)


def empty(file):
    os.truncate(file, 0)


def another_database(file):
    file.unlink()
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE cats (name)")


@pytest.mark.parametrize("damage", [rubbish, truncated, empty, another_database])
def test_ledger_is_damaged_between_two_lives(damage, story, build):
    """What was acted upon is forgotten, so nothing is begun until a person has looked: no try is ended twice."""
    story.daemon.start()
    story.until(lambda: story.world.took("fail"))
    story.daemon.child.kill()
    story.daemon.child.wait()
    for log in story.daemon.state.glob("ledger.db-*"):
        log.unlink()
    damage(story.daemon.state / "ledger.db")
    story.daemon.logfile.rename(story.daemon.dir / "first")
    sent = changing(story)
    sim.Task(story.world, story.airflow, story.master, "d2")
    story.daemon.start()
    story.until(lambda: story.daemon.rows("SELECT 1 FROM incidents WHERE app_id = 'app-d2-1' AND refusal LIKE 'paused by stagewatchd%'"))
    assert changing(story) == sent, explain(story.world, story.daemon)
    assert len(list(story.daemon.state.glob("ledger.db.damaged-*Z"))) == 1
    assert story.daemon.lines("The ledger in state_dir is damaged: it is kept as ") and story.daemon.lines("Still paused by stagewatchd")
    assert story.daemon.metric("stagewatch_ledger_damaged_total") == 1
    assert subprocess.run([build / "stagewatchctl", "--socket", story.daemon.socket, "resume"]).returncode == 0
    story.until(lambda: story.daemon.rows("SELECT 1 FROM actions WHERE app_id = 'app-d2-1' AND ended > 0"))
    assert story.daemon.stop() == 0
    assert len(story.world.took("fail", story.task.who())) == 1 and not story.world.broken, explain(story.world, story.daemon)


def test_ledger_is_damaged_while_it_is_open(story):
    """What is in memory goes into the new one, and the action goes on."""
    story.daemon.start()
    story.until(lambda: story.world.took("fail"))
    empty(story.daemon.state / "ledger.db")
    story.settle()
    assert story.daemon.lines("a new one is made and gets what is in memory")
    assert not story.daemon.rows("SELECT 1 FROM pause")
    story.check()


def fill(story, tmp_path):
    """Lets the state be on a file system of its own, and says how to fill and to empty it."""
    state, ballast = story.daemon.state, story.daemon.state / "ballast"
    state.mkdir(mode=0o700)
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "none", state], capture_output=True).returncode:
        pytest.skip("a file system of its own takes root and the right to mount")

    def full():
        with open(ballast, "wb", buffering=0) as f:
            try:
                while True:
                    f.write(bytes(512))
            except OSError:
                pass

    return full, ballast.unlink


def no_sync(story, tmp_path):
    path = tmp_path / "no-sync"
    story.daemon.env["SIM_NO_SYNC"] = str(path)
    return path.touch, path.unlink


def read_only(story, tmp_path):
    """As of a file system that the kernel makes read-only over an error, under what is open."""
    path = tmp_path / "read-only"
    story.daemon.env["SIM_READ_ONLY"] = str(path)
    return path.touch, path.unlink


@pytest.mark.parametrize("when", ["incident", "fail", "end"])
@pytest.mark.parametrize("trouble", [fill, no_sync, read_only])
def test_disk(trouble, when, story, tmp_path):
    """Where intent cannot be made durable nothing is sent, and watching goes on; when it can, the action does."""
    begin, end = trouble(story, tmp_path)
    try:
        story.daemon.start()
        story.until(lambda: story.daemon.rows("SELECT 1 FROM incidents") if when == "incident" else story.world.took(when))
        begin()
        story.until(lambda: story.daemon.lines("The ledger in state_dir cannot be used"))
        assert trouble is not read_only or story.daemon.lines("Read-only file system")
        assert trouble is fill or story.daemon.metric("stagewatch_ledger_up") == 0
        before, polls = len(story.world.effects), len(story.world.asked[story.task.apps[0].driver.port])
        story.pause(60)
        sent = [e for e in story.world.effects[before:] if e[1] in ("fail", "kill", "clear")]
        # A disk that is full has room again once the ledger's log is folded in.
        assert not sent or (trouble is fill and story.daemon.lines("The ledger can be used again")), explain(story.world, story.daemon)
        assert when == "end" or len(story.world.asked[story.task.apps[0].driver.port]) > polls + 2
        end()
        story.until(lambda: story.daemon.lines("The ledger can be used again"))
        story.settle()
        story.check()
    finally:
        story.daemon.child.kill()
        story.daemon.child.wait()
        if trouble is fill:
            subprocess.run(["umount", story.daemon.state], check=True)


def test_two_daemons(story, build, tmp_path):
    """The second refuses, says why, and the first is none the worse for it."""
    story.daemon.start()
    story.until(lambda: story.world.took("fail"))
    second = sim.Daemon(story.world, build, tmp_path / "second", "")
    second.state = story.daemon.state
    second.write(sections(second.dir, story.airflow, story.master), action="retry")
    second.start()
    assert second.child.wait(20) == 1
    assert second.lines("Failed to start") and second.lines("in use by another stagewatchd")
    story.settle()
    story.check()


def test_observe_over_a_restart(story):
    """Who says observe means it, also of what is under way."""
    story.daemon.start()
    story.until(lambda: story.world.took("fail"))
    story.daemon.child.kill()
    story.daemon.child.wait()
    story.write(mode="observe")
    story.daemon.start()
    action = story.until(lambda: story.daemon.rows("SELECT outcome, why FROM actions WHERE ended > 0"))[0]
    story.pause(60)
    assert story.daemon.stop() == 0
    assert action["outcome"] == "unconfirmed" and "mode is observe now" in action["why"]
    assert [e[1] for e in story.world.effects] == ["fail"] and not story.world.broken
    assert story.daemon.ledger_is_sound() == []


def test_hung_apps_that_end_at_once(story):
    """In one answer of the master's; with freed memory overwritten, so that who reads it ends."""
    others = [sim.Task(story.world, story.airflow, story.master, f"d{n}") for n in range(2, 6)]
    story.action = "notify"
    story.write()
    story.daemon.state.mkdir(mode=0o700)
    story.daemon.env["MALLOC_PERTURB_"] = "165"
    story.daemon.start()
    story.until(lambda: len(story.daemon.rows("SELECT 1 FROM incidents WHERE verdict = 'hung'")) == 5)
    for task in [story.task, *others]:
        task.app.die(1)
    story.settle()
    assert len(story.daemon.rows("SELECT 1 FROM incidents WHERE outcome = 'ended'")) == 5


def test_budget_of_many_at_once(story):
    """What is under way, but has sent nothing yet, counts as well."""
    others = [sim.Task(story.world, story.airflow, story.master, f"d{n}") for n in range(2, 7)]
    story.daemon.limits = story.daemon.limits.replace("actions_per_hour = 1000", "actions_per_hour = 2")
    story.write()
    for task in [story.task, *others]:
        task.app.driver.name = task.dag  # for the cooldown
    story.daemon.start()
    story.until(lambda: len(story.daemon.rows("SELECT 1 FROM incidents WHERE verdict = 'hung' AND refusal LIKE 'actions_per_hour%'")) == 4)
    story.until(lambda: not story.daemon.rows("SELECT 1 FROM actions WHERE ended = 0"))
    story.pause(120)
    assert story.daemon.stop() == 0
    assert len(story.world.took("fail")) == 2 and not story.world.broken, explain(story.world, story.daemon)


@pytest.mark.parametrize("over", ["reboot", "new ledger"])
def test_budget_counts_on(over, story):
    """Although the clock that nobody sets begins anew, or the ledger's file was lost before a restart."""
    story.daemon.limits = story.daemon.limits.replace("actions_per_hour = 1000", "actions_per_hour = 1")
    story.write()
    story.daemon.start()
    story.until(story.over)
    if over == "new ledger":
        for file in story.daemon.state.glob("ledger.db*"):
            file.unlink()
        story.until(lambda: story.daemon.lines("The ledger can be used again"))
    assert story.daemon.stop() == 0
    if over == "reboot":
        story.daemon.env["SIM_REBOOT"] = str(int((story.world.boot + story.world.now() - story.world.epoch - 1) * 1e6))
    sim.Task(story.world, story.airflow, story.master, "d2")
    story.daemon.start()
    story.until(lambda: story.daemon.rows("SELECT 1 FROM incidents WHERE refusal LIKE 'actions_per_hour%'"))
    assert story.daemon.stop() == 0
    assert len(story.world.took("fail")) == 1 and not story.world.broken, explain(story.world, story.daemon)


@pytest.mark.parametrize("then", ["no look", "pause"])
def test_only_a_note_was_sent(then, build, tmp_path):
    """What ends after its note, before anything was requested, leaves nothing behind in the ledger, and is begun anew."""
    with Story("airflow 2", build, tmp_path / "story") as story:
        noted = []

        async def exchange(ask, reader, writer):
            answer = ask.answer()
            if "setNote" in ask.path:
                noted.append(ask)
                if len(noted) == 1 and then == "pause":  # in the middle of it
                    pause = [build / "stagewatchctl", "--socket", story.daemon.socket, "pause", "wait", "--for", "2m"]
                    assert await (await asyncio.create_subprocess_exec(*pause)).wait() == 0
                if len(noted) == 1:
                    return False
            if len(noted) == 1 and then == "no look" and "/taskInstances/" in ask.path:
                noted.append(None)
                answer = http(404, "{}")
            writer.write(answer)
            await writer.drain()
            return True

        story.world.fault = exchange
        story.daemon.start()
        story.until(lambda: noted and not story.daemon.rows("SELECT 1 FROM actions"))
        assert not story.world.took("fail"), explain(story.world, story.daemon)
        story.settle()
        assert [ask for ask in noted if ask][1:], explain(story.world, story.daemon)
        story.check()
